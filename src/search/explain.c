/* Explaining: what made a turn's score, as JSON. Its members are told in the table of operations (recall). */
#include "search/intern.h"

#include <math.h>

/* A share of what a turn with every word of the question would have. */
static void put(struct json_out *w, const char *name, double v)
{
    jw_knum(w, name, round(v * 1000) / 1000 + 0.0); /* never -0 */
}

/* "=staging": the word itself is told already. */
static bool other_form(struct str term)
{
    return term.n && term.p[0] == '=';
}

static void put_words(struct json_out *w, const char *name, const struct gathering *g, uint32_t bits)
{
    jw_key(w, name);
    jw_array(w);
    for (size_t k = 0; k < g->words.n_terms; k++)
        if ((bits >> k & 1) && !other_form(g->words.terms[k]))
            jw_str(w, g->words.terms[k]);
    jw_end_array(w);
}

static void put_id(struct json_out *w, const char *name, const struct drawn *d)
{
    if (d)
        jw_kstr(w, name, d->turn.id);
}

struct str explain(const struct gathering *g, const struct weights *weights, const struct drawn *d)
{
    const struct candidate *c = d->c;
    double ideal = 0;
    struct buf b;
    struct json_out w;
    for (size_t k = 0; k < g->words.n_terms; k++)
        ideal += g->hits.idf[k];
    ideal = ideal > 0 ? ideal : 1;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    put(&w, "words", c->words / ideal);
    put_words(&w, "matched", g, c->hit->matched);
    put(&w, "meaning", c->meaning / ideal);
    jw_key(&w, "cosine");
    if (isnan(c->cosine))
        jw_null(&w);
    else
        jw_num(&w, round(c->cosine * 1000) / 1000);
    put(&w, "neighbours", c->neighbours / ideal);
    put(&w, "conversation", c->conversation / ideal);
    put(&w, "speaker", c->speaker);
    put(&w, "date", d->date);
    put(&w, "answer", d->answer);
    put(&w, "asking", c->asking);
    put(&w, "role", d->aside);
    put(&w, "recency", c->recency);
    put(&w, "repeated", -weights->repeated * d->repeated);
    double crowd = g->asks & ASKS_SEVERAL ? weights->crowded * (double)d->crowd : 0;
    put(&w, "crowded", 1 / (1 + crowd) - 1);
    put(&w, "corrected", d->corrected_by ? -weights->corrected : 0);
    jw_kint(&w, "folded", (int64_t)d->folded);
    put_id(&w, "corrects", d->corrects);
    put_id(&w, "corrected_by", d->corrected_by);
    jw_end_object(&w);
    return buf_take(&b, g->a);
}
