/* Lists of records: filters, a created range, pages by keyset. Why keyset: a page begins after the last row's
 * values in the list's order, so records that come in between neither repeat nor hide others, and a deep page costs
 * what the first does. SQL is made from column names of the table of kinds only; values are always bound. */
#include "store/cursor.h"
#include "store/sealing.h"
#include "store/turns.h"

#include <stdio.h>
#include <string.h>

enum {
    LIMIT_MAX = 1000,
    FILTERS_MAX = 16,
    PARAMETERS_MAX = 64,
    FEW_TURNS = 4,
    FIND_LENGTH_MAX = 64 * 1024,
    WALK_MAX = 1000000
};

/* SQL text with the values it binds, in order. */
struct clause {
    struct buf sql;
    struct value values[PARAMETERS_MAX];
    int n;
    bool counting; /* no rows are read, so no order is wanted of them */
    /* How rows that may not be read are kept out: looked at row by row, by the set of sessions, or (turns) not met. */
    enum { BY_ROW, BY_SESSION, THROUGH_CONVERSATIONS } plan;
};

/* Values never become part of the SQL. */
static void put_parameter(struct clause *c, struct value v)
{
    if (c->n == PARAMETERS_MAX) {
        c->sql.failed = true;
        return;
    }
    c->values[c->n++] = v;
    buf_fmt(&c->sql, "?%d", c->n);
}

/* The one gate for names: what passes is a column of this kind and safe to quote. */
static bool may_filter(const struct kind *k, const char *field)
{
    struct str name = str_of(field);
    int i = kind_field(k, name);
    return str_is(name, "id") || str_is(name, "project") ||
           (i >= 0 && (k->fields[i].flags & (FIELD_INDEXED | FIELD_FILTER)));
}

/* ---- find and tag ---- */

/* Looked through row by row, so only texts that cannot be long. */
static bool findable(const struct field *f)
{
    return f->type == FIELD_TEXT && (f->flags & FIELD_SEARCHED) && f->max > 0 && f->max <= FIND_LENGTH_MAX;
}

bool list_findable(const struct kind *k)
{
    bool found = k->flags & KIND_KEYED;
    for (size_t i = 0; i < k->n_fields; i++)
        found = found || findable(&k->fields[i]);
    return found;
}

/* The text as a LIKE pattern: what has a meaning there is escaped, ASCII letters in lower case as lower() gives them.
 */
static struct str like_pattern(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n * 2 + 2);
    size_t n = 0;
    if (!p)
        return STR_NONE;
    p[n++] = '%';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' || c == '_' || c == '\\')
            p[n++] = '\\';
        p[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    p[n++] = '%';
    return (struct str){p, n};
}

static void put_find(struct store_tx *tx, struct clause *c, const struct kind *k, struct str pattern)
{
    buf_cstr(&c->sql, " AND (0 = 1");
    if (k->flags & KIND_KEYED) {
        buf_cstr(&c->sql, " OR lower(id) LIKE ");
        put_parameter(c, V_TEXT(pattern));
        buf_cstr(&c->sql, " ESCAPE '\\'");
    }
    for (size_t i = 0; i < k->n_fields; i++) {
        if (!findable(&k->fields[i]))
            continue;
        buf_cstr(&c->sql, " OR lower(");
        put_opened(&c->sql, tx, k, &k->fields[i], "");
        buf_cstr(&c->sql, ") LIKE ");
        put_parameter(c, V_TEXT(pattern));
        buf_cstr(&c->sql, " ESCAPE '\\'");
    }
    buf_char(&c->sql, ')');
}

/* Names that callers give are names within a project only, so their tags count within it; the organisation's own
 * records may be tagged from any project. */
