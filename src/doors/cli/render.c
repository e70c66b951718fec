/* Answers for people: an operation's JSON as a table, as lines of "name  value", or as it is with --json.
 * It knows the shapes of answers, not what they mean; hits and conversations have a file of their own. */
#include "doors/cli/render.h"

#include <string.h>

enum { COLUMNS_SHOWN = 7, NAME_PAD_MOST = 28, INDENT_MOST = 8, ROWS_MOST = 1000 };

struct str render_time(struct cli *c, struct str t)
{
    if (!c->screen.terminal || t.n < 16 || t.p[10] != 'T')
        return t;
    return arena_fmt(c->arena, "%.10s %.5s", t.p, t.p + 11); /* UTC, to the minute */
}

static bool looks_like_time(struct str s)
{
    return s.n == 24 && s.p[4] == '-' && s.p[10] == 'T' && s.p[23] == 'Z';
}

struct str render_cell(struct cli *c, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return STR("");
    if (v->type == JSON_STRING && looks_like_time(v->s))
        return render_time(c, v->s);
    return clean_line(c->arena, v->type == JSON_STRING ? v->s : v->raw);
}

const struct json *render_first(const struct json *o, const char *names)
{
    struct str rest = str_of(names);
    while (rest.p) {
        const struct json *v = json_get_str(o, str_cut(&rest, '|'));
        if (v && v->type != JSON_NULL)
            return v;
    }
    return NULL;
}

/* ---- rows ---- */

static bool dull(struct str name)
{
    static const char *const names[] = {"seq", "version", "updated_at", "content_hash", "metadata", "project"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return false;
}

static bool empty_value(const struct json *v)
{
    bool list = v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT);
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->s.n == 0) || (list && v->n == 0);
}

/* A column is worth its place when some row has a plain value there; the id under its second name has none. */
static bool worth_showing(const struct json *rows, struct str name)
{
    bool repeats_id = true;
    bool filled = false;
    if (dull(name) || str_is(name, "created_at"))
        return false;
    for (size_t i = 0; i < rows->n; i++) {
        const struct json *v = json_get_str(&rows->items[i], name), *id = json_get(&rows->items[i], "id");
        if (v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT))
            return false;
        repeats_id = repeats_id && id && v && v->type == JSON_STRING && id != v && str_eq(v->s, id->s);
        filled = filled || !empty_value(v);
    }
    return filled && !repeats_id;
}

static void add_column(struct table *t, const struct json *rows, struct str name)
{
    const struct json *v = json_get_str(&rows->items[0], name);
    bool number = v && (v->type == JSON_INT || v->type == JSON_DOUBLE);
    bool id = str_is(name, "id");
    table_column(t, (struct column){.title = name, .ink = id ? INK_ID : INK_PLAIN, .right = number, .may_cut = !id});
}

/* Columns are the members of the first row, in order: ids first, at most COLUMNS_SHOWN, the time last. */
static void pick_columns(struct table *t, const struct json *rows)
{
    const struct json *first = &rows->items[0];
    for (size_t i = 0; i < first->n && t->n_columns < COLUMNS_SHOWN; i++) {
        if (worth_showing(rows, first->keys[i].key))
            add_column(t, rows, first->keys[i].key);
    }
    if (json_get(first, "created_at"))
        add_column(t, rows, STR("created_at"));
}

static void render_rows(struct cli *c, const struct json *rows)
{
    struct table *t = table_new(c->arena, rows->n);
    if (rows->n == 0 || !t) {
        buf_cstr(&c->out, "none\n");
        return;
    }
    pick_columns(t, rows);
    for (size_t i = 0; i < rows->n; i++) {
        struct str *cells = table_row(t);
        for (size_t k = 0; cells && k < t->n_columns; k++)
            cells[k] = render_cell(c, json_get_str(&rows->items[i], t->columns[k].title));
    }
    table_print(t, &c->screen, &c->out);
}

/* ---- one record ---- */

static size_t name_width(const struct json *o)
{
    size_t w = 0;
    for (size_t i = 0; i < o->n; i++)
        w = o->keys[i].key.n > w && !empty_value(&o->items[i]) ? o->keys[i].key.n : w;
    return w > NAME_PAD_MOST ? NAME_PAD_MOST : w;
}

static void put_name(struct cli *c, struct str name, size_t width, int indent)
{
    struct str shown = clean_line(c->arena, name);
    buf_fmt(&c->out, "%*s", indent, "");
    screen_ink(&c->screen, &c->out, INK_FAINT, shown);
    buf_fmt(&c->out, "%*s", (int)(shown.n < width ? width - shown.n : 0) + 2, "");
}

