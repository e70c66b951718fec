/* Converting stored texts: into sealed ones, each with its session's key, or back. A few rows at a time, by the writer;
 * what is in the wanted form already is passed over, so that whoever was killed begins again and is soon where he was.
 * What is written meanwhile is in that form anyhow. Rows that are deleted are converted too. */
#include "store/sealing.h"

#include "base/arena.h"
#include "store/pack_int.h"
#include "store/scope.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 200, BYTES = 4 << 20, FIELDS_MAX = 32 };

struct raw { /* a column as it is */
    bool null, bytes, changed;
    struct str s;
};
struct row {
    int64_t seq, slot;
    struct str id;
    struct raw v[FIELDS_MAX];
};
struct batch {
    const struct kind *k;
    const struct field *fields[FIELDS_MAX]; /* those that are sealed */
    size_t n_fields, n;
    int64_t after;
    bool more;
    struct arena *arena;
    struct row *rows;
};

/* ---- reading ---- */

static void put_select(struct buf *sql, const struct batch *b)
{
    buf_cstr(sql, "SELECT r.seq, r.id, ");
    if (b->k == KIND_SESSION) {
        buf_cstr(sql, "r.key_slot");
    } else {
        buf_cstr(sql, "(SELECT s.key_slot FROM session s WHERE s.id = ");
        scope_put_session_id(sql, b->k, "r");
        buf_char(sql, ')');
    }
    for (size_t i = 0; i < b->n_fields; i++)
        buf_fmt(sql, ", r.\"%s\"", b->fields[i]->name);
    buf_fmt(sql, " FROM \"%s\" r WHERE r.seq > ?1 ORDER BY r.seq LIMIT ?2", b->k->name);
}

static struct raw read_raw(struct query *q, struct arena *a, int column)
{
    const struct store_driver *d = q->tx->d;
    struct raw v = {.null = d->column_null(q->s, column), .bytes = d->column_is_bytes(q->s, column)};
    if (v.null)
        return v;
    v.s = arena_str(a, v.bytes ? d->column_bytes(q->s, column) : d->column_text(q->s, column));
    if (!v.s.p && !q->rc)
        q->rc = err_nomem(q->e);
    return v;
}

static enum err_code read_rows(struct store_tx *tx, struct batch *b, struct err *e)
{
    enum { AHEAD = 3 };
    struct buf sql;
    struct query q;
    size_t bytes = 0;
    buf_init(&sql, SQL_CACHE_TEXT);
    put_select(&sql, b);
    b->rows = sql.failed ? NULL : arena_array(b->arena, struct row, ROWS);
    if (!b->rows) {
        buf_release(&sql);
        return err_nomem(e);
    }
    query_sql(&q, tx, buf_view(&sql), "read records to convert", e);
    query_int(&q, b->after);
    query_int(&q, ROWS);
    while (b->n < ROWS && bytes < BYTES && query_row(&q)) {
        struct row *r = &b->rows[b->n++];
        r->seq = query_col_int(&q, 0);
        r->id = query_col_text(&q, b->arena, 1);
        r->slot = tx->d->column_null(q.s, 2) ? SEAL_STORE : query_col_int(&q, 2);
        for (size_t i = 0; i < b->n_fields; i++) {
            r->v[i] = read_raw(&q, b->arena, (int)(AHEAD + i));
            bytes += r->v[i].s.n;
        }
    }
    b->more = b->n == ROWS || bytes >= BYTES;
    buf_release(&sql);
    return query_end(&q);
}

/* ---- one value ---- */

/* Values under the store's key name its epoch first (seal/seal.h). */
static bool is_current(const struct store_tx *tx, struct str sealed, int64_t slot)
{
    const unsigned char *p = (const unsigned char *)sealed.p + SEALED_AHEAD;
    uint32_t epoch = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return value_slot(sealed) == slot && (slot != SEAL_STORE || epoch == keyring_epoch(store_keyring(tx->store)));
}

static enum err_code reseal(struct store_tx *tx, struct batch *b, const struct row *r, struct sealed_place at,
                            unsigned flags, struct str plain, struct raw *v, struct err *e)
{
    v->bytes = v->changed = true;
    return value_seal(tx, b->arena, r->slot, at, flags, plain, &v->s, e);
}

