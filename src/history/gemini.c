/* Gemini CLI: a session a file, below the folder of its project; until 2025 one JSON document, now a log of changes
 * (gemini_log.c). What a message becomes is told here. */
#include "history/gemini.h"

#include "history/formats.h"
#include "history/grown.h"
#include "history/items.h"
#include "history/path.h"

#include <string.h>

static const struct history_root roots[] = {{"GEMINI_CLI_HOME", ".gemini", ".gemini"}};

/* Below tmp/<project>/: chats/session-x.json, chats/session-x.jsonl, chats/<parent>/<id>.jsonl; or named by itself. */
static bool gemini_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    bool log = str_ends(base, ".jsonl"), document = str_ends(base, ".json"), chat = path_has(path, "chats");
    *out = (struct history_name){0};
    if (path_is_private(base))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    else if (str_is(base, "logs.json") && !chat)
        *out = (struct history_name){.kind = "prompts", .order = 2};
    else if (document && str_starts(base, "checkpoint") && !chat && !path_has(path, "checkpoints"))
        *out = (struct history_name){.kind = "saved conversation", .order = 1};
    else if ((log || document) && (chat || str_starts(base, "session-")))
        *out = (struct history_name){.kind = log ? "session log" : "session"};
    return out->kind != NULL;
}

static bool gemini_sniff(struct str path, struct str head)
{
    if (str_is(path_base(path), "logs.json"))
        return str_find(head, STR("\"messageId\"")) >= 0 && str_find(head, STR("\"sessionId\"")) >= 0;
    return str_find(head, STR("\"projectHash\"")) >= 0;
}

/* ---- messages ---- */

static void keep(struct buf *b, struct str s)
{
    if (!s.n)
        return;
    buf_clear(b);
    buf_str(b, s);
}

void gemini_header(struct gemini *g, const struct json *o)
{
    const struct json *folders = json_get_type(o, "directories", JSON_ARRAY);
    if (!g->thread.n) /* a subagent's own id is its file's name */
        keep(&g->session, json_text(o, "sessionId"));
    keep(&g->title, json_text(o, "summary"));
    if (folders && folders->n && folders->items[0].type == JSON_STRING)
        keep(&g->cwd, folders->items[0].s);
}

/* Parts were one text before they were sent: they join without anything between. Thoughts among them stay apart. */
static void take_part(struct buf *text, struct blocks *b, const struct json *part)
{
    const struct json *thought = json_get_type(part, "thought", JSON_BOOL);
    struct str s = part->type == JSON_STRING ? part->s : json_text(part, "text");
    if (thought && thought->boolean)
        blocks_thought(b, s);
    else
        buf_str(text, s);
}

void gemini_content(struct gemini *g, const struct json *content)
{
    struct buf text;
    buf_init(&text, 0);
    if (content && content->type == JSON_ARRAY) {
        for (size_t i = 0; i < content->n; i++)
            take_part(&text, &g->blocks, &content->items[i]);
    } else if (content) {
        take_part(&text, &g->blocks, content);
    }
    blocks_text(&g->blocks, buf_view(&text));
    g->blocks.text.failed = g->blocks.text.failed || text.failed;
    buf_release(&text);
}

/* [{functionResponse:{response:{output}}}], or a text. */
static struct str result_of(const struct json *call)
{
    const struct json *result = json_get(call, "result"), *answer;
    if (result && result->type == JSON_ARRAY && result->n)
        result = &result->items[0];
    answer = json_get(json_get(result, "functionResponse"), "response");
    struct str text = json_text(answer, "output");
    text = text.n ? text : json_text(answer, "error");
    if (!text.n && answer)
        return answer->raw;
    return text.n ? text : result && result->type == JSON_STRING ? result->s : STR_NONE;
}

static void take_calls(struct gemini *g, const struct json *m)
{
    const struct json *calls = json_get_type(m, "toolCalls", JSON_ARRAY), *thoughts;
    for (size_t i = 0; calls && i < calls->n; i++) {
        const struct json *c = &calls->items[i];
        blocks_tool(&g->blocks, json_text(c, "name"), json_text(c, "id"), json_get(c, "args"), result_of(c));
    }
    thoughts = json_get_type(m, "thoughts", JSON_ARRAY);
    for (size_t i = 0; thoughts && i < thoughts->n; i++) {
        struct str subject = json_text(&thoughts->items[i], "subject"),
                   rest = json_text(&thoughts->items[i], "description");
        blocks_thought(&g->blocks, subject);
        blocks_thought(&g->blocks, rest);
    }
}

