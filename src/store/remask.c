/* See remask.h. The rows of a kind that belong to a session are found as deletion finds them (cascade.c), and the level
 * of each is looked up only where something would be masked at all. */
#include "store/remask.h"

#include "store/gate_int.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MAX = 1000 };

/* ---- which rows ---- */

static bool has(const struct kind *k, const char *field)
{
    return kind_field(k, str_of(field)) >= 0;
}

#define CONVERSATIONS "(SELECT id FROM conversation WHERE session_id = ?1)"

/* NULL: rows of this kind belong to no session. */
static const char *of_session(const struct kind *k)
{
    if (k == KIND_SESSION)
        return "id = ?1";
    if (k == KIND_TURN) /* through its index */
        return "conversation_id IN " CONVERSATIONS;
    if (has(k, "session_id") && has(k, "conversation_id"))
        return "(session_id = ?1 OR (session_id IS NULL AND conversation_id IN " CONVERSATIONS "))";
    if (has(k, "session_id"))
        return "session_id = ?1";
    if (has(k, "conversation_id"))
        return "conversation_id IN " CONVERSATIONS;
    return has(k, "source_session_id") ? "source_session_id = ?1" : NULL;
}

static bool takes(const struct kind *k)
{
    if (k->flags & KIND_CHAIN)
        return false;
    for (size_t i = 0; i < k->n_fields; i++)
        if (gate_looks_at(&k->fields[i]))
            return true;
    return false;
}

/* Labels and sources belong where their record does. */
static void put_about(struct buf *sql)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    buf_cstr(sql, "(1 = 0");
    for (size_t i = 0; i < n; i++)
        if (of_session(&all[i]))
            buf_fmt(sql, " OR (record_kind = '%s' AND record_id IN (SELECT id FROM \"%s\" WHERE %s))", all[i].name,
                    all[i].name, of_session(&all[i]));
    buf_char(sql, ')');
}

/* "SELECT …" of the next rows; false: none of the kind are meant. */
static bool put_select(struct buf *sql, const struct kind *k, const struct remask_wish *w)
{
    bool about = has(k, "record_kind") && has(k, "record_id");
    if (!takes(k) || (w->session_id.p && !of_session(k) && !about))
        return false;
    buf_cstr(sql, "SELECT ");
    sql_columns(sql, k);
    buf_fmt(sql, " FROM \"%s\" WHERE seq > ?2 AND ", k->name);
    if (w->session_id.p && about)
        put_about(sql);
    else
        buf_cstr(sql, w->session_id.p ? of_session(k) : w->project.p ? "project = ?1" : "?1 IS NULL");
    buf_cstr(sql, " ORDER BY seq LIMIT ?3");
    return true;
}

/* ---- what changes ---- */

struct change {
    struct record *row, *patch;
};
struct remasking {
    struct arena *arena;
    const struct kind *kind;
    struct change *changes;
    size_t n;
    int64_t looked, after;
    remask_fn *told;
    void *arg;
};

static void tell(const struct remasking *m, const struct record *row, const struct record *patch, struct str level)
{
    for (size_t i = 0; m->told && i < m->kind->n_fields; i++)
        if (patch->v[i].type == VALUE_TEXT)
            m->told(m->arg, m->kind, m->kind->fields[i].type != FIELD_TEXT, row->v[i].s, level);
}

static enum err_code look_at(struct store_tx *tx, struct remasking *m, struct record *row, struct err *e)
{
    struct record *patch;
    struct str level;
    enum err_code code = gate_stored(tx, m->arena, row, &patch, &level, e);
    if (code || !patch)
        return code;
    m->changes[m->n++] = (struct change){row, patch};
    tell(m, row, patch, level);
    return ERR_OK;
}

static enum err_code read_rows(struct store_tx *tx, struct remasking *m, struct str sql, const struct remask_wish *w,
                               int limit, struct record **rows, size_t *n, struct err *e)
{
    struct query q;
    *n = 0;
    query_sql(&q, tx, sql, "look through records", e);
    query_text(&q, w->session_id.p ? w->session_id : w->project);
    query_int(&q, m->after);
    query_int(&q, limit);
    while (*n < (size_t)limit && query_row(&q))
        if ((rows[*n] = query_record(&q, m->arena, m->kind)))
            ++*n;
    return query_end(&q);
}

