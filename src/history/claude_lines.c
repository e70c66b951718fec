/* What a transcript's line becomes: a turn, a part of one, a title, or nothing, and why. The type is seen before the
 * line is parsed, so that the many lines without words cost no more than looking for it. */
#include "history/claude.h"

#include <string.h>

/* A line being read. */
struct envelope {
    struct claude_reader *r;
    const struct line *line;
    struct str type, uuid; /* as they stand in the text */
    const struct json *o;  /* parsed */
    struct claude_content content;
    struct history_notes notes;
    struct history_turn turn;
};

static bool is_true(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_BOOL);
    return v && v->boolean;
}

/* What a message says: its content, or it itself, as some tools write it. NULL: it has none. */
static const struct json *content_of(const struct json *message)
{
    if (message && message->type == JSON_OBJECT)
        return json_get(message, "content");
    return message && (message->type == JSON_STRING || message->type == JSON_ARRAY) ? message : NULL;
}

static enum err_code skip(struct envelope *v, const char *why, struct err *e)
{
    return history_skip(v->r->in, why, &v->line->at, e);
}

/* ---- metadata ---- */

/* Who the agent is: as the transcript's description has it, or the line. STR_NONE: nobody has said it. */
static struct str agent_type(const struct envelope *v)
{
    struct str said = json_text(v->o, "attributionAgent");
    return *v->r->agent.type ? str_of(v->r->agent.type) : claude_is_agent_name(said) ? said : STR_NONE;
}

/* What every line says of itself. */
static void put_envelope(const struct envelope *v, struct history_notes *n)
{
    const struct json *o = v->o;

    notes_put(n, "uuid", json_text(o, "uuid"));
    notes_put(n, "parent", json_text(o, "parentUuid"));
    notes_put(n, "logical_parent", json_text(o, "logicalParentUuid"));
    notes_put(n, "version", json_text(o, "version"));
    notes_put(n, "branch", json_text(o, "gitBranch"));
    notes_put(n, "agent_id", json_text(o, "agentId"));
    notes_put(n, "agent_type", agent_type(v));
    if (is_true(o, "isSidechain"))
        notes_flag(n, "side_chain");
}

/* ---- turns ---- */

static void begin_turn(struct envelope *v, const char *role, const char *agent)
{
    const struct claude_place *p = &v->r->place;
    const struct json *o = v->o;
    struct str agent_id = json_text(o, "agentId");
    v->turn = (struct history_turn){.key = json_text(o, "uuid"),
                                    .session = p->session.n ? p->session : json_text(o, "sessionId"),
                                    .thread = p->thread,
                                    .agent = str_of(agent),
                                    .role = str_of(role),
                                    .timestamp = history_time(json_get(o, "timestamp")),
                                    .cwd = json_text(o, "cwd"),
                                    .replay = p->replay,
                                    .at = v->line->at};
    if (!v->turn.session.n)
        v->turn.session = p->thread;
    if (!p->thread.n && is_true(o, "isSidechain"))
        v->turn.thread = agent_id.n ? agent_id : STR("side chain");
}

/* At once, or behind those that are held. */
static enum err_code tell_turn(struct envelope *v, struct err *e)
{
    struct claude_reader *r = v->r;
    struct history_notes *n = &v->notes;
    if (v->line->cut)
        notes_flag(n, "cut");
    claude_content_notes(&v->content, n);
    v->turn.metadata = buf_view(&n->texts);
    v->turn.facts = buf_view(&n->facts);
    if (!v->turn.content.p)
        v->turn.content = v->content.text.n ? buf_view(&v->content.text) : STR("");
    if (notes_failed(n) || claude_content_failed(&v->content))
        return err_nomem(e);
    if (!r->held.n)
        return history_turn(r->in, &v->turn, e);
    struct claude_held *x = claude_hold(&r->held, &v->turn);
    if (!x)
        return err_nomem(e);
    buf_str(&x->content.text, v->turn.content);
    buf_str(&x->notes.texts, v->turn.metadata);
    buf_str(&x->notes.facts, v->turn.facts);
    x->notes.t.comma = x->notes.texts.n > 0;
    x->notes.f.comma = x->notes.facts.n > 0;
    r->held.bytes += v->turn.content.n + v->turn.metadata.n + v->turn.facts.n;
    return notes_failed(&x->notes) || x->content.text.failed ? err_nomem(e) : ERR_OK;
}

