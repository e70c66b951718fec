/* Generic JSONL: a message a line, {role, content, timestamp?, session?}, or a conversation a line, {messages: […]}.
 * The same in one JSON document, where it is named by itself. Other names that people use are taken too. There is no
 * place where such files would be looked for; they are named. */
#include "history/generic.h"
#include "history/chats.h"
#include "history/formats.h"
#include "history/items.h"
#include "history/path.h"
#include "history/records.h"
#include "history/tables.h"

static const char *const times[] = {"timestamp", "created_at", "time", "ts", "date", "create_time", "createdAt"};
static const char *const sessions[] = {"session",         "session_id", "sessionId", "conversation",
                                       "conversation_id", "thread_id",  "chat_id"};
static const char *const roles[] = {"role", "sender", "speaker", "from", "author"};
static const char *const texts[] = {"content", "text", "value", "message"};
static const char *const lists[] = {"messages", "conversations", "conversation", "turns"};
static const char *const ids[] = {"id", "uuid", "message_id"};

/* A name may be a number too. */
static struct str name_of(const struct json *o, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct json *v = json_get(o, names[i]);
        if (v && v->type == JSON_STRING && v->s.n)
            return v->s;
        if (v && v->type == JSON_INT)
            return v->raw;
    }
    return STR_NONE;
}
#define NAME(o, names) name_of(o, names, sizeof(names) / sizeof *(names))

static int64_t time_of(const struct json *o)
{
    int64_t when = 0;
    for (size_t i = 0; !when && i < sizeof times / sizeof *times; i++) {
        const struct json *v = json_get(o, times[i]);
        when = v && v->type == JSON_STRING ? tables_time(v->s) : history_time(v);
    }
    return when;
}

static struct str role_of(const struct json *o)
{
    struct str role = STR_NONE;
    for (size_t i = 0; !role.n && i < sizeof roles / sizeof *roles; i++) {
        const struct json *v = json_get(o, roles[i]);
        role = tables_role(v && v->type == JSON_OBJECT ? json_text(v, "role") : json_text(o, roles[i]));
    }
    return role;
}

static const struct json *content_of(const struct json *o)
{
    const struct json *v = NULL;
    for (size_t i = 0; !v && i < sizeof texts / sizeof *texts; i++)
        v = json_get(o, texts[i]);
    return v;
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
    g->told++;
    return g->quiet ? ERR_OK : history_skip(g->in, reason, at, e);
}

/* `o` says what is beside the message itself, which may be inside it; `session` is for one that names none. */
static enum err_code take_message(struct generic *g, const struct json *o, struct str session,
                                  const struct history_at *at, struct err *e)
{
    struct history_in *in = g->in;
    const struct json *inner = json_get_type(o, "message", JSON_OBJECT), *said = role_of(o).n || !inner ? o : inner;
    struct str role = role_of(said), id = NAME(o, ids), own = NAME(o, sessions);
    if (!role.n)
        return skip(g, HISTORY_UNKNOWN, at, e);
    generic_content(&g->blocks, in->arena, said, content_of(said));
    if (blocks_failed(&g->blocks))
        return err_nomem(e);
    if (!str_trim(buf_view(&g->blocks.text)).n)
        return skip(g, HISTORY_EMPTY, at, e);
    struct history_turn t = {.session = own.n ? own : session,
                             .agent = role,
                             .role = role,
                             .content = buf_view(&g->blocks.text),
                             .timestamp = time_of(o),
                             .cwd = json_text(o, "cwd"),
                             .metadata = generic_metadata(&g->blocks, in->arena, o, id),
                             .at = *at};
    if (!key_of(g, &t, id, &t.key) || arena_failed(in->arena))
        return err_nomem(e);
    g->told++;
    return g->quiet ? ERR_OK : history_turn(in, &t, e);
}

/* ---- conversations ---- */

static const struct json *list_of(const struct json *o)
{
    const struct json *list = NULL;
    for (size_t i = 0; !list && i < sizeof lists / sizeof *lists; i++)
        list = json_get_type(o, lists[i], JSON_ARRAY);
    return list;
}

/* Where it has no name it is known by all of its words. */
static struct str name_of_list(struct generic *g, const struct json *o, const struct json *list)
{
    struct str name = NAME(o, sessions);
    name = name.n ? name : NAME(o, ids);
    return name.n ? name
                  : arena_fmt(g->in->arena, "%.*s-%08llx", STR_ARG(g->session),
                              (unsigned long long)often_hash(&list->raw, 1) & 0xFFFFFFFF);
}

static enum err_code take(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct generic *g = arg;
    const struct json *list = role_of(o).n ? NULL : list_of(o);
    if (!list || !list->n)
        return take_message(g, o, g->session, at, e);
    struct str session = name_of_list(g, o, list), title = json_text(o, "title");
    enum err_code code = session.p ? ERR_OK : err_nomem(e);
    if (!code && title.n && !g->quiet)
        code = history_title(g->in, session, title, e);
    for (size_t i = 0; i < list->n && !code; i++)
        code = list->items[i].type == JSON_OBJECT ? take_message(g, &list->items[i], session, at, e)
                                                  : skip(g, HISTORY_DAMAGED, at, e);
    return code;
}

/* ---- conversations that are too long to be parsed as a whole ---- */

