/* Erasing rows. See erase.h. A reader finds which rows are meant, the writer takes them out by their numbers, so it
 * never searches. What belongs to a session or conversation is what cascade.c says. */
#include "store/erase.h"

#include "base/clock.h"
#include "store/internal.h"

#include <string.h>

enum { ROWS_MAX = 1000 };

bool erase_takes(const struct kind *k)
{
    static const char *const never[] = {"token", "progress", "erasure", "tombstone"};
    if (k->flags & KIND_CHAIN)
        return false;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(k->name, never[i]) == 0)
            return false;
    return true;
}

/* ---- tombstones ---- */

static enum err_code put_tombstone(struct store_tx *tx, struct arena *a, struct str erasure_id, const struct record *of,
                                   struct str shown, int64_t erased_at, struct err *e)
{
    struct record *t = record_new(a, KIND_TOMBSTONE);
    if (!t)
        return err_nomem(e);
    t->project = of->project;
    record_set(t, "erased_kind", V_TEXT(str_of(of->kind->name)));
    record_set(t, "erased_id", V_TEXT(shown));
    record_set(t, "erased_seq", V_INT(of->seq));
    record_set(t, "erasure_id", V_TEXT(erasure_id));
    if (erased_at)
        record_set(t, "erased_at", V_INT(erased_at));
    return record_insert(tx, a, t, e);
}

enum err_code erase_list(struct store_tx *tx, struct arena *a, struct str erasure_id, const struct record *r,
                         struct str shown, struct err *e)
{
    return put_tombstone(tx, a, erasure_id, r, shown, 0, e);
}

/* That of a listed row is there already. */
static enum err_code mark_listed(struct store_tx *tx, struct str erasure_id, const struct record *r, int64_t now,
                                 bool *marked, struct err *e)
{
    struct query q;
    int64_t before = tx->d->changed(tx->c);
    query_fixed(&q, tx, STMT_TOMBSTONE_ERASED, e);
    query_text(&q, erasure_id);
    query_text(&q, str_of(r->kind->name));
    query_int(&q, r->seq);
    query_int(&q, now);
    enum err_code rc = query_run(&q);
    *marked = !rc && tx->d->changed(tx->c) != before;
    return rc;
}

/* ---- one row ---- */

struct erasing {
    const struct erase_wish *wish;
    const struct kind *kind;
    int64_t seqs[ROWS_MAX];
    size_t n;
    int64_t now;
    struct arena *arena;
};

static void begin(struct query *q, struct store_tx *tx, struct buf *sql, struct err *e)
{
    if (sql->failed)
        err_nomem(e);
    query_sql(q, tx, buf_view(sql), "erase a record", e);
}

/* The few columns that are needed; *found: it is there. */
static enum err_code read_row(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq,
                              struct record *out, bool *found, struct err *e)
{
    struct buf sql;
    struct query q;
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_fmt(&sql, "SELECT id, project, version FROM \"%s\" WHERE seq = ?1", k->name);
    begin(&q, tx, &sql, e);
    query_int(&q, seq);
    *out = (struct record){.kind = k, .seq = seq};
    *found = query_row(&q);
    if (*found) {
        out->id = query_col_text(&q, a, 0);
        out->project = query_col_text(&q, a, 1);
        out->version = query_col_int(&q, 2);
    }
    buf_release(&sql);
    return query_end(&q);
}

static enum err_code yes(struct store_tx *tx, struct buf *sql, int64_t seq, bool *out, struct err *e)
{
    struct query q;
    begin(&q, tx, sql, e);
    query_int(&q, seq);
    *out = query_row(&q);
    return query_end(&q);
}

/* *last: no row of its table has a higher seq. *numbered: a turn whose conversation lives on. */
static enum err_code must_stay(struct store_tx *tx, const struct erasing *w, const struct kind *k, int64_t seq,
                               bool *last, bool *numbered, struct err *e)
{
    *last = *numbered = false;
    bool alone = w->wish->scope == ERASE_LISTED || w->wish->scope == ERASE_AGED;
    struct buf sql;
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_fmt(&sql, "SELECT 1 FROM (SELECT max(seq) AS top FROM \"%s\") AS m WHERE m.top = ?1", k->name);
    enum err_code rc = yes(tx, &sql, seq, last, e);
    if (!rc && alone && k == KIND_TURN) {
        buf_clear(&sql);
        buf_cstr(&sql, "SELECT 1 FROM turn t JOIN conversation c ON c.id = t.conversation_id WHERE t.seq = ?1"
                       " AND c.deleted_at IS NULL");
        rc = yes(tx, &sql, seq, numbered, e);
    }
    buf_release(&sql);
    return rc;
}