/* ---- assistant ---- */

/* The last line's usage counts, or the largest. */
static void take_usage(struct claude_reader *r, struct claude_held *x, const struct json *message)
{
    const struct json *usage = json_get_type(message, "usage", JSON_OBJECT);
    const struct json *n = usage ? json_get_type(usage, "output_tokens", JSON_INT) : NULL;
    struct str stop = json_text(message, "stop_reason");
    if (stop.n)
        x->stop = arena_str(r->held.arena, stop);
    if (!usage || (n ? n->integer : 0) < x->output_tokens)
        return;
    struct history_notes one;
    notes_init(&one);
    notes_object(&one, "", usage);
    x->usage_plain = one.facts.n > 0;
    x->usage = str_skip(buf_view(x->usage_plain ? &one.facts : &one.texts), strlen("\"\":"));
    x->usage = arena_str(r->held.arena, x->usage);
    notes_free(&one);
    x->output_tokens = n ? n->integer : 0;
}

static bool has_part(const struct claude_held *x, struct str key)
{
    for (size_t i = 0; key.n && i < x->n_parts; i++)
        if (str_eq(x->parts[i].key, key))
            return true;
    return false;
}

static enum err_code add_part(struct envelope *v, struct claude_held *x, const struct json *message, struct err *e)
{
    struct claude_reader *r = v->r;
    struct str key = json_text(v->o, "uuid");
    size_t before = x->content.text.n + x->content.thinking.n;
    if (key.n)
        x->parts[x->n_parts++] = (struct history_part){arena_str(r->held.arena, key), x->content.text.n};
    claude_content_add(&x->content, content_of(message));
    take_usage(r, x, message);
    r->held.bytes += x->content.text.n + x->content.thinking.n - before;
    if (x->n_parts == CLAUDE_PARTS || x->content.text.n + x->content.thinking.n >= CLAUDE_MESSAGE_BYTES)
        x->message_id = STR_NONE; /* what comes of it from now on is a turn of its own */
    return arena_failed(r->held.arena) ? err_nomem(e) : ERR_OK;
}

static enum err_code new_message(struct envelope *v, const struct json *message, struct err *e)
{
    struct claude_reader *r = v->r;
    struct str model = json_text(message, "model"), id = json_text(message, "id");
    bool made = str_is(model, "<synthetic>") || is_true(v->o, "isApiErrorMessage");
    begin_turn(v, "assistant", "claude-code");
    struct str agent = agent_type(v);
    v->turn.agent = agent.n ? agent : v->turn.agent;
    v->turn.replay = v->turn.replay || made;
    struct claude_held *x = claude_hold(&r->held, &v->turn);
    if (!x)
        return err_nomem(e);
    struct history_notes *n = &x->notes;
    put_envelope(v, n);
    notes_put(n, "model", model);
    notes_put(n, "message_id", id);
    notes_put(n, "request_id", json_text(v->o, "requestId"));
    if (is_true(v->o, "isApiErrorMessage"))
        notes_flag(n, "api_error");
    if (v->line->cut)
        notes_flag(n, "cut");
    x->message_id = id.n ? arena_str(r->held.arena, id) : STR_NONE;
    r->held.bytes += n->facts.n + n->texts.n;
    return add_part(v, x, message, e);
}

static enum err_code take_assistant(struct envelope *v, struct err *e)
{
    struct claude_reader *r = v->r;
    const struct json *message = json_get(v->o, "message");
    if (!content_of(message))
        return skip(v, HISTORY_DAMAGED, e);
    struct claude_held *x = claude_holding_find(&r->held, json_text(message, "id"));
    if (!x) {
        enum err_code code = ERR_OK;
        if (claude_holding_enough(&r->held)) {
            code = claude_tell(r, e);
            if (!code)
                code = claude_mark(r, r->line_from, v->line->at.line - 1, e);
        }
        return code ? code : new_message(v, message, e);
    }
    struct str key = json_text(v->o, "uuid");
    if (has_part(x, key))
        return skip(v, HISTORY_REPEATED, e);
    enum err_code code = history_merged(r->in, STR_NONE, &v->line->at, e);
    return code ? code : add_part(v, x, message, e);
}

