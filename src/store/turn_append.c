/* Appending a turn: the hottest path. Why by hand: it touches as few B-trees as can be. One look-up,
 * remembered by the writer, finds the conversation with its session; one update counts the turn, one insert fills
 * the table and its two unique indexes; the session's last_active is written at most once a second. The number comes
 * from the conversation's count inside the write transaction, so there is no gap and no double, whoever else writes. */
#include "store/turns.h"

#include "base/clock.h"
#include "base/text.h"
#include "store/gate_int.h"
#include "store/pack_int.h"
#include "store/sealing.h"

#include <string.h>

enum { TOUCH_EVERY_MS = 1000, CONTENT_MAX = 16 << 20, AGENT_MAX = 200 };

/* Cut to size and ended with a NUL. */
static void copy_text(char *out, size_t size, struct str s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    if (n)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static enum err_code read_head(struct store_tx *tx, struct str conversation_id, struct head *h, bool *found,
                               struct err *e)
{
    const struct store_driver *d = tx->d;
    struct query q;
    query_fixed(&q, tx, STMT_CONVERSATION_HEAD, e);
    query_text(&q, conversation_id);
    *found = query_row(&q);
    if (*found) {
        h->seq = d->column_int(q.s, 0);
        h->turn_count = d->column_int(q.s, 1);
        h->last_turn_at = d->column_int(q.s, 2);
        copy_text(h->project, sizeof h->project, d->column_text(q.s, 3));
        copy_text(h->session_id, sizeof h->session_id, d->column_text(q.s, 4));
        h->has_session = !d->column_null(q.s, 5);
        h->session_seq = d->column_int(q.s, 5);
        h->key_slot = d->column_null(q.s, 9) ? SEAL_STORE : d->column_int(q.s, 9);
        h->expired = str_is(d->column_text(q.s, 6), "expired");
        h->last_active = d->column_int(q.s, 7);
        copy_text(h->level, sizeof h->level, d->column_text(q.s, 8));
    }
    return query_end(&q);
}

/* ---- what the writer remembers ---- */

static struct head_slot *slot_of(struct turn_memory *m, struct str id)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < id.n; i++)
        hash = (hash ^ (unsigned char)id.p[i]) * 1099511628211u;
    return &m->heads[(hash >> 20) % HEAD_SLOTS];
}

/* The conversation's head: remembered, or read and then remembered. It stays in its slot, where the caller
 * counts the turn in it. */
static enum err_code find_head(struct store_tx *tx, struct str id, struct head **out, bool *found, struct err *e)
{
    struct turn_memory *m = tx->memory;
    struct head_slot *s = slot_of(m, id);
    *out = &s->head;
    *found = s->era == m->era && str_is(id, s->conversation_id);
    if (*found)
        return ERR_OK;
    s->era = 0;
    enum err_code rc = read_head(tx, id, &s->head, found, e);
    if (rc || !*found || !s->head.has_session || id.n >= sizeof s->conversation_id)
        return rc;
    copy_text(s->conversation_id, sizeof s->conversation_id, id);
    s->era = m->era;
    return ERR_OK;
}

/* In the words the API promises, as these errors reach the caller as they are. */
static enum err_code check_head(const struct head *h, bool found, struct str conversation_id, struct err *e)
{
    if (!found)
        return err_named(e, ERR_NOT_FOUND, "CONVERSATION_NOT_FOUND", "no conversation with conversation_id %.*s",
                         STR_ARG(str_take(conversation_id, 120)));
    if (!h->has_session)
        return err_named(e, ERR_NOT_FOUND, "SESSION_NOT_FOUND", "the conversation's session %.120s does not exist",
                         h->session_id);
    if (h->expired)
        return err_named(e, ERR_GONE, "SESSION_EXPIRED", "session %.120s has expired", h->session_id);
    return ERR_OK;
}

static enum err_code check_turn(const struct turn_new *t, struct err *e)
{
    if (!str_is(t->role, "user") && !str_is(t->role, "assistant") && !str_is(t->role, "system") &&
        !str_is(t->role, "tool"))
        return err_set(e, ERR_INVALID, "role", "role must be one of user, assistant, system, tool");
    if (!t->agent.n || t->agent.n > AGENT_MAX)
        return err_set(e, ERR_INVALID, "agent", "agent must be 1 to %d bytes long", AGENT_MAX);
    if (t->content.n > CONTENT_MAX)
        return err_set(e, ERR_TOO_LARGE, "content", "content may be at most %d bytes long", CONTENT_MAX);
    if (t->id.p && !id_has_form(t->id, KIND_TURN->id_prefix))
        return err_set(e, ERR_INVALID, "turn_id", "turn_id must look like turn_ and 32 hex digits");
    return ERR_OK;
}

