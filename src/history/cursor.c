/* Cursor: conversations ("composers") and their messages ("bubbles") in a table of keys and values that also holds
 * tokens and keys of encryption. Two ranges of keys are asked for, nothing else; databases have up to a hundred
 * gigabytes, so each value is sought by its key. The next reading begins with the conversations that have changed
 * since. */
#include "history/blocks.h"
#include "history/database.h"
#include "history/formats.h"
#include "history/grown.h"
#include "history/path.h"

#include "base/clock.h"

#include <string.h>

enum { RICH_DEPTH = 32, USER = 1, ASSISTANT = 2, MARGIN_MS = 24 * 60 * 60 * 1000, UNFINISHED_MS = 10 * 60 * 1000 };

static const struct history_root roots[] = {{"CURSOR_USER_DIR", "", NULL},
                                            {"XDG_CONFIG_HOME", "Cursor/User", ".config/Cursor/User"},
                                            {NULL, "", "Library/Application Support/Cursor/User"}};

struct cursor {
    struct history_in *in;
    struct database *db;
    struct blocks blocks;
    struct arena *bubble; /* of the one under way */
    int64_t records, newest;
};

struct composer {
    struct cursor *c;
    const struct json *o;
    struct str id, cwd, model;
    int64_t last; /* ms: of the bubble before, or when it began; for those that know no time */
    bool running; /* its last answer may be half written */
};

/* ---- files ---- */

static bool cursor_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    *out = (struct history_name){0};
    if (path_is_private(base))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    else if (str_is(base, "state.vscdb") && !path_has(path, "workspaceStorage"))
        *out = (struct history_name){.kind = "database", .beside = "-wal"};
    return out->kind != NULL;
}

static bool cursor_sniff(struct str path, struct str head)
{
    return str_starts(head, "SQLite format 3") && str_ends(path, ".vscdb");
}

/* ---- bubbles ---- */

static int64_t kind_of(const struct json *o)
{
    const struct json *type = json_get_type(o, "type", JSON_INT);
    return type ? type->integer : 0;
}

/* The words of an editor's tree: texts one behind the other, a line for each block. */
static void put_rich(struct buf *b, const struct json *node, int depth)
{
    const struct json *children = json_get_type(node, "children", JSON_ARRAY);
    struct str type = json_text(node, "type");
    if (depth > RICH_DEPTH || !node)
        return;
    buf_str(b, str_is(type, "linebreak") ? STR("\n") : json_text(node, "text"));
    for (size_t i = 0; children && i < children->n; i++) {
        bool block = json_get_type(&children->items[i], "children", JSON_ARRAY) != NULL;
        if (block && b->n && b->p[b->n - 1] != '\n')
            buf_char(b, '\n');
        put_rich(b, &children->items[i], depth + 1);
    }
}

/* Some bubbles hold their words only as they were edited. */
static void take_rich(struct arena *a, struct blocks *b, struct str rich)
{
    const struct json *o;
    struct err why = {0};
    struct buf text;
    buf_init(&text, 0);
    if (rich.n && !history_json(a, rich, &o, &why) && o->type == JSON_OBJECT)
        put_rich(&text, json_get(o, "root"), 0);
    else
        buf_str(&text, rich);
    blocks_text(b, buf_view(&text));
    buf_release(&text);
}

static void put_together(struct arena *a, struct blocks *b, const struct json *o)
{
    const struct json *tool = json_get_type(o, "toolFormerData", JSON_OBJECT), *given = json_get(tool, "rawArgs");
    blocks_text(b, json_text(o, "text"));
    if (!b->text.n)
        take_rich(a, b, json_text(o, "richText"));
    if (tool && json_text(tool, "name").n)
        blocks_tool(b, json_text(tool, "name"), json_text(tool, "toolCallId"), given ? given : json_get(tool, "params"),
                    json_text(tool, "result"));
}

static struct str metadata(const struct composer *m, const struct json *o, bool assistant)
{
    struct blocks *blocks = &m->c->blocks;
    struct buf b;
    struct json_out w;
    struct str id = json_text(o, "bubbleId"), model = json_text(json_get(o, "modelInfo"), "modelName");
    const struct json *tokens = json_get_type(o, "tokenCount", JSON_OBJECT);
    buf_init(&b, 0);
    jw_init(&w, &b);
    if (id.n)
        jw_kstr(&w, "id", id);
    if (assistant && (model.n || m->model.n))
        jw_kstr(&w, "model", model.n ? model : m->model);
    if (tokens) {
        jw_key(&w, "usage");
        jw_value(&w, tokens);
    }
    if (assistant)
        blocks_metadata(blocks, &w);
    return buf_take(&b, m->c->in->arena);
}

