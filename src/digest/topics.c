/* Key topics: words and pairs of words that come again and again, or are names. A pair that comes twice says more than
 * its words alone ("support group"), and takes their place. */
#include "digest/intern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 20000 };
static const double PAIR = 1.6, NAME = 1.5;

struct topic {
    struct str shown;
    uint32_t first, second; /* stems; second NO_NAME: one word */
    uint32_t turns, last_turn;
    double worth;
};
struct finding {
    struct talk *talk;
    struct names keys;
    struct topic *pairs;
    uint32_t n;
};

static bool names_topic(const struct talk *t, uint32_t form)
{
    const struct form *f = &t->vocabulary.form[form];
    const struct stem *s = &t->vocabulary.stem[f->stem];
    struct str word = t->vocabulary.forms.keys[form];
    bool figure = word.p[0] >= '0' && word.p[0] <= '9';
    return s->content && !s->speaker && !figure && word.n > 2 && !(f->classes & (W_VAGUE | W_CHAT | W_STOP | W_TIME));
}

static bool add_pair(struct finding *f, const struct sentence *s, uint32_t i)
{
    struct talk *t = f->talk;
    const struct word *a = &s->words[i], *b = &s->words[i + 1];
    size_t end = a->at + a->bytes;
    char key[32];
    if (b->at - end != 1 || !memchr(" -", s->text.p[end], 2) || f->n == PAIRS_MAX)
        return true;
    uint32_t first = t->vocabulary.form[a->form].stem, second = t->vocabulary.form[b->form].stem;
    memcpy(key, &first, 4);
    memcpy(key + 4, &second, 4);
    uint32_t number = names_number(t->arena, &f->keys, (struct str){key, 8}, true);
    if (number == NO_NAME)
        return false;
    struct topic *p = &f->pairs[number];
    if (number == f->n) {
        f->n++;
        *p = (struct topic){.shown = {s->text.p + a->at, b->at + b->bytes - a->at}, .first = first, .second = second};
    }
    if (p->last_turn != s->turn + 1) {
        p->last_turn = s->turn + 1;
        p->turns++;
    }
    return true;
}

static bool find_pairs(struct finding *f)
{
    struct talk *t = f->talk;
    f->pairs = arena_array(t->arena, struct topic, PAIRS_MAX + 1);
    if (!f->pairs)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        const struct sentence *s = &t->sentences[i];
        for (uint32_t k = 0; k + 1 < s->n && !s->tool; k++)
            if (names_topic(t, s->words[k].form) && names_topic(t, s->words[k + 1].form) && !add_pair(f, s, k))
                return false;
    }
    return true;
}

static int by_worth(const void *a, const void *b)
{
    const struct topic *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    return (x->shown.p > y->shown.p) - (x->shown.p < y->shown.p);
}

/* Pairs seen in two turns or made of names, then single words. */
static size_t rank(struct finding *f, struct topic *out)
{
    struct vocabulary *v = &f->talk->vocabulary;
    size_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        struct topic *p = &f->pairs[i];
        bool names = v->stem[p->first].name && v->stem[p->second].name;
        if (p->turns < 2 && !names)
            continue;
        p->worth = PAIR * (p->turns + 0.5) * (names ? NAME : 1);
        out[n++] = *p;
    }
    bool *seen = arena_array(f->talk->arena, bool, (size_t)v->stems.n + 1);
    for (uint32_t i = 0; seen && i < v->forms.n; i++) {
        const struct stem *s = &v->stem[v->form[i].stem];
        if (!names_topic(f->talk, i) || seen[v->form[i].stem] || !s->turns)
            continue;
        seen[v->form[i].stem] = true;
        out[n++] = (struct topic){.shown = s->shown,
                                  .first = v->form[i].stem,
                                  .second = NO_NAME,
                                  .turns = s->turns,
                                  .worth = s->turns * (s->name ? NAME : 1)};
    }
    qsort(out, n, sizeof *out, by_worth);
    return n;
}

/* Names as they are written, the rest in lower case. */
static struct str shown_as(struct talk *t, const struct topic *p)
{
    struct str s = arena_str(t->arena, p->shown);
    const struct stem *first = &t->vocabulary.stem[p->first];
    if (s.p && !first->name && s.p[0] >= 'A' && s.p[0] <= 'Z' && !(s.n > 1 && s.p[1] >= 'A' && s.p[1] <= 'Z'))
        ((char *)s.p)[0] = (char)(s.p[0] | 0x20); /* our own copy */
    return s;
}

bool topics_find(struct talk *t, size_t max, struct str **out, size_t *n)
{
    struct finding f = {.talk = t};
    *n = 0;
    if (!find_pairs(&f))
        return false;
    struct topic *all = arena_array(t->arena, struct topic, (size_t)f.n + t->vocabulary.forms.n + 1);
    bool *told = arena_array(t->arena, bool, (size_t)t->vocabulary.stems.n + 1);
    *out = arena_array(t->arena, struct str, max);
    if (!all || !told || !*out)
        return false;
    size_t found = rank(&f, all);
    for (size_t i = 0; i < found && *n < max; i++) {
        bool pair = all[i].second != NO_NAME;
        if (told[all[i].first] || (pair && told[all[i].second]))
            continue;
        told[all[i].first] = true;
        if (pair)
            told[all[i].second] = true;
        (*out)[(*n)++] = shown_as(t, &all[i]);
    }
    return !arena_failed(t->arena);
}
