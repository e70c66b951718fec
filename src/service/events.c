/* Events: found in turns behind the writes, or saved by hand; either way with the cause that was judged. */
#include "service/events.h"

#include "service/access.h"
#include "service/crud.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/vitality.h"

#include "base/clock.h"
#include "config/config.h"

#include <string.h>

/* ---- the follower ---- */

/* Questions to the model in one batch of turns, so that one busy session does not hold all others up. */
enum { ASKS_A_BATCH = 8 };

struct event_new {
    char id[ID_MAX];
    const struct turn *turn;
    struct event_found found;
    struct event_link link;
};
struct events_plan {
    struct event_new *all;
    size_t n;
    double per_hour; /* how vitality fades */
};

struct thinking {
    const struct follow_batch *b;
    struct event_bounds bounds;
    struct event_pool *pools; /* one for each session of the batch */
    size_t n_pools, per_turn;
    struct events_plan *plan;
    int asks;
};

/* People and agents tell; what tools print and systems instruct is no telling. */
static bool tells(const struct turn *t)
{
    return t->session_id.n && (str_is(t->role, "user") || str_is(t->role, "assistant"));
}

static enum err_code pool_of(struct thinking *th, struct str session_id, struct event_pool **out, struct err *e)
{
    struct store_tx *tx;
    for (size_t i = 0; i < th->n_pools; i++) {
        *out = &th->pools[i];
        if (str_eq(th->pools[i].session_id, session_id))
            return ERR_OK;
    }
    enum err_code code = store_read_begin(th->b->svc->store, &tx, e);
    if (code)
        return code;
    *out = &th->pools[th->n_pools++];
    code = event_pool_read(tx, th->b->arena, session_id, th->b->n * th->per_turn, &th->bounds, *out, e);
    store_read_end(tx);
    return code;
}

static enum err_code think_event(struct thinking *th, const struct turn *t, struct event_pool *pool,
                                 struct event_found found, struct err *e)
{
    struct event_new *fresh = &th->plan->all[th->plan->n];
    struct event_words *words;
    enum err_code code = event_words_of(th->b->arena, found.text, &words, e);
    if (code)
        return code;
    *fresh = (struct event_new){.turn = t, .found = found};
    id_make("evt", fresh->id);
    struct event_known effect = {str_of(fresh->id), found.text, found.type, t->timestamp, words, NULL};
    code = event_judge(th->b->svc, th->b->arena, pool, &effect, &th->bounds, &th->asks, &fresh->link, e);
    if (!code) {
        pool->known[pool->n++] = effect; /* it may be the cause of the next one */
        th->plan->n++;
    }
    return code;
}

static enum err_code think_turn(struct thinking *th, const struct turn *t, struct err *e)
{
    struct event_found found[EVENTS_PER_TURN_MAX];
    struct event_pool *pool;
    size_t n = tells(t) ? events_find(th->b->arena, t->content, th->per_turn, found) : 0;
    enum err_code code = n ? pool_of(th, t->session_id, &pool, e) : ERR_OK;
    for (size_t i = 0; i < n && !code; i++)
        code = think_event(th, t, pool, found[i], e);
    return code;
}

enum err_code events_think(const struct follow_batch *b, void **plan, struct err *e)
{
    const struct config *config = b->svc->options.config;
    struct thinking th = {.b = b,
                          .bounds = event_bounds_of(b->svc),
                          .per_turn = (size_t)config_int(config, "events.per_turn"),
                          .asks = ASKS_A_BATCH};
    enum err_code code = ERR_OK;
    if (th.per_turn == 0)
        return ERR_OK;
    th.plan = arena_alloc(b->arena, sizeof *th.plan);
    th.pools = arena_array(b->arena, struct event_pool, b->n);
    if (!th.plan || !th.pools)
        return err_nomem(e);
    th.plan->per_hour = config_real(config, "events.fade_per_hour");
    th.plan->all = arena_array(b->arena, struct event_new, b->n * th.per_turn + 1);
    if (!th.plan->all)
        return err_nomem(e);
    for (size_t i = 0; i < b->n && !code; i++)
        code = think_turn(&th, &b->turns[i], e);
    *plan = !code && th.plan->n ? th.plan : NULL;
    return code;
}

static enum err_code insert_event(struct store_tx *tx, struct arena *a, const struct event_new *n, int64_t now,
                                  struct err *e)
{
    const struct turn *t = n->turn;
    struct record *r = record_new(a, KIND_EVENT);
    if (!r)
        return err_nomem(e);
    r->id = str_of(n->id);
    r->project = t->project;
    record_set(r, "session_id", V_TEXT(t->session_id));
    record_set(r, "conversation_id", V_TEXT(t->conversation_id));
    record_set(r, "turn_id", V_TEXT(t->id));
    record_set(r, "agent", V_TEXT(t->agent));
    record_set(r, "event_type", V_TEXT(str_of(event_type_name(n->found.type))));
    record_set(r, "effect_text", V_TEXT(n->found.text));
    record_set(r, "occurred_at", V_INT(t->timestamp));
    record_set(r, "vitality_at", V_INT(now));
    if (n->link.cause_id.n) {
        record_set(r, "cause_id", V_TEXT(n->link.cause_id));
        record_set(r, "relationship_text", V_TEXT(n->link.how));
    }
    return record_insert(tx, a, r, e);
}

