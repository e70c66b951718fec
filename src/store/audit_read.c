/* Reading the audit log: pages, newest first, and the whole chain in order. See audit.h. */
#include "store/audit_int.h"

#include "base/json.h"

#include <sodium.h>
#include <string.h>

struct audit_row audit_read_row(struct query *q)
{
    const struct store_driver *d = q->tx->d;
    struct str id = d->column_text(q->s, 1);
    struct audit_row r = {.seq = query_col_int(q, 0), .at = query_col_int(q, 2)};
    struct str *const texts[] = {&r.project, &r.actor,   &r.action,  &r.record_kind, &r.record_id,
                                 &r.session, &r.reason,  &r.outcome, &r.request_id,  &r.door,
                                 &r.peer,    &r.details, &r.hash};
    bool odd = id.n || d->column_null(q->s, 1) || query_col_int(q, 3) != r.at || query_col_int(q, 4) != 1 ||
               !d->column_null(q->s, 5);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        odd = odd || d->column_null(q->s, 6 + (int)i);
        *texts[i] = d->column_text(q->s, 6 + (int)i);
    }
    r.odd = odd;
    return r;
}

static bool keep_row(struct arena *a, const struct audit_row *from, struct audit_row *to)
{
    *to = *from;
    struct str *const texts[] = {&to->project, &to->actor,   &to->action,  &to->record_kind, &to->record_id,
                                 &to->session, &to->reason,  &to->outcome, &to->request_id,  &to->door,
                                 &to->peer,    &to->details, &to->hash};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = texts[i]->p ? arena_str(a, *texts[i]) : STR("");
    return !arena_failed(a);
}

/* ---- pages ---- */

/* Rows are filed under a hash, so another record's may turn up; in details ids stand in quotes. */
static bool names(const struct audit_row *r, struct str record)
{
    if (!record.n || str_eq(r->record_id, record) || str_eq(r->session, record))
        return true;
    for (struct str rest = r->details; rest.n > record.n;) {
        ptrdiff_t at = str_find(rest, record);
        if (at < 0)
            return false;
        const char *p = rest.p + at;
        if (at > 0 && p[-1] == '"' && (size_t)at + record.n < rest.n && p[record.n] == '"')
            return true;
        rest = str_skip(rest, (size_t)at + 1);
    }
    return false;
}

static enum err_code bind_list(struct query *q, struct store_tx *tx, const struct audit_query *a, struct err *e)
{
    int64_t indexed = 0;
    struct str filed = a->record.n ? a->record : a->session;
    enum err_code rc = filed.n ? audit_indexed(tx, &indexed, e) : ERR_OK;
    if (rc)
        return rc;
    query_fixed(q, tx, filed.n ? STMT_AUDIT_LIST_OF : STMT_AUDIT_LIST, e);
    query_int(q, a->before ? a->before : INT64_MAX);
    query_text(q, a->actor);
    query_text(q, a->action);
    query_text(q, a->outcome);
    query_int(q, a->from);
    query_int(q, a->to ? a->to : INT64_MAX);
    query_int(q, a->scope);
    query_text(q, a->project.p ? a->project : STR(""));
    if (filed.n) {
        query_int(q, audit_key(filed));
        query_int(q, indexed);
    }
    return ERR_OK;
}

enum err_code audit_list(struct store_tx *tx, struct arena *a, const struct audit_query *query, struct audit_row **rows,
                         size_t *n, struct err *e)
{
    struct query q = {0};
    *n = 0;
    *rows = arena_array(a, struct audit_row, (size_t)query->limit);
    if (!*rows)
        return err_nomem(e);
    enum err_code rc = bind_list(&q, tx, query, e);
    if (rc)
        return rc;
    while (*n < (size_t)query->limit && query_row(&q)) {
        struct audit_row r = audit_read_row(&q);
        if (!names(&r, query->record) || !names(&r, query->session))
            continue;
        if (!keep_row(a, &r, &(*rows)[*n])) {
            (void)query_end(&q);
            return err_nomem(e);
        }
        ++*n;
    }
    return query_end(&q);
}

/* ---- the chain ---- */

enum err_code audit_walk(struct store_tx *tx, int64_t after, int64_t limit, audit_fn *fn, void *arg, int64_t *last,
                         struct err *e)
{
    struct query q;
    enum err_code code = ERR_OK;
    *last = after;
    query_fixed(&q, tx, STMT_AUDIT_WALK, e);
    query_int(&q, after);
    query_int(&q, limit);
    while (!code && query_row(&q)) {
        struct audit_row r = audit_read_row(&q);
        *last = r.seq;
        code = fn(arg, &r, e);
    }
    enum err_code rc = query_end(&q);
    return code ? code : rc;
}

enum err_code audit_anchor(struct store_tx *tx, unsigned char out[AUDIT_HASH], struct err *e)
{
    struct query q;
    struct arena *a = arena_new();
    const struct json *o = NULL;
    memset(out, 0, AUDIT_HASH);
    if (!a)
        return err_nomem(e);
    query_fixed(&q, tx, STMT_AUDIT_LAST_CUT, e);
    if (query_row(&q) && !json_parse(a, tx->d->column_text(q.s, 0), 0, &o, NULL)) {
        struct str hex = json_text(o, "last_hash");
        size_t n = 0;
        if (!hex.p || sodium_hex2bin(out, AUDIT_HASH, hex.p, hex.n, NULL, &n, NULL) != 0)
            memset(out, 0, AUDIT_HASH);
    }
    arena_free(a);
    return query_end(&q);
}
