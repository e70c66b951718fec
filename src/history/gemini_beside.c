/* What lies beside Gemini CLI's sessions: logs.json (every prompt that was typed; of old all there was), conversations
 * that somebody saved by a name (checkpoint-NAME.json), and the path of the project (.project_root). */
#include "history/gemini.h"

#include "history/items.h"
#include "history/path.h"
#include "history/prompt.h"

#include "base/file.h"

#include <unistd.h>

enum { ROOT_BYTES = 4096 };

/* ---- where the project is ---- */

/* tmp/<project>/…: where it is no hash it is what the project is called. */
static struct str project_of(struct str path)
{
    struct str before = STR_NONE, part = STR_NONE;
    while (path.n && !str_is(before, "tmp")) {
        before = part;
        part = str_cut(&path, '/');
    }
    return str_is(before, "tmp") && path.n && part.n != 2 * SHA256_BYTES ? part : STR_NONE;
}

void gemini_find_folder(struct gemini *g)
{
    const struct history_in *in = g->in;
    bool chat = path_has(in->path, "chats");
    char text[ROOT_BYTES];
    size_t got = 0;
    struct err none = {0};
    int up = in->dir >= 0 && chat ? path_open(in->dir, g->thread.n ? "../.." : "..", true) : -1;
    int fd = chat ? (up < 0 ? -1 : path_open(up, ".project_root", false)) : history_sibling(in, ".project_root", &none);
    if (up >= 0)
        close(up);
    g->project = project_of(in->path);
    if (fd < 0)
        return;
    if (!file_read_at(fd, 0, text, sizeof text, &got, &none) && got < sizeof text)
        buf_str(&g->cwd, str_trim((struct str){text, got}));
    close(fd);
}

/* ---- words without ids ---- */

struct str gemini_words_key(struct gemini *g, struct str role, struct str text)
{
    const struct str parts[] = {role, str_trim(text)};
    uint64_t hash = often_hash(parts, sizeof parts / sizeof *parts);
    size_t before;
    return often_add(&g->often, hash, &before)
               ? arena_fmt(g->in->arena, "words:%llx:%zu", (unsigned long long)hash, before)
               : STR_NONE;
}

/* ---- prompts ---- */

static enum err_code take_prompt(struct gemini *g, const struct json *o, const struct history_at *at, struct err *e)
{
    struct history_in *in = g->in;
    struct str text = json_text(o, "message"), session = json_text(o, "sessionId"), typed = str_trim(text);
    int64_t when = history_time(json_get(o, "timestamp"));
    if (!session.n || !json_get(o, "message"))
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    if (!typed.n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    if (!str_is(json_text(o, "type"), "user") || *typed.p == '/' || *typed.p == '!' || *typed.p == '?')
        return history_skip(in, HISTORY_META, at, e);
    const struct history_turn t = {.key = when ? prompt_key(in->arena, session, text, when) : STR_NONE,
                                   .session = session,
                                   .agent = STR("user"),
                                   .role = STR("user"),
                                   .content = text,
                                   .timestamp = when,
                                   .cwd = g->cwd.n ? buf_view(&g->cwd) : STR_NONE,
                                   .project = g->project,
                                   .told = HISTORY_TYPED,
                                   .at = *at};
    return history_turn(in, &t, e);
}

/* ---- saved conversations ---- */

/* With what the tool begins each of them. */
static bool is_injected(struct str text)
{
    static const char *const begins[] = {"This is the Gemini CLI. We are setting up the context",
                                         "Got it. Thanks for the context!", "<session_context>"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_starts(str_trim(text), begins[i]))
            return true;
    return false;
}

static enum err_code take_saved(struct gemini *g, const struct json *o, const struct history_at *at, struct err *e)
{
    struct history_in *in = g->in;
    const struct json *parts = json_get_type(o, "parts", JSON_ARRAY);
    struct str role = json_text(o, "role");
    bool person = str_is(role, "user");
    if (!parts || (!person && !str_is(role, "model")))
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    blocks_clear(&g->blocks);
    gemini_content(g, parts);
    for (size_t i = 0; i < parts->n; i++) {
        const struct json *call = json_get(&parts->items[i], "functionCall");
        if (call)
            blocks_tool(&g->blocks, json_text(call, "name"), json_text(call, "id"), json_get(call, "args"), STR_NONE);
    }
    if (blocks_failed(&g->blocks))
        return err_nomem(e);
    struct str text = buf_view(&g->blocks.text);
    if (!text.n || is_injected(text))
        return history_skip(in, text.n ? HISTORY_INJECTED : HISTORY_EMPTY, at, e);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    blocks_metadata(&g->blocks, &w);
    const struct history_turn t = {.key = gemini_words_key(g, role, text),
                                   .session = buf_view(&g->session),
                                   .agent = person ? STR("user") : STR("gemini"),
                                   .role = person ? STR("user") : STR("assistant"),
                                   .content = text,
                                   .timestamp = in->modified,
                                   .cwd = g->cwd.n ? buf_view(&g->cwd) : STR_NONE,
                                   .project = g->project,
                                   .metadata = buf_take(&b, in->arena),
                                   .at = *at};
    return t.key.p && !arena_failed(in->arena) ? history_turn(in, &t, e) : err_nomem(e);
}

/* ---- files ---- */

static enum err_code take_item(struct gemini *g, const struct item *item, int64_t number, bool saved, struct err *e)
{
    const struct json *o;
    struct err why = {0};
    const struct history_at at = {number, item->offset, item->bytes};
    if (item->too_large)
        return history_skip(g->in, HISTORY_TOO_LARGE, &at, e);
    enum err_code code = history_json(g->in->arena, item->text, &o, &why);
    if (code || o->type != JSON_OBJECT)
        return code == ERR_NOMEM ? err_nomem(e) : history_skip(g->in, HISTORY_DAMAGED, &at, e);
    return saved ? take_saved(g, o, &at, e) : take_prompt(g, o, &at, e);
}

enum err_code gemini_read_beside(struct gemini *g, bool saved, struct err *e)
{
    struct item item;
    bool found = true;
    g->in->from = g->in->from_line = 0;
    struct items *items = items_new(g->in, "history", false);
    enum err_code code = items ? ERR_OK : err_nomem(e);
    for (int64_t number = 1; !code; number++) {
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        code = take_item(g, &item, number, saved, e);
        arena_reset(g->in->arena);
        if (!code)
            code = history_mark(g->in, 0, 0, e);
    }
    items_free(items);
    return code;
}
