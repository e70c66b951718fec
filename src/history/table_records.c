/* Rows as records: see table_records.h. Names come from our own lists, never from the database. */
#include "history/table_records.h"

#include "history/often.h"
#include "history/tables.h"

#include "base/json_write.h"
#include "base/text.h"

/* ---- values ---- */

static const struct json *parsed(struct arena *a, struct str text)
{
    const struct json *v;
    struct err why = {0};
    return text.n && !history_json(a, text, &v, &why) ? v : NULL;
}

static void write_list(struct json_out *w, struct str text)
{
    jw_array(w);
    while (text.n) {
        struct str one = str_trim(str_cut(&text, ','));
        if (one.n)
            jw_str(w, one);
    }
    jw_end_array(w);
}

/* Any value as one of the type that is wanted. */
static void write_json(struct json_out *w, enum table_type type, const struct json *v, struct str text)
{
    bool fits = type == TABLE_JSON || (v && v->type == (type == TABLE_ARRAY ? JSON_ARRAY : JSON_OBJECT));
    if (!fits && type == TABLE_ARRAY)
        jw_array(w);
    if (!fits && type == TABLE_OBJECT) {
        jw_object(w);
        jw_key(w, "value");
    }
    if (v)
        jw_value(w, v);
    else
        jw_str(w, text);
    if (!fits && type == TABLE_ARRAY)
        jw_end_array(w);
    if (!fits && type == TABLE_OBJECT)
        jw_end_object(w);
}

static void write_number(struct json_out *w, const struct table_field *f, struct str text)
{
    double x;
    if (!str_double(text, &x) || !(x >= 0) || x > (f->most ? (double)f->most : 9e15))
        return;
    if (f->type == TABLE_REAL)
        jw_knum(w, f->field, x);
    else
        jw_kint(w, f->field, (int64_t)x);
}

/* A value that stands as it is, or is to be parsed. */
static bool is_json(enum table_type type)
{
    return type == TABLE_ARRAY || type == TABLE_OBJECT || type == TABLE_JSON;
}

static void write_field(struct json_out *w, struct arena *a, const struct table_field *f, struct str text)
{
    bool much = f->type != TABLE_TEXT && f->most && text.n > f->most;
    const struct json *v = is_json(f->type) && !much ? parsed(a, text) : NULL;
    if (is_json(f->type)) {
        if (!text.n || much || (v && v->type == JSON_NULL))
            return;
        jw_key(w, f->field);
        write_json(w, f->type, v, text);
    } else if (f->type == TABLE_TEXT) {
        if (text.n)
            jw_kstr(w, f->field, text_cut(text, f->most));
    } else if (f->type == TABLE_LIST) {
        if (much)
            return;
        jw_key(w, f->field);
        write_list(w, text);
    } else if (f->type == TABLE_BOOL) {
        jw_kbool(w, f->field, text.n && !str_is(text, "0") && !str_ieq(text, STR("false")));
    } else if (f->type == TABLE_TIME) {
        if (tables_time(text))
            jw_ktime(w, f->field, tables_time(text));
    } else {
        write_number(w, f, text);
    }
}

/* ---- rows ---- */

enum { ROW, CONVERSATION, BEGAN, TIME, FIELDS }; /* the columns that are asked for */

struct str table_session(struct arena *a, struct str number, struct str began)
{
    began = str_cut(&began, '.');
    return !number.n || !began.n ? number : arena_fmt(a, "%.*s (%.*s)", STR_ARG(number), STR_ARG(began));
}

static void select_column(struct buf *b, struct database *d, const char *from, const char *table, const char *column)
{
    if (table && column && database_has(d, table, column))
        buf_fmt(b, ", %s.%s", from, column);
    else
        buf_cstr(b, ", null");
}

static struct str statement(struct database *d, struct arena *a, const struct table_records *t)
{
    struct buf b;
    const char *of = t->conversation && database_has(d, t->table, t->conversation) ? t->conversation : NULL;
    bool joined = of && database_has(d, "conversations", "id");
    buf_init(&b, 0);
    buf_cstr(&b, "select m.rowid");
    select_column(&b, d, "m", t->table, of);
    select_column(&b, d, "c", joined ? "conversations" : NULL, "created_at");
    select_column(&b, d, "m", t->table, t->time);
    for (size_t i = 0; i < t->n; i++)
        select_column(&b, d, "m", t->table, t->fields[i].column);
    buf_fmt(&b, " from %s m", t->table);
    if (joined)
        buf_fmt(&b, " left join conversations c on c.id = m.%s", of);
    buf_cstr(&b, " order by m.rowid");
    buf_char(&b, '\0');
    return buf_take(&b, a);
}

static struct str fields_of(struct arena *a, const struct table_records *t, struct rows *r)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < t->n; i++) {
        struct str text = rows_text(r, FIELDS + (int)i);
        if (text.p)
            write_field(&w, a, &t->fields[i], text);
    }
    jw_end_object(&w);
    return buf_take(&b, a);
}

/* A row's number alone would be that of another row in another database: its first field says which it is. */
static enum err_code take_row(struct history_in *in, const struct table_records *t, struct rows *r,
                              const struct history_at *at, struct err *e)
{
    struct arena *a = in->arena;
    struct str session = arena_str(a, rows_text(r, CONVERSATION)), fields = fields_of(a, t, r);
    session = table_session(a, session, rows_text(r, BEGAN));
    struct str name = t->history ? fields : rows_text(r, FIELDS);
    const struct history_record x = {.kind = t->kind,
                                     .key = arena_fmt(a, "%s/%.*s/%lld/%llx", t->table, STR_ARG(session),
                                                      (long long)rows_int(r, ROW),
                                                      (unsigned long long)often_hash(&name, 1)),
                                     .session = session,
                                     .fields = fields,
                                     .timestamp = tables_time(rows_text(r, TIME)),
                                     .at = *at};
    return arena_failed(a) ? err_nomem(e) : history_record(in, &x, e);
}

enum err_code table_records_read(struct history_in *in, struct database *d, const struct table_records *t,
                                 int64_t *number, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    if (!database_has(d, t->table, t->fields[0].column))
        return ERR_OK;
    struct str sql = statement(d, in->arena, t);
    enum err_code code = sql.p ? database_query(d, sql.p, NULL, 0, &r, e) : err_nomem(e);
    while (!code) {
        code = rows_next(r, &found, e);
        if (code || !found)
            break;
        if (str_trim(rows_text(r, FIELDS)).n) {
            const struct history_at at = {++*number, -1, 0};
            code = take_row(in, t, r, &at, e);
        }
        arena_reset(in->arena);
        if (!code)
            code = history_mark(in, 0, 0, e);
    }
    rows_free(r);
    return code;
}
