/* Who may read which record: the rule (scope_reads) and its SQL (scope_put). The SQL is made from the table of kinds
 * only; values are always bound. Levels are looked up row by row through the sessions' index, and only for rows of
 * other projects, so that a page of a list costs what it did. */
#include "store/scope.h"

#include "store/internal.h"

#include <stdio.h>
#include <string.h>

/* ---- the rule ---- */

struct str project_org(struct str full)
{
    const char *slash = full.n ? memchr(full.p, '/', full.n) : NULL;
    return slash ? str_take(full, (size_t)(slash - full.p)) : STR("default");
}

struct str project_org_own(struct str full)
{
    const char *slash = full.n ? memchr(full.p, '/', full.n) : NULL;
    return slash ? str_take(full, (size_t)(slash - full.p) + 1) : STR("");
}

struct str project_slug(struct str full)
{
    return str_skip(full, project_org_own(full).n);
}

static bool whole_org(const struct scope *s)
{
    return str_is(project_slug(s->project), "*");
}

bool scope_owns(const struct scope *s, struct str project)
{
    if (!s->limited)
        return true;
    return str_eq(project_org(project), s->org) && (whole_org(s) || str_eq(project, s->project));
}

bool scope_reads(const struct scope *s, struct str project, struct str level)
{
    if (!s->limited || str_is(level, "PUBLIC"))
        return true;
    if (!str_eq(project_org(project), s->org))
        return false;
    return level.n == 0 || str_is(level, "TEAM") || scope_owns(s, project);
}

/* ---- the level of a row ---- */

static bool has(const struct kind *k, const char *field)
{
    return kind_field(k, str_of(field)) >= 0;
}

static bool is_about(const struct kind *k)
{
    return has(k, "record_kind") && has(k, "record_id");
}

bool kind_has_session(const struct kind *k)
{
    return k == KIND_SESSION || has(k, "session_id") || has(k, "conversation_id") || has(k, "source_session_id");
}

void scope_put_session_id(struct buf *sql, const struct kind *k, const char *row)
{
    bool session = has(k, "session_id"), conversation = has(k, "conversation_id");
    bool both = session && conversation && k != KIND_TURN; /* a turn's two always agree */
    if (session)
        buf_fmt(sql, "%s%s.session_id%s", both ? "coalesce(" : "", row, both ? ", " : "");
    if ((both || !session) && conversation)
        buf_fmt(sql, "(SELECT c.session_id FROM conversation c WHERE c.id = %s.conversation_id)", row);
    else if (!session)
        buf_fmt(sql, "%s.source_session_id", row);
    buf_cstr(sql, both ? ")" : "");
}

static void put_own_level(struct buf *sql, const struct kind *k, const char *row)
{
    if (k == KIND_SESSION) {
        buf_fmt(sql, "%s.privacy_level", row);
        return;
    }
    buf_cstr(sql, "(SELECT s.privacy_level FROM session s WHERE s.id = ");
    scope_put_session_id(sql, k, row);
    buf_char(sql, ')');
}

/* A label has the level of what it is on: of any kind that has one itself. */
static void put_level(struct buf *sql, const struct kind *k, const char *row)
{
    if (!is_about(k)) {
        put_own_level(sql, k, row);
        return;
    }
    size_t n;
    const struct kind *all = kinds_all(&n);
    buf_fmt(sql, "CASE %s.record_kind", row);
    for (size_t i = 0; i < n; i++) {
        if (!kind_has_session(&all[i]) || (all[i].flags & KIND_KEYED))
            continue;
        buf_fmt(sql, " WHEN '%s' THEN (SELECT ", all[i].name);
        put_own_level(sql, &all[i], "r");
        buf_fmt(sql, " FROM \"%s\" r WHERE r.id = %s.record_id)", all[i].name, row);
    }
    buf_cstr(sql, " END");
}

static const char *quoted(const struct kind *k, char out[ID_MAX])
{
    (void)snprintf(out, ID_MAX, "\"%s\"", k->name);
    return out;
}

/* ---- SQL ---- */

/* "of the reader's organisation": by the prefix, and by its absence in the organisation `default`. */
static void put_same_org(struct buf *sql, const char *row, const struct scope *s, int parameter)
{
    if (str_is(s->org, "default"))
        buf_fmt(sql, "%s.project NOT LIKE '%%/%%'", row);
    else
        buf_fmt(sql, "substr(%s.project, 1, length(?%d) + 1) = ?%d || '/'", row, parameter, parameter);
}