/* ---- user ---- */

static const char *voice_name(enum claude_voice voice)
{
    return voice == CLAUDE_PERSON    ? NULL
           : voice == CLAUDE_AGENT   ? "task"
           : voice == CLAUDE_COMMAND ? "command"
                                     : "generated";
}

static enum err_code add_beginning(struct claude_reader *r, struct str session, struct str text, int64_t line,
                                   struct err *e)
{
    if (!session.n || line > CLAUDE_FIRST_LINES)
        return ERR_OK;
    struct str key = claude_beginning(r->in->arena, session, text);
    return key.p ? history_merged(r->in, key, NULL, e) : err_nomem(e);
}

/* A prompt, or what looks like one. prompt: what says whose it is, the line or an attachment in it. */
static enum err_code take_words(struct envelope *v, const struct json *prompt, struct str text, struct err *e)
{
    struct claude_reader *r = v->r;
    enum claude_voice voice = claude_voice_of(v->o, prompt, text);
    if (r->place.thread.n && voice == CLAUDE_PERSON) /* nobody types in an agent's transcript */
        voice = CLAUDE_AGENT;
    struct str queued = STR_NONE, own = json_text(v->o, "uuid");
    enum err_code code = ERR_OK;
    begin_turn(v,
               voice == CLAUDE_PERSON  ? "user"
               : voice == CLAUDE_AGENT ? "assistant"
                                       : "system",
               voice == CLAUDE_PERSON ? "user" : "claude-code");
    v->turn.replay = v->turn.replay || voice == CLAUDE_MACHINE;
    notes_put(&v->notes, "kind", str_of(voice_name(voice)));
    if (voice == CLAUDE_AGENT)
        notes_put(&v->notes, "task", str_of(r->agent.task));
    if (is_true(v->o, "isCompactSummary"))
        notes_flag(&v->notes, "compact_summary");
    if (voice == CLAUDE_COMMAND)
        v->turn.typed = claude_typed(r->in->arena, text);
    if (voice == CLAUDE_PERSON)
        code = claude_queue_take(r, text, &queued, e);
    if (queued.n)
        v->turn.key = queued;
    if (!code)
        code = tell_turn(v, e);
    if (!code && voice == CLAUDE_PERSON)
        code = add_beginning(r, v->turn.session, text, v->line->at.line, e);
    return code || !queued.n || !own.n ? code : history_merged(r->in, own, NULL, e);
}

static enum err_code take_answer(struct envelope *v, const struct json *blocks, struct err *e)
{
    struct buf *text = &v->content.text;
    struct str elsewhere = STR_NONE;
    if (!text->n)
        claude_result_beside(text, json_get(v->o, "toolUseResult"));
    enum err_code code = claude_persisted(v->r, v->o, blocks, buf_view(text), &elsewhere, e);
    notes_put(&v->notes, "full_output", elsewhere);
    begin_turn(v, "tool", "claude-code");
    v->turn.replay = v->turn.replay || !text->n || elsewhere.n;
    return code ? code : tell_turn(v, e);
}

static enum err_code take_user(struct envelope *v, struct err *e)
{
    struct claude_reader *r = v->r;
    const struct json *message = json_get(v->o, "message");
    enum err_code code = ERR_OK;
    if (!content_of(message))
        return skip(v, HISTORY_DAMAGED, e);
    claude_content_add_prompt(&v->content, content_of(message));
    if (claude_holding_full(&r->held))
        code = claude_tell(r, e);
    if (code)
        return code;
    put_envelope(v, &v->notes);
    if (v->content.results) {
        code = take_answer(v, content_of(message), e);
    } else if (!str_trim(buf_view(&v->content.text)).n) {
        code = skip(v, HISTORY_EMPTY, e);
    } else {
        code = take_words(v, v->o, buf_view(&v->content.text), e);
    }
    return code;
}

