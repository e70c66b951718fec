/* CRUD on any kind, derived from its table entry. Why here: the store is the last to know what a record must
 * hold, whoever made it. Not here: lists (list.c), a caller's JSON (record/record_read.c). */
#include "store/records.h"

#include "base/clock.h"
#include "store/gate_int.h"
#include "store/sealing.h"

/* The session that a record belongs to, STR_NONE: none. */
static struct str session_of(const struct record *r)
{
    return r->kind == KIND_SESSION ? r->id : record_text(r, "session_id");
}

/* ---- insert ---- */

static struct value default_of(const struct store_gate *g, const struct kind *k, const struct field *f)
{
    bool level = k == KIND_SESSION && g && g->default_level && str_is(str_of(f->name), "privacy_level");
    return level ? V_TEXT(str_of(g->default_level)) : field_default(f);
}

static enum err_code complete(const struct store_gate *g, struct arena *a, struct record *r, struct err *e)
{
    const struct kind *k = r->kind;
    char id[ID_MAX];
    if (!r->id.p && (k->flags & KIND_KEYED))
        return err_set(e, ERR_INVALID, k->id_name, "%s is required", k->id_name);
    if (!r->id.p) {
        id_make(k->id_prefix, id);
        r->id = arena_str(a, str_of(id));
        if (!r->id.p)
            return err_nomem(e);
    }
    if (!r->project.p)
        r->project = k->flags & KIND_ORG ? STR("") : STR("default");
    if (!r->created_at)
        r->created_at = clock_now_ms();
    if (!r->updated_at)
        r->updated_at = r->created_at;
    if (!r->version)
        r->version = 1;
    for (size_t i = 0; i < k->n_fields; i++) {
        struct value *v = &r->v[i];
        if (v->type == VALUE_UNSET)
            *v = default_of(g, k, &k->fields[i]);
        if ((k->fields[i].flags & FIELD_REQUIRED) && (v->type == VALUE_UNSET || v->type == VALUE_NULL))
            return err_set(e, ERR_INVALID, k->fields[i].name, "%s is required", k->fields[i].name);
    }
    return ERR_OK;
}

/* Which unique columns were in the way, in words. */
static enum err_code explain_conflict(struct store_tx *tx, const struct record *r, struct err *e)
{
    const struct kind *k = r->kind;
    struct query q;
    bool keyed = k->flags & KIND_KEYED;
    query_kind(&q, tx, k, keyed ? SQL_GET_KEYED : SQL_GET_ID, NULL);
    query_text(&q, r->id);
    if (keyed)
        query_text(&q, r->project);
    bool same_id = query_row(&q);
    (void)query_end(&q);
    if (same_id || !k->unique)
        return err_set(e, ERR_CONFLICT, k->id_name, "a %s with %s %.*s exists already", k->name, k->id_name,
                       STR_ARG(str_take(r->id, 100)));
    return err_set(e, ERR_CONFLICT, NULL, "a %s with the same %s exists already", k->name, k->unique);
}

enum err_code record_insert(struct store_tx *tx, struct arena *a, struct record *r, struct err *e)
{
    enum err_code rc = complete(tx->store->gate, a, r, e);
    if (!rc)
        rc = gate_insert(tx, a, r, e);
    int64_t slot = SEAL_STORE;
    if (!rc)
        rc = slot_of_new(tx, r, &slot, e);
    if (rc)
        return rc;
    struct err why = {0};
    struct query q;
    query_kind(&q, tx, r->kind, SQL_INSERT, &why);
    query_text(&q, r->id);
    query_text(&q, r->project);
    query_int(&q, r->created_at);
    query_int(&q, r->updated_at);
    query_int(&q, r->version);
    query_null(&q);
    for (size_t i = 0; i < r->kind->n_fields; i++)
        query_field(&q, a, r->kind, &r->kind->fields[i], r->id, slot, &r->v[i]);
    tx_mark_record(tx, r->kind, session_of(r));
    rc = query_run(&q);
    if (rc == ERR_CONFLICT)
        return explain_conflict(tx, r, e);
    if (rc && e && !e->code)
        *e = why;
    if (!rc)
        r->seq = tx->d->last_seq(tx->c);
    return rc;
}

