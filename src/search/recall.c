/* Recall in five steps: words and meaning of the question; turns that have them, and those around (index); their scores
 * (score.c); the best that fit the budget, read from the store, without saying one thing twice; their conversations. */
#include "search/intern.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hits asked of the index; turns read from the store at most, for each one wanted; conversations named. */
enum {
    CANDIDATES = 200,
    CANDIDATES_FILTERED = 600,
    CANDIDATES_MOST = 12800, /* where many of the best turned out to be deleted */
    CANDIDATES_MORE = 4,     /* times as many with each new try */
    READS_PER_RESULT = 3,
    READS_MORE = 20,
    CONVERSATIONS_MAX = 10,
    TITLE_BYTES = 200
};

struct recalling {
    struct store *store;
    struct index *index;
    struct arena *a;
    const struct recall_query *q;
    struct scope_view *view; /* NULL: everything may be read */
    int64_t now;
    int factor;  /* times CANDIDATES are asked for */
    size_t gone; /* of them, deleted since they were taken in */
    struct index_query words;
    struct sense sense;
    struct index_hits hits;
    float *cosines; /* of the hits, NULL: no meaning */
    struct candidate *best;
    struct fingerprint *prints; /* of the chosen */
    struct recall_result *out;
};

/* ---- words ---- */
static enum err_code read_words(struct recalling *r, struct err *e)
{
    struct index_question *asked = arena_alloc(r->a, sizeof *asked);
    enum err_code code = asked ? index_question(r->a, r->q->text, asked, e) : err_nomem(e);
    if (code)
        return code;
    r->words = (struct index_query){.terms = asked->terms,
                                    .n_terms = asked->n,
                                    .weights = asked->weights,
                                    .session_id = r->q->session_id,
                                    .project = r->q->project,
                                    .view = r->view,
                                    .except_conversation = r->q->except_conversation,
                                    .from = r->q->from,
                                    .to = r->q->to,
                                    .limit = CANDIDATES * r->factor,
                                    .around = NEIGHBOURS,
                                    .deadline_us = r->q->deadline_us};
    return ERR_OK;
}

/* Nobody said these words: but perhaps one of them names who spoke. */
static enum err_code search_agents(struct recalling *r, struct err *e)
{
    struct str *terms = arena_array(r->a, struct str, r->words.n_terms + 1);
    if (!terms)
        return err_nomem(e);
    for (size_t i = 0; i < r->words.n_terms; i++) {
        terms[i] = arena_fmt(r->a, "@%.*s", STR_ARG(r->words.terms[i]));
        if (!terms[i].p)
            return err_nomem(e);
    }
    r->words.terms = terms;
    r->words.around = 0;
    return index_search(r->index, r->a, &r->words, &r->hits, e);
}

/* ---- meaning ---- */
/* The turns nearest in meaning join those that words find. What goes wrong here only takes meaning away. */
static enum err_code read_meaning(struct recalling *r, struct err *e)
{
    struct err lost = {0};
    bool filtered = r->q->from || r->q->to || r->q->except_conversation.p; /* some of them will fall away */
    int best = (filtered ? CANDIDATES_FILTERED : CANDIDATES) * r->factor;
    struct vector_query q = {.session_id = r->q->session_id,
                             .project = r->q->project,
                             .view = r->view,
                             .best = best < VECTORS_BEST_MAX ? (size_t)best : VECTORS_BEST_MAX,
                             .deadline_us = r->q->deadline_us};
    if (!r->q->meaning || str_trim(r->q->text).n == 0)
        return ERR_OK;
    if (meaning_find(r->q->meaning, r->a, r->q->text, &q, &r->sense, &lost)) {
        log_error("meaning_failed", &lost);
        r->sense = (struct sense){0};
        return ERR_OK;
    }
    int64_t *also = arena_array(r->a, int64_t, r->sense.n + 1);
    if (!also)
        return err_nomem(e);
    for (size_t i = 0; i < r->sense.n; i++)
        also[i] = r->sense.hits[i].seq;
    r->words.also = also;
    r->words.n_also = r->sense.n;
    return ERR_OK;
}

static enum err_code weigh_meaning(struct recalling *r, struct err *e)
{
    size_t n = r->hits.n + r->hits.n_around;
    int64_t *seqs = arena_array(r->a, int64_t, n + 1);
    float *cosines = arena_array(r->a, float, n + 1);
    if (!seqs || !cosines)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        seqs[i] = r->hits.hits[i].seq;
    r->cosines = cosines;
    return meaning_of(r->q->meaning, r->a, &r->sense, seqs, n, cosines, e);
}

static enum err_code find(struct recalling *r, struct err *e)
{
    struct dates dates;
    enum err_code code = read_words(r, e);
    if (code == ERR_OK)
        code = read_meaning(r, e);
    if (code || (r->words.n_terms == 0 && r->words.n_also == 0))
        return code;
    code = index_search(r->index, r->a, &r->words, &r->hits, e);
    if (code == ERR_OK && r->hits.n == 0 && r->words.n_terms > 0)
        code = search_agents(r, e);
    if (code == ERR_OK && r->sense.vector)
        code = weigh_meaning(r, e);
    if (code)
        return code;
    r->out->total_matches = r->hits.matches;
    dates_read(r->q->text, r->now, &dates);
    return score_hits(r->a, &r->hits, &r->words, r->cosines, &dates, r->now, &r->best, e);
}