/* ---- attachments, the queue, the tool's own notes ---- */

/* Files that were put before the model, plans, and prompts from the queue. */
static enum err_code take_attachment(struct envelope *v, struct err *e)
{
    const struct json *a = json_get(v->o, "attachment");
    struct str type = json_text(a, "type"), name = json_text(a, "filename");
    const struct json *what = json_get(a, str_is(type, "queued_command")        ? "prompt"
                                          : str_is(type, "edited_text_file")    ? "snippet"
                                          : str_is(type, "plan_file_reference") ? "planContent"
                                                                                : "content");
    bool queued = str_is(type, "queued_command");
    if (!queued && !str_is(type, "file") && !str_is(type, "edited_text_file") && !str_is(type, "plan_file_reference"))
        return skip(v, HISTORY_META, e);
    if (what && what->type == JSON_OBJECT)
        what = json_get(what, "file") ? json_get(json_get(what, "file"), "content") : json_get(what, "content");
    claude_content_add(&v->content, what);
    if (!str_trim(buf_view(&v->content.text)).n)
        return skip(v, HISTORY_EMPTY, e);
    enum err_code code = claude_holding_full(&v->r->held) ? claude_tell(v->r, e) : ERR_OK;
    put_envelope(v, &v->notes);
    notes_put(&v->notes, "attachment", type);
    notes_put(&v->notes, "file", name.n ? name : json_text(a, "planFilePath"));
    if (!code && queued) {
        code = take_words(v, a, buf_view(&v->content.text), e);
    } else if (!code) {
        begin_turn(v, "tool", "claude-code");
        code = tell_turn(v, e);
    }
    return code;
}

static enum err_code take_queue(struct envelope *v, struct err *e)
{
    const struct json *content = json_get(v->o, "content");
    if (!str_is(json_text(v->o, "operation"), "enqueue") || !content)
        return skip(v, HISTORY_META, e);
    claude_content_add(&v->content, content);
    struct str text = str_trim(buf_view(&v->content.text));
    if (!text.n || claude_voice_of(v->o, v->o, text) != CLAUDE_PERSON)
        return skip(v, text.n ? HISTORY_META : HISTORY_EMPTY, e);
    return claude_queue_add(v->r, v->o, text, &v->line->at, e);
}

static enum err_code take_system(struct envelope *v, struct err *e)
{
    struct str subtype = json_text(v->o, "subtype"), text = json_text(v->o, "content");
    bool boundary = str_ends(subtype, "compact_boundary");
    if (!str_trim(text).n || str_is(subtype, "turn_duration") || str_is(subtype, "stop_hook_summary"))
        return skip(v, HISTORY_META, e);
    enum err_code code = claude_holding_full(&v->r->held) ? claude_tell(v->r, e) : ERR_OK;
    const struct json *compact = json_get_type(v->o, "compactMetadata", JSON_OBJECT);
    put_envelope(v, &v->notes);
    notes_put(&v->notes, "kind", subtype);
    if (compact)
        notes_object(&v->notes, "compaction", compact);
    begin_turn(v, "system", "claude-code");
    v->turn.content = text;
    v->turn.replay = v->turn.replay || boundary || !str_is(subtype, "away_summary");
    if (!code)
        code = tell_turn(v, e);
    return code;
}

/* A summary that takes the place of what was said before it, as some versions wrote it. */
static enum err_code take_summary(struct envelope *v, struct err *e)
{
    claude_content_add(&v->content, content_of(json_get(v->o, "message")));
    if (!str_trim(buf_view(&v->content.text)).n)
        return skip(v, HISTORY_META, e);
    enum err_code code = claude_holding_full(&v->r->held) ? claude_tell(v->r, e) : ERR_OK;
    put_envelope(v, &v->notes);
    notes_put(&v->notes, "kind", STR("summary"));
    begin_turn(v, "system", "claude-code");
    v->turn.replay = true;
    return code ? code : tell_turn(v, e);
}

