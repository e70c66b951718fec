/* What a chat writes: its place is found or made, its new messages and its answer become turns. Everything here may run
 * again after a failure or a crash: ids are given, and what is there already is left alone. */
#include "service/chat.h"

#include "base/json_write.h"
#include "service/access.h"
#include "service/chat_audit.h"
#include "service/masking.h"
#include "service/place.h"

#include <string.h>

static bool keep(char *out, size_t cap, struct str s)
{
    if (s.n >= cap)
        return false;
    memcpy(out, s.p ? s.p : "", s.n);
    out[s.n] = 0;
    return true;
}

/* The conversation named in the request: it must exist, and in that session. Its history may be resent as well. */
static enum err_code place_named(struct store_tx *tx, struct arena *a, struct chat *c, const struct record *session,
                                 struct err *e)
{
    struct record *r;
    enum err_code code = access_conversation(c->who, ACCESS_WRITE, tx, a, c->req.conversation, &r, e);
    if (code)
        return code;
    if (!session || !str_eq(record_text(r, "session_id"), session->id))
        return err_set(e, ERR_INVALID, "conversation_id", "conversation %.*s does not belong to that session",
                       (int)(c->req.conversation.n < 60 ? c->req.conversation.n : 60), c->req.conversation.p);
    struct str matched = STR_NONE;
    size_t first_new = 0;
    if (!c->req.fresh)
        code = chat_match(tx, a, session->id, c->req.messages, c->req.n_messages, &matched, &first_new, e);
    if (code)
        return code;
    /* Without resent history only the last message is new. */
    if (!c->req.fresh)
        c->first_new = str_eq(matched, r->id) ? first_new : c->req.n_messages ? c->req.n_messages - 1 : 0;
    c->conversation_is_new = false;
    return keep(c->conversation_id, sizeof c->conversation_id, r->id)
               ? ERR_OK
               : err_set(e, ERR_INVALID, "conversation_id", "conversation_id is too long");
}

static enum err_code place_matched(struct store_tx *tx, struct arena *a, struct chat *c, const struct record *session,
                                   struct err *e)
{
    struct str matched = STR_NONE;
    size_t first_new = 0;
    enum err_code code = ERR_OK;
    if (session && !c->req.fresh)
        code = chat_match(tx, a, session->id, c->req.messages, c->req.n_messages, &matched, &first_new, e);
    if (code)
        return code;
    c->conversation_is_new = !matched.n;
    c->first_new = matched.n ? first_new : 0;
    keep(c->conversation_id, sizeof c->conversation_id, matched.n ? matched : str_of(c->new_conversation.text));
    return ERR_OK;
}

enum err_code chat_place(struct store_tx *tx, struct arena *a, struct chat *c, struct err *e)
{
    struct record *session = NULL;
    if (!caller_writes(c->who, c->req.project))
        return caller_refuse_write(c->who, c->req.project, e);
    enum err_code code = place_session(tx, a, c->who, ACCESS_WRITE, c->req.session, c->req.project, &session, e);
    if (!code)
        code = c->req.conversation.n ? place_named(tx, a, c, session, e) : place_matched(tx, a, c, session, e);
    struct str level = session ? record_text(session, "privacy_level") : masking_default_level(c->svc->options.config);
    if (!code)
        c->placed = keep(c->level, sizeof c->level, level) &&
                    keep(c->session_id, sizeof c->session_id, session ? session->id : STR("")) &&
                    c->conversation_id[0] != 0;
    return code;
}

/* ---- writing ---- */

static struct str first_words(const struct chat *c)
{
    for (size_t i = 0; i < c->req.n_messages; i++) {
        if (str_is(c->req.messages[i].role, "user") && c->req.messages[i].text.n)
            return c->req.messages[i].text;
    }
    return STR_NONE;
}

static enum err_code ensure_place(struct store_tx *tx, struct arena *a, struct chat *c, struct err *e)
{
    struct record *session, *conversation;
    enum err_code code = c->placed ? ERR_OK : chat_place(tx, a, c, e);
    if (!code)
        code = place_session(tx, a, c->who, ACCESS_WRITE, c->req.session, c->req.project, &session, e);
    if (!code && !session)
        code = place_session_new(tx, a, str_of(c->new_session.text), c->req.session, c->req.project, &session, e);
    if (code || !c->conversation_is_new)
        return code;
    struct err why = {0};
    code = record_get(tx, a, KIND_CONVERSATION, str_of(c->conversation_id), STR_NONE, &conversation, &why);
    if (code == ERR_NOT_FOUND)
        return place_conversation_new(tx, a, str_of(c->conversation_id), session, first_words(c), e);
    if (code && e)
        *e = why;
    return code;
}