static void put_tag(struct store_tx *tx, struct clause *c, const struct kind *k, struct str tag)
{
    int own = kind_field(k, STR("tags"));
    char row[ID_MAX];
    buf_fmt(&c->sql,
            " AND (EXISTS (SELECT 1 FROM tag g WHERE g.record_id = \"%s\".id AND g.record_kind = '%s'"
            " AND g.deleted_at IS NULL",
            k->name, k->name);
    if (k->flags & KIND_KEYED)
        buf_fmt(&c->sql,
                " AND (\"%s\".project IN ('', g.project) OR (\"%s\".project LIKE '%%/'"
                " AND substr(g.project, 1, length(\"%s\".project)) = \"%s\".project))",
                k->name, k->name, k->name, k->name);
    buf_cstr(&c->sql, " AND g.name = ");
    put_parameter(c, V_TEXT(tag));
    buf_char(&c->sql, ')');
    if (own >= 0 && k->fields[own].type == FIELD_ARRAY) {
        (void)snprintf(row, sizeof row, "\"%s\".", k->name);
        if (tx->d->dialect == SQL_POSTGRES) {
            buf_fmt(&c->sql, " OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(CAST(%stags AS jsonb)) AS x(value)",
                    row);
        } else {
            buf_cstr(&c->sql, " OR EXISTS (SELECT 1 FROM json_each(");
            put_opened(&c->sql, tx, k, &k->fields[own], row);
            buf_cstr(&c->sql, ") AS x");
        }
        buf_cstr(&c->sql, " WHERE x.value = ");
        put_parameter(c, V_TEXT(tag));
        buf_char(&c->sql, ')');
    }
    buf_char(&c->sql, ')');
}

/* ---- words ---- */

static bool searched(const struct field *f)
{
    return f->flags & FIELD_SEARCHED;
}

bool list_searchable(const struct kind *k)
{
    bool found = false;
    for (size_t i = 0; i < k->n_fields; i++)
        found = found || searched(&k->fields[i]);
    return found && k != KIND_TURN && !(k->flags & KIND_INTERNAL);
}

/* One column against all patterns, whose parameters are first … first + n - 1. */
static void put_column_words(struct clause *c, const char *column, int first, size_t n, enum sql_dialect d)
{
    for (size_t i = 0; i < n; i++)
        buf_fmt(&c->sql, " OR %s %s ?%d ESCAPE '\\'", column, d == SQL_POSTGRES ? "ILIKE" : "LIKE", first + (int)i);
    buf_fmt(&c->sql,
            d == SQL_POSTGRES ? " OR octet_length(%s) <> length(%s)" : " OR length(CAST(%s AS BLOB)) <> length(%s)",
            column, column);
}

static void put_field_words(struct store_tx *tx, struct clause *c, const struct kind *k, const struct field *f,
                            int first, size_t n)
{
    struct buf column;
    buf_init(&column, 0);
    put_opened(&column, tx, k, f, "");
    buf_char(&column, '\0');
    if (column.failed)
        c->sql.failed = true;
    else
        put_column_words(c, column.p, first, n, tx->d->dialect);
    buf_release(&column);
}

static enum err_code put_words(struct store_tx *tx, struct arena *a, struct clause *c, const struct list_query *q,
                               struct err *e)
{
    int first = c->n + 1;
    if (c->n + q->n_words > PARAMETERS_MAX)
        return err_set(e, ERR_INVALID, NULL, "too many words to look for at once");
    for (size_t i = 0; i < q->n_words; i++) {
        struct str pattern = like_pattern(a, q->words[i]);
        if (!pattern.p)
            return err_nomem(e);
        c->values[c->n++] = V_TEXT(pattern);
    }
    buf_cstr(&c->sql, " AND (0 = 1");
    if (q->kind->flags & KIND_KEYED)
        put_column_words(c, "id", first, q->n_words, tx->d->dialect);
    for (size_t i = 0; i < q->kind->n_fields; i++)
        if (searched(&q->kind->fields[i]))
            put_field_words(tx, c, q->kind, &q->kind->fields[i], first, q->n_words);
    buf_char(&c->sql, ')');
    return ERR_OK;
}

/* ---- filters ---- */

/* A list in another order finds its page by that order's index, looking at created_at on the way. The index on it is
 * for counts and for lists by age: the + keeps SQLite from reading all rows of the time through it and sorting them. */