enum err_code events_apply(struct store_tx *tx, struct arena *a, void *plan, struct err *e)
{
    const struct events_plan *p = plan;
    int64_t now = clock_now_ms();
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < p->n && !code; i++) {
        code = insert_event(tx, a, &p->all[i], now, e);
        if (!code && p->all[i].link.cause_id.n)
            code = vitality_raise(tx, a, p->all[i].link.cause_id, VITALITY_NAMED_CAUSE, p->per_hour, now, e);
    }
    return code;
}

/* ---- by hand ---- */

/* A cause that the caller names must be there. */
static enum err_code check_cause(struct op_call *c, struct store_tx *tx, struct str cause_id, struct err *e)
{
    struct record *cause;
    struct err why = {0};
    enum err_code code = record_get(tx, c->arena, KIND_EVENT, cause_id, STR_NONE, &cause, &why);
    if (!code)
        code = access_record(caller_of(c), ACCESS_READ, tx, c->arena, cause, &why);
    if (code == ERR_NOT_FOUND)
        return err_set(e, ERR_INVALID, "cause_id", "cause_id names no event: it must be the id of an earlier one");
    return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

static void set_unset(struct record *r, const char *field, struct value v)
{
    enum value_type t = record_value(r, field)->type;
    if (t == VALUE_UNSET || t == VALUE_NULL)
        record_set(r, field, v);
}

/* The session that is named, or that of the conversation, must be one the caller may write to. The event belongs to its
 * project. */
static enum err_code take_session(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *session, *conversation;
    struct str id = record_text(c->record, "session_id"), within = record_text(c->record, "conversation_id");
    enum err_code code = ERR_OK;
    if (!id.n && within.n) {
        code = access_conversation(caller_of(c), ACCESS_WRITE, tx, c->arena, within, &conversation, e);
        if (!code) {
            id = record_text(conversation, "session_id");
            record_set(c->record, "session_id", V_TEXT(id));
        }
    }
    if (!code && id.n) {
        code = access_session(caller_of(c), ACCESS_WRITE, tx, c->arena, id, &session, e);
        if (!code)
            c->record->project = session->project;
    }
    return code;
}

static enum err_code judge_by_hand(struct op_call *c, struct event_pool *pool, const struct event_bounds *b,
                                   struct event_link *link, struct err *e)
{
    struct event_words *words;
    struct str text = record_text(c->record, "effect_text");
    enum err_code code = event_words_of(c->arena, text, &words, e);
    struct event_known effect = {c->record->id,
                                 text,
                                 event_type_named(record_text(c->record, "event_type")),
                                 record_int(c->record, "occurred_at"),
                                 words,
                                 NULL};
    int asks = 1;
    return code ? code : event_judge(c->svc, c->arena, pool, &effect, b, &asks, link, e);
}

/* Reads first and judges when the snapshot is closed, because a model may take its time. */
static enum err_code find_cause(struct op_call *c, struct event_link *link, struct err *e)
{
    struct event_bounds b = event_bounds_of(c->svc);
    struct event_pool pool = {0};
    struct store_tx *tx;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    *link = (struct event_link){.cause_id = record_text(c->record, "cause_id")};
    code = take_session(c, tx, e);
    struct str session_id = record_text(c->record, "session_id");
    if (!code && link->cause_id.n)
        code = check_cause(c, tx, link->cause_id, e);
    else if (!code && session_id.n)
        code = event_pool_read(tx, c->arena, session_id, 0, &b, &pool, e);
    store_read_end(tx);
    return !code && pool.n ? judge_by_hand(c, &pool, &b, link, e) : code;
}

/* A known id is updated, as everywhere: then nothing is judged. */
static enum err_code is_known(struct op_call *c, bool *known, struct err *e)
{
    struct store_tx *tx;
    struct record *there;
    struct err why = {0};
    *known = false;
    if (c->record->id.n == 0)
        return ERR_OK;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = record_get(tx, c->arena, KIND_EVENT, c->record->id, STR_NONE, &there, &why);
    store_read_end(tx);
    *known = !code;
    return code == ERR_NOT_FOUND ? ERR_OK : code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

enum err_code event_create(struct op_call *c, struct err *e)
{
    bool known;
    struct event_link link;
    enum err_code code = is_known(c, &known, e);
    if (code || known)
        return code ? code : crud_create(c, e);
    int64_t now = clock_now_ms();
    struct str type = str_of(event_type_name(event_type_of(record_text(c->record, "effect_text"))));
    set_unset(c->record, "event_type", V_TEXT(type));
    set_unset(c->record, "occurred_at", V_INT(now));
    set_unset(c->record, "vitality_at", V_INT(now));
    code = find_cause(c, &link, e);
    if (code)
        return code;
    if (link.cause_id.n) {
        record_set(c->record, "cause_id", V_TEXT(link.cause_id));
        if (link.how.n)
            set_unset(c->record, "relationship_text", V_TEXT(link.how));
        vitality_rise(c->svc, &link.cause_id, 1, VITALITY_NAMED_CAUSE);
    }
    return crud_create(c, e);
}
