/* MEMORY-CONTEXT stores: conversations exported as text, a database, checkpoints and sessions as Markdown, and messages
 * kept once each by their hash (dedup_state/unique_messages.jsonl, and the same by checkpoint). Conversations are read
 * first and are whole; of the messages by hash those are new that are in none of them. */
#include "history/memory_context.h"

#include "history/formats.h"
#include "history/path.h"
#include "history/records.h"
#include "history/tables.h"

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"

#include <string.h>

enum { TEXT_MOST = 4 << 20, TIME_CHARS = 32, DAY_CHARS = 10, KEY_BYTES = 16 };

static const struct history_root roots[] = {{"MEMORY_CONTEXT_DIR", "", NULL}};

static bool recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    bool lines = str_ends(base, ".jsonl"), markdown = str_ends(base, ".md");
    *out = (struct history_name){0};
    if (path_is_private(base))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    else if (str_is(base, "conversation_log.jsonl"))
        *out = (struct history_name){.kind = "messages", .order = 3, .grows = true};
    else if (str_is(base, "unique_messages.jsonl"))
        *out = (struct history_name){.kind = "messages", .order = 4, .grows = true};
    else if (lines && path_has(path, "by-checkpoint"))
        *out = (struct history_name){.kind = "messages", .order = 5, .grows = true};
    else if (str_ends(base, ".txt") && (path_has(path, "exports") || path_has(path, "exports-archive")))
        *out = (struct history_name){.kind = "exported conversation"};
    else if (markdown && !str_is(base, "README.md") && (path_has(path, "checkpoints") || path_has(path, "sessions")))
        *out = (struct history_name){.kind = "checkpoint", .order = 2};
    else if (str_ends(base, ".db"))
        *out = (struct history_name){.kind = "database", .order = 1, .beside = "-wal"};
    else if (str_ends(base, ".json") && path_has(path, "dedup_state"))
        *out = (struct history_name){.kind = "hashes", .way = HISTORY_LIST};
    return out->kind != NULL;
}

static bool sniff(struct str path, struct str head)
{
    static const char *const keys[] = {"hash", "content", "message", "content_hash"};
    struct str whole = head, line = str_cut(&head, '\n'), member[4];
    if (str_is(path_base(path), "memory-context.db"))
        return true;
    if (str_ends(path, ".txt")) /* as Claude Code exports what its terminal showed */
        return str_find(whole, STR("\n\xe2\x8f\xba ")) >= 0 || str_find(whole, STR("\n\xe2\x97\x8f ")) >= 0;
    return str_ends(path, ".jsonl") && lines_members(line, keys, 4, member) &&
           (member[0].n == 2 * SHA256_BYTES || member[3].n == 2 * SHA256_BYTES) && (member[1].p || member[2].p);
}

struct str memory_context_hash(struct arena *a, struct str text)
{
    unsigned char digest[SHA256_BYTES];
    char hex[KEY_BYTES * 2];
    struct sha256 h;
    text = str_trim(text);
    sha256_begin(&h);
    sha256_add(&h, text.p, text.n);
    sha256_end(&h, digest);
    for (size_t i = 0; i < sizeof hex; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return arena_fmt(a, "hash:%.*s", (int)sizeof hex, hex);
}

struct str memory_context_key(struct often *c, struct arena *a, struct str session, struct str role, struct str text)
{
    const struct str parts[] = {session, role, str_trim(text)};
    uint64_t hash = often_hash(parts, sizeof parts / sizeof *parts);
    size_t before;
    return often_add(c, hash, &before) ? arena_fmt(a, "said:%llx:%zu", (unsigned long long)hash, before) : STR_NONE;
}

enum err_code memory_context_told(struct history_in *in, struct str text, struct err *e)
{
    struct str hash = memory_context_hash(in->arena, text);
    return hash.p ? history_merged(in, hash, NULL, e) : err_nomem(e);
}

/* ---- messages ---- */

static struct str metadata(struct arena *a, const struct json *o)
{
    static const char *const kept[][2] = {{"hash", "hash"},
                                          {"checkpoint", "checkpoint"},
                                          {"project", "project"},
                                          {"source", "copied_from"}, /* not where we have it from */
                                          {"message_id", "message_id"}};
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_text(o, kept[i][0]).n)
            jw_kstr(&w, kept[i][1], json_text(o, kept[i][0]));
    return buf_take(&b, a);
}

/* Where a message was said, as far as somebody says it. */
static struct str session_of(const struct history_in *in, const struct json *o)
{
    static const char *const names[] = {"session_id", "conversation_id", "session", "checkpoint"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_text(o, names[i]).n)
            return json_text(o, names[i]);
    bool log = str_is(json_text(o, "source_type"), "debug") && json_text(o, "file").n; /* named by its session */
    return log ? path_without(json_text(o, "file"), ".txt") : path_without(path_base(in->path), ".jsonl");
}

/* Lines of logs, lists and snapshots are no prompts: only of history.jsonl they are. */
static bool is_generated(const struct json *o)
{
    struct str type = json_text(o, "source_type");
    return type.n && !str_is(type, "history") && !str_is(type, "message") && !str_is(type, "conversation");
}

