/* Scoring: a turn is worth its own words and meaning, those of its neighbours and those of its conversation, since
 * people ask with words that stand in the question before an answer, or only somewhere in the same talk; then more when
 * the question names its speaker or its time, and less when it asks itself. Which turns there are comes from the index;
 * their texts are not looked at here. */
#include "search/intern.h"

#include <math.h>
#include <stdlib.h>

static const double DAY_MS = 86400000.0;

static int by_place(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->hit->conversation != y->hit->conversation)
        return x->hit->conversation < y->hit->conversation ? -1 : 1;
    return (x->hit->turn_number > y->hit->turn_number) - (x->hit->turn_number < y->hit->turn_number);
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth > y->worth ? -1 : 1;
    return (x->hit->seq < y->hit->seq) - (x->hit->seq > y->hit->seq); /* newer first, and always the same order */
}

/* ---- meaning ---- */
/* How near "near" is differs from question to question, so a cosine counts by how far it stands out among those of
 * this question. Where there are few, a usual mean and deviation stand in. */
static void weigh_meaning(const struct weights *w, struct candidate *c, size_t n, double ideal)
{
    double count = w->cosine_count, sum = count * w->cosine_mean, squares = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(c[i].cosine)) {
            count++;
            sum += c[i].cosine;
        }
    double mean = sum / count;
    squares = w->cosine_count * w->cosine_deviation * w->cosine_deviation;
    for (size_t i = 0; i < n; i++)
        if (!isnan(c[i].cosine))
            squares += (c[i].cosine - mean) * (c[i].cosine - mean);
    double deviation = sqrt(squares / count);
    for (size_t i = 0; i < n; i++)
        if (!isnan(c[i].cosine))
            c[i].meaning = w->meaning * ideal * fmax(0, (c[i].cosine - mean) / deviation - w->meaning_level);
}

/* A turn near another one, and what is near counts for. */
struct near {
    const struct candidate *c;
    int64_t away;  /* 1 … NEIGHBOURS */
    double weight; /* of its words */
};

/* Those up to NEIGHBOURS turns away from c[i] in its conversation, of most weight first. */
static size_t near_of(const struct weights *w, const struct candidate *c, size_t n, size_t i,
                      struct near out[2 * NEIGHBOURS])
{
    const struct index_hit *own = c[i].hit;
    size_t found = 0, first = i, last = i + 1;
    while (first > 0 && c[first - 1].hit->conversation == own->conversation &&
           own->turn_number - c[first - 1].hit->turn_number <= NEIGHBOURS)
        first--;
    while (last < n && c[last].hit->conversation == own->conversation &&
           c[last].hit->turn_number - own->turn_number <= NEIGHBOURS)
        last++;
    for (size_t k = first; k < last && found < 2 * NEIGHBOURS; k++) {
        int64_t away = c[k].hit->turn_number - own->turn_number;
        if (away == 0)
            continue;
        struct near one = {&c[k], away < 0 ? -away : away, away < 0 ? w->before[-away - 1] : w->after[away - 1]};
        size_t at = found++;
        for (; at > 0 && out[at - 1].weight < one.weight; at--)
            out[at] = out[at - 1];
        out[at] = one;
    }
    return found;
}

static double weight_of(uint32_t terms, const double *idf)
{
    double sum = 0;
    for (; terms; terms &= terms - 1)
        sum += idf[__builtin_ctz(terms)];
    return sum;
}

/* What stands beside c[i]: the words of the question that it lacks itself, each from where it is nearest; and the
 * whole worth of those turns. */
static double neighbours_of(const struct weights *w, const struct candidate *c, size_t n, size_t i, const double *idf)
{
    struct near near[2 * NEIGHBOURS];
    size_t found = near_of(w, c, n, i, near);
    uint32_t had = c[i].hit->matched;
    double sum = 0;
    for (size_t k = 0; k < found; k++) {
        const struct candidate *o = near[k].c;
        sum += w->beside * near[k].weight * weight_of(o->hit->matched & ~had, idf);
        sum += w->neighbours * near[k].weight * o->words + w->meaning_near[near[k].away - 1] * o->meaning;
        had |= o->hit->matched;
    }
    return sum;
}

/* How much of the question its conversation speaks of: each word's weight, nearly whole from the first turn that has
 * it, so that a long conversation does not win by its length; and how near its best turn comes. */
static double conversation_of(const struct weights *w, const struct candidate *c, size_t n, const double *idf,
                              size_t n_terms)
{
    double sum = 0, best = 0;
    for (size_t i = 0; i < n; i++)
        best = fmax(best, c[i].meaning);
    for (size_t k = 0; k < n_terms; k++) {
        double turns = 0;
        for (size_t i = 0; i < n; i++)
            turns += c[i].hit->matched >> k & 1;
        sum += idf[k] * turns * (1 + w->repeat) / (turns + w->repeat);
    }
    return w->conversation * sum + w->meaning_conversation * best;
}

static void add_parts(const struct weights *w, struct candidate *c, size_t n, const double *idf, size_t n_terms)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && c[to].hit->conversation == c[from].hit->conversation;)
            to++;
        double conversation = conversation_of(w, c + from, to - from, idf, n_terms);
        for (size_t i = from; i < to; i++) {
            c[i].conversation = conversation;
            c[i].neighbours = neighbours_of(w, c, n, i, idf);
        }
    }
}

static void finish(const struct weights *w, struct candidate *c, const struct dates *dates, int64_t now, double ideal)
{
    double days = now > c->hit->timestamp ? (double)(now - c->hit->timestamp) / DAY_MS : 0;
    c->speaker = c->hit->speaker ? w->speaker : 0;
    c->date = w->date * dates_match(dates, c->hit->timestamp);
    c->asking = c->hit->asks ? -w->asking : 0;
    c->recency = w->recency * exp(-days / w->recency_days);
    double sum = c->words + c->meaning + c->neighbours + c->conversation;
    sum *= (1 + c->speaker) * (1 + c->date) * (1 + c->asking) * (1 + c->recency);
    c->worth = ideal > 0 ? sum / ideal : 0;
}

double score_of(const struct weights *w, double worth)
{
    return 1 - exp(-w->certainty * worth);
}

enum err_code score_hits(struct arena *a, const struct weights *w, const struct index_hits *h,
                         const struct index_query *q, const float *cosines, const struct dates *dates, int64_t now,
                         struct candidate **out, struct err *e)
{
    size_t n = h->n + h->n_around;
    struct candidate *c = arena_array(a, struct candidate, n + 1);
    double ideal = 0;
    *out = c;
    if (!c)
        return err_nomem(e);
    for (size_t k = 0; k < q->n_terms; k++)
        ideal += h->idf[k];
    if (cosines && ideal <= 0) /* a question of nothing but stop words still has a meaning */
        ideal = 1;
    for (size_t i = 0; i < n; i++) {
        const struct index_hit *hit = &h->hits[i];
        double together = ideal > 0 ? w->together * weight_of(hit->matched, h->idf) / ideal : 0;
        c[i] = (struct candidate){
            .hit = hit, .words = w->words * hit->score * (1 + together), .cosine = cosines ? (double)cosines[i] : NAN};
    }
    if (n > 1)
        qsort(c, n, sizeof *c, by_place);
    weigh_meaning(w, c, n, ideal);
    add_parts(w, c, n, h->idf, q->n_terms);
    for (size_t i = 0; i < n; i++)
        finish(w, &c[i], dates, now, ideal);
    if (n > 1)
        qsort(c, n, sizeof *c, by_score);
    return ERR_OK;
}