static const char *created_column(const struct clause *c, const struct kind *k)
{
    return c->counting || str_starts(str_of(k->order), "created_at") ? "created_at" : "+created_at";
}

static enum err_code put_looked_for(struct store_tx *tx, struct arena *a, struct clause *c, const struct list_query *q,
                                    struct err *e)
{
    if (q->find.n) {
        struct str pattern = like_pattern(a, q->find);
        if (!pattern.p)
            return err_nomem(e);
        put_find(tx, c, q->kind, pattern);
    }
    if (q->tag.n)
        put_tag(tx, c, q->kind, q->tag);
    return q->n_words ? put_words(tx, a, c, q, e) : ERR_OK;
}

static void put_scope(struct clause *c, const struct list_query *q)
{
    struct value v[SCOPE_VALUES];
    int n;
    if (c->plan == BY_SESSION)
        n = scope_put_sessions(&c->sql, q->kind, &q->scope, c->n, v);
    else if (c->plan == THROUGH_CONVERSATIONS)
        n = scope_put_through(&c->sql, &q->scope, c->n, v);
    else
        n = scope_put(&c->sql, q->kind, &q->scope, c->n, v);
    if (c->n + n > PARAMETERS_MAX)
        c->sql.failed = true;
    for (int i = 0; i < n && !c->sql.failed; i++)
        c->values[c->n++] = v[i];
}

static enum err_code put_filters(struct store_tx *tx, struct arena *a, struct clause *c, const struct list_query *q,
                                 struct err *e)
{
    if (q->n_filters > FILTERS_MAX)
        return err_set(e, ERR_INVALID, NULL, "a list takes at most %d filters", FILTERS_MAX);
    for (size_t i = 0; i < q->n_filters; i++) {
        const struct list_filter *f = &q->filters[i];
        if (!may_filter(q->kind, f->field))
            return err_set(e, ERR_INVALID, f->field, "%s cannot be filtered by %.60s", q->kind->plural, f->field);
        buf_fmt(&c->sql, " AND \"%s\"", f->field);
        if (f->equals.type == VALUE_NULL || f->equals.type == VALUE_UNSET) {
            buf_cstr(&c->sql, " IS NULL");
            continue;
        }
        /* The organisation's own records are seen by all of its projects. */
        bool org = (q->kind->flags & KIND_ORG) && str_is(str_of(f->field), "project");
        buf_cstr(&c->sql, org ? " IN (" : " = ");
        put_parameter(c, f->equals);
        if (org) {
            buf_cstr(&c->sql, ", ");
            put_parameter(c, V_TEXT(project_org_own(f->equals.s)));
            buf_char(&c->sql, ')');
        }
    }
    if (q->created_from) {
        buf_fmt(&c->sql, " AND %s >= ", created_column(c, q->kind));
        put_parameter(c, V_INT(q->created_from));
    }
    if (q->created_to) {
        buf_fmt(&c->sql, " AND %s <= ", created_column(c, q->kind));
        put_parameter(c, V_INT(q->created_to));
    }
    put_scope(c, q);
    return put_looked_for(tx, a, c, q, e);
}

/* Column comes after value v. Nulls stand first ascending, last descending. False: nothing can. */
static bool put_after(struct clause *c, const struct order_column *o, const struct value *v)
{
    if (v->type == VALUE_NULL) {
        if (!o->descending)
            buf_fmt(&c->sql, "\"%.*s\" IS NOT NULL", STR_ARG(o->name));
        return !o->descending;
    }
    buf_fmt(&c->sql, "(\"%.*s\" %c ", STR_ARG(o->name), o->descending ? '<' : '>');
    put_parameter(c, *v);
    if (o->descending && !o->never_null)
        buf_fmt(&c->sql, " OR \"%.*s\" IS NULL", STR_ARG(o->name));
    buf_char(&c->sql, ')');
    return true;
}

