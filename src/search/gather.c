/* Gathering: the turns that may matter for a question, by its words and by its meaning, and the turns around those,
 * with what the index knows of each. Which of them are worth how much: score.c. Texts are not read here. */
#include "search/intern.h"

#include "base/log.h"
#include "base/text.h"

/* ---- words ---- */
static enum err_code read_words(struct gathering *g, struct err *e)
{
    struct index_question *asked = arena_alloc(g->a, sizeof *asked);
    enum err_code code = asked ? index_question(g->a, g->q->text, asked, e) : err_nomem(e);
    if (code)
        return code;
    g->words = (struct index_query){.terms = asked->terms,
                                    .n_terms = asked->n,
                                    .weights = asked->weights,
                                    .session_id = g->q->session_id,
                                    .project = g->q->project,
                                    .view = g->view,
                                    .except_conversation = g->q->except_conversation,
                                    .from = g->q->from,
                                    .to = g->q->to,
                                    .limit = CANDIDATES * g->factor,
                                    .around = NEIGHBOURS,
                                    .deadline_us = g->q->deadline_us};
    return ERR_OK;
}

/* Nobody said these words: but perhaps one of them names who spoke. */
static enum err_code search_agents(struct gathering *g, struct err *e)
{
    struct str *terms = arena_array(g->a, struct str, g->words.n_terms + 1);
    if (!terms)
        return err_nomem(e);
    for (size_t i = 0; i < g->words.n_terms; i++) {
        terms[i] = arena_fmt(g->a, "@%.*s", STR_ARG(g->words.terms[i]));
        if (!terms[i].p)
            return err_nomem(e);
    }
    g->words.terms = terms;
    g->words.around = 0;
    return index_search(g->index, g->a, &g->words, &g->hits, e);
}

/* ---- meaning ---- */
/* The turns nearest in meaning join those that words find. What goes wrong here only takes meaning away. */
static enum err_code read_meaning(struct gathering *g, struct err *e)
{
    struct err lost = {0};
    bool filtered = g->q->from || g->q->to || g->q->except_conversation.p; /* some of them will fall away */
    int best = (filtered ? CANDIDATES_FILTERED : CANDIDATES) * g->factor;
    struct vector_query q = {.session_id = g->q->session_id,
                             .project = g->q->project,
                             .view = g->view,
                             .except_conversation = g->q->except_conversation,
                             .from = g->q->from,
                             .to = g->q->to,
                             .best = best < VECTORS_BEST_MAX ? (size_t)best : VECTORS_BEST_MAX,
                             .deadline_us = g->q->deadline_us};
    if (!g->q->meaning || str_trim(g->q->text).n == 0)
        return ERR_OK;
    if (meaning_find(g->q->meaning, g->a, g->q->text, &q, &g->sense, &lost)) {
        log_error("meaning_failed", &lost);
        g->sense = (struct sense){0};
        return ERR_OK;
    }
    int64_t *also = arena_array(g->a, int64_t, g->sense.n + 1);
    if (!also)
        return err_nomem(e);
    for (size_t i = 0; i < g->sense.n; i++)
        also[i] = g->sense.hits[i].seq;
    g->words.also = also;
    g->words.n_also = g->sense.n;
    return ERR_OK;
}

static enum err_code weigh_meaning(struct gathering *g, struct err *e)
{
    size_t n = g->hits.n + g->hits.n_around;
    int64_t *seqs = arena_array(g->a, int64_t, n + 1);
    float *cosines = arena_array(g->a, float, n + 1);
    if (!seqs || !cosines)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        seqs[i] = g->hits.hits[i].seq;
    g->cosines = cosines;
    return meaning_of(g->q->meaning, g->a, &g->sense, seqs, n, cosines, e);
}

enum err_code gather(struct gathering *g, struct err *e)
{
    g->sense = (struct sense){0}; /* of an earlier try */
    g->hits = (struct index_hits){0};
    g->cosines = NULL;
    enum err_code code = read_words(g, e);
    if (code == ERR_OK)
        code = read_meaning(g, e);
    if (code || (g->words.n_terms == 0 && g->words.n_also == 0))
        return code;
    code = index_search(g->index, g->a, &g->words, &g->hits, e);
    if (code == ERR_OK && g->hits.n == 0 && g->words.n_terms > 0)
        code = search_agents(g, e);
    if (code == ERR_OK && g->sense.vector)
        code = weigh_meaning(g, e);
    if (code)
        return code;
    dates_read(g->q->text, g->now, &g->dates);
    g->asks = asks_read(g->q->text);
    return ERR_OK;
}