/* What it is called, by its own name or its first words; its title. */
static enum err_code begin_long(struct generic *g, const struct history_in *line, struct str first, struct buf *out,
                                struct err *e)
{
    enum err_code code = ERR_OK;
    struct str name = STR_NONE;
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions && !code && !name.n; i++)
        code = chats_text(line, g->in->arena, sessions[i], &name, e);
    if (!code && !name.n)
        code = chats_text(line, g->in->arena, ids[0], &name, e);
    if (name.n)
        buf_str(out, name);
    else
        buf_fmt(out, "%.*s-%08llx", STR_ARG(g->session), (unsigned long long)often_hash(&first, 1) & 0xFFFFFFFF);
    if (code || out->failed)
        return code ? code : err_nomem(e);
    code = chats_text(line, g->in->arena, "title", &name, e);
    return code || g->quiet || !name.n ? code : history_title(g->in, buf_view(out), name, e);
}

static enum err_code take_part(struct generic *g, const struct item *item, struct str session,
                               const struct history_at *at, struct err *e)
{
    const struct json *o;
    struct err why = {0};
    if (item->too_large)
        return skip(g, HISTORY_TOO_LARGE, at, e);
    if (history_json(g->in->arena, item->text, &o, &why) || o->type != JSON_OBJECT)
        return why.code == ERR_NOMEM ? err_nomem(e) : skip(g, HISTORY_DAMAGED, at, e);
    return take_message(g, o, session, at, e);
}

/* The elements of one list, if there is a list of that name. */
static enum err_code take_list(struct generic *g, const struct history_in *line, const char *list,
                               const struct history_at *at, size_t *n, struct err *e)
{
    struct items *items = items_new(line, list, false);
    struct item item;
    struct buf session;
    bool found = true;
    enum err_code code = items ? ERR_OK : err_nomem(e);
    buf_init(&session, 0);
    for (*n = 0; !code; ++*n) {
        code = items_next(items, &item, &found, e);
        if (code || !found || item.offset == line->from) /* there is none: that is the line itself */
            break;
        if (!session.n)
            code = begin_long(g, line, item.text, &session, e);
        if (!code)
            code = take_part(g, &item, buf_view(&session), at, e);
        arena_reset(g->in->arena);
    }
    items_free(items);
    buf_release(&session);
    return code;
}

static enum err_code take_long(void *arg, const struct history_at *at, bool *took, struct err *e)
{
    struct generic *g = arg;
    struct history_in line = *g->in;
    enum err_code code = ERR_OK;
    size_t n = 0;
    line.from = at->offset;
    line.size = at->offset + at->bytes;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !code && !n; i++)
        code = take_list(g, &line, lists[i], at, &n, e);
    *took = n > 0;
    return code;
}

/* ---- files ---- */

static bool recognise(struct str path, struct history_name *out)
{
    bool ours = str_ends(path, ".jsonl") || str_ends(path, ".ndjson");
    *out = (struct history_name){.kind = "messages", .grows = true};
    return ours;
}

/* A line with a role and words, or with a list of such; or a document that has both somewhere near its beginning. */
static bool sniff(struct str path, struct str head)
{
    static const char *const keys[] = {"role", "content", "messages", "conversations"};
    struct str begin = str_trim(head), line = str_cut(&begin, '\n'), member[4];
    if (lines_members(line, keys, 4, member) && ((member[0].n && member[1].p) || member[2].n || member[3].n))
        return true;
    bool document = str_ends(path, ".json") && (str_starts(line, "[") || str_starts(line, "{"));
    return document && str_find(head, STR("\"role\"")) >= 0 && str_find(head, STR("\"content\"")) >= 0;
}

static enum err_code take_item(struct generic *g, const struct item *item, const struct history_at *at, struct err *e)
{
    const struct json *o;
    struct err why = {0};
    bool took = false;
    if (item->too_large) {
        enum err_code code = take_long(g, at, &took, e);
        return code || took ? code : skip(g, HISTORY_TOO_LARGE, at, e);
    }
    if (history_json(g->in->arena, item->text, &o, &why) || o->type != JSON_OBJECT)
        return why.code == ERR_NOMEM ? err_nomem(e) : skip(g, HISTORY_DAMAGED, at, e);
    return take(g, o, at, e);
}

/* A document: an array of messages or conversations, or one conversation. */
static enum err_code read_document(struct generic *g, struct err *e)
{
    struct history_in *in = g->in;
    struct item item;
    bool found = true;
    in->from = in->from_line = 0;
    struct items *items = items_new(in, NULL, false);
    enum err_code code = items ? ERR_OK : err_nomem(e);
    for (int64_t n = 1; !code; n++) {
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        const struct history_at at = {n, item.offset, item.bytes};
        code = take_item(g, &item, &at, e);
        arena_reset(in->arena);
        if (!code)
            code = history_mark(in, 0, 0, e);
    }
    items_free(items);
    return code;
}

static enum err_code read_messages(struct history_in *in, struct err *e)
{
    struct arena *a = arena_new();
    struct generic g = {.in = in};
    const struct records how = {take, &g, &g.quiet, &g.told, take_long};
    struct str path = in->path;
    if (!a)
        return err_nomem(e);
    blocks_init(&g.blocks);
    struct str name = path_without(path_without(path_without(path, ".jsonl"), ".ndjson"), ".json");
    struct str folder = path_folder(path).n ? STR_NONE : path_of_folder(a, in->dir);
    g.session = folder.n ? arena_fmt(a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name)) : name;
    enum err_code code = arena_failed(a)           ? err_nomem(e)
                         : str_ends(path, ".json") ? read_document(&g, e)
                                                   : records_read(in, &how, e);
    blocks_free(&g.blocks);
    often_free(&g.often);
    arena_free(a);
    return code;
}

const struct history_format history_generic = {
    .name = "jsonl",
    .title = "messages in JSONL",
    .copies = true,
    .recognise = recognise,
    .sniff = sniff,
    .read = read_messages,
};
