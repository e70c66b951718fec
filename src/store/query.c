/* Connections with their cached statements, and queries. Why sticky: a chain of bind, step and read stays flat,
 * and the first failure comes out of query_end. Statements are prepared on first use and kept: the fixed ones by
 * number, a kind's own by kind and purpose, any other text in a small cache, least recently used out.
 * A statement is one per connection: read its rows into the arena before the same one is used again. */
#include "store/pack_int.h"
#include "store/sealing.h"

#include "base/mem.h"

#include <string.h>

static const struct {
    const char *what, *sql;
} fixed_sql[STMT_COUNT] = {
#define X(id, what, sql) [STMT_##id] = {what, sql},
    STATEMENTS(X)
#undef X
};

enum err_code tx_open(struct store *s, bool writer, struct store_tx **out, struct err *e)
{
    size_t kinds;
    (void)kinds_all(&kinds);
    struct store_tx *tx = mem_zalloc(sizeof *tx);
    *out = NULL;
    if (!tx)
        return err_nomem(e);
    tx->store = s;
    tx->d = s->driver;
    tx->writer = writer;
    tx->of_kind = mem_zalloc(kinds * SQL_KINDS * sizeof(struct driver_stmt *));
    const struct driver_options o = {.path = s->path,
                                     .files = s->files,
                                     .read_only = !writer,
                                     .create = writer,
                                     .busy_ms = s->busy_ms,
                                     .sync_normal = s->sync_normal,
                                     .bulk = s->bulk,
                                     .memory = s->memory,
                                     .opened = sealing_opened,
                                     .opened_arg = s};
    if (writer)
        tx->memory = mem_zalloc(sizeof *tx->memory);
    tx_forget(tx);
    bool enough = tx->of_kind && (tx->memory || !writer);
    enum err_code rc = enough ? tx->d->open(&o, &tx->c, e) : err_nomem(e);
    if (rc) {
        mem_free(tx->memory);
        mem_free(tx->of_kind);
        mem_free(tx);
        return rc;
    }
    *out = tx;
    return ERR_OK;
}

/* SQLite refuses to close a connection that still has statements, so they go first. */
void tx_close(struct store_tx *tx)
{
    if (!tx)
        return;
    size_t kinds;
    (void)kinds_all(&kinds);
    for (size_t i = 0; i < STMT_COUNT; i++)
        tx->d->finalize(tx->fixed[i]);
    for (size_t i = 0; i < kinds * SQL_KINDS; i++)
        tx->d->finalize(tx->of_kind[i]);
    for (size_t i = 0; i < SQL_CACHE; i++) {
        tx->d->finalize(tx->cache[i].s);
        mem_free(tx->cache[i].sql);
    }
    tx->d->close(tx->c);
    unpacker_free(tx->unpacker);
    packer_free(tx->packer);
    mem_free(tx->memory);
    mem_free(tx->of_kind);
    mem_free(tx);
}

void tx_forget(struct store_tx *tx)
{
    if (tx->memory)
        tx->memory->era++;
}

/* Not being able to tell counts as a change: forgetting is always right, only slower. */
void tx_notice_others(struct store_tx *tx)
{
    int64_t now;
    if (tx->d->change_counter(tx->c, &now, NULL) || now != tx->memory->change_counter)
        tx_forget(tx);
    else
        return;
    tx->memory->change_counter = now;
}

/* ---- getting a statement ---- */

static bool start(struct query *q, struct store_tx *tx, struct err *e)
{
    *q = (struct query){.tx = tx, .e = e};
    if (tx->begun || tx->writer)
        return true;
    q->rc = tx->d->begin(tx->c, DRIVER_READ, e);
    tx->begun = q->rc == ERR_OK;
    return tx->begun;
}

/* Fills the slot once; from then on the statement is only reset and bound again. */
static void prepare(struct query *q, struct str sql, const char *what, struct driver_stmt **slot)
{
    if (!*slot)
        q->rc = q->tx->d->prepare(q->tx->c, sql, what, slot, q->e);
    q->s = *slot;
}

void query_fixed(struct query *q, struct store_tx *tx, enum statement which, struct err *e)
{
    if (start(q, tx, e))
        prepare(q, str_of(fixed_sql[which].sql), fixed_sql[which].what, &tx->fixed[which]);
}

/* Completes "cannot …" in an error message. */
static const char *what_of_kind(enum kind_sql which)
{
    switch (which) {
    case SQL_INSERT:
        return "store a record";
    case SQL_DELETE:
        return "delete a record";
    case SQL_COUNT:
        return "count records";
    default:
        return "read a record";
    }
}