static void put_value(struct cli *c, const struct json *v, int indent)
{
    if (v->type == JSON_STRING && !looks_like_time(v->s))
        clean_block(&c->out, v->s, indent);
    else
        buf_str(&c->out, render_cell(c, v));
    buf_char(&c->out, '\n');
}

/* The table of members: nested objects are indented one level, deeper ones shown as JSON. */
static void put_members(struct cli *c, const struct json *o, int indent)
{
    size_t width = name_width(o);
    for (size_t i = 0; i < o->n; i++) {
        const struct json *v = &o->items[i];
        if (empty_value(v))
            continue;
        put_name(c, o->keys[i].key, width, indent);
        if (v->type != JSON_OBJECT || indent > 0) {
            put_value(c, v, indent + (int)width + 2);
            continue;
        }
        buf_char(&c->out, '\n');
        for (size_t k = 0, inner = name_width(v); k < v->n; k++) {
            put_name(c, v->keys[k].key, inner, 2);
            put_value(c, &v->items[k], 4 + (int)inner);
        }
    }
}

void render_record(struct cli *c, const struct json *o)
{
    put_members(c, o, 0);
}

/* ---- choosing ---- */

/* The rows of an answer: itself an array of objects, or the only such array in it. */
static const struct json *rows_of(const struct json *v)
{
    if (v->type == JSON_ARRAY)
        return v;
    for (size_t i = 0; v->type == JSON_OBJECT && i < v->n; i++) {
        const struct json *m = &v->items[i];
        if (m->type == JSON_ARRAY && (m->n == 0 || m->items[0].type == JSON_OBJECT))
            return m;
    }
    return NULL;
}

static void render_list(struct cli *c, const struct json *v, const struct answer *a)
{
    const struct json *rows = rows_of(v);
    if (!rows || rows->n == 0 || rows->items[0].type != JSON_OBJECT) {
        buf_cstr(&c->out, "none\n");
        return;
    }
    render_rows(c, rows);
    struct str next = a->next_cursor.n ? a->next_cursor : json_text(v, "next_cursor");
    if (next.n > 0) {
        struct str more = arena_fmt(c->arena, "more: --cursor %.*s\n", STR_ARG(clean_line(c->arena, next)));
        screen_ink(&c->screen, &c->out, INK_FAINT, more);
    }
}

static void render_remembered(struct cli *c, const struct json *v)
{
    struct str id = json_text(v, "turn_id"), session = json_text(v, "session_id");
    struct str conversation = json_text(v, "conversation_id");
    const struct json *number = json_get_type(v, "turn_number", JSON_INT);
    buf_cstr(&c->out, "remembered ");
    screen_ink(&c->screen, &c->out, INK_ID, clean_line(c->arena, id));
    buf_fmt(&c->out, "\n  turn %lld of %.*s in %.*s\n", number ? (long long)number->integer : 0LL,
            STR_ARG(clean_line(c->arena, conversation)), STR_ARG(clean_line(c->arena, session)));
}

static void render_deleted(struct cli *c, const struct json *v)
{
    buf_cstr(&c->out, "removed ");
    screen_ink(&c->screen, &c->out, INK_ID, render_cell(c, json_get(v, "id")));
    buf_char(&c->out, '\n');
}

static void render_parsed(struct cli *c, const struct operation *op, const struct json *v, const struct answer *a)
{
    struct str name = str_of(op->name);
    if (str_is(name, "recall") || str_is(name, "context.search"))
        render_hits(c, v);
    else if (str_is(name, "turn.remember"))
        render_remembered(c, v);
    else if (str_is(name, "conversation.get"))
        render_conversation(c, v);
    else if (str_ends(name, ".delete"))
        render_deleted(c, v);
    else if (str_ends(name, ".list") || v->type == JSON_ARRAY)
        render_list(c, v, a);
    else if (v->type == JSON_OBJECT)
        render_record(c, v);
    else
        buf_str(&c->out, render_cell(c, v));
}

enum err_code render_answer(struct cli *c, const struct operation *op, const struct answer *a, struct err *e)
{
    const struct json *v;
    if (c->json || (op->flags & OP_TEXT)) {
        buf_str(&c->out, a->json);
        if (!str_ends(a->json, "\n"))
            buf_char(&c->out, '\n');
        return ERR_OK;
    }
    if (json_parse(c->arena, a->json, JSON_DUPLICATES_OK, &v, NULL))
        return err_set(e, ERR_INTERNAL, NULL, "the answer to %s is not JSON; --json shows it", op->name);
    render_parsed(c, op, v, a);
    return ERR_OK;
}