/* Of logs only what went wrong is kept. */
static bool is_chatter(const struct json *o, struct str text)
{
    return str_is(json_text(o, "source_type"), "debug") && str_find(text, STR("[ERROR]")) < 0 &&
           str_find(text, STR("[WARN]")) < 0;
}

/* {hash, content, timestamp, …}, {hash, message: {role, content}, first_seen, checkpoint}, or a line of the log of
 * conversations. */
static enum err_code take_message(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct history_in *in = arg;
    const struct json *message = json_get_type(o, "message", JSON_OBJECT), *said = message ? message : o;
    const struct json *time = json_get(o, "timestamp");
    struct str role = tables_role(json_text(said, "role")), cwd = json_text(o, "project");
    bool generated = is_generated(o);
    if (!role.n)
        role = tables_role(json_text(said, "type"));
    if (!json_get(said, "content"))
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    struct str text = history_text(in->arena, json_get(said, "content"));
    if (!str_trim(text).n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    if (is_chatter(o, text))
        return history_skip(in, HISTORY_META, at, e);
    time = time ? time : json_get(o, "first_seen");
    role = generated ? STR("system") : role.n ? role : STR("user");
    const struct history_turn t = {.key = memory_context_hash(in->arena, text),
                                   .session = session_of(in, o),
                                   .agent = str_is(role, "user") ? role : STR("claude-code"),
                                   .role = role,
                                   .content = text,
                                   .timestamp =
                                       time && time->type == JSON_STRING ? tables_time(time->s) : history_time(time),
                                   .cwd = str_starts(cwd, "/") ? cwd : STR_NONE,
                                   .metadata = metadata(in->arena, o),
                                   .replay = generated,
                                   .told = HISTORY_ONCE,
                                   .at = *at};
    return arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
}

/* ---- checkpoints ---- */

/* "2026-03-01T09-00-00Z-what-was-done", "CHECKPOINT-2026-03-01_09:00:00", "2026-03-01-EVENING": the first day in it,
 * with the time of day where it says one. */
int64_t memory_context_time(struct str name)
{
    static const char form[] = "0000-00-00T00-00-00";
    char text[TIME_CHARS] = "";
    for (size_t from = 0; from + DAY_CHARS <= name.n; from++) {
        size_t n = 0;
        for (; from + n < name.n && n + 1 < sizeof form; n++) {
            char c = name.p[from + n];
            bool fits = form[n] == '0'   ? c >= '0' && c <= '9'
                        : form[n] == 'T' ? c == 'T' || c == '_' || c == ' ' || c == '-'
                        : n > DAY_CHARS  ? c == '-' || c == ':'
                                         : c == '-';
            if (!fits)
                break;
            text[n] = form[n] == '0' ? c : n == DAY_CHARS ? 'T' : n > DAY_CHARS ? ':' : '-';
        }
        if (n < DAY_CHARS)
            continue;
        memcpy(text + (n + 1 < sizeof form ? DAY_CHARS : n), n + 1 < sizeof form ? "T00:00:00Z" : "Z",
               n + 1 < sizeof form ? sizeof "T00:00:00Z" : sizeof "Z");
        int64_t when = tables_time(str_of(text));
        if (when)
            return when;
    }
    return 0;
}

static enum err_code read_checkpoint(struct history_in *in, struct err *e)
{
    const struct history_at at = {1, 0, in->size};
    struct str name = path_without(path_base(in->path), ".md");
    size_t got = 0, n = in->size < TEXT_MOST ? (size_t)in->size : TEXT_MOST;
    char *text = arena_alloc(in->arena, n + 1);
    int64_t when = memory_context_time(name);
    enum err_code code = text ? file_read_at(in->fd, 0, text, n, &got, e) : err_nomem(e);
    struct str content = text_cut((struct str){text, got}, TEXT_MOST);
    if (code || !str_trim(content).n)
        return code ? code : history_skip(in, HISTORY_EMPTY, &at, e);
    const struct history_turn t = {.key = path_key(in->arena, in->kind, name, STR_NONE, content),
                                   .session = name,
                                   .agent = STR("claude-code"),
                                   .role = STR("assistant"),
                                   .content = content,
                                   .timestamp = when ? when : in->modified,
                                   .metadata = STR("\"kind\":\"checkpoint\""),
                                   .at = at};
    code = history_turn(in, &t, e);
    return code ? code : history_mark(in, 0, 0, e);
}

static enum err_code read_store(struct history_in *in, struct err *e)
{
    const struct records lines = {.take = take_message, .arg = in};
    if (str_ends(in->path, ".jsonl"))
        return records_read(in, &lines, e);
    if (str_ends(in->path, ".txt"))
        return memory_context_read_text(in, e);
    return str_ends(in->path, ".md") ? read_checkpoint(in, e) : memory_context_read_database(in, e);
}

const struct history_format history_memory_context = {
    .name = "memory-context",
    .title = "MEMORY-CONTEXT",
    .copies = true,
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = recognise,
    .sniff = sniff,
    .read = read_store,
};