/* ---- get ---- */

/* "SESSION_NOT_FOUND" for the kinds whose absence has a name of its own in the API. */
enum err_code record_missing(const struct kind *k, struct str id, struct err *e)
{
    const char *name = k == KIND_SESSION ? "SESSION_NOT_FOUND" : k == KIND_CONVERSATION ? "CONVERSATION_NOT_FOUND" : "";
    return err_named(e, ERR_NOT_FOUND, name, "no %s with %s %.*s", k->name, k->id_name, STR_ARG(str_take(id, 120)));
}

/* *out stays NULL when there is none: whether that is an error, the caller knows. */
static enum err_code get_one(struct store_tx *tx, struct arena *a, const struct kind *k, enum kind_sql which,
                             struct str id, struct str project, struct record **out, struct err *e)
{
    struct query q;
    query_kind(&q, tx, k, which, e);
    query_text(&q, id);
    if (which == SQL_GET_KEYED)
        query_text(&q, project);
    *out = query_row(&q) ? query_record(&q, a, k) : NULL;
    return query_end(&q);
}

enum err_code record_get(struct store_tx *tx, struct arena *a, const struct kind *k, struct str id, struct str project,
                         struct record **out, struct err *e)
{
    bool keyed = (k->flags & KIND_KEYED) && project.p;
    *out = NULL;
    if (!id.p)
        return err_set(e, ERR_INVALID, k->id_name, "%s is required", k->id_name);
    enum err_code rc = get_one(tx, a, k, keyed ? SQL_GET_KEYED : SQL_GET_ID, id, project, out, e);
    if (!rc && !*out && keyed && (k->flags & KIND_ORG) && project.n)
        rc = get_one(tx, a, k, SQL_GET_KEYED, id, project_org_own(project), out, e);
    return rc || *out ? rc : record_missing(k, id, e);
}

enum err_code record_by_seq(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq,
                            struct record **out, struct err *e)
{
    struct query q;
    query_kind(&q, tx, k, SQL_GET_SEQ, e);
    query_int(&q, seq);
    *out = query_row(&q) ? query_record(&q, a, k) : NULL;
    enum err_code rc = query_end(&q);
    if (!rc && !*out)
        rc = err_set(e, ERR_NOT_FOUND, NULL, "no %s with number %lld", k->name, (long long)seq);
    return rc;
}

/* ---- update and delete ---- */

static bool same_value(const struct value *x, const struct value *y)
{
    if (x->type != y->type)
        return false;
    switch (x->type) {
    case VALUE_INT:
        return x->i == y->i;
    case VALUE_REAL:
        return x->d == y->d;
    case VALUE_TEXT:
        return str_eq(x->s, y->s);
    case VALUE_UNSET:
    case VALUE_NULL:
        break;
    }
    return true;
}

/* What may not change, may still be given as it is: an output that was read can be sent back. */
static enum err_code check_fixed(const struct record *stored, const struct record *patch, struct err *e)
{
    const struct kind *k = stored->kind;
    if (patch->id.p && !str_eq(patch->id, stored->id))
        return err_set(e, ERR_INVALID, k->id_name, "%s cannot be changed", k->id_name);
    if (patch->project.p && !str_eq(patch->project, stored->project))
        return err_set(e, ERR_INVALID, "project", "this %s cannot be moved to another project", k->name);
    for (size_t i = 0; i < k->n_fields; i++)
        if ((k->fields[i].flags & FIELD_FIXED) && patch->v[i].type != VALUE_UNSET &&
            !same_value(&patch->v[i], &stored->v[i]))
            return err_set(e, ERR_INVALID, k->fields[i].name, "%s cannot be changed once the %s exists",
                           k->fields[i].name, k->name);
    return ERR_OK;
}

/* Reads the stored record only when the patch gives something that must not change. */
static enum err_code check_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                                  struct err *e)
{
    const struct kind *k = patch->kind;
    if (k->flags & KIND_IMMUTABLE)
        return err_set(e, ERR_CONFLICT, NULL, "a %s cannot be changed once written", k->name);
    bool fixed = patch->id.p || patch->project.p;
    for (size_t i = 0; i < k->n_fields && !fixed; i++)
        fixed = (k->fields[i].flags & FIELD_FIXED) && patch->v[i].type != VALUE_UNSET;
    if (!fixed)
        return ERR_OK;
    struct record *stored;
    enum err_code rc = record_by_seq(tx, a, k, seq, &stored, e);
    return rc ? rc : check_fixed(stored, patch, e);
}

