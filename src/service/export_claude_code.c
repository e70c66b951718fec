/* An export that Claude Code opens: a transcript, as it would have written it, made of a session's main conversation.
 * For sessions that were imported from it, the lines have the ids, times, folders and tools that they had; what was
 * merged into one turn stays one line, and what was masked stays masked. Sessions from elsewhere become transcripts of
 * their words. */
#include "service/caller.h"
#include "service/export.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "store/met.h"
#include "store/records.h"
#include "store/scope.h"

#include <stdio.h>
#include <string.h>

enum { UUID_CHARS = 36, FLUSH_BYTES = 64 * 1024 };

/* ---- ids ---- */

static bool is_uuid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? s.p[i] != '-' : !strchr("0123456789abcdefABCDEF", s.p[i]))
            return false;
    return s.n == UUID_CHARS;
}

/* What is one stays as it is; anything else becomes one, the same each time. */
static void put_uuid(char out[EXPORT_UUID], struct str id)
{
    unsigned char d[SHA256_BYTES];
    struct sha256 h;
    if (is_uuid(id)) {
        snprintf(out, EXPORT_UUID, "%.*s", STR_ARG(id));
        return;
    }
    sha256_begin(&h);
    sha256_add(&h, id.p, id.n);
    sha256_end(&h, d);
    snprintf(out, EXPORT_UUID, "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1], d[2],
             d[3], d[4], d[5], d[6] & 15u, d[7], 8u | (d[8] & 3u), d[9] & 15u, d[10], d[11], d[12], d[13], d[14], d[15],
             d[16]);
}

/* ---- a line ---- */

struct said {
    const struct record *r;
    struct arena *arena;
    const struct json *m; /* its metadata */
    struct str content, kind;
};

static bool is_true(const struct json *m, const char *key)
{
    const struct json *v = json_get_type(m, key, JSON_BOOL);
    return v && v->boolean;
}

static void put_envelope(struct export_out *x, struct json_out *w, const struct said *s, const char *type)
{
    static const char *const named[][2] = {
        {"cwd", "cwd"}, {"version", "version"}, {"branch", "gitBranch"}, {"request_id", "requestId"}};
    struct export_transcript *t = &x->transcript;
    char uuid[EXPORT_UUID];
    struct str id = json_text(s->m, "uuid");
    put_uuid(uuid, id.n ? id : s->r->id);
    jw_key(w, "parentUuid");
    jw_str(w, t->last[0] ? str_of(t->last) : STR_NONE);
    jw_kbool(w, "isSidechain", is_true(s->m, "side_chain"));
    jw_kcstr(w, "userType", "external");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (json_text(s->m, named[i][0]).n)
            jw_kstr(w, named[i][1], json_text(s->m, named[i][0]));
    jw_kcstr(w, "sessionId", t->session);
    jw_kcstr(w, "type", type);
    jw_kcstr(w, "uuid", uuid);
    jw_ktime(w, "timestamp", record_int(s->r, "timestamp"));
    memcpy(t->last, uuid, sizeof uuid);
}

static void put_user(struct json_out *w, const struct said *s)
{
    jw_key(w, "message");
    jw_object(w);
    jw_kcstr(w, "role", "user");
    jw_kstr(w, "content", s->content);
    jw_end_object(w);
    if (is_true(s->m, "compact_summary"))
        jw_kbool(w, "isCompactSummary", true);
    else if (str_is(s->kind, "generated"))
        jw_kbool(w, "isMeta", true);
}

