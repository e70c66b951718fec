/* Summaries: turns into a digest, a digest into a record. See summary.h. A session's is made from those of its
 * conversations, so that its cost does not grow with their length. */
#include "service/summary.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "config/config.h"
#include "store/turns.h"

enum { CONVERSATIONS_MAX = 200, SESSION_TURNS_MAX = 20000, STATEMENTS_MAX = 5000 };

/* ---- reading ---- */

enum err_code summary_newest(struct store_tx *tx, struct arena *a, struct str session, struct str conversation,
                             struct record **out, struct err *e)
{
    const struct list_filter filters[] = {{"conversation_id", conversation.n ? V_TEXT(conversation) : V_NULL},
                                          {"session_id", V_TEXT(session)}};
    struct list_query q = {.kind = KIND_SUMMARY, .filters = filters, .n_filters = conversation.n ? 1 : 2, .limit = 1};
    struct list_page page = {0};
    enum err_code code = record_list(tx, a, &q, &page, e);
    *out = !code && page.n ? page.rows[0] : NULL;
    return code;
}

static enum err_code newest_turns(struct store_tx *tx, struct arena *a, struct str conversation, struct turn **turns,
                                  size_t *n, struct err *e)
{
    return turns_last(tx, a, conversation, 0, DIGEST_TURNS, turns, n, e);
}

static struct digest_turn *digest_turns(struct arena *a, const struct turn *turns, size_t n)
{
    struct digest_turn *out = arena_array(a, struct digest_turn, n + 1);
    for (size_t i = 0; out && i < n; i++)
        out[i] = (struct digest_turn){.agent = turns[i].agent, .role = turns[i].role, .content = turns[i].content};
    return out;
}

/* ---- thinking ---- */

static enum err_code think(struct service *s, struct arena *a, const struct digest_turn *turns, size_t n,
                           struct summary *out, struct err *e)
{
    size_t characters = (size_t)config_int(s->options.config, "summaries.characters");
    enum err_code code = digest_make(a, turns, n, characters, &out->digest, e);
    if (code)
        return code;
    out->method = n && summary_ask(s, a, turns, n, &out->digest) ? "model" : "extractive";
    out->now = clock_now_ms();
    id_make("sum", out->id);
    return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

enum err_code summary_of_conversation(struct service *s, struct arena *a, const struct record *conversation,
                                      struct summary *out, struct err *e)
{
    struct store_tx *tx;
    struct turn *turns = NULL;
    size_t n = 0;
    *out = (struct summary){.session_id = record_text(conversation, "session_id"),
                            .conversation_id = conversation->id,
                            .project = conversation->project};
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = newest_turns(tx, a, conversation->id, &turns, &n, e);
    store_read_end(tx);
    struct digest_turn *said = code ? NULL : digest_turns(a, turns, n);
    if (!said)
        return code ? code : err_nomem(e);
    out->first_turn = n ? turns[0].turn_number : 0;
    out->last_turn = n ? turns[n - 1].turn_number : 0;
    return think(s, a, said, n, out, e);
}

/* ---- a session: what its conversations came to, told once more ---- */

struct gathering {
    struct arena *arena;
    struct digest_turn *told;
    size_t n;
    int64_t turns; /* read so far for conversations without a summary */
};

/* The same sentence may stand among events and developments: said once is enough. `from`: where this conversation's
 * statements begin. */
static void state(struct gathering *g, size_t from, struct str who, struct str text)
{
    for (size_t i = from; i < g->n; i++)
        if (str_eq(g->told[i].content, text))
            return;
    if (g->n < STATEMENTS_MAX && text.n)
        g->told[g->n++] = (struct digest_turn){.agent = who, .content = text, .told = true};
}

static void state_list(struct gathering *g, size_t from, struct str who, const struct json *list)
{
    for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->n; i++)
        if (list->items[i].type == JSON_STRING)
            state(g, from, who, list->items[i].s);
}

static const struct json *json_of(struct gathering *g, const struct record *r, const char *field)
{
    const struct json *value = NULL;
    struct str text = record_text(r, field);
    return text.n && !json_parse(g->arena, text, JSON_DUPLICATES_OK, &value, NULL) ? value : NULL;
}

static void state_record(struct gathering *g, const struct record *r)
{
    size_t from = g->n;
    const struct json *who = json_of(g, r, "character_developments");
    for (size_t i = 0; who && who->type == JSON_OBJECT && i < who->n; i++)
        state_list(g, from, who->keys[i].key, &who->items[i]);
    state_list(g, from, STR_NONE, json_of(g, r, "key_events"));
    if (g->n == from)
        state(g, from, STR_NONE, record_text(r, "text"));
}

static void state_digest(struct gathering *g, const struct digest *d)
{
    size_t from = g->n;
    for (size_t i = 0; i < d->n_developments; i++)
        for (size_t k = 0; k < d->developments[i].n; k++)
            state(g, from, d->developments[i].name, d->developments[i].texts[k]);
    for (size_t i = 0; i < d->n_events; i++)
        state(g, from, STR_NONE, d->events[i]);
}

