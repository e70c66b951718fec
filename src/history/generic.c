/* Generic JSONL: a message a line, {role, content, timestamp?, session?}. Other names that people use are taken too.
 * There is no place where such files would be looked for; they are named. */
#include "history/formats.h"
#include "history/path.h"
#include "history/records.h"
#include "history/tables.h"

#include "base/json_write.h"

struct generic {
    struct history_in *in;
    struct str session; /* where a line names none: the file's name */
};

static struct str first_of(const struct json *o, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (json_text(o, names[i]).n)
            return json_text(o, names[i]);
    return STR_NONE;
}
#define FIRST(o, names) first_of(o, names, sizeof(names) / sizeof *(names))

static const char *const times[] = {"timestamp", "created_at", "time", "ts", "date", "create_time"};
static const char *const sessions[] = {"session",      "session_id",      "sessionId",
                                       "conversation", "conversation_id", "thread_id"};
static const char *const ids[] = {"id", "uuid", "message_id"};
static const char *const kept[] = {"model", "name", "cwd", "parent", "tool_call_id"};

static int64_t time_of(const struct json *o)
{
    int64_t when = 0;
    for (size_t i = 0; !when && i < sizeof times / sizeof *times; i++)
        when = history_time(json_get(o, times[i]));
    return when;
}

static struct str metadata(struct arena *a, const struct json *o, struct str id)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    if (id.n)
        jw_kstr(&w, "id", id);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_text(o, kept[i]).n)
            jw_kstr(&w, kept[i], json_text(o, kept[i]));
    const struct json *usage = json_get_type(o, "usage", JSON_OBJECT),
                      *calls = json_get_type(o, "tool_calls", JSON_ARRAY);
    for (int i = 0; i < 2; i++) {
        if (i ? !calls : !usage)
            continue;
        jw_key(&w, i ? "tool_calls" : "usage");
        jw_value(&w, i ? calls : usage);
    }
    return buf_take(&b, a);
}

/* An id is only as wide as its session. */
static struct str key_of(struct arena *a, struct str session, struct str id)
{
    return id.n ? arena_fmt(a, "%.*s/%.*s", STR_ARG(session), STR_ARG(id)) : STR_NONE;
}

static enum err_code take(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct generic *g = arg;
    struct history_in *in = g->in;
    const struct json *inner = json_get_type(o, "message", JSON_OBJECT);
    const struct json *said = json_text(o, "role").n || !inner ? o : inner, *content = json_get(said, "content");
    struct str role = tables_role(json_text(said, "role"));
    if (!role.n)
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    struct str text = history_text(in->arena, content ? content : json_get(said, "text"));
    struct str session = FIRST(o, sessions), id = FIRST(o, ids);
    if (!str_trim(text).n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    session = session.n ? session : g->session;
    const struct history_turn t = {.key = key_of(in->arena, session, id),
                                   .session = session,
                                   .agent = role,
                                   .role = role,
                                   .content = text,
                                   .timestamp = time_of(o),
                                   .cwd = json_text(o, "cwd"),
                                   .metadata = metadata(in->arena, o, id),
                                   .at = *at};
    return arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
}

static bool recognise(struct str path, struct history_name *out)
{
    bool ours = str_ends(path, ".jsonl") || str_ends(path, ".ndjson");
    *out = (struct history_name){.kind = "messages", .grows = true};
    return ours;
}

static bool sniff(struct str path, struct str head)
{
    static const char *const keys[] = {"role", "content"};
    struct str line = str_cut(&head, '\n'), member[2];
    (void)path;
    return lines_members(line, keys, 2, member) && member[0].n && member[1].p;
}

static enum err_code read_messages(struct history_in *in, struct err *e)
{
    struct generic g = {in, path_without(path_without(path_base(in->path), ".jsonl"), ".ndjson")};
    const struct records how = {take, &g, NULL};
    return records_read(in, &how, e);
}

const struct history_format history_generic = {
    .name = "jsonl",
    .title = "messages in JSONL",
    .recognise = recognise,
    .sniff = sniff,
    .read = read_messages,
};
