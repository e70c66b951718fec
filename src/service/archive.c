/* Archiving a session and bringing it back. See archive.h. The checkpoint is thought out before the write, because
 * reading a session's state would hold up the writer. */
#include "service/archive.h"

#include "base/clock.h"
#include "base/text.h"
#include "store/turns.h"

enum {
    CONVERSATIONS_MAX = 200,
    STATES_MAX = 50,
    STATES_BYTES = 8 << 20, /* a checkpoint's content has room for twice that */
    TURNS_MAX = 20,
    TURN_BYTES = 4000,
    TITLE_BYTES = 400
};

/* ---- the state as JSON ---- */

static enum err_code list(struct store_tx *tx, struct arena *a, const struct kind *k, struct str session, int limit,
                          struct list_page *out, struct err *e)
{
    struct list_filter filter = {"session_id", V_TEXT(session)};
    struct list_query q = {.kind = k, .filters = &filter, .n_filters = 1, .limit = limit};
    return record_list(tx, a, &q, out, e);
}

static enum err_code write_conversations(struct store_tx *tx, struct arena *a, struct json_out *w, struct str session,
                                         struct err *e)
{
    struct list_page page = {0};
    enum err_code code = list(tx, a, KIND_CONVERSATION, session, CONVERSATIONS_MAX, &page, e);
    jw_key(w, "conversations");
    jw_array(w);
    for (size_t i = 0; !code && i < page.n; i++) {
        const struct record *c = page.rows[i];
        jw_object(w);
        jw_kstr(w, "conversation_id", c->id);
        jw_kstr(w, "directive", text_cut(record_text(c, "directive"), TURN_BYTES));
        jw_kstr(w, "status", record_text(c, "status"));
        jw_kint(w, "turns", record_int(c, "turn_count"));
        jw_kstr(w, "summary", record_text(c, "context_summary"));
        jw_end_object(w);
    }
    jw_end_array(w);
    return code;
}

static enum err_code write_states(struct store_tx *tx, struct arena *a, struct json_out *w, struct str session,
                                  struct err *e)
{
    struct list_page page = {0};
    enum err_code code = list(tx, a, KIND_AGENT_STATE, session, STATES_MAX, &page, e);
    size_t from = w->b->n;
    jw_key(w, "agent_states");
    jw_object(w);
    for (size_t i = 0; !code && i < page.n; i++) {
        struct str state = record_text(page.rows[i], "state");
        if (!state.n || w->b->n - from + state.n > STATES_BYTES)
            continue;
        jw_key_str(w, record_text(page.rows[i], "agent"));
        jw_raw(w, state);
    }
    jw_end_object(w);
    return code;
}

static enum err_code write_turns(struct store_tx *tx, struct arena *a, struct json_out *w, struct str session,
                                 struct err *e)
{
    struct turn *turns = NULL;
    size_t n = 0;
    enum err_code code = turns_after(tx, a, session, 0, TURNS_MAX, true, &turns, &n, e);
    jw_key(w, "last_turns");
    jw_array(w);
    for (size_t i = 0; !code && i < n; i++) {
        jw_object(w);
        jw_kstr(w, "conversation_id", turns[i].conversation_id);
        jw_kint(w, "turn_number", turns[i].turn_number);
        jw_kstr(w, "agent", turns[i].agent);
        jw_kstr(w, "role", turns[i].role);
        jw_ktime(w, "timestamp", turns[i].timestamp);
        jw_kstr(w, "content", text_cut(turns[i].content, TURN_BYTES));
        jw_end_object(w);
    }
    jw_end_array(w);
    return code;
}

static enum err_code write_state(struct store_tx *tx, struct arena *a, struct json_out *w, const struct record *session,
                                 struct err *e)
{
    struct session_counts counts;
    enum err_code code = session_counts(tx, session->id, &counts, e);
    if (code)
        return code;
    jw_object(w);
    jw_kstr(w, "session_id", session->id);
    jw_kstr(w, "title", record_text(session, "title"));
    jw_kstr(w, "summary", record_text(session, "summary"));
    jw_ktime(w, "last_active", record_int(session, "last_active"));
    jw_kint(w, "conversation_count", counts.conversations);
    jw_kint(w, "total_turns", counts.turns);
    code = write_conversations(tx, a, w, session->id, e);
    if (!code)
        code = write_states(tx, a, w, session->id, e);
    if (!code)
        code = write_turns(tx, a, w, session->id, e);
    jw_end_object(w);
    return code;
}

static enum err_code state_text(struct service *svc, struct arena *a, const struct record *session, struct str *out,
                                struct err *e)
{
    struct store_tx *tx;
    struct buf b;
    struct json_out w;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    buf_init(&b, 0);
    jw_init(&w, &b);
    code = write_state(tx, a, &w, session, e);
    store_read_end(tx);
    *out = buf_take(&b, a);
    return code ? code : out->p ? ERR_OK : err_nomem(e);
}

/* ---- the checkpoint ---- */

enum err_code archive_prepare(struct service *svc, struct arena *a, const struct record *session, struct archiving *out,
                              struct err *e)
{
    struct str content, title = record_text(session, "title");
    *out = (struct archiving){.arena = a, .session_id = session->id, .checkpoint = record_new(a, KIND_CHECKPOINT)};
    if (!out->checkpoint)
        return err_nomem(e);
    enum err_code code = state_text(svc, a, session, &content, e);
    if (code)
        return code;
    struct record *r = out->checkpoint;
    id_make(KIND_CHECKPOINT->id_prefix, out->checkpoint_id);
    r->id = str_of(out->checkpoint_id);
    r->project = session->project;
    struct str what = text_cut(title.n ? title : session->id, TITLE_BYTES);
    record_set(r, "title", V_TEXT(arena_fmt(a, "Archived: %.*s", STR_ARG(what))));
    record_set(r, "description", V_TEXT(record_text(session, "summary")));
    record_set(r, "content", V_TEXT(content));
    record_set(r, "session_id", V_TEXT(session->id));
    record_set(r, "metadata", V_TEXT(STR("{\"automatic\":true,\"reason\":\"archived\"}")));
    return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

/* ---- there and back ---- */

static enum err_code set_status(struct store_tx *tx, struct arena *a, const struct record *session, const char *status,
                                struct err *e)
{
    struct record *patch = record_new(a, KIND_SESSION);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "status", V_TEXT(str_of(status)));
    return record_update(tx, a, session->seq, patch, e);
}

enum err_code archive_on(struct store_tx *tx, struct archiving *x, const struct record *session, struct err *e)
{
    x->at = clock_now_ms();
    x->conversations = 0;
    x->changed = str_is(record_text(session, "status"), "active");
    if (!x->changed)
        return ERR_OK;
    struct record checkpoint = *x->checkpoint; /* the job may run again */
    enum err_code code = record_insert(tx, x->arena, &checkpoint, e);
    if (!code)
        code = conversations_archive(tx, session->id, &x->conversations, e);
    return code ? code : set_status(tx, x->arena, session, "archived", e);
}

enum err_code archive_undo(struct store_tx *tx, struct arena *a, const struct record *session, int64_t now,
                           int64_t *conversations, struct err *e)
{
    enum err_code code = conversations_restore(tx, session->id, conversations, e);
    if (!code && !str_is(record_text(session, "status"), "active"))
        code = set_status(tx, a, session, "active", e);
    /* else it would be put by again at once */
    return code ? code : session_touch(tx, session->id, now, e);
}
