/* Recall in five steps: words and meaning of the question; turns that have them, and those around (index); their scores
 * (score.c); the best that fit the budget, read from the store, without saying one thing twice; their conversations. */
#include "search/intern.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"

enum {
    CANDIDATES_MOST = 12800, /* where many of the best turned out to be deleted */
    CANDIDATES_MORE = 4,     /* times as many with each new try */
    CONVERSATIONS_MAX = 10,
    TITLE_BYTES = 200
};

struct recalling {
    struct gathering g;
    struct arena *a;
    const struct recall_query *q;
    const struct weights *weights;
    size_t gone; /* of the candidates, deleted since they were taken in */
    struct candidate *best;
    struct recall_result *out;
};

/* ---- conversations ---- */
static struct str title_of(const struct record *c)
{
    return text_cut(record_text(c, "directive"), TITLE_BYTES);
}

static struct recall_conversation *known_conversation(struct recall_conversation *list, size_t n, struct str id)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].id, id))
            return &list[i];
    return NULL;
}

/* A conversation's score is that of its best turn: hits come best first, so the list is in order as it grows. */
static enum err_code name_conversations(struct recalling *r, struct store_tx *tx, struct err *e)
{
    struct recall_conversation *list = arena_array(r->a, struct recall_conversation, r->out->n + 1);
    size_t n = 0;
    if (!list)
        return err_nomem(e);
    for (size_t i = 0; i < r->out->n; i++) {
        struct recall_hit *h = &r->out->hits[i];
        struct recall_conversation *c = known_conversation(list, n, h->turn.conversation_id);
        if (!c) {
            struct record *found = NULL;
            struct err missing = {0};
            enum err_code code =
                record_get(tx, r->a, KIND_CONVERSATION, h->turn.conversation_id, STR_NONE, &found, &missing);
            if (code && code != ERR_NOT_FOUND)
                return err_set(e, code, NULL, "%s", missing.message);
            c = &list[n++];
            *c = (struct recall_conversation){.id = h->turn.conversation_id, .score = h->score};
            if (code == ERR_OK) {
                c->title = title_of(found);
                c->summary = record_text(found, "context_summary");
                c->created_at = found->created_at;
            }
        }
        h->conversation_title = c->title;
    }
    r->out->conversations = list;
    r->out->n_conversations = n < CONVERSATIONS_MAX ? n : CONVERSATIONS_MAX;
    return ERR_OK;
}

/* Once for the whole question: words, meaning and the last look at each turn all go by it. Whether one session may be
 * read is the asker's to check. */
static enum err_code find_readable(struct recalling *r, struct err *e)
{
    struct store_tx *tx = NULL;
    if (!r->q->scope.limited || r->q->session_id.p)
        return ERR_OK;
    enum err_code code = r->q->deadline_us ? store_read_begin_deadline(r->g.store, r->q->deadline_us, &tx, e)
                                           : store_read_begin(r->g.store, &tx, e);
    if (code)
        return code;
    code = scope_view_make(tx, r->a, &r->q->scope, &r->g.view, e);
    store_read_end(tx);
    return code;
}

static enum err_code rank(struct recalling *r, struct err *e)
{
    struct store_tx *tx = NULL;
    const struct gathering *g = &r->g;
    r->gone = 0;
    r->out->total_matches = g->hits.matches;
    enum err_code code = score_hits(r->a, r->weights, &g->hits, &g->words, g->cosines, &g->dates, g->now, &r->best, e);
    if (code == ERR_OK)
        code = r->q->deadline_us ? store_read_begin_deadline(g->store, r->q->deadline_us, &tx, e)
                                 : store_read_begin(g->store, &tx, e);
    if (code)
        return code;
    store_read_as(tx, r->q->reader);
    code = choose(g, r->weights, tx, r->best, r->out, &r->gone, e);
    if (code == ERR_OK)
        code = name_conversations(r, tx, e);
    store_read_end(tx);
    return code;
}

enum err_code recall_rank(struct gathering *g, const struct weights *w, struct recall_result *out, struct err *e)
{
    struct recalling r = {.g = *g, .a = g->a, .q = g->q, .weights = w, .out = out};
    *out = (struct recall_result){0};
    return g->hits.n ? rank(&r, e) : ERR_OK;
}

/* One try, with r->g.factor times the usual number of candidates. */
static enum err_code attempt(struct recalling *r, struct err *e)
{
    *r->out = (struct recall_result){0};
    r->gone = 0;
    enum err_code code = gather(&r->g, e);
    return code || r->g.hits.n == 0 ? code : rank(r, e);
}

/* The index and the vectors keep deleted turns until they are made anew. Where these took the places of living ones,
 * more candidates are asked for: nothing is paid for this while nothing is deleted. */
static enum err_code run(struct recalling *r, struct err *e)
{
    enum err_code code = find_readable(r, e);
    for (r->g.factor = 1; !code; r->g.factor *= CANDIDATES_MORE) {
        size_t wanted = r->q->max_results < 1 ? 1 : (size_t)r->q->max_results;
        code = attempt(r, e);
        bool all_seen = r->g.hits.n < (size_t)CANDIDATES * (size_t)r->g.factor;
        if (code || !r->gone || r->out->n >= wanted || all_seen || CANDIDATES * r->g.factor >= CANDIDATES_MOST)
            break;
    }
    if (r->gone) {
        int64_t left = r->out->total_matches - (int64_t)r->gone;
        r->out->total_matches = left > (int64_t)r->out->n ? left : (int64_t)r->out->n;
    }
    return code;
}

enum err_code recall_run(struct store *s, struct index *x, struct arena *a, const struct recall_query *q,
                         struct recall_result *out, struct err *e)
{
    int64_t start = clock_mono_us();
    struct recalling r = {.a = a, .q = q, .weights = q->weights ? q->weights : &WEIGHTS, .out = out};
    r.g = (struct gathering){
        .store = s, .index = x, .a = a, .q = q, .now = q->now ? q->now : clock_now_ms(), .factor = 1};
    struct err own = {0};
    *out = (struct recall_result){0};
    enum err_code code = run(&r, e ? e : &own);
    if (code)
        metric_add(M_RECALL_FAILURES, 1);
    else
        metric_observe_us(M_RECALL_SECONDS, clock_mono_us() - start);
    return code;
}