/* The answers of tools share one text: the first has it. */
static void put_results(struct json_out *w, const struct said *s, const struct json *tools)
{
    jw_key(w, "message");
    jw_object(w);
    jw_kcstr(w, "role", "user");
    jw_key(w, "content");
    jw_array(w);
    for (size_t i = 0; i < tools->n; i++) {
        jw_object(w);
        jw_kcstr(w, "type", "tool_result");
        jw_kstr(w, "tool_use_id", json_text(&tools->items[i], "id"));
        jw_kstr(w, "content", i ? STR("") : s->content);
        if (is_true(&tools->items[i], "is_error"))
            jw_kbool(w, "is_error", true);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* ---- an answer's blocks ---- */

static void put_text(struct json_out *w, struct str text)
{
    if (!str_trim(text).n)
        return;
    jw_object(w);
    jw_kcstr(w, "type", "text");
    jw_kstr(w, "text", text);
    jw_end_object(w);
}

/* "→ NAME {…}", and the tool is the next of those that are noted. */
static bool put_tool(struct json_out *w, struct arena *a, struct str paragraph, const struct json *tool)
{
    static const char arrow[] = "\xe2\x86\x92 ";
    struct str rest = str_skip(paragraph, sizeof arrow - 1), id = json_text(tool, "id"), name = json_text(tool, "name");
    const struct json *input = NULL;
    struct err why = {0};
    if (!id.n || !name.n || !str_starts(paragraph, arrow) || !str_eq(str_take(rest, name.n), name))
        return false;
    rest = str_trim(str_skip(rest, name.n));
    if (rest.n && (json_parse(a, rest, JSON_DUPLICATES_OK, &input, &why) || input->type != JSON_OBJECT))
        return false;
    jw_object(w);
    jw_kcstr(w, "type", "tool_use");
    jw_kstr(w, "id", id);
    jw_kstr(w, "name", name);
    jw_kraw(w, "input", input ? rest : STR("{}"));
    jw_end_object(w);
    return true;
}

/* Paragraphs between tools are one text, as they were. */
static void put_blocks(struct json_out *w, struct arena *a, struct str content, const struct json *tools)
{
    struct str text = {content.p, 0};
    size_t next = 0;
    while (content.n) {
        ptrdiff_t gap = str_find(content, STR("\n\n"));
        struct str one = gap < 0 ? content : str_take(content, (size_t)gap);
        const struct json *tool = tools && next < tools->n ? &tools->items[next] : NULL;
        content = gap < 0 ? STR_NONE : str_skip(content, (size_t)gap + 2);
        struct buf b;
        struct json_out trial;
        buf_init(&b, 0);
        jw_init(&trial, &b);
        bool is_tool = put_tool(&trial, a, one, tool);
        if (is_tool) {
            put_text(w, text);
            jw_raw(w, buf_view(&b));
            text = content;
            text.n = 0;
            next++;
        } else {
            text.n = (size_t)(one.p + one.n - text.p);
        }
        buf_release(&b);
    }
    put_text(w, text);
}

static void put_answer(struct json_out *w, const struct said *s)
{
    const struct json *usage = json_get_type(s->m, "usage", JSON_OBJECT);
    struct str id = json_text(s->m, "message_id"), model = json_text(s->m, "model"),
               stop = json_text(s->m, "stop_reason");
    jw_key(w, "message");
    jw_object(w);
    jw_kstr(w, "id", id.n ? id : s->r->id);
    jw_kcstr(w, "type", "message");
    jw_kcstr(w, "role", "assistant");
    jw_kstr(w, "model", model.n ? model : STR("unknown"));
    jw_key(w, "content");
    jw_array(w);
    put_blocks(w, s->arena, s->content, json_get_type(s->m, "tools", JSON_ARRAY));
    jw_end_array(w);
    jw_key(w, "stop_reason");
    jw_str(w, stop.n ? stop : STR_NONE);
    jw_key(w, "stop_sequence");
    jw_null(w);
    jw_kraw(w, "usage", usage ? usage->raw : STR("{\"input_tokens\":0,\"output_tokens\":0}"));
    jw_end_object(w);
}

/* The tool's own lines: commands, notices, where it was compacted. */
static void put_system(struct json_out *w, const struct said *s)
{
    const struct json *figures = json_get_type(s->m, "compaction", JSON_OBJECT);
    if (s->kind.n)
        jw_kstr(w, "subtype", s->kind);
    jw_kstr(w, "content", s->content);
    jw_kcstr(w, "level", "info");
    if (figures)
        jw_kraw(w, "compactMetadata", figures->raw);
}

/* ---- turns ---- */

/* Lists, versions of files and logs have files of their own, and are no lines. */
static bool is_line(const struct said *s, struct str role)
{
    return !str_is(role, "system") || str_is(s->kind, "command") || str_is(s->kind, "generated") ||
           json_text(s->m, "uuid").n;
}

static void put_turn(struct export_out *x, const struct said *s, struct str role)
{
    struct json_out w;
    const struct json *tools = json_get_type(s->m, "tools", JSON_ARRAY);
    bool own = str_is(role, "system") && !str_is(s->kind, "command") && !str_is(s->kind, "generated"),
         answer = str_is(role, "assistant") && !str_is(s->kind, "task");
    bool result = str_is(role, "tool") && tools && tools->n;
    jw_init(&w, x->call->out->b);
    jw_object(&w);
    put_envelope(x, &w, s, own ? "system" : answer ? "assistant" : "user");
    if (own)
        put_system(&w, s);
    else if (answer)
        put_answer(&w, s);
    else if (result)
        put_results(&w, s, tools);
    else
        put_user(&w, s);
    if (str_is(role, "tool") && !result)
        jw_kbool(&w, "isMeta", true);
    jw_end_object(&w);
    buf_char(x->call->out->b, '\n');
    x->records++;
}

static void begin(struct export_out *x, const struct record *session, struct str attached)
{
    struct str alias = record_text(session, "alias");
    (void)attached;
    put_uuid(x->transcript.session, alias.n ? alias : session->id);
}

static bool read_said(struct said *s, struct arena *a, const struct record *r)
{
    struct err why = {0};
    *s = (struct said){.r = r, .arena = a, .content = record_text(r, "content")};
    if (json_parse(a, record_text(r, "metadata"), JSON_DUPLICATES_OK, &s->m, &why))
        s->m = NULL;
    s->kind = json_text(s->m, "kind");
    return is_line(s, record_text(r, "role")) && !is_true(s->m, "side_chain");
}

/* ---- turns that are stored elsewhere ----
 * A resumed session's file began with the lines of the one before; they were stored once, there, and noted with their
 * places here. */

static void put_said(struct export_out *x, const struct said *s)
{
    struct export_transcript *t = &x->transcript;
    if (!t->written[0])
        snprintf(t->written, sizeof t->written, "%s", t->conversation);
    if (!strcmp(t->written, t->conversation))
        put_turn(x, s, record_text(s->r, "role"));
}

/* As far as the caller may read it. */
static enum err_code put_elsewhere(struct export_out *x, int64_t seq, struct err *e)
{
    struct arena *a = arena_new();
    struct store_tx *tx;
    struct record *r = NULL;
    struct str level = STR_NONE;
    const struct scope scope = caller_scope(caller_of(x->call));
    enum err_code code = a ? op_read_begin(x->call, &tx, e) : err_nomem(e);
    if (!code) {
        struct err why = {0};
        code = record_by_seq(tx, a, KIND_TURN, seq, &r, &why);
        if (!code)
            code = record_level(tx, a, r, &level, &why);
        store_read_end(tx);
        if (code && code != ERR_NOT_FOUND)
            (void)err_set(e, code, NULL, "%s", why.message);
    }
    struct said s;
    if (!code && scope_reads(&scope, r->project, level) && read_said(&s, a, r))
        put_said(x, &s);
    if (a)
        arena_free(a);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Those that stand before its own turn `number`. */
static enum err_code put_places(struct export_out *x, int64_t number, struct err *e)
{
    struct export_transcript *t = &x->transcript;
    enum err_code code = ERR_OK;
    for (; t->next < t->n && t->places[t->next].after < number && !code; t->next++)
        code = put_elsewhere(x, t->places[t->next].turn, e);
    return code;
}

static enum err_code put_in_order(struct export_out *x, struct err *e)
{
    struct export_transcript *t = &x->transcript;
    struct op_call *c = x->call;
    int64_t *seqs;
    size_t n;
    enum err_code code = export_order(c, str_of(t->conversation), t->places, t->n, &seqs, &n, e);
    for (size_t i = 0; i < n && !code; i++) {
        code = put_elsewhere(x, seqs[i], e);
        if (!code && c->flush && c->out->b->n >= FLUSH_BYTES)
            code = c->flush(c, e);
    }
    t->done = n > 0;
    return code;
}

static enum err_code begin_conversation(struct export_out *x, const struct record *r, struct err *e)
{
    struct export_transcript *t = &x->transcript;
    struct store_tx *tx;
    enum err_code code = put_places(x, INT64_MAX, e);
    t->n = t->next = 0;
    snprintf(t->conversation, sizeof t->conversation, "%.*s", STR_ARG(r->id));
    if (!code)
        code = op_read_begin(x->call, &tx, e);
    if (code)
        return code;
    code = met_places(tx, x->call->arena, r->seq, &t->places, &t->n, e);
    store_read_end(tx);
    if (!code)
        code = put_in_order(x, e);
    if (t->done)
        t->n = 0;
    return code;
}

static enum err_code take(struct export_out *x, const struct record *r, struct err *e)
{
    if (r->kind == KIND_CONVERSATION)
        return begin_conversation(x, r, e);
    if (x->transcript.done)
        return ERR_OK;
    struct said s;
    struct arena *a = arena_new();
    enum err_code code = a ? put_places(x, record_int(r, "turn_number"), e) : err_nomem(e);
    if (!code && read_said(&s, a, r))
        put_said(x, &s);
    if (a)
        arena_free(a);
    return code;
}

/* Whoever walks asks once whether the answer could be written. */
static void record(struct export_out *x, const struct record *r, struct str attached)
{
    struct err why = {0};
    (void)attached;
    if ((r->kind == KIND_TURN || r->kind == KIND_CONVERSATION) && take(x, r, &why))
        x->call->out->b->failed = true;
}

static void end(struct export_out *x)
{
    struct err why = {0};
    if (put_places(x, INT64_MAX, &why))
        x->call->out->b->failed = true;
}

const struct export_format export_claude_code = {begin, record, end};