/* NULL equals nothing in SQL, so it is asked for in its own way. */
static void put_equal(struct clause *c, const struct order_column *o, const struct value *v)
{
    buf_fmt(&c->sql, "\"%.*s\"", STR_ARG(o->name));
    if (v->type == VALUE_NULL) {
        buf_cstr(&c->sql, " IS NULL");
        return;
    }
    buf_cstr(&c->sql, " = ");
    put_parameter(c, *v);
}

/* (a after x) OR (a = x AND b after y) OR … */
static void put_position(struct clause *c, const struct order_column *o, size_t n, const struct value *at)
{
    /* The first column alone lets an index find the place; the rest is for equal values. */
    if (o[0].never_null && n > 1) {
        buf_fmt(&c->sql, " AND \"%.*s\" %s ", STR_ARG(o[0].name), o[0].descending ? "<=" : ">=");
        put_parameter(c, at[0]);
    }
    buf_cstr(&c->sql, " AND (0 = 1");
    for (size_t i = 0; i < n; i++) {
        buf_cstr(&c->sql, " OR (");
        for (size_t j = 0; j < i; j++) {
            put_equal(c, &o[j], &at[j]);
            buf_cstr(&c->sql, " AND ");
        }
        if (!put_after(c, &o[i], &at[i]))
            buf_cstr(&c->sql, "0 = 1");
        buf_char(&c->sql, ')');
    }
    buf_char(&c->sql, ')');
}

static void put_order(struct clause *c, const struct order_column *o, size_t n, enum sql_dialect d)
{
    buf_cstr(&c->sql, " ORDER BY ");
    for (size_t i = 0; i < n; i++) {
        buf_fmt(&c->sql, "%s\"%.*s\"%s", i ? ", " : "", STR_ARG(o[i].name), o[i].descending ? " DESC" : "");
        /* SQLite does so by itself, and then uses an index. */
        if (d == SQL_POSTGRES && !o[i].never_null)
            buf_cstr(&c->sql, o[i].descending ? " NULLS LAST" : " NULLS FIRST");
    }
}

static void bind_all(struct query *q, const struct clause *c)
{
    for (int i = 0; i < c->n; i++)
        query_value(q, &c->values[i]);
}

static enum err_code read_number(struct store_tx *tx, const struct clause *c, int64_t *out, struct err *e)
{
    struct query run;
    if (c->sql.failed)
        return err_nomem(e);
    query_sql(&run, tx, buf_view(&c->sql), "count records", e);
    bind_all(&run, c);
    if (query_row(&run))
        *out = query_col_int(&run, 0);
    return query_end(&run);
}

static bool limited_turns(const struct list_query *q)
{
    return q->scope.limited && q->kind == KIND_TURN;
}

/* Conversations count their turns, there are far fewer of them and their rows are short: counting the turns themselves
 * reads through the whole table, contents and all. Turns are deleted only together with their conversation, so the sum
 * is exact. Only the project may be asked for. */
static enum err_code count_turns(struct store_tx *tx, const struct list_query *q, struct str project, int64_t *out,
                                 struct err *e)
{
    struct clause c = {.plan = BY_SESSION};
    struct list_query conversations = {.kind = KIND_CONVERSATION, .scope = q->scope};
    buf_init(&c.sql, SQL_CACHE_TEXT);
    buf_cstr(&c.sql, "SELECT coalesce(sum(turn_count), 0) FROM conversation WHERE deleted_at IS NULL");
    if (project.p) {
        buf_cstr(&c.sql, " AND project = ");
        put_parameter(&c, V_TEXT(project));
    }
    put_scope(&c, &conversations);
    enum err_code rc = read_number(tx, &c, out, e);
    buf_release(&c.sql);
    return rc;
}

/* True, with the project asked for or STR_NONE, when nothing but a project is asked for. */
static bool only_project(const struct list_query *q, struct str *project)
{
    *project = STR_NONE;
    bool plain = !q->created_from && !q->created_to && !q->find.n && !q->tag.n;
    if (q->n_filters == 1 && str_is(str_of(q->filters[0].field), "project") && q->filters[0].equals.type == VALUE_TEXT)
        *project = q->filters[0].equals.s;
    return plain && (q->n_filters == 0 || project->p);
}

