/* An export that Claude Code opens: a transcript, as it would have written it, made of a session's main conversation.
 * For sessions that were imported from it, the lines have the ids, times, folders and tools that they had; what was
 * merged into one turn stays one line, and what was masked stays masked. Sessions from elsewhere become transcripts of
 * their words. */
#include "service/caller.h"
#include "service/export.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "store/records.h"

#include <stdio.h>
#include <string.h>

enum { UUID_CHARS = 36, PAGE = 100, LOOK_MOST = 1000000, DEPTH_MOST = 64 };

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

static void put_boundary(struct json_out *w, const struct said *s)
{
    const struct json *figures = json_get_type(s->m, "compaction", JSON_OBJECT);
    jw_kcstr(w, "subtype", "compact_boundary");
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
           str_is(s->kind, "compact_boundary");
}

static void put_turn(struct export_out *x, const struct said *s, struct str role)
{
    struct json_out w;
    const struct json *tools = json_get_type(s->m, "tools", JSON_ARRAY);
    bool boundary = str_is(s->kind, "compact_boundary"), answer = str_is(role, "assistant") && !str_is(s->kind, "task");
    bool result = str_is(role, "tool") && tools && tools->n;
    jw_init(&w, x->call->out->b);
    jw_object(&w);
    put_envelope(x, &w, s, boundary ? "system" : answer ? "assistant" : "user");
    if (boundary)
        put_boundary(&w, s);
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

/* ---- what a session went on from ----
 * A resumed session's file began with the lines of the one before; they were stored once, there. The first turn's
 * parent says which was the last of them. */

struct before {
    struct str needle; /* as it stands in the metadata */
    char conversation[ID_MAX];
    int64_t last; /* its turn's number */
};

static enum err_code look_at(void *arg, const struct record *r, struct err *e)
{
    struct before *b = arg;
    (void)e;
    if (str_find(record_text(r, "metadata"), b->needle) < 0)
        return ERR_OK;
    snprintf(b->conversation, sizeof b->conversation, "%.*s", STR_ARG(record_text(r, "conversation_id")));
    b->last = record_int(r, "turn_number");
    return ERR_GONE; /* enough */
}

/* Among all that the caller may read: no list has turns by the ids of other tools. */
static enum err_code find_before(struct export_out *x, struct arena *a, struct str uuid, struct before *out,
                                 struct err *e)
{
    struct store_tx *tx;
    struct list_query q = {.kind = KIND_TURN, .limit = LOOK_MOST, .scope = caller_scope(caller_of(x->call))};
    *out = (struct before){.needle = arena_fmt(a, "\"uuid\":\"%.*s\"", STR_ARG(uuid))};
    enum err_code code = is_uuid(uuid) ? ERR_OK : ERR_NOT_FOUND;
    if (!code)
        code = op_read_begin(x->call, &tx, e);
    if (code)
        return code;
    code = record_walk(tx, &q, look_at, out, e);
    store_read_end(tx);
    return code == ERR_GONE ? ERR_OK : code ? code : ERR_NOT_FOUND;
}

static enum err_code put_before(struct export_out *x, struct str uuid, int depth, struct err *e);

/* One page of the conversation: its rows up to the last that counts. */
static enum err_code put_page(struct export_out *x, const struct before *b, int64_t *after, int depth, struct err *e)
{
    struct arena *a = arena_new();
    struct record **rows;
    size_t n = 0;
    struct store_tx *tx;
    bool first = *after == 0;
    enum err_code code = a ? op_read_begin(x->call, &tx, e) : err_nomem(e);
    if (!code) {
        code = records_of(tx, a, KIND_TURN, "conversation_id", str_of(b->conversation), *after, PAGE, &rows, &n, e);
        store_read_end(tx);
    }
    *after = n == PAGE ? rows[n - 1]->seq : -1;
    for (size_t i = 0; i < n && !code; i++) {
        struct said s;
        bool line = read_said(&s, a, rows[i]);
        if (record_int(rows[i], "turn_number") > b->last) {
            *after = -1;
            break;
        }
        if (first && i == 0)
            code = put_before(x, json_text(s.m, "parent"), depth + 1, e);
        if (line && !code)
            put_turn(x, &s, record_text(rows[i], "role"));
    }
    arena_free(a);
    return code;
}

static enum err_code put_before(struct export_out *x, struct str uuid, int depth, struct err *e)
{
    struct arena *a = uuid.n && depth < DEPTH_MOST ? arena_new() : NULL;
    struct before b;
    struct err none = {0};
    enum err_code code = a ? find_before(x, a, uuid, &b, &none) : ERR_NOT_FOUND;
    for (int64_t after = 0; !code && after >= 0;)
        code = put_page(x, &b, &after, depth, e);
    arena_free(a);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code take_turn(struct export_out *x, struct arena *a, const struct record *r, struct err *e)
{
    struct said s;
    struct export_transcript *t = &x->transcript;
    struct str conversation = record_text(r, "conversation_id");
    enum err_code code = ERR_OK;
    if (!read_said(&s, a, r))
        return ERR_OK;
    if (!t->conversation[0]) {
        snprintf(t->conversation, sizeof t->conversation, "%.*s", STR_ARG(conversation));
        code = put_before(x, json_text(s.m, "parent"), 0, e);
    }
    if (!code && str_is(conversation, t->conversation))
        put_turn(x, &s, record_text(r, "role"));
    return code;
}

/* Whoever walks asks once whether the answer could be written. */
static void record(struct export_out *x, const struct record *r, struct str attached)
{
    struct arena *a = r->kind == KIND_TURN ? arena_new() : NULL;
    struct err why = {0};
    (void)attached;
    if (r->kind == KIND_TURN && (!a || take_turn(x, a, r, &why)))
        x->call->out->b->failed = true;
    arena_free(a);
}

static void end(struct export_out *x)
{
    (void)x;
}

const struct export_format export_claude_code = {begin, record, end};