static struct str speaker(const struct chat *c, struct str role)
{
    if (str_is(role, "assistant"))
        return c->req.agent.n ? c->req.agent : STR("assistant");
    return role;
}

/* What one run of the write does. */
struct storing {
    struct store_tx *tx;
    struct arena *arena;
    struct chat *chat;
    struct audit_trace added;
};

static enum err_code append(struct storing *s, const char *id, const struct chat_message *m, const struct chat_kept *k,
                            int64_t when, struct err *e)
{
    struct chat *c = s->chat;
    struct turn_added added;
    struct turn_new t = {.id = str_of(id),
                         .conversation_id = str_of(c->conversation_id),
                         .agent = m->agent.n ? m->agent : speaker(c, m->role),
                         .role = m->role,
                         .content = m->text,
                         .metadata = m->metadata,
                         .timestamp = when,
                         .token_count = -1,
                         .content_hash = k->hash[0] ? str_of(k->hash) : STR_NONE,
                         .clean_content = k->clean_text,
                         .clean_metadata = k->clean_metadata};
    enum err_code code = turn_append(s->tx, &t, &added, e);
    if (code || !added.session_id.n)
        return code;
    audit_trace_add(&s->added, s->arena, KIND_TURN, t.id);
    if (!s->added.session.n) {
        s->added.session = arena_str(s->arena, added.session_id);
        s->added.project = arena_str(s->arena, added.project);
    }
    return arena_failed(s->arena) ? err_nomem(e) : ERR_OK;
}

/* The metadata of the answer's turn: what the proxy says of it, the request's own metadata, and whether it is whole. */
static struct str answer_metadata(struct arena *a, const struct chat *c)
{
    const struct json *m = NULL;
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    if (c->metadata.n && (json_parse(a, c->metadata, JSON_DUPLICATES_OK, &m, NULL) || m->type != JSON_OBJECT))
        m = NULL;
    jw_object(&w);
    for (size_t i = 0; m && i < m->n; i++) {
        jw_key_str(&w, m->keys[i].key);
        jw_raw(&w, m->items[i].raw);
    }
    if (c->req.model.n && !json_get(m, "model"))
        jw_kstr(&w, "model", c->req.model);
    if (c->req.metadata.n)
        jw_kraw(&w, "request_metadata", c->req.metadata);
    if (!c->complete)
        jw_kbool(&w, "incomplete", true);
    jw_end_object(&w);
    struct str out = buf_take(&b, a);
    return out;
}

static enum err_code append_all(struct storing *s, struct err *e)
{
    struct chat *c = s->chat;
    enum err_code code = ERR_OK;
    for (size_t i = c->first_new; !code && i < c->req.n_messages; i++) {
        const struct chat_message *m = &c->req.messages[i];
        if (m->text.n)
            code = append(s, c->message_ids[i].text, m, &c->kept[i], c->started_ms, e);
    }
    bool answered = atomic_load(&c->ended) && c->req.options.auto_store_response && (c->text.n || c->metadata.n);
    if (code || !answered)
        return code;
    struct str metadata = answer_metadata(s->arena, c);
    if (!metadata.p)
        return err_nomem(e);
    const struct chat_message answer = {.role = STR("assistant"), .text = c->text, .metadata = metadata};
    return append(s, c->answer_id.text, &answer, &c->kept[c->req.n_messages], 0, e);
}

enum err_code chat_store(struct store_tx *tx, void *arg, struct err *e)
{
    struct chat *c = arg;
    struct storing s = {.tx = tx, .arena = arena_new(), .chat = c};
    if (!s.arena)
        return err_nomem(e);
    enum err_code code = ensure_place(tx, s.arena, c, e);
    if (!code)
        code = append_all(&s, e);
    if (!code)
        code = chat_audit_stored(c, tx, &s.added, e);
    arena_free(s.arena);
    return code;
}