int scope_put(struct buf *sql, const struct kind *k, const struct scope *s, int bound, struct value out[SCOPE_VALUES])
{
    char row[ID_MAX];
    int n = 0;
    if (!s->limited)
        return 0;
    quoted(k, row);
    /* The own project first: its rows pass without a look at their session. */
    int own = bound + 1, org = bound + 1;
    buf_cstr(sql, " AND (");
    if (!whole_org(s)) {
        out[n++] = V_TEXT(s->project);
        buf_fmt(sql, "%s.project = ?%d OR ", row, own);
        org = bound + 2;
    }
    if (!str_is(s->org, "default"))
        out[n++] = V_TEXT(s->org);
    if (!kind_has_session(k) && !is_about(k)) {
        put_same_org(sql, row, s, org);
    } else if (whole_org(s)) {
        put_same_org(sql, row, s, org);
        buf_cstr(sql, " OR ");
        put_level(sql, k, row);
        buf_cstr(sql, " = 'PUBLIC'");
    } else {
        buf_cstr(sql, "coalesce(");
        put_level(sql, k, row);
        buf_cstr(sql, ", 'TEAM') IN ('PUBLIC', CASE WHEN ");
        put_same_org(sql, row, s, org);
        buf_cstr(sql, " THEN 'TEAM' ELSE 'PUBLIC' END)");
    }
    buf_char(sql, ')');
    return n;
}

int scope_put_sessions(struct buf *sql, const struct kind *k, const struct scope *s, int bound,
                       struct value out[SCOPE_VALUES])
{
    if (!s->limited)
        return 0;
    buf_fmt(sql, " AND \"%s\".session_id IN (SELECT id FROM session WHERE 1 = 1", k->name);
    int n = scope_put(sql, KIND_SESSION, s, bound, out);
    buf_char(sql, ')');
    return n;
}

int scope_put_through(struct buf *sql, const struct scope *s, int bound, struct value out[SCOPE_VALUES])
{
    if (!s->limited)
        return 0;
    /* reads nothing of turns but the index (conversation_id, turn_number), which holds seq too */
    buf_cstr(sql, " AND seq IN (SELECT x.seq FROM conversation JOIN turn x ON x.conversation_id = conversation.id"
                  " WHERE 1 = 1");
    int n = scope_put_sessions(sql, KIND_CONVERSATION, s, bound, out);
    buf_char(sql, ')');
    return n;
}

/* Runs `sql`, whose one column is a level. */
static enum err_code read_level(struct query *q, struct arena *a, struct str *level)
{
    if (query_row(q))
        *level = query_col_text(q, a, 0);
    return query_end(q);
}

enum err_code record_level(struct store_tx *tx, struct arena *a, const struct record *r, struct str *level,
                           struct err *e)
{
    char row[ID_MAX];
    struct buf sql;
    struct query q;
    *level = STR_NONE;
    if (!kind_has_session(r->kind) && !is_about(r->kind))
        return ERR_OK;
    quoted(r->kind, row);
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_cstr(&sql, "SELECT ");
    put_level(&sql, r->kind, row);
    buf_fmt(&sql, " FROM %s WHERE seq = ?1", row);
    enum err_code code = sql.failed ? err_nomem(e) : ERR_OK;
    if (!code) {
        query_sql(&q, tx, buf_view(&sql), "find who may read a record", e);
        query_int(&q, r->seq);
        code = read_level(&q, a, level);
    }
    buf_release(&sql);
    return code;
}

/* The same expression over a row made of what the record names. */
enum err_code record_level_new(struct store_tx *tx, struct arena *a, const struct record *r, struct str *level,
                               struct err *e)
{
    static const char *const named[] = {"session_id", "conversation_id", "source_session_id", "record_kind",
                                        "record_id"};
    struct buf sql;
    struct query q;
    *level = r->kind == KIND_SESSION ? record_text(r, "privacy_level") : STR_NONE;
    if (r->kind == KIND_SESSION || (!kind_has_session(r->kind) && !is_about(r->kind)))
        return ERR_OK;
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_cstr(&sql, "SELECT ");
    put_level(&sql, r->kind, "n");
    buf_cstr(&sql, " FROM (SELECT ");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        buf_fmt(&sql, "%s?%zu AS %s", i ? ", " : "", i + 1, named[i]);
    buf_cstr(&sql, ") AS n");
    enum err_code code = sql.failed ? err_nomem(e) : ERR_OK;
    if (!code) {
        query_sql(&q, tx, buf_view(&sql), "find the session of a record", e);
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
            query_text(&q, record_text(r, named[i]));
        code = read_level(&q, a, level);
    }
    buf_release(&sql);
    return code;
}
