/* Which rows name a record: filed behind the writes, in batches, under a hash of its id (table audit_mention). Why not
 * an SQL index on the row: a recall names dozens of records, and every durable write would pay for it. The table is
 * derived; the chain does not cover it, and whoever lists looks at the rows themselves. */
#include "store/audit_int.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

/* FNV-1a, as a number both SQL dialects hold. */
int64_t audit_key(struct str record)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < record.n; i++)
        h = (h ^ (unsigned char)record.p[i]) * 1099511628211u;
    return (int64_t)h;
}

enum err_code audit_indexed(struct store_tx *tx, int64_t *seq, struct err *e)
{
    struct query q;
    *seq = 0;
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, STR(AUDIT_META_INDEXED));
    if (query_row(&q) && !str_int(tx->d->column_text(q.s, 0), seq))
        *seq = 0;
    return query_end(&q);
}

struct filing {
    struct store_tx *tx;
    struct arena *arena;
    int64_t seq, rows;
};

static enum err_code file_under(struct filing *f, struct str record, struct err *e)
{
    struct query q;
    if (!record.n)
        return ERR_OK;
    query_fixed(&q, f->tx, STMT_AUDIT_MENTION, e);
    query_int(&q, audit_key(record));
    query_int(&q, f->seq);
    return query_run(&q);
}

/* {"records":{"turn":["turn_…", …], …}} */
static enum err_code file_details(struct filing *f, struct str details, struct err *e)
{
    const struct json *o = NULL;
    enum err_code code = ERR_OK;
    if (details.n <= 2 || json_parse(f->arena, details, 0, &o, NULL))
        return ERR_OK;
    const struct json *records = json_get_type(o, "records", JSON_OBJECT);
    for (size_t k = 0; records && k < records->n; k++) {
        const struct json *ids = &records->items[k];
        for (size_t i = 0; ids->type == JSON_ARRAY && i < ids->n && !code; i++)
            code = file_under(f, ids->items[i].s, e);
    }
    return code;
}

static enum err_code file_row(void *arg, const struct audit_row *r, struct err *e)
{
    struct filing *f = arg;
    f->seq = r->seq;
    f->rows++;
    enum err_code code = file_under(f, r->record_id, e);
    if (!code)
        code = file_under(f, r->session, e);
    return code ? code : file_details(f, r->details, e);
}

enum err_code audit_index(struct store_tx *tx, void *arg, struct err *e)
{
    struct audit_indexing *w = arg;
    struct filing f = {.tx = tx, .arena = arena_new()};
    int64_t from = 0, last = 0;
    char text[24];
    if (!f.arena)
        return err_nomem(e);
    tx->marks.accounted = true;
    enum err_code code = audit_indexed(tx, &from, e);
    if (!code)
        code = audit_walk(tx, from, w->limit, file_row, &f, &last, e);
    arena_free(f.arena);
    w->more = f.rows == w->limit;
    if (code || last == from)
        return code;
    (void)snprintf(text, sizeof text, "%" PRId64, last);
    struct query q;
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, STR(AUDIT_META_INDEXED));
    query_text(&q, str_of(text));
    return query_run(&q);
}