void query_kind(struct query *q, struct store_tx *tx, const struct kind *k, enum kind_sql which, struct err *e)
{
    if (!start(q, tx, e))
        return;
    struct driver_stmt **slot = &tx->of_kind[(size_t)kind_number(k) * SQL_KINDS + which];
    struct buf sql;
    buf_init(&sql, SQL_CACHE_TEXT * 4);
    if (!*slot)
        sql_of_kind(&sql, k, which);
    if (sql.failed)
        q->rc = err_nomem(e);
    else
        prepare(q, buf_view(&sql), what_of_kind(which), slot);
    buf_release(&sql);
}

/* The entry to take over: an empty one, else the one unused for longest. */
static struct cached_sql *victim(struct store_tx *tx)
{
    struct cached_sql *oldest = &tx->cache[0];
    for (size_t i = 0; i < SQL_CACHE; i++) {
        if (!tx->cache[i].s)
            return &tx->cache[i];
        if (tx->cache[i].used < oldest->used)
            oldest = &tx->cache[i];
    }
    tx->d->finalize(oldest->s);
    mem_free(oldest->sql);
    *oldest = (struct cached_sql){0};
    return oldest;
}

/* A linear search, lengths first: far cheaper than parsing SQL again, and a connection sees few different texts. */
void query_sql(struct query *q, struct store_tx *tx, struct str sql, const char *what, struct err *e)
{
    if (!start(q, tx, e))
        return;
    for (size_t i = 0; i < SQL_CACHE; i++) {
        struct cached_sql *c = &tx->cache[i];
        if (c->s && c->n == sql.n && memcmp(c->sql, sql.p, sql.n) == 0) {
            c->used = ++tx->tick;
            q->s = c->s;
            return;
        }
    }
    struct cached_sql *c = victim(tx);
    c->sql = mem_alloc(sql.n + 1);
    if (!c->sql) {
        q->rc = err_nomem(e);
        return;
    }
    memcpy(c->sql, sql.p, sql.n);
    c->n = sql.n;
    c->used = ++tx->tick;
    prepare(q, sql, what, &c->s);
    if (!c->s) {
        mem_free(c->sql);
        *c = (struct cached_sql){0};
    }
}

/* ---- using it ---- */

void query_null(struct query *q)
{
    if (q->s)
        q->tx->d->bind_null(q->s, ++q->bound);
}

void query_int(struct query *q, int64_t v)
{
    if (q->s)
        q->tx->d->bind_int(q->s, ++q->bound, v);
}

void query_real(struct query *q, double v)
{
    if (q->s)
        q->tx->d->bind_real(q->s, ++q->bound, v);
}

void query_text(struct query *q, struct str v)
{
    if (!v.p) {
        query_null(q);
    } else if (q->s) {
        q->tx->bytes += v.n;
        q->tx->d->bind_text(q->s, ++q->bound, v);
    }
}

void query_bytes(struct query *q, struct str v)
{
    if (q->s)
        q->tx->d->bind_bytes(q->s, ++q->bound, v);
}

void query_value(struct query *q, const struct value *v)
{
    switch (v->type) {
    case VALUE_INT:
        query_int(q, v->i);
        break;
    case VALUE_REAL:
        query_real(q, v->d);
        break;
    case VALUE_TEXT:
        query_text(q, v->s.p ? v->s : STR(""));
        break;
    case VALUE_UNSET:
    case VALUE_NULL:
        query_null(q);
        break;
    }
}

/* After a failure, also one of binding or of preparing, there are no rows: loops end by themselves. */
bool query_row(struct query *q)
{
    bool row = false;
    if (q->s && !q->rc)
        q->rc = q->tx->d->step(q->s, &row, q->e);
    return row && !q->rc;
}

/* Also needed after a failure: a statement that is not reset keeps its locks. */
enum err_code query_end(struct query *q)
{
    if (q->s)
        q->tx->d->reset(q->s);
    q->s = NULL;
    return q->rc;
}

enum err_code query_run(struct query *q)
{
    (void)query_row(q);
    return query_end(q);
}

int64_t query_col_int(struct query *q, int i)
{
    return q->tx->d->column_int(q->s, i);
}

struct str query_col_text(struct query *q, struct arena *a, int i)
{
    struct str s;
    if (q->tx->d->column_is_bytes(q->s, i)) {
        if (value_is_sealed(q->tx->d->column_bytes(q->s, i))) { /* query_col_sealed is for these */
            q->rc = err_set(q->e, ERR_INTERNAL, NULL, "a sealed text was read without saying what it is");
            return STR_NONE;
        }
        enum err_code rc = tx_unpack(q->tx, a, q->tx->d->column_bytes(q->s, i), &s, q->e);
        if (rc && !q->rc)
            q->rc = rc;
        return s;
    }
    s = q->tx->d->column_text(q->s, i);
    if (!s.p)
        return STR_NONE;
    s = arena_str(a, s);
    if (!s.p && !q->rc)
        q->rc = err_nomem(q->e);
    return s;
}