/* All of them are read before the first level is asked for: that is another statement, but may be the same one. */
static enum err_code look(struct store *s, struct remasking *m, struct str sql, const struct remask_wish *w, int limit,
                          struct err *e)
{
    struct store_tx *tx;
    struct record **rows = arena_array(m->arena, struct record *, (size_t)limit);
    size_t n = 0;
    m->changes = arena_array(m->arena, struct change, (size_t)limit);
    if (!rows || !m->changes)
        return err_nomem(e);
    enum err_code code = store_read_begin(s, &tx, e);
    if (code)
        return code;
    code = read_rows(tx, m, sql, w, limit, rows, &n, e);
    for (size_t i = 0; i < n && !code; i++) {
        code = look_at(tx, m, rows[i], e);
        m->after = rows[i]->seq;
    }
    m->looked = (int64_t)n;
    store_read_end(tx);
    return code;
}

/* ---- notes ---- */

static const char STALE[] = "stale_turns", RENEW[] = "renew_turns"; /* "from to count" */

static enum err_code read_note(struct store_tx *tx, const char *name, struct stale *out, struct err *e)
{
    struct query q;
    *out = (struct stale){0};
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, str_of(name));
    if (query_row(&q)) {
        struct str rest = tx->d->column_text(q.s, 0);
        int64_t *const into[] = {&out->from, &out->to, &out->count};
        for (size_t i = 0; i < 3; i++)
            (void)str_int(str_cut(&rest, ' '), into[i]);
    }
    return query_end(&q);
}

static enum err_code write_note(struct store_tx *tx, const char *name, const struct stale *s, struct err *e)
{
    char text[100];
    struct query q;
    (void)snprintf(text, sizeof text, "%lld %lld %lld", (long long)s->from, (long long)s->to, (long long)s->count);
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, str_of(name));
    query_text(&q, str_of(text));
    return query_run(&q);
}

/* The note with these seqs as well. */
static enum err_code widen_note(struct store_tx *tx, const char *name, int64_t from, int64_t to, struct err *e)
{
    struct stale s;
    enum err_code code = read_note(tx, name, &s, e);
    s.from = s.from && s.from < from ? s.from : from;
    s.to = s.to > to ? s.to : to;
    s.count++;
    return code ? code : write_note(tx, name, &s, e);
}

/* ---- the write ---- */

/* Whatever else was learnt from its turns is whoever's who masks sessions. */
static enum err_code mark_sessions(struct store_tx *tx, const struct remasking *m, struct err *e)
{
    struct str last = STR_NONE;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < m->n && !code; i++) {
        struct str id = record_text(m->changes[i].row, "session_id");
        struct query q;
        if (!id.n || (last.p && str_eq(id, last)))
            continue;
        last = id;
        query_fixed(&q, tx, STMT_MASK_SET, e);
        query_text(&q, id);
        code = query_run(&q);
    }
    return code;
}

/* A row that was written to meanwhile has passed the gate by that; it is left as it is. */
static enum err_code write_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct remasking *m = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < m->n && !code; i++)
        code = record_rewrite(tx, m->arena, m->changes[i].row, m->changes[i].patch, e);
    if (!code && m->kind == KIND_TURN)
        code = widen_note(tx, STALE, m->changes[0].row->seq, m->changes[m->n - 1].row->seq, e);
    if (!code && m->kind == KIND_TURN)
        code = mark_sessions(tx, m, e);
    return code;
}