/* A key that was destroyed leaves nothing to convert: the value stays as it is, or is emptied where keys end. */
static enum err_code gone(struct store_tx *tx, const struct field *f, struct raw *v)
{
    if (tx_seals(tx))
        return ERR_OK;
    struct value empty = field_default(f);
    v->changed = true;
    v->bytes = false;
    v->s = empty.type == VALUE_TEXT ? empty.s : STR("");
    return ERR_OK;
}

static enum err_code convert_sealed(struct store_tx *tx, struct batch *b, const struct row *r, const struct field *f,
                                    struct raw *v, struct err *e)
{
    struct sealed_place at = {b->k->name, f->name, r->id};
    unsigned flags = value_flags(v->s);
    struct err why = {0};
    struct str plain;
    if (tx_seals(tx) && is_current(tx, v->s, r->slot))
        return ERR_OK;
    enum err_code rc = value_open(tx->store, b->arena, at, v->s, &plain, &why);
    if (rc == ERR_GONE)
        return gone(tx, f, v);
    if (rc)
        return err_set(e, rc, NULL, "%s %.60s: %.150s", b->k->name, r->id.p, why.message);
    if (tx_seals(tx))
        return reseal(tx, b, r, at, flags, plain, v, e);
    if (flags & SEALED_PACKED)
        rc = tx_unpack(tx, b->arena, plain, &plain, e);
    v->changed = true;
    v->bytes = false;
    v->s = plain;
    return rc;
}

static enum err_code convert_value(struct store_tx *tx, struct batch *b, const struct row *r, const struct field *f,
                                   struct raw *v, struct err *e)
{
    struct sealed_place at = {b->k->name, f->name, r->id};
    struct str text = v->s;
    enum err_code rc = ERR_OK;
    if (v->null)
        return ERR_OK;
    if (v->bytes && value_is_sealed(v->s))
        return convert_sealed(tx, b, r, f, v, e);
    if (!tx_seals(tx) || value_is_empty(text))
        return ERR_OK;
    if (v->bytes)
        rc = tx_unpack(tx, b->arena, text, &text, e);
    return rc ? rc : reseal(tx, b, r, at, 0, text, v, e);
}

/* ---- writing ---- */

static void put_update(struct buf *sql, const struct batch *b)
{
    buf_fmt(sql, "UPDATE \"%s\" SET ", b->k->name);
    for (size_t i = 0; i < b->n_fields; i++)
        buf_fmt(sql, "%s\"%s\" = ?%zu", i ? ", " : "", b->fields[i]->name, i + 2);
    buf_cstr(sql, " WHERE seq = ?1");
}

static enum err_code write_row(struct store_tx *tx, struct str sql, const struct batch *b, const struct row *r,
                               struct err *e)
{
    struct query q;
    bool changed = false;
    for (size_t i = 0; i < b->n_fields; i++)
        changed = changed || r->v[i].changed;
    if (!changed)
        return ERR_OK;
    query_sql(&q, tx, sql, "convert a record", e);
    query_int(&q, r->seq);
    for (size_t i = 0; i < b->n_fields; i++) {
        if (r->v[i].null)
            query_null(&q);
        else if (r->v[i].bytes)
            query_bytes(&q, r->v[i].s);
        else
            query_text(&q, r->v[i].s.p ? r->v[i].s : STR(""));
    }
    return query_run(&q);
}

static enum err_code batch_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct batch *b = arg;
    struct buf sql;
    tx->marks.accounted = true; /* no answer changes by it */
    b->n = 0;                   /* it may be run again */
    enum err_code rc = read_rows(tx, b, e);
    for (size_t n = 0; n < b->n && !rc; n++)
        for (size_t i = 0; i < b->n_fields && !rc; i++)
            rc = convert_value(tx, b, &b->rows[n], b->fields[i], &b->rows[n].v[i], e);
    if (rc)
        return rc;
    buf_init(&sql, SQL_CACHE_TEXT);
    put_update(&sql, b);
    rc = sql.failed ? err_nomem(e) : ERR_OK;
    for (size_t n = 0; n < b->n && !rc; n++)
        rc = write_row(tx, buf_view(&sql), b, &b->rows[n], e);
    buf_release(&sql);
    return rc;
}

/* ---- before and after ---- */