/* Only the given columns: two clients that change different fields do not undo each other. */
static void put_update(struct buf *sql, const struct record *patch, bool alive)
{
    const struct kind *k = patch->kind;
    int n = 2;
    buf_fmt(sql, "UPDATE \"%s\" SET updated_at = ?2, version = version + 1", k->name);
    for (size_t i = 0; i < k->n_fields; i++)
        if (patch->v[i].type != VALUE_UNSET)
            buf_fmt(sql, ", \"%s\" = ?%d", k->fields[i].name, ++n);
    buf_cstr(sql, " WHERE seq = ?1 AND ");
    if (alive)
        buf_cstr(sql, "deleted_at IS NULL");
    else
        buf_fmt(sql, "version = ?%d", ++n);
    sql_returning(sql, k);
}

/* Runs a change whose statement returns the record's session where it has one. */
static enum err_code run_marked(struct query *q, const struct kind *k)
{
    if (query_row(q))
        tx_mark_record(q->tx, k, sql_names_session(k) ? q->tx->d->column_text(q->s, 0) : STR_NONE);
    else if (!sql_names_session(k))
        tx_mark_record(q->tx, k, STR_NONE);
    return query_end(q);
}

/* One row must have changed. The writer's memory of conversations and sessions is out of date then. */
static enum err_code expect_changed(struct store_tx *tx, int64_t before, const struct kind *k, int64_t seq,
                                    struct err *e)
{
    if (k == KIND_CONVERSATION || k == KIND_SESSION)
        tx_forget(tx);
    if (tx->d->changed(tx->c) != before)
        return ERR_OK;
    return err_set(e, ERR_NOT_FOUND, NULL, "no %s with number %lld", k->name, (long long)seq);
}

static bool patch_seals(const struct record *patch)
{
    bool any = false;
    for (size_t i = 0; i < patch->kind->n_fields; i++)
        any = any || (patch->v[i].type == VALUE_TEXT && field_seals(patch->kind, &patch->kind->fields[i]));
    return any;
}

/* version 0: of a row that is alive; else of one that has it, alive or deleted. */
static enum err_code run_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                                int64_t version, struct err *e)
{
    const struct kind *k = patch->kind;
    struct query q;
    struct buf sql;
    struct str id = STR_NONE;
    int64_t slot = SEAL_STORE;
    enum err_code rc = tx_seals(tx) && patch_seals(patch) ? slot_of_stored(tx, a, k, seq, &id, &slot, e) : ERR_OK;
    if (rc)
        return rc;
    buf_init(&sql, SQL_CACHE_TEXT);
    put_update(&sql, patch, !version);
    if (sql.failed) {
        buf_release(&sql);
        return err_nomem(e);
    }
    query_sql(&q, tx, buf_view(&sql), "change a record", e);
    query_int(&q, seq);
    query_int(&q, clock_now_ms());
    for (size_t i = 0; i < k->n_fields; i++)
        if (patch->v[i].type != VALUE_UNSET)
            query_field(&q, a, k, &k->fields[i], id, slot, &patch->v[i]);
    if (version)
        query_int(&q, version);
    rc = run_marked(&q, k);
    buf_release(&sql);
    return rc;
}

/* Masked first: what may not change is compared with what is stored, and that is masked. */
enum err_code record_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *given,
                            struct err *e)
{
    const struct kind *k = given->kind;
    struct record patch;
    struct err why = {0};
    enum err_code rc = gate_update(tx, a, seq, given, &patch, e);
    if (!rc)
        rc = check_update(tx, a, seq, &patch, e);
    if (rc)
        return rc;
    int64_t before = tx->d->changed(tx->c);
    rc = run_update(tx, a, seq, &patch, 0, &why);
    if (rc == ERR_CONFLICT && k->unique)
        return err_set(e, ERR_CONFLICT, NULL, "a %s with the same %s exists already", k->name, k->unique);
    if (rc && e && !e->code)
        *e = why;
    return rc ? rc : expect_changed(tx, before, k, seq, e);
}

