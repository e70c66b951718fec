/* Choosing sentences: the best first, each by what it adds to those chosen already, because two sentences about one
 * thing are worth little more than one. Greedy over the most promising; ties go to the earlier sentence. */
#include "digest/intern.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROMISING = 120 };
/* What a stem still adds once it has been said, and a speaker once heard. */
static const double SAID = 0.12, HEARD = 0.85;
/* Length counts less than fully: 0 picks the best whatever its length, 1 the best a character. */
static const double DENSITY = 0.35;
/* What adds less than this share of what the first added is padding, not news. */
static const double LEAST = 0.15;

struct candidate {
    const struct sentence *s;
    struct choice told;
    double worth;
    bool taken;
};

static int by_worth(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    return (x->s > y->s) - (x->s < y->s);
}

static int by_place(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    return (x->sentence > y->sentence) - (x->sentence < y->sentence);
}

static bool wanted(const struct sentence *s, const struct pick *p)
{
    return s->n > 1 && (!p->cues || (s->cues & p->cues)) && (p->speaker == NO_NAME || s->speaker == p->speaker) &&
           (p->events ? s->event : s->score) > 0;
}

/* The promising ones, told; those that are too long for their place are left out. */
static bool gather(struct talk *t, const struct pick *p, struct candidate **out, size_t *n)
{
    struct candidate *all = arena_array(t->arena, struct candidate, t->n + 1);
    size_t found = 0, kept = 0;
    if (!all)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        const struct sentence *s = &t->sentences[i];
        if (wanted(s, p))
            all[found++] = (struct candidate){.s = s, .worth = p->events ? s->event : s->score};
    }
    qsort(all, found, sizeof *all, by_worth);
    for (size_t i = 0; i < found && kept < PROMISING; i++) {
        struct choice c = {all[i].s, tell(t, all[i].s), 0};
        if (arena_failed(t->arena))
            return false;
        c.characters = text_chars(c.text);
        if (!c.text.n || c.characters > p->one_characters)
            continue;
        all[kept] = all[i];
        all[kept++].told = c;
    }
    *out = all;
    *n = kept;
    return true;
}

/* A choice under way. */
struct choosing {
    const struct talk *talk;
    struct candidate *all;
    size_t n, left;     /* candidates; characters that are left */
    bool *said, *heard; /* stems, speakers */
    double density;
    double first; /* what the first one added, 0: none yet */
};

/* The share of its words' weight that has not been said. */
static double fresh(const struct choosing *c, const struct sentence *s)
{
    double all = 0, left = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t stem = c->talk->vocabulary.form[s->words[i].form].stem;
        double w = stem_weight(c->talk, stem);
        all += w;
        left += c->said[stem] ? SAID * w : w;
    }
    return all > 0 ? left / all : 0;
}

static double gain(const struct choosing *c, const struct candidate *it)
{
    double g = it->worth * fresh(c, it->s);
    if (it->s->speaker != NO_NAME && c->heard[it->s->speaker])
        g *= HEARD;
    return g / pow((double)it->told.characters + 20, c->density);
}

static void take(struct choosing *c, struct candidate *it)
{
    it->taken = true;
    for (uint32_t i = 0; i < it->s->n; i++)
        c->said[c->talk->vocabulary.form[it->s->words[i].form].stem] = true;
    if (it->s->speaker != NO_NAME)
        c->heard[it->s->speaker] = true;
    c->left -= it->told.characters + (c->left > it->told.characters);
}

/* NULL when nothing fits, or adds enough. */
static struct candidate *best_of(struct choosing *c)
{
    struct candidate *best = NULL;
    double most = LEAST * c->first;
    for (size_t i = 0; i < c->n; i++) {
        double g = c->all[i].taken || c->all[i].told.characters > c->left ? 0 : gain(c, &c->all[i]);
        if (g > most) {
            most = g;
            best = &c->all[i];
        }
    }
    if (best && c->first <= 0)
        c->first = most;
    return best;
}

bool pick(struct talk *t, const struct pick *p, struct choice **out, size_t *n)
{
    struct choosing c = {.talk = t,
                         .left = p->characters ? p->characters : SIZE_MAX,
                         .said = arena_array(t->arena, bool, (size_t)t->vocabulary.stems.n + 1),
                         .heard = arena_array(t->arena, bool, (size_t)t->speakers.n + 1),
                         .density = p->events ? 0 : DENSITY};
    struct candidate *best;
    *n = 0;
    *out = arena_array(t->arena, struct choice, p->count);
    if (!*out || !c.said || !c.heard || !gather(t, p, &c.all, &c.n))
        return false;
    while (*n < p->count && (best = best_of(&c)) != NULL) {
        take(&c, best);
        (*out)[(*n)++] = best->told;
    }
    qsort(*out, *n, sizeof **out, by_place);
    return true;
}