/* A conversation without a summary, by rules alone. */
static enum err_code state_turns(struct gathering *g, struct store_tx *tx, const struct record *c, struct err *e)
{
    struct turn *turns = NULL;
    size_t n = 0;
    struct digest d;
    enum err_code code = newest_turns(tx, g->arena, c->id, &turns, &n, e);
    struct digest_turn *said = code ? NULL : digest_turns(g->arena, turns, n);
    if (!said)
        return code ? code : err_nomem(e);
    code = digest_make(g->arena, said, n, 0, &d, e);
    if (!code)
        state_digest(g, &d);
    return code;
}

static enum err_code state_conversation(struct gathering *g, struct store_tx *tx, const struct record *c, bool force,
                                        struct summary *out, struct err *e)
{
    struct record *r = NULL;
    size_t before = g->n;
    int64_t turns = record_int(c, "turn_count");
    enum err_code code = summary_newest(tx, g->arena, out->session_id, c->id, &r, e);
    if (!code && r) {
        state_record(g, r);
    } else if (!code && turns >= (force ? 1 : SUMMARY_TURNS_LEAST) && g->turns + turns <= SESSION_TURNS_MAX) {
        g->turns += turns;
        code = state_turns(g, tx, c, e);
    }
    out->conversations += g->n > before;
    return code;
}

static enum err_code gather(struct gathering *g, struct store_tx *tx, struct str session, bool force,
                            struct summary *out, struct err *e)
{
    struct list_filter filter = {"session_id", V_TEXT(session)};
    struct list_query q = {.kind = KIND_CONVERSATION, .filters = &filter, .n_filters = 1, .limit = CONVERSATIONS_MAX};
    struct list_page page = {0};
    enum err_code code = record_list(tx, g->arena, &q, &page, e);
    for (size_t i = page.n; !code && i > 0; i--) /* the oldest first */
        code = state_conversation(g, tx, page.rows[i - 1], force, out, e);
    return code;
}

enum err_code summary_of_session(struct service *s, struct arena *a, const struct record *session, bool force,
                                 struct summary *out, struct err *e)
{
    struct gathering g = {.arena = a, .told = arena_array(a, struct digest_turn, STATEMENTS_MAX)};
    struct store_tx *tx;
    *out = (struct summary){.session_id = session->id, .project = session->project};
    if (!g.told)
        return err_nomem(e);
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = gather(&g, tx, session->id, force, out, e);
    store_read_end(tx);
    return code ? code : think(s, a, g.told, g.n, out, e);
}

/* ---- writing ---- */

static void write_texts(struct json_out *w, struct str key, const struct str *texts, size_t n)
{
    jw_key_str(w, key);
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, texts[i]);
    jw_end_array(w);
}

void summary_write_members(struct json_out *w, const struct summary *s)
{
    const struct digest *d = &s->digest;
    write_texts(w, STR("key_topics"), d->topics, d->n_topics);
    write_texts(w, STR("key_events"), d->events, d->n_events);
    write_texts(w, STR("plot_points"), d->plot_points, d->n_plot_points);
    jw_key(w, "character_developments");
    jw_object(w);
    for (size_t i = 0; i < d->n_developments; i++)
        write_texts(w, d->developments[i].name, d->developments[i].texts, d->developments[i].n);
    jw_end_object(w);
    if (s->conversation_id.n) {
        jw_kint(w, "first_turn", s->first_turn);
        jw_kint(w, "last_turn", s->last_turn);
    } else {
        jw_kint(w, "conversation_count", s->conversations);
    }
    jw_kcstr(w, "method", s->method);
}

/* The record is made from the same members that an answer shows. */
static enum err_code record_of(struct arena *a, const struct summary *s, struct record **out, struct err *e)
{
    struct buf b;
    struct json_out w;
    const struct json *o;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "session_id", s->session_id);
    if (s->conversation_id.n)
        jw_kstr(&w, "conversation_id", s->conversation_id);
    jw_kstr(&w, "text", s->digest.text);
    summary_write_members(&w, s);
    jw_end_object(&w);
    struct str text = buf_take(&b, a);
    struct record *r = text.p ? record_new(a, KIND_SUMMARY) : NULL;
    if (!r)
        return err_nomem(e);
    enum err_code code = json_parse(a, text, 0, &o, e);
    if (!code)
        code = record_from_json(a, o, RECORD_CREATE, r, e);
    r->id = str_of(s->id);
    r->project = s->project;
    *out = r;
    return code;
}

/* The record that carries the current summary as a field of its own. */
static enum err_code store_current(struct store_tx *tx, struct arena *a, const struct summary *s, struct err *e)
{
    bool one = s->conversation_id.n > 0;
    const struct kind *k = one ? KIND_CONVERSATION : KIND_SESSION;
    struct record *r, *patch = record_new(a, k);
    enum err_code code = record_get(tx, a, k, one ? s->conversation_id : s->session_id, STR_NONE, &r, e);
    if (code)
        return code;
    if (!patch)
        return err_nomem(e);
    record_set(patch, one ? "context_summary" : "summary", V_TEXT(s->digest.text));
    if (one)
        record_set(patch, "summarized_turn", V_INT(s->last_turn));
    return record_update(tx, a, r->seq, patch, e);
}

enum err_code summary_store(struct store_tx *tx, struct arena *a, const struct summary *s, struct err *e)
{
    struct record *r = NULL;
    enum err_code code = record_of(a, s, &r, e);
    if (!code)
        code = record_insert(tx, a, r, e);
    return code ? code : store_current(tx, a, s, e);
}
