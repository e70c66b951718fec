/* Reading what a caller tells of conversations, and storing it. Why lenient: every program writes its history a little
 * differently, and what is not understood is kept in the metadata rather than lost. Not here: formats of
 * particular programs (importers have a room of their own). */
#include "service/told.h"

#include "base/clock.h"
#include "service/merge.h"

enum {
    MILLISECONDS_FROM = 100000000000 /* a number from here on is no count of seconds: 1973 in ms, year 5138 in s */
};

static enum err_code wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID, "conversation_json", "conversation_json %s", what);
}

static bool among(struct str name, const char *const *names)
{
    for (; *names; names++)
        if (str_is(name, *names))
            return true;
    return false;
}

/* The first of these members that is a string with something in it. */
static struct str first_text(const struct json *o, const char *const *names)
{
    for (; *names; names++) {
        struct str s = json_text(o, *names);
        if (s.n)
            return s;
    }
    return STR_NONE;
}

/* Members that no field stands for, and those of `metadata`, as one object's text; STR_NONE when there are none. */
static enum err_code rest_of(struct arena *a, const struct json *o, const char *const *known, struct str *out,
                             struct err *e)
{
    const struct json *given = json_get_type(o, "metadata", JSON_OBJECT);
    struct buf b;
    struct json_out w;
    bool any = false;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < o->n; i++) {
        struct str key = o->keys[i].key;
        bool metadata = str_is(key, "metadata") && (given || o->items[i].type == JSON_NULL);
        if (among(key, known) || metadata || json_get_str(given, key))
            continue;
        jw_key_str(&w, key);
        jw_value(&w, &o->items[i]);
        any = true;
    }
    for (size_t i = 0; given && i < given->n; i++) {
        jw_key_str(&w, given->keys[i].key);
        jw_value(&w, &given->items[i]);
        any = true;
    }
    jw_end_object(&w);
    struct str text = buf_take(&b, a);
    *out = any ? text : STR_NONE;
    return text.p ? ERR_OK : err_nomem(e);
}

static enum err_code read_time(const struct json *o, int64_t *ms, struct err *e)
{
    static const char *const names[] = {"timestamp", "created_at", "time", NULL};
    const struct json *v = NULL;
    for (size_t i = 0; names[i] && (!v || v->type == JSON_NULL); i++)
        v = json_get(o, names[i]);
    *ms = 0;
    if (!v || v->type == JSON_NULL)
        return ERR_OK;
    if (v->type == JSON_STRING && clock_parse(v->s, ms))
        return ERR_OK;
    if ((v->type == JSON_INT || v->type == JSON_DOUBLE) && v->number >= 0 && v->number < 253402300800000.0) {
        *ms = (int64_t)(v->number < (double)MILLISECONDS_FROM ? v->number * 1000 : v->number);
        return ERR_OK;
    }
    return wrong(e, "has a timestamp that is no time such as 2026-01-31T12:00:00Z");
}

/* ---- messages ---- */

/* Text of a content given in parts, joined by blank lines. */
static enum err_code join_parts(struct arena *a, const struct json *parts, struct str *out, struct err *e)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < parts->n; i++) {
        const struct json *p = &parts->items[i];
        struct str text = p->type == JSON_STRING ? p->s : json_text(p, "text");
        if (!text.n)
            continue;
        if (b.n)
            buf_cstr(&b, "\n\n");
        buf_str(&b, text);
    }
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code read_content(struct arena *a, const struct json *o, struct turn_new *t, struct err *e)
{
    static const char *const names[] = {"content", "text", "message", NULL};
    const struct json *v = NULL;
    for (size_t i = 0; names[i] && !v; i++)
        v = json_get(o, names[i]);
    if (v && v->type == JSON_STRING)
        t->content = v->s;
    else if (v && v->type == JSON_ARRAY)
        return join_parts(a, v, &t->content, e);
    else if (v && v->type == JSON_NULL)
        t->content = STR(""); /* an answer that was only a tool call */
    else
        return wrong(e, "has a message without content");
    return ERR_OK;
}

