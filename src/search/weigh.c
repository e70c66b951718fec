/* Weighing the best by their texts: whether a turn has the kind of answer that is asked for, tells of the time asked
 * about though it was written at another, was written by a tool, or is corrected by a later one. What the index knows
 * of a turn is weighed before (score.c), for all candidates; texts are read of some dozens only. */
#include "search/intern.h"

#include "search/corrections.h"

/* Pairs are compared: of so many, the best. */
enum { CORRECTIONS_AMONG = 48 };

static bool written_aside(struct str role)
{
    return str_is(role, "tool") || str_is(role, "system") || str_is(role, "developer") || str_is(role, "function");
}

static void weigh_text(const struct gathering *g, const struct weights *w, unsigned asks, struct drawn *d)
{
    d->answer = asks && !(asks & ~asks_met(d->plain)) ? w->answer : 0;
    d->aside = written_aside(d->turn.role) ? -w->aside : 0;
    d->date = d->c->date;
    if (g->dates.n && d->date < w->date) {
        struct dates told;
        dates_read(str_take(d->turn.content, PLAIN_MAX * 8), d->turn.timestamp, &told);
        double meets = w->date * dates_meet(&g->dates, &told, d->turn.timestamp);
        d->date = meets > d->date ? meets : d->date;
    }
    d->worth = d->c->worth * (1 + d->answer) * (1 + d->aside) * (1 + d->date) / (1 + d->c->date);
}

static bool before(const struct turn *a, const struct turn *b)
{
    return a->timestamp != b->timestamp ? a->timestamp < b->timestamp : a->seq < b->seq;
}

/* Turns between them and one; 0: in other conversations. */
static int64_t distance(const struct turn *early, const struct turn *late)
{
    return str_eq(early->conversation_id, late->conversation_id) ? late->turn_number - early->turn_number : 0;
}

/* Of several that correct one, the latest; of several that one corrects, the latest too. */
static void link_pair(struct drawn *early, struct drawn *late)
{
    if (!early->corrected_by || before(&early->corrected_by->turn, &late->turn))
        early->corrected_by = late;
    if (!late->corrects || before(&late->corrects->turn, &early->turn))
        late->corrects = early;
}

static void link_corrections(struct drawn *drawn, const struct claims *claims, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; claims[i].may_correct && k < n; k++) {
            const struct turn *early = &drawn[k].turn, *late = &drawn[i].turn;
            if (before(early, late) && str_eq(early->project, late->project) &&
                claims_correct(&claims[k], &claims[i], distance(early, late)))
                link_pair(&drawn[k], &drawn[i]);
        }
}

/* The later one takes the earlier one's worth, so that it stands before it. */
static void raise_corrections(const struct weights *w, struct drawn *drawn, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct drawn *early = &drawn[i], *late = early->corrected_by;
        for (size_t steps = 0; late && steps < n; steps++, late = late->corrected_by)
            late->worth = late->worth < early->worth ? early->worth : late->worth;
    }
    for (size_t i = 0; i < n; i++)
        if (drawn[i].corrected_by)
            drawn[i].worth *= 1 - w->corrected;
}

/* The text's first words, which most rules go by; made once. */
static const struct plain *plain_of(struct arena *a, struct drawn *d)
{
    struct plain *p = d->plain ? NULL : arena_alloc(a, sizeof *p);
    if (p)
        plain_split(d->turn.content, p);
    d->plain = d->plain ? d->plain : p;
    return d->plain;
}

static enum err_code mark_corrections(struct arena *a, const struct weights *w, struct drawn *drawn, size_t n,
                                      struct err *e)
{
    n = n < CORRECTIONS_AMONG ? n : CORRECTIONS_AMONG;
    struct claims *claims = arena_array(a, struct claims, n + 1);
    if (!claims)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct plain *p = plain_of(a, &drawn[i]);
        if (!p)
            return err_nomem(e);
        claims_read(p, &claims[i]);
    }
    link_corrections(drawn, claims, n);
    raise_corrections(w, drawn, n);
    return ERR_OK;
}

enum err_code weigh(const struct gathering *g, const struct weights *w, struct drawn *drawn, size_t n, struct err *e)
{
    unsigned asks = g->asks & (ASKS_TIME | ASKS_NUMBER);
    for (size_t i = 0; i < n; i++) {
        if (asks && !plain_of(g->a, &drawn[i]))
            return err_nomem(e);
        weigh_text(g, w, asks, &drawn[i]);
    }
    return mark_corrections(g->a, w, drawn, n, e);
}