/* All that match, wherever the page is: the cursor does not count. */
static enum err_code count_all(struct store_tx *tx, struct arena *a, const struct list_query *q, struct clause *c,
                               int64_t *total, struct err *e)
{
    struct str project;
    if (q->kind == KIND_TURN && only_project(q, &project))
        return count_turns(tx, q, project, total, e);
    c->plan = limited_turns(q) ? BY_SESSION : BY_ROW;
    c->counting = true;
    buf_fmt(&c->sql, "SELECT count(*) FROM \"%s\" WHERE deleted_at IS NULL", q->kind->name);
    enum err_code rc = put_filters(tx, a, c, q, e);
    return rc ? rc : read_number(tx, c, total, e);
}

/* Turns are met newest first, row by row, until the page is full: cheap when most may be read. Who may read few among
 * many would make that a walk through all of them. */
static enum err_code plan_turns(struct store_tx *tx, const struct list_query *q, struct clause *c, struct err *e)
{
    int64_t readable = 0;
    if (!limited_turns(q))
        return ERR_OK;
    enum err_code rc = count_turns(tx, q, STR_NONE, &readable, e);
    if (!rc && readable < turns_last_seq(tx) / FEW_TURNS)
        c->plan = THROUGH_CONVERSATIONS;
    return rc;
}

static enum err_code make_page_sql(struct store_tx *tx, struct arena *a, const struct list_query *q, struct clause *c,
                                   struct err *e)
{
    struct order_column order[ORDER_MAX];
    struct value at[ORDER_MAX];
    size_t n = order_columns(q->kind, order);
    enum err_code rc = q->cursor.p ? cursor_read(a, q->kind, q->cursor, at, e) : ERR_OK;
    if (!rc)
        rc = plan_turns(tx, q, c, e);
    if (rc)
        return rc;
    buf_cstr(&c->sql, "SELECT ");
    sql_columns(&c->sql, q->kind);
    buf_fmt(&c->sql, " FROM \"%s\" WHERE deleted_at IS NULL", q->kind->name);
    rc = put_filters(tx, a, c, q, e);
    if (rc)
        return rc;
    if (q->cursor.p)
        put_position(c, order, n, at);
    put_order(c, order, n, tx->d->dialect);
    buf_cstr(&c->sql, " LIMIT ");
    put_parameter(c, V_INT(q->limit + 1));
    return c->sql.failed ? err_nomem(e) : ERR_OK;
}

/* Reads one row more than asked for, which tells whether there is another page. */
static enum err_code read_page(struct store_tx *tx, struct arena *a, const struct list_query *q, struct clause *c,
                               struct list_page *out, struct err *e)
{
    enum err_code rc = make_page_sql(tx, a, q, c, e);
    if (rc)
        return rc;
    size_t limit = (size_t)q->limit;
    out->rows = arena_array(a, struct record *, limit);
    if (!out->rows)
        return err_nomem(e);
    bool more = false;
    struct query run;
    query_sql(&run, tx, buf_view(&c->sql), "list records", e);
    bind_all(&run, c);
    while (!more && query_row(&run)) {
        more = out->n == limit;
        if (!more && (out->rows[out->n] = query_record(&run, a, q->kind)))
            out->n++;
    }
    rc = query_end(&run);
    if (rc || !more)
        return rc;
    out->next_cursor = cursor_make(a, out->rows[out->n - 1]);
    return out->next_cursor.p ? ERR_OK : err_nomem(e);
}

enum err_code record_list(struct store_tx *tx, struct arena *a, const struct list_query *q, struct list_page *out,
                          struct err *e)
{
    *out = (struct list_page){0};
    if (q->limit < 1 || q->limit > LIMIT_MAX)
        return err_set(e, ERR_INVALID, "limit", "limit must be 1 to %d", LIMIT_MAX);
    struct clause c = {0};
    buf_init(&c.sql, SQL_CACHE_TEXT);
    enum err_code rc = read_page(tx, a, q, &c, out, e);
    if (!rc && q->count) {
        buf_clear(&c.sql);
        c.n = 0;
        rc = count_all(tx, a, q, &c, &out->total, e);
    }
    buf_release(&c.sql);
    return rc;
}