/* Whether the column is among the `unique` ones of the kind, first or later. */
static bool unique_column(const struct kind *k, const char *name)
{
    struct str rest = str_of(k->unique);
    while (rest.p) {
        struct str one = str_trim(str_cut(&rest, ','));
        if (str_is(one, name))
            return true;
    }
    return false;
}

/* What a field holds once its row is empty. Unique columns get what no other row has. */
static void put_empty(struct buf *sql, const struct kind *k, const struct field *f, bool numbered)
{
    bool place = strcmp(f->name, "conversation_id") == 0 || strcmp(f->name, "session_id") == 0 ||
                 strcmp(f->name, "turn_number") == 0;
    if (numbered && place)
        return;
    bool number = f->type == FIELD_INT || f->type == FIELD_REAL || f->type == FIELD_BOOL || f->type == FIELD_TIME;
    if (unique_column(k, f->name))
        buf_fmt(sql, ", \"%s\" = %s", f->name, number ? "1" : "'gone_' || seq");
    else if (f->flags & FIELD_REQUIRED)
        buf_fmt(sql, ", \"%s\" = %s", f->name, number ? "0" : "''");
    else
        buf_fmt(sql, ", \"%s\" = NULL", f->name);
}

static void put_emptying(struct buf *sql, const struct kind *k, bool numbered)
{
    buf_fmt(sql, "UPDATE \"%s\" SET version = 0, updated_at = ?2, deleted_at = coalesce(deleted_at, ?2)", k->name);
    if (!numbered)
        buf_cstr(sql, ", id = 'gone_' || seq, project = ''");
    for (size_t i = 0; i < k->n_fields; i++)
        put_empty(sql, k, &k->fields[i], numbered);
    buf_cstr(sql, " WHERE seq = ?1");
}

static enum err_code take_out(struct store_tx *tx, const struct kind *k, int64_t seq, bool last, bool numbered,
                              int64_t now, struct err *e)
{
    struct buf sql;
    struct query q;
    buf_init(&sql, SQL_CACHE_TEXT);
    if (last || numbered)
        put_emptying(&sql, k, numbered);
    else
        buf_fmt(&sql, "DELETE FROM \"%s\" WHERE seq = ?1", k->name);
    begin(&q, tx, &sql, e);
    query_int(&q, seq);
    if (last || numbered)
        query_int(&q, now);
    buf_release(&sql);
    return query_run(&q);
}

static enum err_code erase_row(struct store_tx *tx, struct erasing *w, const struct kind *k, int64_t seq,
                               struct err *e);

/* Seqs of the rows of `on` that are attached to r. */
static enum err_code attached(struct store_tx *tx, struct erasing *w, const struct kind *on, const struct record *r,
                              int64_t **seqs, size_t *n, struct err *e)
{
    struct buf sql;
    struct query q;
    size_t room = 0;
    *n = 0;
    *seqs = NULL;
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_fmt(&sql, "SELECT seq FROM \"%s\" WHERE record_id = ?1 AND record_kind = ?2", on->name);
    begin(&q, tx, &sql, e);
    query_text(&q, r->id);
    query_text(&q, str_of(r->kind->name));
    while (query_row(&q)) {
        if (*n == room) {
            int64_t *more = arena_array(w->arena, int64_t, room ? 2 * room : 8);
            if (!more) {
                q.rc = err_nomem(e);
                break;
            }
            if (*n)
                memcpy(more, *seqs, *n * sizeof *more);
            *seqs = more;
            room = room ? 2 * room : 8;
        }
        (*seqs)[(*n)++] = query_col_int(&q, 0);
    }
    buf_release(&sql);
    return query_end(&q);
}

static bool attaches(const struct kind *k)
{
    return erase_takes(k) && kind_field(k, STR("record_id")) >= 0 && kind_field(k, STR("record_kind")) >= 0;
}