/* What the session is called: by the person, by the tool, or what an older one summed up. */
static enum err_code take_title(struct envelope *v, struct err *e)
{
    struct claude_reader *r = v->r;
    bool own = str_is(v->type, "custom-title"), made = str_is(v->type, "ai-title");
    struct str title = json_text(v->o, own ? "customTitle" : made ? "aiTitle" : "summary");
    struct str session = r->place.session.n ? r->place.session : json_text(v->o, "sessionId");
    enum history_titled by = own ? HISTORY_TITLE_OWN : made ? HISTORY_TITLE_MADE : HISTORY_TITLE_GUESS;
    enum err_code code = ERR_OK;
    if (!title.n && json_get(v->o, "message"))
        return take_summary(v, e);
    if (title.n && session.n && !r->place.thread.n)
        code = history_title_by(r->in, session, title, by, e);
    return code ? code : skip(v, HISTORY_META, e);
}

static enum err_code take_snapshot(struct envelope *v, struct err *e)
{
    enum err_code code = claude_snapshot(v->r, v->o, e);
    return code ? code : skip(v, HISTORY_META, e);
}

/* ---- types ---- */

typedef enum err_code take_fn(struct envelope *v, struct err *e);
static const struct {
    const char *type;
    take_fn *take; /* NULL: no words in it */
} types[] = {
    {"user", take_user},
    {"assistant", take_assistant},
    {"system", take_system},
    {"attachment", take_attachment},
    {"queue-operation", take_queue},
    {"summary", take_title},
    {"ai-title", take_title},
    {"custom-title", take_title},
    {"progress", NULL},
    {"file-history-snapshot", take_snapshot},
    {"agent-name", NULL},
    {"agent-color", NULL},
    {"last-prompt", NULL},
    {"permission-mode", NULL},
    {"mode", NULL},
    {"worktree-state", NULL},
    {"relocated", NULL},
    {"continued-in", NULL},
    {"pr-link", NULL},
    {"frame-link", NULL},
    {"tag", NULL},
    {"agent-setting", NULL},
    {"attribution-snapshot", NULL},
    {"bridge-session", NULL},
    {"content-replacement", NULL},
    {"cost-state", NULL},
    {"ended", NULL},
    {"file-history-delta", NULL},
    {"isolation-latch", NULL},
};

static enum err_code take_line(struct envelope *v, take_fn *take, struct err *e)
{
    struct err why = {0};
    enum err_code code = history_json(v->r->in->arena, v->line->text, &v->o, &why);
    if (code)
        return code == ERR_INVALID ? skip(v, HISTORY_DAMAGED, e) : err_set(e, code, NULL, "%s", why.message);
    claude_content_init(&v->content);
    notes_init(&v->notes);
    code = take(v, e);
    claude_content_free(&v->content);
    notes_free(&v->notes);
    return code;
}

/* Met a short while ago: it need not be parsed to be known. */
static enum err_code tell_known(struct envelope *v, struct err *e)
{
    v->turn = (struct history_turn){.key = v->uuid, .session = v->r->place.session, .at = v->line->at};
    return history_turn(v->r->in, &v->turn, e);
}

enum err_code claude_line(struct claude_reader *r, const struct line *l, struct err *e)
{
    static const char *const keys[] = {"type", "uuid"};
    struct str found[2];
    struct envelope v = {.r = r, .line = l};
    if (l->too_large)
        return skip(&v, HISTORY_TOO_LARGE, e);
    if (!l->text.n)
        return skip(&v, l->at.bytes > 1 ? HISTORY_PADDING : HISTORY_BLANK, e);
    if (!lines_members(l->text, keys, 2, found) || !found[0].p)
        return skip(&v, HISTORY_DAMAGED, e);
    v.type = found[0];
    v.uuid = found[1];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!str_is(v.type, types[i].type))
            continue;
        if (types[i].take && v.uuid.n && history_known(r->in, v.uuid))
            return tell_known(&v, e);
        bool words = types[i].take && (types[i].take != take_snapshot || claude_snapshot_is_new(r, l->text));
        return words ? take_line(&v, types[i].take, e) : skip(&v, HISTORY_META, e);
    }
    return skip(&v, HISTORY_UNKNOWN, e);
}