/* A turn that is stored already gives its numbers back: whoever retries gets the same answer. */
static enum err_code find_known(struct store_tx *tx, const struct turn_new *t, struct turn_added *out, bool *known,
                                struct err *e)
{
    bool elsewhere = false;
    struct query q;
    query_fixed(&q, tx, STMT_TURN_KNOWN, e);
    query_text(&q, t->id);
    *known = query_row(&q);
    if (*known) {
        out->seq = query_col_int(&q, 0);
        elsewhere = !str_eq(tx->d->column_text(q.s, 1), t->conversation_id);
        out->turn_number = query_col_int(&q, 2);
        out->timestamp = query_col_int(&q, 3);
        copy_text(out->id, sizeof out->id, t->id);
    }
    enum err_code rc = query_end(&q);
    if (!rc && elsewhere)
        rc = err_set(e, ERR_CONFLICT, "turn_id", "turn %.60s exists already, in another conversation", out->id);
    return rc;
}

/* last_turn_at is the latest time said, not the latest arrival: imported turns may come out of order. The arrival is
 * the conversation's stored_at, by which retention tells what was taken in lately from what is old. */
static enum err_code count_turn(struct store_tx *tx, struct head *h, const struct turn_added *added, size_t bytes,
                                int64_t now, struct err *e)
{
    struct query q;
    h->turn_count = added->turn_number;
    if (h->last_turn_at < added->timestamp)
        h->last_turn_at = added->timestamp;
    query_fixed(&q, tx, STMT_CONVERSATION_COUNTED, e);
    query_int(&q, h->seq);
    query_int(&q, h->turn_count);
    query_int(&q, h->last_turn_at);
    query_int(&q, (int64_t)bytes);
    query_int(&q, now);
    return query_run(&q);
}

static void put_text(struct query *q, struct arena *a, const struct head *h, const struct turn_added *added,
                     const char *field, struct str text)
{
    const struct field *f = &KIND_TURN->fields[kind_field(KIND_TURN, str_of(field))];
    query_field(q, a, KIND_TURN, f, str_of(added->id), h->key_slot, &V_TEXT(text));
}

static void put_content(struct query *q, struct arena *a, const struct turn_new *t, const struct head *h,
                        const struct turn_added *added)
{
    const struct sealed_place at = {"turn", "content", str_of(added->id)};
    struct str packed = STR_NONE;
    enum err_code rc = t->pack ? tx_pack(q->tx, t->content, &packed, q->e) : ERR_OK;
    if (!rc && packed.p && tx_seals(q->tx))
        rc = value_seal(q->tx, a, h->key_slot, at, SEALED_PACKED, packed, &packed, q->e);
    if (rc && !q->rc)
        q->rc = rc;
    if (!rc && packed.p)
        query_bytes(q, packed);
    else
        put_text(q, a, h, added, "content", t->content.p ? t->content : STR(""));
}

/* The columns of TURN_INSERT in order; content last, as in the table. */
static enum err_code insert_turn(struct store_tx *tx, struct arena *a, const struct turn_new *t, const struct head *h,
                                 int64_t now, struct turn_added *added, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_INSERT, e);
    query_text(&q, str_of(added->id));
    query_text(&q, str_of(h->project));
    query_int(&q, now);
    query_text(&q, t->conversation_id);
    query_text(&q, str_of(h->session_id));
    query_int(&q, added->turn_number);
    query_text(&q, t->agent);
    query_text(&q, t->role);
    query_int(&q, added->timestamp);
    query_int(&q, t->token_count >= 0 ? t->token_count : text_tokens(t->content));
    put_text(&q, a, h, added, "content_hash", t->content_hash);
    put_text(&q, a, h, added, "metadata", t->metadata.p ? t->metadata : STR("{}"));
    put_content(&q, a, t, h, added);
    enum err_code rc = query_run(&q);
    if (!rc)
        added->seq = tx->d->last_seq(tx->c);
    return rc;
}

/* last_active never goes back; a turn in the same second as the last one leaves it alone. */
static enum err_code touch(struct store_tx *tx, const struct head *h, int64_t now, struct err *e)
{
    struct turn_memory *m = tx->memory;
    struct touch_slot *t = &m->touched[(uint64_t)h->session_seq % TOUCH_SLOTS];
    bool known = t->era == m->era && t->session_seq == h->session_seq && t->at > h->last_active;
    if (now - (known ? t->at : h->last_active) < TOUCH_EVERY_MS)
        return ERR_OK;
    struct query q;
    query_fixed(&q, tx, STMT_SESSION_ACTIVE_SEQ, e);
    query_int(&q, h->session_seq);
    query_int(&q, now);
    tx_mark(tx, version_active(str_of(h->session_id)));
    enum err_code rc = query_run(&q);
    if (!rc)
        *t = (struct touch_slot){.era = m->era, .session_seq = h->session_seq, .at = now};
    return rc;
}

/* ---- masking ---- */

static bool same_bytes(struct str x, struct str y)
{
    return x.p == y.p && x.n == y.n;
}

