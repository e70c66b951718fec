/* Choosing sentences: the best first, each by what it adds to those chosen already, because two sentences about one
 * thing are worth little more than one. Greedy over the most promising; ties go to the earlier sentence. */
#include "digest/intern.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROMISING = 120 };
/* What a stem still adds once it has been said, and a speaker once heard. */
static const double SAID = 0.15, HEARD = 0.85;
/* Length counts less than fully: 0 picks the best whatever its length, 1 the best a character. */
static const double DENSITY = 0.35;

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

/* The share of its words' weight that has not been said. */
static double fresh(const struct talk *t, const struct sentence *s, const bool *said)
{
    double all = 0, left = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t stem = t->vocabulary.form[s->words[i].form].stem;
        double w = stem_weight(t, stem);
        all += w;
        left += said[stem] ? SAID * w : w;
    }
    return all > 0 ? left / all : 0;
}

static double gain(const struct talk *t, const struct candidate *c, const bool *said, const bool *heard, double density)
{
    double g = c->worth * fresh(t, c->s, said);
    if (c->s->speaker != NO_NAME && heard[c->s->speaker])
        g *= HEARD;
    return g / pow((double)c->told.characters + 20, density);
}

static void mark_said(const struct talk *t, const struct sentence *s, bool *said, bool *heard)
{
    for (uint32_t i = 0; i < s->n; i++)
        said[t->vocabulary.form[s->words[i].form].stem] = true;
    if (s->speaker != NO_NAME)
        heard[s->speaker] = true;
}

static struct candidate *best_of(const struct talk *t, struct candidate *all, size_t n, size_t room, const bool *said,
                                 const bool *heard, double density)
{
    struct candidate *best = NULL;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        if (all[i].taken || all[i].told.characters > room)
            continue;
        double g = gain(t, &all[i], said, heard, density);
        if (g > most) {
            most = g;
            best = &all[i];
        }
    }
    return best;
}

bool pick(struct talk *t, const struct pick *p, struct choice **out, size_t *n)
{
    struct candidate *all = NULL, *best;
    size_t found = 0, left = p->characters ? p->characters : SIZE_MAX;
    bool *said = arena_array(t->arena, bool, (size_t)t->vocabulary.stems.n + 1);
    bool *heard = arena_array(t->arena, bool, (size_t)t->speakers.n + 1);
    *n = 0;
    *out = arena_array(t->arena, struct choice, p->count);
    if (!*out || !said || !heard || !gather(t, p, &all, &found))
        return false;
    while (*n < p->count && (best = best_of(t, all, found, left, said, heard, p->events ? 0 : DENSITY)) != NULL) {
        best->taken = true;
        mark_said(t, best->s, said, heard);
        (*out)[(*n)++] = best->told;
        left -= best->told.characters + (left > best->told.characters);
    }
    qsort(*out, *n, sizeof **out, by_place);
    return true;
}