/* An answer is written into its bubble while it comes. */
static void set_parts(struct arena *a, const struct blocks *b, struct history_turn *t)
{
    struct history_part *parts = arena_array(a, struct history_part, GROWN_PARTS + b->n_calls);
    if (!parts)
        return; /* and told by whoever asks the arena */
    t->n_parts = grown_parts(a, t->key, t->content, 0, blocks_words(b), parts);
    for (size_t i = 0; i < b->n_calls; i++)
        parts[t->n_parts++] = (struct history_part){arena_fmt(a, "%.*s/%zu", STR_ARG(t->key), i), b->calls[i].from};
    t->parts = parts;
}

/* Thoughts have a bubble of their own: they wait in the blocks for what is said next. */
static enum err_code take_bubble(struct composer *m, struct str id, const struct json *o, const struct history_at *at,
                                 struct err *e)
{
    struct history_in *in = m->c->in;
    struct blocks *b = &m->c->blocks;
    bool user = kind_of(o) == USER;
    struct str thought = json_text(json_get(o, "thinking"), "text");
    buf_clear(&b->text);
    buf_clear(&b->tools);
    b->n_calls = 0;
    if (!o || o->type == JSON_NULL)
        return history_skip(in, HISTORY_EMPTY, at, e);
    if (o->type != JSON_OBJECT)
        return history_skip(in, HISTORY_DAMAGED, at, e);
    if (!user && kind_of(o) != ASSISTANT)
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    put_together(in->arena, b, o);
    blocks_thought(b, thought);
    if (blocks_failed(b))
        return err_nomem(e);
    if (!b->text.n)
        return thought.n ? history_merged(in, STR_NONE, at, e) : history_skip(in, HISTORY_EMPTY, at, e);
    int64_t when = history_time(json_get(o, "createdAt"));
    when = when ? when : history_time(json_get(json_get(o, "timingInfo"), "clientStartTime"));
    m->last = when ? when : m->last;
    struct history_turn t = {.key = id.n ? arena_fmt(in->arena, "%.*s/%.*s", STR_ARG(m->id), STR_ARG(id)) : STR_NONE,
                             .session = m->id,
                             .agent = user ? STR("user") : STR("cursor"),
                             .role = user ? STR("user") : STR("assistant"),
                             .content = buf_view(&b->text),
                             .timestamp = m->last,
                             .cwd = m->cwd,
                             .metadata = metadata(m, o, !user),
                             .at = *at};
    if (!user && id.n)
        set_parts(in->arena, b, &t);
    if (!user)
        buf_clear(&b->thinking);
    return arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
}

static enum err_code seek(struct composer *m, struct str id, struct err *e)
{
    struct history_in *in = m->c->in;
    struct str key = arena_fmt(in->arena, "bubbleId:%.*s:%.*s", STR_ARG(m->id), STR_ARG(id)), text = STR_NONE;
    struct rows *r = NULL;
    const struct json *o = NULL;
    struct err why = {0};
    bool found;
    enum err_code code = key.p
                             ? database_query(m->c->db, "select value from cursorDiskKV where key = ?1", &key, 1, &r, e)
                             : err_nomem(e);
    if (code)
        return code;
    code = rows_next(r, &found, &why);
    if (!code && found)
        text = rows_text(r, 0);
    const struct history_at at = {++m->c->records, -1, (int64_t)text.n};
    if (!code && text.n)
        code = history_json(in->arena, text, &o, &why);
    if (code == ERR_NOMEM || code == ERR_CORRUPT)
        code = err_set(e, code, NULL, "%s", why.message);
    else if (code)
        code = history_skip(in, code == ERR_TOO_LARGE ? HISTORY_TOO_LARGE : HISTORY_DAMAGED, &at, e);
    else
        code = take_bubble(m, id, o, &at, e);
    rows_free(r);
    return code;
}

/* One of a conversation that names its bubbles only. What it needs is given back with it. */
static enum err_code seek_bubble(struct composer *m, struct str id, struct err *e)
{
    struct history_in *in = m->c->in;
    struct arena *outer = in->arena;
    in->arena = m->c->bubble;
    enum err_code code = seek(m, id, e);
    arena_reset(in->arena);
    in->arena = outer;
    return code;
}

/* ---- conversations ---- */

static enum err_code take_inline(struct composer *m, const struct json *list, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < list->n && !code; i++) {
        const struct history_at at = {++m->c->records, -1, (int64_t)list->items[i].raw.n};
        code = take_bubble(m, json_text(&list->items[i], "bubbleId"), &list->items[i], &at, e);
    }
    return code;
}