static struct str metadata(struct gemini *g, const struct json *m, bool task)
{
    struct buf b;
    struct json_out w;
    struct str id = json_text(m, "id"), model = json_text(m, "model");
    const struct json *tokens = json_get_type(m, "tokens", JSON_OBJECT);
    buf_init(&b, 0);
    jw_init(&w, &b);
    if (id.n)
        jw_kstr(&w, "id", id);
    if (model.n)
        jw_kstr(&w, "model", model);
    if (task)
        jw_kcstr(&w, "kind", "task");
    if (tokens) {
        jw_key(&w, "usage");
        jw_value(&w, tokens);
    }
    blocks_metadata(&g->blocks, &w);
    return buf_take(&b, g->in->arena);
}

static const char *reason_of(const struct json *m, struct str type)
{
    if (m->type != JSON_OBJECT)
        return HISTORY_DAMAGED;
    if (str_is(type, "info") || str_is(type, "error") || str_is(type, "warning"))
        return HISTORY_META;
    return str_is(type, "user") || str_is(type, "gemini") ? NULL : HISTORY_UNKNOWN;
}

/* A message is written again while it grows: parts of its text and each of its tools are known by themselves, so that
 * what has come since is new. The first of them is the turn's key. */
static struct str part_key(struct gemini *g, struct str id, struct str part)
{
    return arena_fmt(g->in->arena, "%.*s/%.*s/%.*s/%.*s", STR_ARG(buf_view(&g->session)), STR_ARG(g->thread),
                     STR_ARG(id), STR_ARG(part));
}

static bool set_keys(struct gemini *g, struct str id, struct history_turn *t)
{
    struct arena *a = g->in->arena;
    const struct blocks *b = &g->blocks;
    size_t first = b->n_calls && b->calls[0].from == 0; /* it begins with a tool */
    struct history_part *parts = id.n ? arena_array(a, struct history_part, GROWN_PARTS + b->n_calls) : NULL;
    if (!parts)
        return !id.n;
    t->key = part_key(g, id, first ? b->calls[0].id : STR("text"));
    if (!first && !str_is(t->role, "user"))
        t->n_parts = grown_parts(a, t->key, t->content, 0, blocks_words(b), parts);
    for (size_t i = first; i < b->n_calls; i++)
        parts[t->n_parts++] = (struct history_part){
            part_key(g, id, b->calls[i].id.n ? b->calls[i].id : arena_fmt(a, "%zu", i)), b->calls[i].from};
    t->parts = parts;
    return !arena_failed(a);
}

/* The same words in a conversation that was saved by a name. */
static enum err_code told_elsewhere(struct gemini *g, const struct history_turn *t, struct err *e)
{
    struct str key = gemini_words_key(g, str_is(t->role, "user") ? STR("user") : STR("model"), t->content);
    return key.p ? history_merged(g->in, key, NULL, e) : err_nomem(e);
}