/* Names that other programs have for the four roles. Any other value is who spoke. */
static void read_speaker(const struct json *o, struct turn_new *t)
{
    static const char *const agents[] = {"agent", "name", "speaker", "author", NULL};
    static const char *const roles[] = {"role", "type", NULL};
    static const struct {
        const char *said, *role;
    } known[] = {{"user", "user"},       {"human", "user"},    {"assistant", "assistant"}, {"ai", "assistant"},
                 {"model", "assistant"}, {"bot", "assistant"}, {"system", "system"},       {"developer", "system"},
                 {"tool", "tool"},       {"function", "tool"}};
    struct str said = first_text(o, roles);
    t->agent = first_text(o, agents);
    for (size_t i = 0; said.n && i < sizeof known / sizeof known[0]; i++)
        if (str_is(said, known[i].said))
            t->role = str_of(known[i].role);
    if (!t->agent.n && !t->role.n)
        t->agent = json_text(o, "role");
    if (!t->role.n)
        t->role = t->agent.n ? STR("assistant") : STR("user");
    if (!t->agent.n)
        t->agent = t->role;
}

static enum err_code read_message(struct arena *a, const struct json *v, struct turn_new *t, struct err *e)
{
    static const char *const known[] = {"content", "text",    "message",   "role",       "agent",
                                        "name",    "speaker", "author",    "time",       "token_count",
                                        "id",      "turn_id", "timestamp", "created_at", NULL};
    *t = (struct turn_new){.token_count = -1};
    if (v->type == JSON_STRING) {
        t->content = v->s;
        t->role = t->agent = STR("user");
        return ERR_OK;
    }
    if (v->type != JSON_OBJECT)
        return wrong(e, "has a message that is neither an object nor a string");
    const struct json *tokens = json_get_type(v, "token_count", JSON_INT);
    if (tokens && tokens->integer >= 0 && tokens->integer <= 1000000000)
        t->token_count = tokens->integer;
    enum err_code code = read_content(a, v, t, e);
    if (!code)
        code = read_time(v, &t->timestamp, e);
    if (!code)
        code = rest_of(a, v, known, &t->metadata, e);
    read_speaker(v, t);
    return code;
}

static enum err_code read_messages(struct arena *a, const struct json *list, struct told *out,
                                   struct told_conversation *c, struct err *e)
{
    if (out->n_turns + list->n > TOLD_TURNS_MAX)
        return err_set(e, ERR_TOO_LARGE, "conversation_json", "conversation_json may hold at most %d messages",
                       TOLD_TURNS_MAX);
    c->turns = arena_array(a, struct turn_new, list->n + 1);
    if (!c->turns)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (; !code && c->n < list->n; c->n++)
        code = read_message(a, &list->items[c->n], &c->turns[c->n], e);
    out->n_turns += c->n;
    return code;
}

/* ---- conversations ---- */

static const struct json *messages_of(const struct json *o)
{
    const struct json *list = json_get_type(o, "messages", JSON_ARRAY);
    return list ? list : json_get_type(o, "turns", JSON_ARRAY);
}

/* "conv_" and half of a digest over session, place and content. */
static enum err_code name_conversation(struct arena *a, struct told_conversation *c, struct str session_id,
                                       size_t place, struct str raw, struct err *e)
{
    char digest[65];
    struct str all = arena_fmt(a, "%.*s\n%zu\n%.*s", STR_ARG(session_id), place, STR_ARG(raw));
    if (!all.p)
        return err_nomem(e);
    id_sha256(all, digest);
    struct str id = arena_fmt(a, "conv_%.32s", digest);
    if (!id.p)
        return err_nomem(e);
    for (size_t i = 0; i < id.n && i < sizeof c->id - 1; i++)
        c->id[i] = id.p[i];
    return ERR_OK;
}

static enum err_code read_head(struct arena *a, const struct json *o, struct told_conversation *c, struct err *e)
{
    static const char *const known[] = {"messages", "turns",           "directive", "title",      "name",
                                        "status",   "context_summary", "summary",   "created_at", "timestamp",
                                        "time",     "conversation_id", "id",        NULL};
    static const char *const titles[] = {"directive", "title", "name", NULL};
    static const char *const summaries[] = {"context_summary", "summary", NULL};
    static const char *const ids[] = {"conversation_id", "id", NULL};
    struct str id = first_text(o, ids);
    c->directive = first_text(o, titles);
    c->summary = first_text(o, summaries);
    c->status = json_text(o, "status");
    if (!str_is(c->status, "active") && !str_is(c->status, "completed") && !str_is(c->status, "archived"))
        c->status = STR_NONE;
    for (size_t i = 0; id_has_form(id, "conv") && i < id.n && i < sizeof c->id - 1; i++)
        c->id[i] = id.p[i];
    enum err_code code = read_time(o, &c->created_at, e);
    return code ? code : rest_of(a, o, known, &c->metadata, e);
}

