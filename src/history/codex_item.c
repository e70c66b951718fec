/* The lines of a rollout. The same words are in it twice, as items that went to the model and as events that were
 * shown: the items are taken. A fork begins with all that its parent holds, at new times and without ids, so a message
 * is known by a chain: the hash of all messages before it, begun with the id of the session that was copied. */
#include "history/codex.h"

#include "base/json_write.h"

#include <stdio.h>
#include <string.h>

enum { KEY_HEX = 32, KEY_CHARS = 48 };
static const char ARROW[] = "\xe2\x86\x92 ";

void codex_keep(struct buf *b, struct str s)
{
    if (!s.n)
        return;
    buf_clear(b);
    buf_str(b, s);
}

enum err_code codex_skip(struct codex *c, const char *reason, const struct history_at *at, struct err *e)
{
    return c->quiet ? ERR_OK : history_skip(c->in, reason, at, e);
}

/* ---- keys ---- */

static void add_part(struct sha256 *h, struct str s)
{
    uint64_t n = s.n;
    sha256_add(h, &n, sizeof n);
    sha256_add(h, s.p, s.n);
}

static void begin_chain(struct codex *c, struct str session)
{
    struct sha256 h;
    sha256_begin(&h);
    add_part(&h, session);
    sha256_end(&h, c->chain);
}

/* Messages lengthen the chain; what is between them has the tools' ids, and hangs on it. */
static struct str next_key(struct codex *c, struct str kind, struct str id, struct str text, bool lengthen, char *out)
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    sha256_begin(&h);
    sha256_add(&h, c->chain, sizeof c->chain);
    add_part(&h, kind);
    add_part(&h, id);
    add_part(&h, text);
    sha256_end(&h, digest);
    if (lengthen)
        memcpy(c->chain, digest, sizeof digest);
    size_t n = (size_t)sprintf(out, "codex:");
    for (size_t i = 0; i < KEY_HEX / 2; i++)
        n += (size_t)sprintf(out + n, "%02x", digest[i]);
    return (struct str){out, n};
}

/* ---- what holds for the session ---- */

/* A subagent's words are a conversation of the session it works for. */
static void begin_thread(struct codex *c, struct str parent)
{
    if (!parent.n)
        return;
    codex_keep(&c->thread, buf_view(&c->session));
    codex_keep(&c->session, parent);
}

void codex_begin(struct codex *c, const struct json *p)
{
    const struct json *git = json_get(p, "git"), *subagent = json_get(json_get(p, "source"), "subagent");
    struct str id = json_text(p, "id"), parent = json_text(json_get(subagent, "thread_spawn"), "parent_thread_id");
    if (c->metas++ == 0) {
        c->agent = subagent && subagent->type != JSON_NULL;
        c->began = history_time(json_get(p, "timestamp"));
        codex_keep(&c->cwd, json_text(p, "cwd"));
        codex_keep(&c->version, json_text(p, "cli_version"));
        codex_keep(&c->branch, json_text(git, "branch"));
        codex_keep(&c->parent, json_text(p, "forked_from_id"));
        codex_keep(&c->parent, parent);
        begin_thread(c, parent);
    }
    begin_chain(c, id.n ? id : c->thread.n ? buf_view(&c->thread) : buf_view(&c->session));
}

static enum err_code take_meta(struct codex *c, const struct json *p, const struct history_at *at, struct err *e)
{
    codex_begin(c, p);
    return codex_skip(c, HISTORY_META, at, e);
}

struct told {
    const char *agent, *role, *block;
    struct str content, key;
    bool task, replay;
};

static struct str metadata(struct codex *c, const struct json *p, const struct told *what)
{
    struct buf b;
    struct json_out w;
    struct str name = json_text(p, "name"), call = json_text(p, "call_id");
    buf_init(&b, 0);
    jw_init(&w, &b);
    if (what->block)
        jw_kcstr(&w, "block", what->block);
    if (what->task)
        jw_kcstr(&w, "kind", "task");
    if (name.n)
        jw_kstr(&w, "tool", name);
    if (call.n)
        jw_kstr(&w, "call", call);
    const struct {
        const char *key;
        struct buf *value;
    } of[] = {{"model", &c->model},
              {"version", &c->version},
              {"branch", &c->branch},
              {"parent", &c->parent},
              {"thinking", &c->thinking}};
    bool assistant = !what->task && strcmp(what->role, "user") != 0;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (of[i].value->n && (assistant || (of[i].value != &c->model && of[i].value != &c->thinking)))
            jw_kstr(&w, of[i].key, buf_view(of[i].value));
    if (assistant)
        buf_clear(&c->thinking);
    return buf_take(&b, c->in->arena);
}

