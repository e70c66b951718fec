/* Answers for people: an operation's JSON as a table, as lines of "name  value", or as it is with --json.
 * It knows the shapes of answers, not what they mean; hits and conversations have a file of their own. */
#include "doors/cli/render.h"

#include <string.h>

enum { CELL_COLUMNS = 300, NAME_PAD_MOST = 28 };

struct str render_time(struct cli *c, struct str t)
{
    if (!c->screen.terminal || t.n < 16 || t.p[10] != 'T')
        return t;
    return arena_fmt(c->arena, "%.10s %.5s", t.p, t.p + 11); /* UTC, to the minute */
}

/* The one form in which the API writes times, so that stored text is hardly ever taken for one. */
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

bool render_empty(const struct json *v)
{
    bool list = v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT);
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->s.n == 0) || (list && v->n == 0);
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

/* ---- rows: columns are chosen in render_columns.c ---- */

static void render_rows(struct cli *c, const struct json *rows)
{
    struct table *t = table_new(c->arena, rows->n);
    if (!t)
        return; /* the arena remembers, and the command fails */
    columns_pick(c, t, rows);
    for (size_t i = 0; i < rows->n; i++) {
        struct str *cells = table_row(t);
        for (size_t k = 0; cells && k < t->n_columns; k++) {
            struct str cell = render_cell(c, json_get_str(&rows->items[i], t->columns[k].title));
            cells[k] = clean_fit(c->arena, cell, CELL_COLUMNS);
        }
    }
    table_print(t, &c->screen, &c->out);
}

/* ---- one record ---- */

/* A record names its id twice: "id" and, say, "turn_id". */
static bool repeats_id(const struct json *o, size_t i)
{
    const struct json *id = json_get_type(o, "id", JSON_STRING), *v = &o->items[i];
    return id && v != id && v->type == JSON_STRING && str_eq(v->s, id->s);
}

static size_t name_width(const struct json *o)
{
    size_t w = 0;
    for (size_t i = 0; i < o->n; i++)
        w = o->keys[i].key.n > w && !render_empty(&o->items[i]) ? o->keys[i].key.n : w;
    return w > NAME_PAD_MOST ? NAME_PAD_MOST : w;
}

static void put_name(struct cli *c, struct str name, size_t width, int indent)
{
    struct str shown = clean_line(c->arena, name);
    buf_fmt(&c->out, "%*s", indent, "");
    screen_ink(&c->screen, &c->out, INK_FAINT, shown);
    buf_fmt(&c->out, "%*s", (int)(shown.n < width ? width - shown.n : 0) + 2, "");
}

static void end_line(struct buf *b)
{
    while (b->n > 0 && b->p[b->n - 1] == ' ')
        b->n--;
    buf_char(b, '\n');
}

/* A text keeps its lines, indented under its first; everything else is one line. */
static void put_value(struct cli *c, const struct json *v, int indent)
{
    if (v->type == JSON_STRING && !looks_like_time(v->s))
        clean_block(&c->out, v->s, indent);
    else
        buf_str(&c->out, render_cell(c, v));
    end_line(&c->out);
}

/* The members line by line: nested objects are indented one level, deeper ones shown as JSON. So it calls itself
 * once at most. */
static void put_members(struct cli *c, const struct json *o, int depth)
{
    size_t width = name_width(o);
    for (size_t i = 0; i < o->n; i++) {
        const struct json *v = &o->items[i];
        if (render_empty(v) || repeats_id(o, i))
            continue;
        bool nested = v->type == JSON_OBJECT && depth == 0;
        put_name(c, o->keys[i].key, nested ? 0 : width, depth * 2);
        if (!nested) {
            put_value(c, v, depth * 2 + (int)width + 2);
            continue;
        }
        end_line(&c->out);
        put_members(c, v, depth + 1);
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

/* The cursor of the next page comes in the answer, or beside it for lists that answer an array. */
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

/* The id first: it is what the next command needs. */
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

/* The token alone, so that it can be piped and assigned. */
static void render_token(struct cli *c, const struct json *v)
{
    buf_str(&c->out, render_cell(c, json_get(v, "token")));
    buf_char(&c->out, '\n');
}

/* By the operation's name where its answer deserves more than a list of members. */
static void render_parsed(struct cli *c, const struct operation *op, const struct json *v, const struct answer *a)
{
    struct str name = str_of(op->name);
    if (str_is(name, "recall") || str_is(name, "context.search"))
        render_hits(c, v);
    else if (str_is(name, "turn.remember"))
        render_remembered(c, v);
    else if (str_is(name, "auth.token"))
        render_token(c, v);
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