enum err_code remask_some(struct store *s, const struct remask_wish *w, struct remask_place *at, int limit,
                          remask_fn *told, void *arg, struct remask_step *out, struct err *e)
{
    size_t kinds;
    const struct kind *all = kinds_all(&kinds);
    enum err_code code = ERR_OK;
    struct buf sql;
    *out = (struct remask_step){0};
    limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : limit;
    buf_init(&sql, SQL_CACHE_TEXT * 4);
    for (; at->kind < (int64_t)kinds && !out->looked && !code; at->kind += !code && out->looked < limit) {
        struct remasking m = {.kind = &all[at->kind], .after = at->after, .told = told, .arg = arg};
        buf_clear(&sql);
        out->looked = 0;
        at->after = 0;
        if (!put_select(&sql, m.kind, w))
            continue;
        m.arena = arena_new();
        code = m.arena && !sql.failed ? look(s, &m, buf_view(&sql), w, limit, e) : err_nomem(e);
        if (!code && m.n && !w->dry_run)
            code = store_write(s, write_job, &m, e);
        *out = (struct remask_step){.kind = m.kind, .looked = m.looked, .masked = (int64_t)m.n};
        at->after = m.looked < limit ? 0 : m.after;
        if (m.arena)
            arena_free(m.arena);
    }
    buf_release(&sql);
    if (!out->looked)
        out->kind = NULL;
    return code;
}

/* ---- sessions that are due ---- */

enum err_code remask_due(struct store_tx *tx, struct arena *a, int64_t *seq, struct str *session_id, struct str *level,
                         struct err *e)
{
    struct query q;
    *seq = 0;
    query_fixed(&q, tx, STMT_MASK_DUE, e);
    if (query_row(&q)) {
        *seq = query_col_int(&q, 0);
        *session_id = query_col_text(&q, a, 1);
        *level = query_col_text(&q, a, 2);
    }
    return query_end(&q);
}

enum err_code remask_done(struct store_tx *tx, int64_t seq, struct str level, struct err *e)
{
    struct query q;
    tx->marks.accounted = true; /* nothing that anybody sees */
    query_fixed(&q, tx, STMT_MASK_DONE, e);
    query_int(&q, seq);
    query_text(&q, level);
    return query_run(&q);
}

enum err_code remask_is_whole(struct store_tx *tx, bool *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, STR("masked"));
    *out = query_row(&q);
    return query_end(&q);
}

enum err_code remask_whole(struct store_tx *tx, struct err *e)
{
    struct query q;
    tx->marks.accounted = true;
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, STR("masked"));
    query_text(&q, STR("all"));
    return query_run(&q);
}

/* ---- stale turns ---- */

enum err_code stale_turns(struct store_tx *tx, struct stale *out, struct err *e)
{
    return read_note(tx, STALE, out, e);
}

enum err_code renew_turns(struct store_tx *tx, struct stale *out, struct err *e)
{
    return read_note(tx, RENEW, out, e);
}

enum err_code turn_unchanged(struct store_tx *tx, int64_t seq, bool *out, struct err *e)
{
    struct stale s;
    struct query q;
    *out = true;
    enum err_code code = stale_turns(tx, &s, e);
    if (code || seq < s.from || seq > s.to)
        return code;
    query_fixed(&q, tx, STMT_TURN_VERSION, e);
    query_int(&q, seq);
    *out = !query_row(&q) || query_col_int(&q, 0) <= 1;
    return query_end(&q);
}

struct clearing {
    const struct stale *s;
    const char *name;
};

static enum err_code clear_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct clearing *c = arg;
    struct stale now;
    tx->marks.accounted = true;
    enum err_code code = read_note(tx, c->name, &now, e);
    if (code || now.count != c->s->count)
        return code;
    code = write_note(tx, c->name, &(struct stale){.count = now.count}, e);
    return code || c->name == RENEW ? code : widen_note(tx, RENEW, c->s->from, c->s->to, e);
}

enum err_code stale_clear(struct store *st, const struct stale *s, struct err *e)
{
    struct clearing c = {s, STALE};
    return s->to ? store_write(st, clear_job, &c, e) : ERR_OK;
}

enum err_code renew_done(struct store *st, const struct stale *s, struct err *e)
{
    struct clearing c = {s, RENEW};
    return s->to ? store_write(st, clear_job, &c, e) : ERR_OK;
}