/* ---- items ---- */

static enum err_code tell(struct codex *c, const struct json *line, const struct json *p, const struct told *what,
                          const struct history_at *at, struct err *e)
{
    if (c->quiet) {
        buf_clear(&c->thinking);
        return ERR_OK;
    }
    int64_t when = history_time(json_get(line, "timestamp"));
    const struct history_turn t = {.key = what->key,
                                   .session = buf_view(&c->session),
                                   .thread = c->thread.n ? buf_view(&c->thread) : STR_NONE,
                                   .agent = str_of(what->agent),
                                   .role = str_of(what->role),
                                   .content = what->content,
                                   .timestamp = when ? when : c->began,
                                   .cwd = c->cwd.n ? buf_view(&c->cwd) : STR_NONE,
                                   .metadata = metadata(c, p, what),
                                   .replay = what->replay,
                                   .at = *at};
    return arena_failed(c->in->arena) ? err_nomem(e) : history_turn(c->in, &t, e);
}

static enum err_code take_words(struct codex *c, const struct json *line, const struct json *p, struct str role,
                                struct str text, const struct history_at *at, struct err *e)
{
    char key[KEY_CHARS];
    bool person = str_is(role, "user") && !c->agent;
    const struct told what = {.agent = person ? "user" : "codex",
                              .role = person ? "user" : "assistant",
                              .content = text,
                              .key = next_key(c, role, STR_NONE, text, true, key),
                              .task = str_is(role, "user") && !person};
    return tell(c, line, p, &what, at, e);
}

static enum err_code take_message(struct codex *c, const struct json *line, const struct json *p,
                                  const struct history_at *at, struct err *e)
{
    struct str role = json_text(p, "role"), text = history_text(c->in->arena, json_get(p, "content"));
    bool user = str_is(role, "user");
    if (!str_trim(text).n)
        return codex_skip(c, HISTORY_EMPTY, at, e);
    if ((!user && !str_is(role, "assistant")) || (user && codex_injected(text)))
        return codex_skip(c, HISTORY_INJECTED, at, e);
    c->layer = CODEX_ITEMS;
    return take_words(c, line, p, role, text, at, e);
}

static enum err_code take_call(struct codex *c, const struct json *line, const struct json *p,
                               const struct history_at *at, struct err *e)
{
    char key[KEY_CHARS];
    struct buf b;
    struct json_out w;
    struct str name = json_text(p, "name"), id = json_text(p, "call_id");
    const struct json *given = json_get(p, "arguments");
    given = given ? given : json_get(p, "input");
    given = given ? given : json_get(p, "action");
    buf_init(&b, 0);
    buf_cstr(&b, ARROW);
    buf_str(&b, name.n ? name : json_text(p, "type"));
    if (given && given->type != JSON_NULL) {
        buf_char(&b, ' ');
        jw_init(&w, &b);
        if (given->type == JSON_STRING)
            buf_str(&b, given->s);
        else
            jw_value(&w, given);
    }
    struct str content = buf_take(&b, c->in->arena);
    const struct told what = {.agent = "codex",
                              .role = "assistant",
                              .block = "call",
                              .content = content,
                              .key = next_key(c, STR("call"), id, content, false, key)};
    return tell(c, line, p, &what, at, e);
}

static enum err_code take_output(struct codex *c, const struct json *line, const struct json *p,
                                 const struct history_at *at, struct err *e)
{
    char key[KEY_CHARS];
    const struct json *output = json_get(p, "output"), *inner;
    struct str text = history_text(c->in->arena, output);
    struct err why = {0};
    if (str_starts(text, "{\"output\":") && !history_json(c->in->arena, text, &inner, &why) &&
        json_get_type(inner, "output", JSON_STRING)) /* until 2025 an object as a text */
        text = json_text(inner, "output");
    if (!text.n && output && output->type == JSON_OBJECT && output->n)
        text = output->raw;
    if (!str_trim(text).n)
        return codex_skip(c, HISTORY_EMPTY, at, e);
    const struct told what = {.agent = "codex",
                              .role = "tool",
                              .block = "output",
                              .content = text,
                              .key = next_key(c, STR("output"), json_text(p, "call_id"), text, false, key)};
    return tell(c, line, p, &what, at, e);
}

static enum err_code keep_thought(struct codex *c, struct str text, const struct history_at *at, struct err *e)
{
    if (c->thinking.n)
        buf_cstr(&c->thinking, "\n\n");
    buf_str(&c->thinking, text);
    return c->quiet ? ERR_OK : history_merged(c->in, STR_NONE, at, e);
}