static struct str clean_part(const struct store *s, struct arena *a, bool json, struct str text)
{
    struct str out;
    bool clean = !gate_text(s, a, STR("PUBLIC"), json, text, &out, NULL) && same_bytes(out, text);
    return clean ? text : STR_NONE;
}

void turn_look(const struct store *s, struct turn_new *t)
{
    struct arena *a = s->gate ? arena_new() : NULL;
    if (!a)
        return;
    t->clean_content = clean_part(s, a, false, t->content);
    t->clean_metadata = clean_part(s, a, true, t->metadata);
    arena_free(a);
}

static bool known_clean(struct str text, struct str clean)
{
    return !text.n || (clean.p && same_bytes(text, clean));
}

/* The texts as they may be stored in a session of that level. */
static enum err_code mask_turn(struct store_tx *tx, struct arena *a, const struct head *h, struct turn_new *t,
                               struct err *e)
{
    struct str level = str_of(h->level);
    enum err_code rc = ERR_OK;
    if (!known_clean(t->content, t->clean_content))
        rc = gate_text(tx->store, a, level, false, t->content, &t->content, e);
    if (!rc && !known_clean(t->metadata, t->clean_metadata))
        rc = gate_text(tx->store, a, level, true, t->metadata, &t->metadata, e);
    return rc;
}

/* The hash is the raw content's: by it a chat that goes on is recognised, whose client sends its own words again.
 * *bytes: of the content as it is stored. */
static enum err_code store_turn(struct store_tx *tx, const struct turn_new *given, const struct head *h, int64_t now,
                                struct turn_added *out, size_t *bytes, struct err *e)
{
    struct turn_new t = *given;
    char hash[65];
    if (!t.content_hash.p) {
        id_sha256(t.content, hash);
        t.content_hash = str_of(hash);
    }
    bool clean = !tx->store->gate || (t.masked_for.n && str_is(t.masked_for, h->level)) ||
                 (known_clean(t.content, t.clean_content) && known_clean(t.metadata, t.clean_metadata));
    bool plain = clean && !tx_seals(tx);
    struct arena *a = plain ? NULL : arena_new();
    enum err_code rc = plain ? ERR_OK : !a ? err_nomem(e) : clean ? ERR_OK : mask_turn(tx, a, h, &t, e);
    if (!rc)
        rc = insert_turn(tx, a, &t, h, t.created_at ? t.created_at : now, out, e);
    *bytes = t.content.n;
    if (a)
        arena_free(a);
    return rc;
}

enum err_code turn_append(struct store_tx *tx, const struct turn_new *t, struct turn_added *out, struct err *e)
{
    struct head *h = NULL;
    bool known = false, found = false;
    size_t bytes = 0;
    *out = (struct turn_added){0};
    enum err_code rc = check_turn(t, e);
    if (!rc && t->id.p)
        rc = find_known(tx, t, out, &known, e);
    if (rc || known)
        return rc;
    rc = find_head(tx, t->conversation_id, &h, &found, e);
    if (!rc)
        rc = check_head(h, found, t->conversation_id, e);
    if (rc)
        return rc;
    int64_t now = clock_now_ms();
    if (t->id.p)
        copy_text(out->id, sizeof out->id, t->id);
    else
        id_make(KIND_TURN->id_prefix, out->id);
    out->turn_number = h->turn_count + 1;
    out->timestamp = t->timestamp ? t->timestamp : now;
    tx_mark(tx, version_key(str_of(h->session_id)));
    rc = store_turn(tx, t, h, now, out, &bytes, e);
    if (!rc)
        rc = count_turn(tx, h, out, bytes, now, e);
    if (!rc && !t->created_at) /* what is put back as it was is no use of the session */
        rc = touch(tx, h, now, e);
    out->session_id = str_of(h->session_id);
    out->project = str_of(h->project);
    if (rc)
        tx_forget(tx); /* the count remembered may be one too many */
    return rc;
}

enum err_code turn_insert_as(struct store_tx *tx, const struct turn_new *t, int64_t number, struct turn_added *out,
                             struct err *e)
{
    struct head *h = NULL;
    bool found = false;
    size_t bytes;
    *out = (struct turn_added){.turn_number = number, .timestamp = t->timestamp};
    enum err_code rc = check_turn(t, e);
    if (!rc)
        rc = find_head(tx, t->conversation_id, &h, &found, e);
    if (!rc)
        rc = check_head(h, found, t->conversation_id, e);
    if (!rc && (number < 1 || number > h->turn_count))
        rc = err_set(e, ERR_INVALID, "turn_number", "the conversation has no turn %lld", (long long)number);
    if (rc)
        return rc;
    copy_text(out->id, sizeof out->id, t->id);
    tx_mark(tx, version_key(str_of(h->session_id)));
    rc = store_turn(tx, t, h, clock_now_ms(), out, &bytes, e);
    if (rc)
        tx_forget(tx);
    return rc;
}