/* Where no list says which bubbles there are: those that there are, as they were made. */
static enum err_code seek_all(struct composer *m, struct err *e)
{
    static const char sql[] =
        "select substr(key, length(?1) + 1) from cursorDiskKV where key >= ?1 and key < ?2 order by "
        "case when json_valid(cast(value as text)) then json_extract(cast(value as text), '$.createdAt') end, rowid";
    struct history_in *in = m->c->in;
    const struct str range[] = {arena_fmt(in->arena, "bubbleId:%.*s:", STR_ARG(m->id)),
                                arena_fmt(in->arena, "bubbleId:%.*s;", STR_ARG(m->id))};
    struct rows *r = NULL;
    bool found = true;
    enum err_code code = range[0].p && range[1].p ? database_query(m->c->db, sql, range, 2, &r, e) : err_nomem(e);
    while (!code && found) {
        code = rows_next(r, &found, e);
        if (!code && found)
            code = seek_bubble(m, rows_text(r, 0), e);
        if (!code)
            code = history_mark(in, in->from, 0, e);
    }
    rows_free(r);
    return code;
}

static enum err_code take_bubbles(struct composer *m, struct err *e)
{
    const struct json *heads = json_get_type(m->o, "fullConversationHeadersOnly", JSON_ARRAY);
    const struct json *list = json_get_type(m->o, "conversation", JSON_ARRAY);
    enum err_code code = ERR_OK;
    size_t n = heads ? heads->n : 0;
    if (n && m->running && kind_of(&heads->items[n - 1]) == ASSISTANT)
        n--;
    blocks_clear(&m->c->blocks);
    for (size_t i = 0; i < n && !code; i++) {
        code = seek_bubble(m, json_text(&heads->items[i], "bubbleId"), e);
        if (!code)
            code = history_mark(m->c->in, m->c->in->from, 0, e);
    }
    if (code || n)
        return code;
    return list && list->n ? take_inline(m, list, e) : heads && heads->n ? ERR_OK : seek_all(m, e);
}

/* A value of composerData:<id>. */
static enum err_code take_composer(struct cursor *c, struct str key, struct str text, struct err *e)
{
    struct history_in *in = c->in;
    const struct json *o = NULL;
    struct err why = {0};
    struct composer m = {.c = c, .id = str_skip(key, strlen("composerData:"))};
    enum err_code code = text.n ? history_json(in->arena, text, &o, &why) : ERR_OK;
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code || !o || o->type != JSON_OBJECT) {
        const struct history_at at = {++c->records, -1, (int64_t)text.n};
        return history_skip(in, code || (o && o->type != JSON_NULL) ? HISTORY_DAMAGED : HISTORY_EMPTY, &at, e);
    }
    int64_t changed = history_time(json_get(o, "lastUpdatedAt"));
    if (changed && changed < in->from - MARGIN_MS)
        return ERR_OK;
    m.o = o;
    m.last = history_time(json_get(o, "createdAt"));
    m.cwd = json_text(json_get(json_get(o, "workspaceIdentifier"), "uri"), "fsPath");
    m.model = json_text(json_get(o, "modelConfig"), "modelName");
    m.running = str_is(json_text(o, "status"), "generating") && in->modified - changed < UNFINISHED_MS &&
                clock_now_ms() - in->modified < UNFINISHED_MS;
    c->newest = changed > c->newest ? changed : c->newest;
    struct str title = json_text(o, "name");
    code = title.n ? history_title(in, m.id, title, e) : ERR_OK;
    return code ? code : take_bubbles(&m, e);
}

static enum err_code take_composers(struct cursor *c, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    enum err_code code = database_query(
        c->db,
        "select key, value from cursorDiskKV where key >= 'composerData:' and key < 'composerData;' order by key", NULL,
        0, &r, e);
    while (!code && found) {
        code = rows_next(r, &found, e);
        if (!code && found)
            code = take_composer(c, rows_text(r, 0), rows_text(r, 1), e);
        arena_reset(c->in->arena);
        if (!code)
            code = history_mark(c->in, c->in->from, 0, e);
    }
    rows_free(r);
    if (!code && c->newest > c->in->from)
        code = history_mark(c->in, c->newest, 0, e);
    return code;
}

static enum err_code cursor_read(struct history_in *in, struct err *e)
{
    struct cursor c = {.in = in, .bubble = arena_new()};
    enum err_code code = c.bubble ? database_open(in, &c.db, e) : err_nomem(e);
    blocks_init(&c.blocks);
    if (!code && database_has(c.db, "cursorDiskKV", "value"))
        code = take_composers(&c, e);
    blocks_free(&c.blocks);
    if (c.bubble)
        arena_free(c.bubble);
    enum err_code closed = database_close(c.db, code ? NULL : e);
    return code ? code : closed;
}

const struct history_format history_cursor = {
    .name = "cursor",
    .title = "Cursor",
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = cursor_recognise,
    .sniff = cursor_sniff,
    .read = cursor_read,
};