static enum err_code erase_attached(struct store_tx *tx, struct erasing *w, const struct record *r, struct err *e)
{
    size_t n_kinds, n = 0;
    const struct kind *kinds = kinds_all(&n_kinds);
    int64_t *seqs;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < n_kinds && !attaches(r->kind); i++) {
        if (!attaches(&kinds[i]))
            continue;
        rc = attached(tx, w, &kinds[i], r, &seqs, &n, e);
        for (size_t j = 0; !rc && j < n; j++)
            rc = erase_row(tx, w, &kinds[i], seqs[j], e);
    }
    return rc;
}

/* A row that is empty already, and may go now, goes without another tombstone. */
static enum err_code erase_row(struct store_tx *tx, struct erasing *w, const struct kind *k, int64_t seq, struct err *e)
{
    struct record r;
    bool found, last = false, numbered = false, marked = false;
    enum err_code rc = read_row(tx, w->arena, k, seq, &r, &found, e);
    if (!rc && found)
        rc = must_stay(tx, w, k, seq, &last, &numbered, e);
    if (!rc && w->wish->scope == ERASE_LISTED)
        rc = mark_listed(tx, w->wish->erasure_id, &(struct record){.kind = k, .seq = seq}, w->now, &marked, e);
    if (rc || !found)
        return rc;
    if (r.version > 0)
        rc = erase_attached(tx, w, &r, e);
    if (!rc && r.version > 0 && !marked)
        rc = put_tombstone(tx, w->arena, w->wish->erasure_id, &r, r.id, w->now, e);
    if (rc || (r.version == 0 && (last || numbered)))
        return rc;
    return take_out(tx, k, seq, last, numbered, w->now, e);
}

static enum err_code erase_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct erasing *w = arg;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < w->n && !rc; i++)
        rc = erase_row(tx, w, w->kind, w->seqs[i], e);
    tx->marks.all = tx->marks.accounted = true;
    tx_forget(tx);
    return rc;
}

/* ---- which rows ---- */

/* Which rows of a kind are meant, the number-th way; NULL: there is no (more) such way. */
static const char *meant(const struct kind *k, enum erase_scope scope, int number)
{
    switch (scope) {
    case ERASE_SESSION:
    case ERASE_CONVERSATION:
        return cascade_way(k, scope == ERASE_SESSION, number);
    case ERASE_PROJECT:
        return cascade_project_way(k, number);
    case ERASE_AGED: /* as the index ix_…_deleted says it */
        return number ? NULL : "deleted_at IS NOT NULL AND version > 0 AND deleted_at <= ?1";
    case ERASE_LISTED:
        break;
    }
    return NULL;
}

/* In no order: what was erased belongs no more, so the next look finds what is left. */
static bool put_search(struct buf *sql, const struct kind *k, const struct erase_wish *w, int number)
{
    const char *where = meant(k, w->scope, number);
    if (w->scope == ERASE_LISTED && number == 0)
        buf_cstr(sql, "SELECT erased_seq FROM tombstone WHERE erasure_id = ?1 AND erased_kind = ?3"
                      " AND erased_at IS NULL LIMIT ?2");
    else if (where)
        buf_fmt(sql, "SELECT seq FROM \"%s\" WHERE %s LIMIT ?2", k->name, where);
    return sql->n > 0;
}

static enum err_code search(struct store_tx *tx, struct erasing *w, int limit, int number, bool *known, struct err *e)
{
    struct buf sql;
    struct query q;
    buf_init(&sql, SQL_CACHE_TEXT);
    w->n = 0;
    *known = put_search(&sql, w->kind, w->wish, number);
    if (!*known) {
        buf_release(&sql);
        return ERR_OK;
    }
    begin(&q, tx, &sql, e);
    if (w->wish->scope == ERASE_AGED)
        query_int(&q, w->wish->before);
    else
        query_text(&q, w->wish->scope == ERASE_LISTED ? w->wish->erasure_id : w->wish->id);
    query_int(&q, limit);
    if (w->wish->scope == ERASE_LISTED)
        query_text(&q, str_of(w->kind->name));
    while (w->n < (size_t)limit && query_row(&q))
        w->seqs[w->n++] = query_col_int(&q, 0);
    buf_release(&sql);
    return query_end(&q);
}