enum err_code record_list_count(struct store_tx *tx, struct arena *a, const struct list_query *q, int64_t *out,
                                struct err *e)
{
    struct clause c = {0};
    buf_init(&c.sql, SQL_CACHE_TEXT);
    *out = 0;
    enum err_code rc = count_all(tx, a, q, &c, out, e);
    buf_release(&c.sql);
    return rc;
}

/* ---- walking ---- */

static enum err_code walk_rows(struct store_tx *tx, const struct list_query *q, struct clause *c, record_fn *fn,
                               void *arg, struct err *e)
{
    struct arena *row = arena_new();
    if (!row)
        return err_nomem(e);
    struct query run;
    enum err_code code = ERR_OK;
    query_sql(&run, tx, buf_view(&c->sql), "look through records", e);
    bind_all(&run, c);
    while (!code && query_row(&run)) {
        const struct record *r = query_record(&run, row, q->kind);
        if (r)
            code = fn(arg, r, e);
        arena_reset(row);
    }
    enum err_code rc = query_end(&run);
    arena_free(row);
    return code ? code : rc;
}

/* "SELECT <what> … newest first" into c. */
static enum err_code make_walk_sql(struct store_tx *tx, struct arena *a, const struct list_query *q, bool whole,
                                   struct clause *c, struct err *e)
{
    if (q->limit < 1 || q->limit > WALK_MAX)
        return err_set(e, ERR_INVALID, "limit", "limit must be 1 to %d", WALK_MAX);
    buf_cstr(&c->sql, "SELECT ");
    if (whole)
        sql_columns(&c->sql, q->kind);
    else
        buf_cstr(&c->sql, "seq");
    buf_fmt(&c->sql, " FROM \"%s\" WHERE deleted_at IS NULL", q->kind->name);
    enum err_code rc = put_filters(tx, a, c, q, e);
    buf_cstr(&c->sql, " ORDER BY seq DESC LIMIT ");
    put_parameter(c, V_INT(q->limit));
    return !rc && c->sql.failed ? err_nomem(e) : rc;
}

enum err_code record_walk(struct store_tx *tx, const struct list_query *q, record_fn *fn, void *arg, struct err *e)
{
    struct clause c = {0};
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    buf_init(&c.sql, SQL_CACHE_TEXT * 4);
    enum err_code rc = make_walk_sql(tx, a, q, true, &c, e);
    if (!rc)
        rc = walk_rows(tx, q, &c, fn, arg, e);
    buf_release(&c.sql);
    arena_free(a);
    return rc;
}

static enum err_code read_seqs(struct store_tx *tx, struct arena *a, const struct clause *c, int64_t **out, size_t *n,
                               struct err *e)
{
    enum { FIRST = 256 };
    size_t cap = 0;
    struct query run;
    query_sql(&run, tx, buf_view(&c->sql), "look through records", e);
    bind_all(&run, c);
    while (query_row(&run)) {
        if (*n == cap) {
            cap = cap ? cap * 2 : FIRST;
            int64_t *more = arena_array(a, int64_t, cap);
            if (!more) {
                (void)query_end(&run);
                return err_nomem(e);
            }
            if (*n)
                memcpy(more, *out, *n * sizeof *more);
            *out = more;
        }
        (*out)[(*n)++] = query_col_int(&run, 0);
    }
    return query_end(&run);
}

enum err_code record_seqs(struct store_tx *tx, struct arena *a, const struct list_query *q, int64_t **out, size_t *n,
                          struct err *e)
{
    struct clause c = {0};
    *out = NULL;
    *n = 0;
    buf_init(&c.sql, SQL_CACHE_TEXT * 4);
    enum err_code rc = make_walk_sql(tx, a, q, false, &c, e);
    if (!rc)
        rc = read_seqs(tx, a, &c, out, n, e);
    buf_release(&c.sql);
    return rc;
}
