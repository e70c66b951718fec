/* Generic JSONL: a message a line, {role, content, timestamp?, session?}. Other names that people use are taken too.
 * There is no place where such files would be looked for; they are named. */
#include "history/formats.h"
#include "history/often.h"
#include "history/path.h"
#include "history/records.h"
#include "history/tables.h"

#include "base/json_write.h"

struct generic {
    struct history_in *in;
    struct str session; /* where a line names none: the file's, with its folder's name */
    struct often often;
    bool quiet; /* before in->from: only counted */
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

/* An id is only as wide as its session. Without id and time it is the n-th of these words in the file that makes it the
 * same again; with a time the usual key does. False: out of memory. */
static bool key_of(struct generic *g, const struct history_turn *t, struct str id, struct str *out)
{
    const struct str parts[] = {t->session, t->role, t->content};
    struct arena *a = g->in->arena;
    size_t before = 0;
    *out = STR_NONE;
    if (id.n)
        *out = arena_fmt(a, "%.*s/%.*s", STR_ARG(t->session), STR_ARG(id));
    else if (!t->timestamp) {
        uint64_t hash = often_hash(parts, sizeof parts / sizeof *parts);
        if (!often_add(&g->often, hash, &before))
            return false;
        *out = arena_fmt(a, "said:%llx:%zu", (unsigned long long)hash, before);
    }
    return !arena_failed(a);
}

static enum err_code skip(struct generic *g, const char *reason, const struct history_at *at, struct err *e)
{
    return g->quiet ? ERR_OK : history_skip(g->in, reason, at, e);
}

static enum err_code take(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct generic *g = arg;
    struct history_in *in = g->in;
    const struct json *inner = json_get_type(o, "message", JSON_OBJECT);
    const struct json *said = json_text(o, "role").n || !inner ? o : inner, *content = json_get(said, "content");
    struct str role = tables_role(json_text(said, "role"));
    if (!role.n)
        return skip(g, HISTORY_UNKNOWN, at, e);
    struct str text = history_text(in->arena, content ? content : json_get(said, "text"));
    struct str session = FIRST(o, sessions), id = FIRST(o, ids);
    if (!str_trim(text).n)
        return skip(g, HISTORY_EMPTY, at, e);
    session = session.n ? session : g->session;
    struct history_turn t = {.session = session,
                             .agent = role,
                             .role = role,
                             .content = text,
                             .timestamp = time_of(o),
                             .cwd = json_text(o, "cwd"),
                             .metadata = metadata(in->arena, o, id),
                             .at = *at};
    if (!key_of(g, &t, id, &t.key))
        return err_nomem(e);
    return g->quiet ? ERR_OK : history_turn(in, &t, e);
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
    struct arena *a = arena_new();
    struct generic g = {.in = in};
    const struct records how = {take, &g, &g.quiet};
    if (!a)
        return err_nomem(e);
    struct str name = path_without(path_without(in->path, ".jsonl"), ".ndjson");
    struct str folder = path_folder(in->path).n ? STR_NONE : path_of_folder(a, in->dir);
    g.session = folder.n ? arena_fmt(a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name)) : name;
    enum err_code code = arena_failed(a) ? err_nomem(e) : records_read(in, &how, e);
    often_free(&g.often);
    arena_free(a);
    return code;
}

const struct history_format history_generic = {
    .name = "jsonl",
    .title = "messages in JSONL",
    .recognise = recognise,
    .sniff = sniff,
    .read = read_messages,
};
