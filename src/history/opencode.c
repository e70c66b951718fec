/* opencode: what its files are, and what becomes of a message with its parts. */
#include "history/opencode.h"

#include "history/formats.h"
#include "history/grown.h"
#include "history/path.h"

#include "base/clock.h"

#include <string.h>

enum { UNFINISHED_MS = 10 * 60 * 1000 };

static const struct history_root roots[] = {{"OPENCODE_DATA_DIR", "", NULL},
                                            {"XDG_DATA_HOME", "opencode", ".local/share/opencode"}};

/* opencode.db, and storage/{session/<project>,message/<session>,part/<message>}/<id>.json; before that, below a folder
 * of the project, storage/session/{info,message/<session>,part/<session>/<message>}/<id>.json. */
static bool opencode_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    bool json = str_ends(base, ".json");
    *out = (struct history_name){0};
    if (path_is_private(base) || str_starts(base, "opencode.json"))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    else if (str_starts(base, "opencode") && str_ends(base, ".db"))
        *out = (struct history_name){.kind = "database", .beside = "-wal"};
    else if (json && path_has(path, "message"))
        *out = (struct history_name){.kind = "message", .order = 1};
    else if (json && path_has(path, "part"))
        *out = (struct history_name){.kind = "part", .way = HISTORY_LIST};
    else if (json && path_has(path, "session"))
        *out = (struct history_name){.kind = "session"};
    return out->kind != NULL;
}

static bool opencode_sniff(struct str path, struct str head)
{
    return str_starts(head, "SQLite format 3") && str_starts(path_base(path), "opencode");
}

/* ---- messages ---- */

static bool is_true(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_BOOL);
    return v && v->boolean;
}

void opencode_part(struct blocks *b, const struct json *part)
{
    struct str type = json_text(part, "type");
    if (str_is(type, "text") && !is_true(part, "synthetic") && !is_true(part, "ignored")) {
        blocks_text(b, json_text(part, "text"));
    } else if (str_is(type, "subtask")) { /* a command that another agent is to carry out */
        blocks_text(b, json_text(part, "prompt"));
    } else if (str_is(type, "reasoning")) {
        blocks_thought(b, json_text(part, "text"));
    } else if (str_is(type, "tool")) {
        const struct json *state = json_get(part, "state");
        struct str output = json_text(state, "output");
        blocks_tool(b, json_text(part, "tool"), json_text(part, "callID"), json_get(state, "input"),
                    output.n ? output : json_text(state, "error"));
    }
}

bool opencode_unfinished(const struct history_in *in, const struct json *data)
{
    const struct json *time = json_get(data, "time");
    int64_t created = history_time(json_get(time, "created"));
    return str_is(json_text(data, "role"), "assistant") && !json_get(time, "completed") && !json_get(data, "error") &&
           !json_get(data, "finish") && in->modified - created < UNFINISHED_MS &&
           clock_now_ms() - in->modified < UNFINISHED_MS;
}

static struct str metadata(struct history_in *in, const struct opencode_place *p, const struct json *data,
                           const struct blocks *blocks, bool task)
{
    static const char *const texts[][2] = {
        {"modelID", "model"}, {"providerID", "provider"}, {"mode", "mode"}, {"agent", "agent"}, {"parentID", "parent"}};
    struct buf b;
    struct json_out w;
    const struct json *tokens = json_get_type(data, "tokens", JSON_OBJECT);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_kstr(&w, "id", p->id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_text(data, texts[i][0]).n)
            jw_kstr(&w, texts[i][1], json_text(data, texts[i][0]));
    if (task)
        jw_kcstr(&w, "kind", "task");
    if (is_true(data, "summary"))
        jw_kbool(&w, "compact_summary", true);
    if (tokens) {
        jw_key(&w, "usage");
        jw_value(&w, tokens);
    }
    blocks_metadata(blocks, &w);
    return buf_take(&b, in->arena);
}

enum err_code opencode_message(struct history_in *in, const struct opencode_place *p, const struct json *data,
                               struct blocks *b, struct err *e)
{
    struct str role = json_text(data, "role"), cwd = json_text(json_get(data, "path"), "cwd");
    bool user = str_is(role, "user"), person = user && !p->parent.n;
    if (!user && !str_is(role, "assistant"))
        return history_skip(in, HISTORY_UNKNOWN, &p->at, e);
    if (blocks_failed(b))
        return err_nomem(e);
    if (!b->text.n)
        return history_skip(in, HISTORY_EMPTY, &p->at, e);
    int64_t created = history_time(json_get(json_get(data, "time"), "created"));
    struct history_turn t = {.key = p->id,
                             .session = p->parent.n ? p->parent : p->session,
                             .thread = p->parent.n ? p->session : STR_NONE,
                             .agent = person ? STR("user") : STR("opencode"),
                             .role = person ? STR("user") : STR("assistant"),
                             .content = buf_view(&b->text),
                             .timestamp = created ? created : p->created,
                             .cwd = cwd.n ? cwd : p->cwd,
                             .metadata = metadata(in, p, data, b, user && !person),
                             .replay = is_true(data, "summary"),
                             .at = p->at};
    if (!user) { /* parts may have come since it was told */
        struct history_part *parts = arena_array(in->arena, struct history_part, GROWN_PARTS);
        t.n_parts = parts ? grown_parts(in->arena, t.key, t.content, 0, t.content.n, parts) : 0;
        t.parts = parts;
    }
    return arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
}

static enum err_code opencode_read(struct history_in *in, struct err *e)
{
    if (!strcmp(in->kind, "message"))
        return opencode_read_message(in, e);
    return strcmp(in->kind, "session") ? opencode_read_database(in, e) : opencode_read_session(in, e);
}

const struct history_format history_opencode = {
    .name = "opencode",
    .title = "opencode",
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = opencode_recognise,
    .sniff = opencode_sniff,
    .read = opencode_read,
};