/* Two names that were told apart may have the same mask: then the row's number tells them apart. */
static enum err_code number_names(struct arena *a, const struct record *row, const struct record *patch, struct err *e)
{
    for (size_t i = 0; i < patch->kind->n_fields; i++) {
        if (patch->v[i].type != VALUE_TEXT || patch->kind->fields[i].type != FIELD_TEXT)
            continue;
        patch->v[i].s = arena_fmt(a, "%.*s %lld", STR_ARG(patch->v[i].s), (long long)row->seq);
        if (!patch->v[i].s.p)
            return err_nomem(e);
    }
    return ERR_OK;
}

enum err_code record_rewrite(struct store_tx *tx, struct arena *a, const struct record *row, const struct record *patch,
                             struct err *e)
{
    struct err why = {0};
    if (row->kind == KIND_CONVERSATION || row->kind == KIND_SESSION)
        tx_forget(tx);
    enum err_code rc = run_update(tx, a, row->seq, patch, row->version, &why);
    if (rc == ERR_CONFLICT && row->kind->unique) {
        rc = number_names(a, row, patch, e);
        return rc ? rc : run_update(tx, a, row->seq, patch, row->version, e);
    }
    return rc ? err_set(e, rc, why.field, "%s", why.message) : ERR_OK;
}

/* The row stays as a tombstone: sync must be able to tell others, and erasure removes it later. */
enum err_code record_delete(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq, struct err *e)
{
    (void)a;
    int64_t before = tx->d->changed(tx->c);
    struct query q;
    query_kind(&q, tx, k, SQL_DELETE, e);
    query_int(&q, seq);
    query_int(&q, clock_now_ms());
    enum err_code rc = run_marked(&q, k);
    return rc ? rc : expect_changed(tx, before, k, seq, e);
}

/* ---- counting and feeding ---- */

enum err_code record_count(struct store_tx *tx, const struct kind *k, struct str project, int64_t *out, struct err *e)
{
    struct query q;
    query_kind(&q, tx, k, SQL_COUNT, e);
    query_text(&q, project);
    *out = query_row(&q) ? query_col_int(&q, 0) : 0;
    return query_end(&q);
}

/* Also the deleted, as an index must take them out. */
enum err_code record_after(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t after, int limit,
                           struct record ***rows, size_t *n, struct err *e)
{
    *n = 0;
    *rows = limit > 0 ? arena_array(a, struct record *, (size_t)limit) : NULL;
    if (!*rows)
        return limit > 0 ? err_nomem(e) : ERR_OK;
    struct query q;
    query_kind(&q, tx, k, SQL_AFTER, e);
    query_int(&q, after);
    query_int(&q, limit);
    while (*n < (size_t)limit && query_row(&q))
        if (((*rows)[*n] = query_record(&q, a, k)))
            ++*n;
    return query_end(&q);
}

enum err_code records_of(struct store_tx *tx, struct arena *a, const struct kind *k, const char *field,
                         struct str value, int64_t after, int limit, struct record ***rows, size_t *n, struct err *e)
{
    struct buf sql;
    struct query q;
    *n = 0;
    *rows = limit > 0 ? arena_array(a, struct record *, (size_t)limit) : NULL;
    if (!*rows)
        return err_nomem(e);
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_cstr(&sql, "SELECT ");
    sql_columns(&sql, k);
    buf_fmt(&sql, " FROM \"%s\" WHERE \"%s\" = ?1 AND seq > ?2 AND deleted_at IS NULL ORDER BY seq LIMIT ?3", k->name,
            field);
    if (sql.failed) {
        buf_release(&sql);
        return err_nomem(e);
    }
    query_sql(&q, tx, buf_view(&sql), "read records", e);
    query_text(&q, value);
    query_int(&q, after);
    query_int(&q, limit);
    while (*n < (size_t)limit && query_row(&q)) {
        if (((*rows)[*n] = query_record(&q, a, k)))
            ++*n;
    }
    buf_release(&sql);
    return query_end(&q);
}
