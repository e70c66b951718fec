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
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->hit->seq < y->hit->seq) - (x->hit->seq > y->hit->seq); /* newer first, and always the same order */
}

/* ---- meaning ---- */
/* How near "near" is differs from question to question, so a cosine counts by how far it stands out among those of
 * this question. Where there are few, a usual mean and deviation stand in. */
static void weigh_meaning(struct candidate *c, size_t n, double ideal)
{
    const struct weights *w = &WEIGHTS;
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

/* What c[i] gets from c[k], so many turns away. */
static double share(const double *words, const struct candidate *k, int64_t away)
{
    return words[away - 1] * k->words + WEIGHTS.meaning_near[away - 1] * k->meaning;
}

/* What c[i] gets from those up to NEIGHBOURS turns away in its conversation. */
static double neighbours_of(const struct candidate *c, size_t n, size_t i)
{
    const struct index_hit *own = c[i].hit;
    double sum = 0;
    for (size_t k = i; k-- > 0 && c[k].hit->conversation == own->conversation;) {
        int64_t away = own->turn_number - c[k].hit->turn_number;
        if (away > NEIGHBOURS)
            break;
        sum += away > 0 ? share(WEIGHTS.before, &c[k], away) : 0;
    }
    for (size_t k = i + 1; k < n && c[k].hit->conversation == own->conversation; k++) {
        int64_t away = c[k].hit->turn_number - own->turn_number;
        if (away > NEIGHBOURS)
            break;
        sum += away > 0 ? share(WEIGHTS.after, &c[k], away) : 0;
    }
    return sum;
}

/* How much of the question its conversation speaks of: each word's weight, nearly whole from the first turn that has
 * it, so that a long conversation does not win by its length; and how near its best turn comes. */
static double conversation_of(const struct candidate *c, size_t n, const double *idf, size_t n_terms)
{
    double sum = 0, best = 0;
    for (size_t i = 0; i < n; i++)
        best = fmax(best, c[i].meaning);
    for (size_t k = 0; k < n_terms; k++) {
        double turns = 0;
        for (size_t i = 0; i < n; i++)
            turns += c[i].hit->matched >> k & 1;
        sum += idf[k] * turns * (1 + WEIGHTS.repeat) / (turns + WEIGHTS.repeat);
    }
    return WEIGHTS.conversation * sum + WEIGHTS.meaning_conversation * best;
}

static void add_parts(struct candidate *c, size_t n, const double *idf, size_t n_terms)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && c[to].hit->conversation == c[from].hit->conversation;)
            to++;
        double conversation = conversation_of(c + from, to - from, idf, n_terms);
        for (size_t i = from; i < to; i++) {
            c[i].conversation = conversation;
            c[i].neighbours = neighbours_of(c, n, i);
        }
    }
}

static void finish(struct candidate *c, const struct dates *dates, int64_t now, double ideal)
{
    double days = now > c->hit->timestamp ? (double)(now - c->hit->timestamp) / DAY_MS : 0;
    c->speaker = c->hit->speaker ? WEIGHTS.speaker : 0;
    c->date = WEIGHTS.date * dates_match(dates, c->hit->timestamp);
    c->asking = c->hit->asks ? -WEIGHTS.asking : 0;
    c->recency = WEIGHTS.recency * exp(-days / WEIGHTS.recency_days);
    double sum = c->words + c->meaning + c->neighbours + c->conversation;
    sum *= (1 + c->speaker) * (1 + c->date) * (1 + c->asking) * (1 + c->recency);
    c->score = ideal > 0 ? 1 - exp(-WEIGHTS.certainty * sum / ideal) : 0;
}

enum err_code score_hits(struct arena *a, const struct index_hits *h, const struct index_query *q, const float *cosines,
                         const struct dates *dates, int64_t now, struct candidate **out, struct err *e)
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
    for (size_t i = 0; i < n; i++)
        c[i] = (struct candidate){
            .hit = &h->hits[i], .words = h->hits[i].score, .cosine = cosines ? (double)cosines[i] : NAN};
    if (n > 1)
        qsort(c, n, sizeof *c, by_place);
    weigh_meaning(c, n, ideal);
    add_parts(c, n, h->idf, q->n_terms);
    for (size_t i = 0; i < n; i++)
        finish(&c[i], dates, now, ideal);
    if (n > 1)
        qsort(c, n, sizeof *c, by_score);
    return ERR_OK;
}