/* Kinds from the last to the first, since what belongs to something comes after it in the table: the conversation that
 * tells whose turns they are goes after them. */
static enum err_code find(struct store *s, struct erasing *w, int limit, struct err *e)
{
    struct store_tx *tx;
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    enum err_code rc = store_read_begin(s, &tx, e);
    if (rc)
        return rc;
    for (size_t i = n_kinds; !rc && !w->n && i > 0; i--) {
        bool known = erase_takes(&kinds[i - 1]);
        w->kind = &kinds[i - 1];
        for (int number = 0; !rc && known && !w->n; number++)
            rc = search(tx, w, limit, number, &known, e);
    }
    store_read_end(tx);
    return rc;
}

enum err_code erase_some(struct store *s, const struct erase_wish *w, int limit, bool *left, struct err *e)
{
    struct arena *a = arena_new();
    struct erasing *one = a ? arena_alloc(a, sizeof *one) : NULL;
    *left = false;
    if (!one) {
        if (a)
            arena_free(a);
        return err_nomem(e);
    }
    *one = (struct erasing){.wish = w, .now = clock_now_ms(), .arena = a};
    enum err_code rc = find(s, one, limit < 1 ? 1 : limit > ROWS_MAX ? ROWS_MAX : limit, e);
    if (!rc && one->n) {
        rc = store_write(s, erase_job, one, e);
        *left = !rc;
    }
    arena_free(a);
    return rc;
}

/* ---- what came of it ---- */

enum err_code erase_counts(struct store_tx *tx, struct arena *a, struct str erasure_id, struct erase_count **out,
                           size_t *n, struct err *e)
{
    size_t n_kinds;
    (void)kinds_all(&n_kinds);
    struct query q;
    *n = 0;
    *out = arena_array(a, struct erase_count, n_kinds + 1);
    if (!*out)
        return err_nomem(e);
    query_fixed(&q, tx, STMT_TOMBSTONE_COUNTS, e);
    query_text(&q, erasure_id);
    while (*n < n_kinds && query_row(&q)) {
        (*out)[*n] = (struct erase_count){query_col_text(&q, a, 0), query_col_int(&q, 1)};
        ++*n;
    }
    return query_end(&q);
}

static enum err_code would_take(struct store_tx *tx, const struct kind *k, const struct erase_wish *w, int64_t *n,
                                struct err *e)
{
    const char *where;
    enum err_code rc = ERR_OK;
    *n = 0;
    for (int number = 0; !rc && (where = meant(k, w->scope, number)); number++) {
        struct buf sql;
        struct query q;
        buf_init(&sql, SQL_CACHE_TEXT);
        buf_fmt(&sql, "SELECT count(*) FROM \"%s\" WHERE version > 0 AND %s", k->name, where);
        begin(&q, tx, &sql, e);
        if (w->scope == ERASE_AGED)
            query_int(&q, w->before);
        else
            query_text(&q, w->id);
        if (query_row(&q))
            *n += query_col_int(&q, 0);
        buf_release(&sql);
        rc = query_end(&q);
    }
    return rc;
}

enum err_code erase_would(struct store_tx *tx, struct arena *a, const struct erase_wish *w, struct erase_count **out,
                          size_t *n, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    enum err_code rc = ERR_OK;
    *n = 0;
    *out = arena_array(a, struct erase_count, n_kinds + 1);
    for (size_t i = 0; !rc && *out && i < n_kinds; i++) {
        int64_t rows = 0;
        if (erase_takes(&kinds[i]))
            rc = would_take(tx, &kinds[i], w, &rows, e);
        if (!rc && rows)
            (*out)[(*n)++] = (struct erase_count){str_of(kinds[i].name), rows};
    }
    return *out ? rc : err_nomem(e);
}

enum err_code erase_ids(struct store_tx *tx, struct str erasure_id, void (*fn)(void *, struct str kind, struct str id),
                        void *arg, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TOMBSTONE_IDS, e);
    query_text(&q, erasure_id);
    while (query_row(&q))
        fn(arg, tx->d->column_text(q.s, 0), tx->d->column_text(q.s, 1));
    return query_end(&q);
}