/* ---- choosing ---- */
static struct str explain(struct recalling *r, const struct candidate *c)
{
    struct buf b;
    struct json_out w;
    const struct {
        const char *name;
        double value;
    } parts[] = {{"words", c->words},           {"meaning", c->meaning},
                 {"neighbours", c->neighbours}, {"conversation", c->conversation},
                 {"speaker", c->speaker},       {"date", c->date},
                 {"asking", c->asking},         {"recency", c->recency}};
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        jw_knum(&w, parts[i].name, round(parts[i].value * 1000) / 1000);
    jw_end_object(&w);
    struct str why = buf_take(&b, r->a);
    return why;
}

static bool said_already(struct recalling *r, struct fingerprint f)
{
    for (size_t i = 0; i < r->out->n; i++)
        if (fingerprint_same(r->prints[i], f))
            return true;
    return false;
}

/* Vectors know sessions and projects by a hash only, so what they found is looked at here. */
static bool in_scope(const struct recalling *r, const struct turn *t)
{
    if (r->q->session_id.p)
        return str_eq(r->q->session_id, t->session_id);
    bool project = !r->q->project.p || str_eq(r->q->project, t->project);
    return project && (!r->view || scope_view_reads(r->view, t->session_id, t->project));
}

/* Reads one candidate and takes it when it is there, new and fits. */
static enum err_code consider(struct recalling *r, struct store_tx *tx, const struct candidate *c, int64_t *tokens,
                              struct err *e)
{
    struct recall_hit *h = &r->out->hits[r->out->n];
    struct err missing = {0};
    enum err_code code = turn_by_seq(tx, r->a, c->hit->seq, &h->turn, &missing);
    if (code == ERR_NOT_FOUND) { /* deleted since it was taken in */
        r->gone++;
        return ERR_OK;
    }
    if (code)
        return err_set(e, code, NULL, "%s", missing.message);
    if (!in_scope(r, &h->turn))
        return ERR_OK;
    if (r->q->max_tokens > 0 && *tokens + h->turn.token_count > r->q->max_tokens)
        return ERR_OK;
    struct fingerprint f = fingerprint_of(r->a, h->turn.content);
    if (said_already(r, f))
        return ERR_OK;
    h->score = c->score;
    h->why = explain(r, c);
    if (!h->why.p)
        return err_nomem(e);
    r->prints[r->out->n++] = f;
    *tokens += h->turn.token_count;
    return ERR_OK;
}

static enum err_code choose(struct recalling *r, struct store_tx *tx, struct err *e)
{
    size_t all = r->hits.n + r->hits.n_around;
    int wanted = r->q->max_results < 1 ? 1 : r->q->max_results > 100 ? 100 : r->q->max_results;
    size_t max = (size_t)wanted, reads = max * READS_PER_RESULT + READS_MORE;
    int64_t tokens = 0;
    r->out->hits = arena_array(r->a, struct recall_hit, max);
    r->prints = arena_array(r->a, struct fingerprint, max);
    if (!r->out->hits || !r->prints)
        return err_nomem(e);
    for (size_t i = 0; i < all && i < reads + r->gone && r->out->n < max; i++) {
        if (r->best[i].score <= 0 || r->best[i].score < r->q->threshold)
            break;
        enum err_code code = consider(r, tx, &r->best[i], &tokens, e);
        if (code)
            return code;
        if (r->q->deadline_us && clock_mono_us() > r->q->deadline_us)
            return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    }
    return ERR_OK;
}

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
    enum err_code code = r->q->deadline_us ? store_read_begin_deadline(r->store, r->q->deadline_us, &tx, e)
                                           : store_read_begin(r->store, &tx, e);
    if (code)
        return code;
    code = scope_view_make(tx, r->a, &r->q->scope, &r->view, e);
    store_read_end(tx);
    return code;
}

/* One try, with r->factor times the usual number of candidates. */
static enum err_code attempt(struct recalling *r, struct err *e)
{
    struct store_tx *tx = NULL;
    *r->out = (struct recall_result){0};
    r->gone = 0;
    enum err_code code = find(r, e);
    if (code || r->hits.n == 0)
        return code;
    code = r->q->deadline_us ? store_read_begin_deadline(r->store, r->q->deadline_us, &tx, e)
                             : store_read_begin(r->store, &tx, e);
    if (code)
        return code;
    code = choose(r, tx, e);
    if (code == ERR_OK)
        code = name_conversations(r, tx, e);
    store_read_end(tx);
    return code;
}

/* The index and the vectors keep deleted turns until they are made anew. Where these took the places of living ones,
 * more candidates are asked for: nothing is paid for this while nothing is deleted. */
static enum err_code run(struct recalling *r, struct err *e)
{
    enum err_code code = find_readable(r, e);
    for (r->factor = 1; !code; r->factor *= CANDIDATES_MORE) {
        size_t wanted = r->q->max_results < 1 ? 1 : (size_t)r->q->max_results;
        code = attempt(r, e);
        bool all_seen = r->hits.n < (size_t)CANDIDATES * (size_t)r->factor;
        if (code || !r->gone || r->out->n >= wanted || all_seen || CANDIDATES * r->factor >= CANDIDATES_MOST)
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
    struct recalling r = {.store = s, .index = x, .a = a, .q = q, .now = q->now ? q->now : clock_now_ms(), .out = out};
    struct err own = {0};
    *out = (struct recall_result){0};
    enum err_code code = run(&r, e ? e : &own);
    if (code)
        metric_add(M_RECALL_FAILURES, 1);
    else
        metric_observe_us(M_RECALL_SECONDS, clock_mono_us() - start);
    return code;
}