static enum err_code read_conversation(struct arena *a, const struct json *v, struct str session_id, struct told *out,
                                       struct err *e)
{
    struct told_conversation *c = &out->conversations[out->n];
    const struct json *list = v->type == JSON_ARRAY ? v : messages_of(v);
    enum err_code code = ERR_OK;
    if (!list)
        return wrong(e, "must hold messages: a list of them, or objects with `messages`");
    if (v->type == JSON_OBJECT)
        code = read_head(a, v, c, e);
    if (!code && !c->id[0])
        code = name_conversation(a, c, session_id, out->n, v->raw, e);
    if (!code)
        code = read_messages(a, list, out, c, e);
    if (!code && !c->created_at && c->n)
        c->created_at = c->turns[0].timestamp;
    out->n++;
    return code;
}

/* A list is one of conversations when its first item holds messages itself. */
static const struct json *conversations_of(const struct json *v)
{
    if (v->type == JSON_OBJECT)
        return json_get_type(v, "conversations", JSON_ARRAY);
    bool of_conversations =
        v->type == JSON_ARRAY && v->n && (v->items[0].type == JSON_ARRAY || messages_of(&v->items[0]));
    return of_conversations ? v : NULL;
}

enum err_code told_read(struct arena *a, const struct json *v, struct str session_id, struct told *out, struct err *e)
{
    struct err why = {0};
    *out = (struct told){0};
    if (v->type == JSON_STRING && json_parse(a, v->s, 0, &v, &why))
        return err_set(e, ERR_INVALID, "conversation_json", "conversation_json is a string that is not JSON: %.150s",
                       why.message);
    if (v->type == JSON_NULL || (v->type == JSON_ARRAY && v->n == 0))
        return ERR_OK;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
        return wrong(e, "must be a list or an object");
    const struct json *list = conversations_of(v);
    size_t n = list ? list->n : 1;
    if (n > TOLD_CONVERSATIONS_MAX)
        return err_set(e, ERR_TOO_LARGE, "conversation_json", "conversation_json may hold at most %d conversations",
                       TOLD_CONVERSATIONS_MAX);
    out->conversations = arena_array(a, struct told_conversation, n + 1);
    if (!out->conversations)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < n; i++)
        code = read_conversation(a, list ? &list->items[i] : v, session_id, out, e);
    return code;
}

/* ---- storing ---- */

void told_look(const struct store *s, struct told *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->conversations[i].n; k++)
            turn_look(s, &t->conversations[i].turns[k]);
}

static enum err_code insert_head(struct store_tx *tx, struct arena *a, const struct told_conversation *c,
                                 const struct record *session, struct err *e)
{
    struct record *r = record_new(a, KIND_CONVERSATION);
    if (!r)
        return err_nomem(e);
    r->id = str_of(c->id);
    r->project = session->project;
    r->created_at = c->created_at;
    record_set(r, "session_id", V_TEXT(session->id));
    if (c->directive.n)
        record_set(r, "directive", V_TEXT(c->directive));
    if (c->status.n)
        record_set(r, "status", V_TEXT(c->status));
    if (c->summary.n)
        record_set(r, "context_summary", V_TEXT(c->summary));
    if (c->metadata.n)
        record_set(r, "metadata", V_TEXT(c->metadata));
    return record_insert(tx, a, r, e);
}

static enum err_code insert_conversation(struct store_tx *tx, struct arena *a, const struct told_conversation *c,
                                         const struct record *session, struct err *e)
{
    struct record *known = NULL;
    struct err why = {0};
    struct str id = str_of(c->id);
    enum err_code code = record_get(tx, a, KIND_CONVERSATION, id, STR_NONE, &known, &why);
    if (!code && !str_eq(record_text(known, "session_id"), session->id))
        return err_set(e, ERR_CONFLICT, "conversation_json", "conversation %s belongs to another session", c->id);
    if (!code)
        return ERR_OK;
    if (code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    code = insert_head(tx, a, c, session, e);
    for (size_t i = 0; !code && i < c->n; i++) {
        struct turn_added added;
        struct turn_new t = c->turns[i];
        t.conversation_id = id;
        code = turn_append(tx, &t, &added, e);
    }
    return code;
}

enum err_code told_insert(struct store_tx *tx, struct arena *a, const struct told *t, const struct record *session,
                          struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < t->n; i++)
        code = insert_conversation(tx, a, &t->conversations[i], session, e);
    return code;
}