/* A summary in the clear goes with what is said next. */
static enum err_code take_reasoning(struct codex *c, const struct json *p, const struct history_at *at, struct err *e)
{
    struct str text = history_text(c->in->arena, json_get(p, "summary"));
    if (!text.n)
        text = history_text(c->in->arena, json_get(p, "content"));
    if (!text.n)
        return codex_skip(c, HISTORY_ENCRYPTED, at, e);
    return keep_thought(c, text, at, e);
}

static enum err_code take_compacted(struct codex *c, const struct json *line, const struct json *p,
                                    const struct history_at *at, struct err *e)
{
    char key[KEY_CHARS];
    struct str text = json_text(p, "message");
    if (!str_trim(text).n)
        return codex_skip(c, HISTORY_EMPTY, at, e);
    const struct told what = {.agent = "codex",
                              .role = "system",
                              .block = "compacted",
                              .content = text,
                              .key = next_key(c, STR("compacted"), STR_NONE, text, false, key),
                              .replay = true};
    return tell(c, line, p, &what, at, e);
}

static enum err_code take_response(struct codex *c, const struct json *line, const struct json *p,
                                   const struct history_at *at, struct err *e)
{
    struct str type = json_text(p, "type");
    if (str_is(type, "message"))
        return take_message(c, line, p, at, e);
    if (str_is(type, "reasoning"))
        return take_reasoning(c, p, at, e);
    if (str_is(type, "compaction") || str_is(type, "ghost_snapshot"))
        return codex_skip(c, HISTORY_META, at, e);
    if (str_ends(type, "_output"))
        return take_output(c, line, p, at, e);
    return str_ends(type, "_call") ? take_call(c, line, p, at, e) : codex_skip(c, HISTORY_UNKNOWN, at, e);
}

/* An event repeats the words of an item. Where there are no such items its words are all there are. */
static enum err_code take_event(struct codex *c, const struct json *line, const struct json *p,
                                const struct history_at *at, struct err *e)
{
    struct str type = json_text(p, "type");
    bool user = str_is(type, "user_message"), answer = str_is(type, "agent_message"), found = true;
    bool thought = str_is(type, "agent_reasoning") || str_is(type, "agent_reasoning_raw_content");
    if (!user && !answer && !thought)
        return codex_skip(c, HISTORY_META, at, e);
    enum err_code code = c->layer == CODEX_UNKNOWN ? codex_items_ahead(c, at, &found, e) : ERR_OK;
    if (code)
        return code;
    if (c->layer == CODEX_UNKNOWN)
        c->layer = found ? CODEX_ITEMS : CODEX_EVENTS;
    if (c->layer == CODEX_ITEMS)
        return codex_skip(c, HISTORY_REPEATED, at, e);
    struct str text = json_text(p, thought ? "text" : "message");
    if (!str_trim(text).n)
        return codex_skip(c, HISTORY_EMPTY, at, e);
    if (user && codex_injected(text))
        return codex_skip(c, HISTORY_INJECTED, at, e);
    return thought ? keep_thought(c, text, at, e)
                   : take_words(c, line, p, user ? STR("user") : STR("assistant"), text, at, e);
}

enum err_code codex_item(void *arg, const struct json *line, const struct history_at *at, struct err *e)
{
    struct codex *c = arg;
    const struct json *p = json_get_type(line, "payload", JSON_OBJECT);
    struct str type = json_text(line, "type");
    if (!p) { /* until 2025 items stood by themselves, and the first line was the session */
        if (!type.n && json_text(line, "id").n)
            return take_meta(c, line, at, e);
        return !type.n && json_get(line, "record_type") ? codex_skip(c, HISTORY_META, at, e)
               : type.n                                 ? take_response(c, line, line, at, e)
                                                        : codex_skip(c, HISTORY_DAMAGED, at, e);
    }
    if (str_is(type, "response_item"))
        return take_response(c, line, p, at, e);
    if (str_is(type, "event_msg"))
        return take_event(c, line, p, at, e);
    if (str_is(type, "session_meta"))
        return take_meta(c, p, at, e);
    if (str_is(type, "compacted"))
        return take_compacted(c, line, p, at, e);
    if (str_is(type, "turn_context")) {
        codex_keep(&c->model, json_text(p, "model"));
        codex_keep(&c->cwd, json_text(p, "cwd"));
    }
    bool known = str_is(type, "turn_context") || str_is(type, "world_state");
    return codex_skip(c, known ? HISTORY_META : HISTORY_UNKNOWN, at, e);
}