/* Sessions from before the store was sealed get their keys. */
static enum err_code slots_job(struct store_tx *tx, void *arg, struct err *e)
{
    int64_t seqs[ROWS];
    size_t n = 0;
    struct query q;
    tx->marks.accounted = true;
    tx_forget(tx); /* it remembers sessions' slots */
    query_fixed(&q, tx, STMT_SLOTS_LACKING, e);
    query_int(&q, ROWS);
    while (n < ROWS && query_row(&q))
        seqs[n++] = query_col_int(&q, 0);
    enum err_code rc = query_end(&q);
    for (size_t i = 0; i < n && !rc; i++) {
        int64_t slot = 0;
        rc = slot_take(tx, &slot, e);
        query_fixed(&q, tx, STMT_SLOT_SET, e);
        query_int(&q, seqs[i]);
        query_int(&q, slot);
        enum err_code set = query_run(&q);
        rc = rc ? rc : set;
    }
    *(bool *)arg = n == ROWS;
    return rc;
}

/* Dictionaries hold pieces of texts, and no content needs one any more; packing begins again, in the new form. */
static enum err_code end_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct query q;
    (void)arg;
    tx->marks.accounted = true;
    tx_forget(tx);
    query_fixed(&q, tx, tx_seals(tx) ? STMT_DICTIONARIES_DROP : STMT_SLOTS_DROP, e);
    enum err_code rc = query_run(&q);
    if (rc)
        return rc;
    query_fixed(&q, tx, STMT_PACK_PLACE_SET, e);
    query_int(&q, 0);
    return query_run(&q);
}

/* ---- the whole ---- */

static enum err_code last_seq(struct store *s, const struct kind *k, int64_t *out, struct err *e)
{
    struct store_tx *tx;
    struct query q;
    char sql[128];
    int n = snprintf(sql, sizeof sql, "SELECT max(seq) FROM \"%s\"", k->name);
    enum err_code rc = store_read_begin(s, &tx, e);
    if (rc)
        return rc;
    query_sql(&q, tx, (struct str){sql, (size_t)n}, "read records to convert", e);
    *out = query_row(&q) ? query_col_int(&q, 0) : 0;
    rc = query_end(&q);
    store_read_end(tx);
    return rc;
}

static enum err_code convert_batch(struct store *s, const struct kind *k, int64_t *after, bool *more, struct err *e)
{
    struct batch b = {.k = k, .after = *after, .arena = arena_new()};
    if (!b.arena)
        return err_nomem(e);
    for (size_t i = 0; i < k->n_fields; i++)
        if (field_seals(k, &k->fields[i]) && b.n_fields < FIELDS_MAX)
            b.fields[b.n_fields++] = &k->fields[i];
    enum err_code rc = store_write(s, batch_job, &b, e);
    if (!rc && b.n)
        *after = b.rows[b.n - 1].seq;
    *more = b.more;
    arena_free(b.arena);
    return rc;
}

struct telling {
    void (*fn)(void *arg, int64_t done, int64_t total);
    void *arg;
    int64_t done, total;
};

static enum err_code convert_kind(struct store *s, const struct kind *k, struct telling *t, struct err *e)
{
    int64_t last = 0, after = 0;
    enum err_code rc = last_seq(s, k, &last, e);
    for (bool more = last > 0; more && !rc;) {
        rc = convert_batch(s, k, &after, &more, e);
        if (!rc && t->fn)
            t->fn(t->arg, t->done + (after < last ? after : last), t->total);
    }
    t->done += last;
    return rc;
}

static enum err_code count_rows(struct store *s, int64_t *total, struct err *e)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    enum err_code rc = ERR_OK;
    *total = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        int64_t last = 0;
        rc = kind_seals(&all[i]) ? last_seq(s, &all[i], &last, e) : ERR_OK;
        *total += last;
    }
    return rc;
}

enum err_code store_convert_columns(struct store *s, void (*progress)(void *arg, int64_t done, int64_t total),
                                    void *arg, struct err *e)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    struct telling t = {.fn = progress, .arg = arg};
    bool more = keyring_seals(store_keyring(s));
    enum err_code rc = store_keyring(s) ? count_rows(s, &t.total, e) : ERR_OK;
    if (!store_keyring(s) || rc)
        return rc;
    while (more && !rc)
        rc = store_write(s, slots_job, &more, e);
    for (size_t i = 0; i < n && !rc; i++)
        if (kind_seals(&all[i]))
            rc = convert_kind(s, &all[i], &t, e);
    return rc ? rc : store_write(s, end_job, NULL, e);
}