enum err_code gemini_message(struct gemini *g, const struct json *m, const struct history_at *at, struct err *e)
{
    struct history_in *in = g->in;
    struct str type = json_text(m, "type");
    const char *reason = reason_of(m, type);
    if (reason)
        return history_skip(in, reason, at, e);
    bool person = str_is(type, "user") && !g->thread.n, task = str_is(type, "user") && !person;
    blocks_clear(&g->blocks);
    gemini_content(g, json_get(m, "content"));
    take_calls(g, m);
    if (blocks_failed(&g->blocks))
        return err_nomem(e);
    if (!g->blocks.text.n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    struct history_turn t = {.session = buf_view(&g->session),
                             .thread = g->thread,
                             .agent = person ? STR("user") : STR("gemini"),
                             .role = person ? STR("user") : STR("assistant"),
                             .content = buf_view(&g->blocks.text),
                             .timestamp = history_time(json_get(m, "timestamp")),
                             .cwd = g->cwd.n ? buf_view(&g->cwd) : STR_NONE,
                             .project = g->project,
                             .metadata = metadata(g, m, task),
                             .typed = person ? history_text(in->arena, json_get(m, "displayContent")) : STR_NONE,
                             .at = *at};
    enum err_code code =
        set_keys(g, json_text(m, "id"), &t) && !arena_failed(in->arena) ? history_turn(in, &t, e) : err_nomem(e);
    return code || g->thread.n ? code : told_elsewhere(g, &t, e);
}

/* ---- documents ---- */

/* Its members are few but for the messages, which may be many. */
static enum err_code read_header(struct gemini *g, struct err *e)
{
    static const char *const names[] = {"sessionId", "directories", "summary"};
    struct buf b, value;
    struct json_out w;
    const struct json *o;
    buf_init(&b, 0);
    buf_init(&value, 0);
    jw_init(&w, &b);
    jw_object(&w);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++) {
        code = items_member(g->in, names[i], &value, e);
        if (!code && value.n)
            jw_kraw(&w, names[i], buf_view(&value));
    }
    jw_end_object(&w);
    struct err why = {0};
    if (!code && !b.failed && !history_json(g->in->arena, buf_view(&b), &o, &why))
        gemini_header(g, o);
    buf_release(&b);
    buf_release(&value);
    return code;
}

static enum err_code take_item(struct gemini *g, const struct item *item, int64_t number, struct err *e)
{
    const struct json *m;
    struct err why = {0};
    const struct history_at at = {number, item->offset, item->bytes};
    if (item->too_large)
        return history_skip(g->in, HISTORY_TOO_LARGE, &at, e);
    enum err_code code = history_json(g->in->arena, item->text, &m, &why);
    if (code)
        return code == ERR_NOMEM ? err_nomem(e) : history_skip(g->in, HISTORY_DAMAGED, &at, e);
    if (json_get(m, "messages") || json_get(m, "sessionId")) /* the document itself, without a list of messages */
        return history_skip(g->in, HISTORY_META, &at, e);
    return gemini_message(g, m, &at, e);
}

static enum err_code read_document(struct gemini *g, struct err *e)
{
    struct item item;
    bool found = true;
    g->in->from = g->in->from_line = 0;
    enum err_code code = read_header(g, e);
    struct items *items = code ? NULL : items_new(g->in, "messages", false);
    if (!code && !items)
        code = err_nomem(e);
    for (int64_t number = 1; !code && found; number++) {
        code = items_next(items, &item, &found, e);
        if (!code && found)
            code = take_item(g, &item, number, e);
        arena_reset(g->in->arena);
        if (!code)
            code = history_mark(g->in, 0, 0, e);
    }
    items_free(items);
    return code;
}

/* A subagent's lies in a folder that has the name of the session it works for. */
static enum err_code gemini_read(struct history_in *in, struct err *e)
{
    struct gemini g = {.in = in};
    struct str base = path_without(path_without(path_base(in->path), ".jsonl"), ".json");
    struct str folder = path_folder(in->path);
    bool log = str_ends(in->path, ".jsonl");
    buf_init(&g.session, 0);
    buf_init(&g.cwd, 0);
    buf_init(&g.title, 0);
    blocks_init(&g.blocks);
    if (folder.n && !str_is(folder, "chats") && path_has(in->path, "chats"))
        g.thread = base;
    bool saved = !strcmp(in->kind, "saved conversation"), beside = saved || !strcmp(in->kind, "prompts");
    gemini_find_folder(&g);
    if (saved && folder.n)
        buf_fmt(&g.session, "%.*s/", STR_ARG(folder));
    buf_str(&g.session, g.thread.n ? folder : base);
    enum err_code code = beside ? gemini_read_beside(&g, saved, e)
                         : log  ? gemini_read_log(&g, e)
                                : read_document(&g, e);
    if (!code && g.title.n && !g.thread.n)
        code = history_title(in, buf_view(&g.session), buf_view(&g.title), e);
    buf_release(&g.session);
    buf_release(&g.title);
    buf_release(&g.cwd);
    blocks_free(&g.blocks);
    often_free(&g.often);
    return code;
}

const struct history_format history_gemini = {
    .name = "gemini",
    .title = "Gemini CLI",
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = gemini_recognise,
    .sniff = gemini_sniff,
    .read = gemini_read,
};
