/* Choosing: the best candidates are read from the store, those that say the same are folded, the others weighed by
 * their texts, and then taken one by one: each time the one of most worth, less what it repeats of those taken already,
 * that still fits the budget. So ten turns that tell one thing leave room for another thing that is needed. */
#include "search/intern.h"

#include "base/clock.h"

/* Drawn beyond those wanted; read at most, for each one wanted, since copies and deleted turns take no place. */
enum { DRAWN_MORE = 20, READS_PER_RESULT = 3, READS_MORE = 20, RESULTS_MAX = 100 };
/* Texts that share less than this repeat nothing. */
static const double REPEATS_FROM = 0.2;

struct choice {
    const struct gathering *g;
    const struct weights *w;
    struct store_tx *tx;
    const struct candidate *best;
    struct drawn *drawn;
    size_t n, wanted, gone;
    struct recall_result *out;
};

/* ---- drawing ---- */
/* Vectors know sessions and projects by a hash only, so what they found is looked at here. */
static bool in_scope(const struct gathering *g, const struct turn *t)
{
    if (g->q->session_id.p)
        return str_eq(g->q->session_id, t->session_id);
    bool project = !g->q->project.p || str_eq(g->q->project, t->project);
    return project && (!g->view || scope_view_reads(g->view, t->session_id, t->project));
}

static struct drawn *said_already(struct choice *c, struct fingerprint f)
{
    for (size_t i = 0; i < c->n; i++)
        if (fingerprint_same(c->drawn[i].print, f))
            return &c->drawn[i];
    return NULL;
}

static enum err_code draw_one(struct choice *c, const struct candidate *from, struct err *e)
{
    struct drawn *d = &c->drawn[c->n];
    struct err missing = {0};
    *d = (struct drawn){.c = from, .worth = from->worth};
    enum err_code code = turn_by_seq(c->tx, c->g->a, from->hit->seq, &d->turn, &missing);
    if (code == ERR_NOT_FOUND) { /* deleted since it was taken in */
        c->gone++;
        return ERR_OK;
    }
    if (code)
        return err_set(e, code, NULL, "%s", missing.message);
    if (!in_scope(c->g, &d->turn) || turn_left_out(&d->turn))
        return ERR_OK;
    d->print = fingerprint_of(c->g->a, d->turn.content);
    struct drawn *same = said_already(c, d->print);
    if (same)
        same->folded++;
    else
        c->n++;
    return ERR_OK;
}

static enum err_code draw(struct choice *c, struct err *e)
{
    const struct gathering *g = c->g;
    size_t all = g->hits.n + g->hits.n_around, most = c->wanted + DRAWN_MORE;
    size_t reads = c->wanted * READS_PER_RESULT + READS_MORE;
    c->drawn = arena_array(g->a, struct drawn, most);
    if (!c->drawn)
        return err_nomem(e);
    for (size_t i = 0; i < all && i < reads + c->gone && c->n < most && c->best[i].worth > 0; i++) {
        enum err_code code = draw_one(c, &c->best[i], e);
        if (code)
            return code;
        if (g->q->deadline_us && clock_mono_us() > g->q->deadline_us)
            return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    }
    return ERR_OK;
}

/* ---- taking ---- */
static double value(const struct choice *c, const struct drawn *d)
{
    double crowded = c->g->asks & ASKS_SEVERAL ? c->w->crowded * (double)d->crowd : 0;
    return d->worth * (1 - c->w->repeated * d->repeated) / (1 + crowded);
}

static struct drawn *next_best(struct choice *c, int64_t tokens_left)
{
    struct drawn *best = NULL;
    for (size_t i = 0; i < c->n; i++) {
        struct drawn *d = &c->drawn[i];
        if (d->taken || (tokens_left >= 0 && d->turn.token_count > tokens_left))
            continue;
        if (!best || value(c, d) > value(c, best) || (value(c, d) == value(c, best) && d->turn.seq > best->turn.seq))
            best = d;
    }
    return best;
}

static void note_taken(struct choice *c, const struct drawn *taken)
{
    for (size_t i = 0; i < c->n; i++) {
        struct drawn *d = &c->drawn[i];
        if (d->taken)
            continue;
        d->crowd += d->c->hit->conversation == taken->c->hit->conversation;
        double share = (fingerprint_shared(d->print, taken->print) - REPEATS_FROM) / (1 - REPEATS_FROM);
        d->repeated = share > d->repeated ? share : d->repeated;
    }
}

static enum err_code take(struct choice *c, struct drawn *d, double score, struct err *e)
{
    d->taken = true;
    struct recall_hit *h = &c->out->hits[c->out->n++];
    *h = (struct recall_hit){.turn = d->turn,
                             .score = score,
                             .folded = d->folded,
                             .corrects = d->corrects ? d->corrects->turn.id : STR_NONE,
                             .corrected_by = d->corrected_by ? d->corrected_by->turn.id : STR_NONE,
                             .why = explain(c->g, c->w, d)};
    return h->why.p ? ERR_OK : err_nomem(e);
}

enum err_code choose(const struct gathering *g, const struct weights *w, struct store_tx *tx,
                     const struct candidate *best, struct recall_result *out, size_t *gone, struct err *e)
{
    int asked = g->q->max_results;
    size_t wanted = asked < 1 ? 1 : asked > RESULTS_MAX ? RESULTS_MAX : (size_t)asked;
    struct choice c = {.g = g, .w = w, .tx = tx, .best = best, .wanted = wanted, .out = out};
    int64_t left = g->q->max_tokens > 0 ? g->q->max_tokens : -1;
    enum err_code code = draw(&c, e);
    *gone = c.gone;
    out->hits = arena_array(g->a, struct recall_hit, wanted);
    if (!code && !out->hits)
        code = err_nomem(e);
    if (!code)
        code = weigh(g, w, c.drawn, c.n, e);
    while (!code && out->n < wanted) {
        struct drawn *d = next_best(&c, left);
        double score = d ? score_of(w, value(&c, d)) : 0;
        if (!d || score <= 0 || score < g->q->threshold)
            break;
        code = take(&c, d, score, e);
        left -= left >= 0 ? d->turn.token_count : 0;
        note_taken(&c, d);
    }
    return code;
}
