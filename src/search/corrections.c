/* The rule of corrections.h. Measured on tests/labelled/corrections.jsonl (bench/run --only corrections). */
#include "search/corrections.h"

#include "index/index.h"

#include <string.h>

enum {
    CUE_CHANGE = 1,  /* "moved to", "is now", "renamed": something is other than it was */
    CUE_RETRACT = 2, /* "I was wrong", "correction": what was said was never so */
    CUE_END = 4,     /* "no longer", "stopped": something is no more */
    CUE_MILD = 8,    /* "actually", "sorry": may be no more than a way of speaking */
};
/* Turns within which "it" is what was just spoken of; words of a sentence that is still one plain fact, and how many of
 * them may be others. */
enum { FOLLOWS_AT_ONCE = 4, CLAIM_MOST = 10, OTHERS_MOST = 4, OBJECT_MOST = 4 };

struct cue {
    const char *words[4]; /* one after another, NULL at the end */
    unsigned kind;
};
static const struct cue CUES[] = {
    {{"actually"}, CUE_MILD},
    {{"any", "more"}, CUE_END},
    {{"anymore"}, CUE_END},
    {{"are", "now"}, CUE_CHANGE},
    {{"bumped", "to"}, CUE_CHANGE},
    {{"canceled"}, CUE_END},
    {{"cancelled"}, CUE_END},
    {{"changed", "from"}, CUE_CHANGE},
    {{"changed", "to"}, CUE_CHANGE},
    {{"correction"}, CUE_RETRACT},
    {{"gave", "up"}, CUE_END},
    {{"i", "meant"}, CUE_RETRACT},
    {{"increased", "to"}, CUE_CHANGE},
    {{"instead"}, CUE_MILD},
    {{"instead", "of"}, CUE_CHANGE},
    {{"is", "now"}, CUE_CHANGE},
    {{"it's", "now"}, CUE_CHANGE},
    {{"lowered", "to"}, CUE_CHANGE},
    {{"migrated", "from"}, CUE_CHANGE},
    {{"migrated", "to"}, CUE_CHANGE},
    {{"misspoke"}, CUE_RETRACT},
    {{"mistaken"}, CUE_RETRACT},
    {{"moved", "from"}, CUE_CHANGE},
    {{"moved", "to"}, CUE_CHANGE},
    {{"my", "mistake"}, CUE_RETRACT},
    {{"no", "longer"}, CUE_END},
    {{"now", "is"}, CUE_CHANGE},
    {{"now", "lives"}, CUE_CHANGE},
    {{"now", "on"}, CUE_CHANGE},
    {{"now", "runs"}, CUE_CHANGE},
    {{"now", "use"}, CUE_CHANGE},
    {{"now", "uses"}, CUE_CHANGE},
    {{"oops"}, CUE_MILD},
    {{"postponed"}, CUE_CHANGE},
    {{"pushed", "back"}, CUE_CHANGE},
    {{"pushed", "to"}, CUE_CHANGE},
    {{"quit"}, CUE_END},
    {{"raised", "to"}, CUE_CHANGE},
    {{"rather", "than"}, CUE_RETRACT},
    {{"reduced", "to"}, CUE_CHANGE},
    {{"renamed"}, CUE_CHANGE},
    {{"replaced"}, CUE_CHANGE},
    {{"rescheduled"}, CUE_CHANGE},
    {{"scratch", "that"}, CUE_RETRACT},
    {{"set", "to"}, CUE_CHANGE},
    {{"sorry"}, CUE_MILD},
    {{"stopped"}, CUE_END},
    {{"switched", "from"}, CUE_CHANGE},
    {{"switched", "to"}, CUE_CHANGE},
    {{"took", "over"}, CUE_CHANGE},
    {{"turned", "out"}, CUE_RETRACT},
    {{"turns", "out"}, CUE_RETRACT},
    {{"typo"}, CUE_RETRACT},
    {{"update"}, CUE_MILD},
    {{"updated", "to"}, CUE_CHANGE},
    {{"upgraded", "to"}, CUE_CHANGE},
    {{"wait"}, CUE_MILD},
    {{"was", "wrong"}, CUE_RETRACT},
};

/* A word without its ending, so that "moves" and "moved" are one. */
static uint32_t stem(const struct plain_word *w)
{
    static const char *const ENDINGS[] = {"'s", "ing", "ed", "es", "s", "e"};
    size_t n = w->n;
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        size_t end = strlen(ENDINGS[i]);
        if (n >= end + 3 && memcmp(w->w + n - end, ENDINGS[i], end) == 0) {
            n -= end;
            break;
        }
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)w->w[i]) * 16777619u;
    return hash;
}

/* "I won't quit" ends nothing; "sorry to hear that" takes nothing back. */
static unsigned held_back(const struct plain *p, int i, bool first, unsigned kinds)
{
    bool negated = i > 0 && (p->word[i - 1].means & PLAIN_NEGATES);
    negated = negated || (i > 1 && (p->word[i - 2].means & PLAIN_NEGATES));
    if (negated)
        kinds &= ~(unsigned)CUE_END;
    return first ? kinds : kinds & ~(unsigned)CUE_MILD;
}

/* The phrase's words one after another; what was moved may stand before its "to" or "from". */
static bool phrase_at(const struct plain *p, int i, int end, const char *const words[4])
{
    for (int n = 0; n < 4 && words[n]; n++, i++) {
        bool place = n > 0 && (strcmp(words[n], "to") == 0 || strcmp(words[n], "from") == 0);
        int last = place && i + OBJECT_MOST < end ? i + OBJECT_MOST : i;
        while (i < last && strcmp(plain_word(p, i), words[n]) != 0)
            i++;
        if (i >= end || strcmp(plain_word(p, i), words[n]) != 0)
            return false;
    }
    return true;
}

static unsigned cues_at(const struct plain *p, int i, int end)
{
    unsigned found = 0;
    if (!(p->word[i].means & PLAIN_CUE))
        return 0;
    for (size_t k = 0; k < sizeof CUES / sizeof *CUES; k++)
        if (phrase_at(p, i, end, CUES[k].words))
            found |= CUES[k].kind;
    return found;
}

static bool has(const uint32_t *set, int n, uint32_t hash)
{
    for (int i = 0; i < n; i++)
        if (set[i] == hash)
            return true;
    return false;
}

static bool is_value(const struct plain_word *w)
{
    bool name = w->capital && !w->starts && w->n > 1;
    return name || (w->means & (PLAIN_NUMBER | PLAIN_DAY));
}

static void add_word(struct claim *c, const struct plain_word *w)
{
    uint32_t hash = stem(w);
    bool value = is_value(w);
    uint32_t *set = value ? c->values : c->words;
    int *n = value ? &c->n_values : &c->n;
    if (*n == CLAIM_WORDS || has(set, *n, hash))
        return;
    set[(*n)++] = hash;
    c->sketch |= (uint64_t)1 << (hash & 63);
}

static void read_claim(const struct plain *p, int from, int to, struct claim *c)
{
    bool verb = false;
    *c = (struct claim){0};
    for (int i = from; i < to; i++) {
        const struct plain_word *w = &p->word[i];
        c->cues |= held_back(p, i, i <= from + 1, cues_at(p, i, to));
        c->own = c->own || (w->means & PLAIN_OWN);
        c->event = c->event || (w->means & PLAIN_EVENT);
        bool states = w->means & PLAIN_STATES, changes = w->means & PLAIN_CHANGES;
        c->states = c->states || states;
        if (!verb && (states || changes)) {
            verb = true;
            c->subject = c->n;
            c->identity = c->n_values;
        }
        if (!(w->means & (PLAIN_STATES | PLAIN_CHANGES | PLAIN_EMPTY | PLAIN_OWN | PLAIN_EVENT)) &&
            !index_stop_word((struct str){w->w, w->n}) && (w->n > 1 || w->number))
            add_word(c, w);
    }
    c->states = c->states && !c->event;
}

static bool may_correct(const struct claim *c)
{
    return !c->asks && c->n + c->n_values <= CLAIM_MOST && (c->cues || (c->states && c->n_values));
}

void claims_read(const struct plain *text, struct claims *out)
{
    out->n = 0;
    for (int from = 0, to; from < text->n && out->n < CLAIMS_MAX; from = to) {
        for (to = from + 1; to < text->n && !text->word[to].starts;)
            to++;
        struct claim *c = &out->claim[out->n];
        read_claim(text, from, to, c);
        c->asks = text->asks && to == text->n;
        out->n += c->n + c->n_values > 0 || c->cues;
    }
    /* "Correction: the port is 7000", "Sorry. It is 7000": what stands alone belongs to what follows it. */
    for (int i = 0; i + 1 < out->n; i++)
        if (out->claim[i].cues && out->claim[i].n + out->claim[i].n_values <= 1)
            out->claim[i + 1].cues |= out->claim[i].cues;
    out->may_correct = false;
    for (int i = 0; i < out->n; i++)
        out->may_correct = out->may_correct || may_correct(&out->claim[i]);
}

static int shared(const uint32_t *a, int n, const uint32_t *b, int m)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        found += has(b, m, a[i]);
    return found;
}

/* Which one is meant: where both say it before the verb, it must be the same. */
static bool same_one(const struct claim *e, const struct claim *l)
{
    if (e->identity && l->identity && shared(l->values, l->identity, e->values, e->identity) == 0)
        return false;
    int known = shared(l->words, l->subject, e->words, e->n) + shared(l->words, l->subject, e->values, e->n_values);
    return 3 * known >= 2 * l->subject;
}

static bool other_value(const struct claim *e, const struct claim *l)
{
    int both = shared(l->values, l->n_values, e->values, e->n_values);
    bool gone = both < e->n_values, new = both < l->n_values;
    return new && (gone || ((l->cues & CUE_CHANGE) && e->n_values > 0)); /* "from 6543 to 7000" */
}

/* The same sentence but for its value, with nothing that says so. */
static bool same_form(const struct claim *e, const struct claim *l, int words)
{
    return e->states && l->states && words >= 2 && words == e->n && words == l->n && e->identity == l->identity &&
           shared(e->values, e->identity, l->values, l->identity) == e->identity && other_value(e, l) &&
           e->n_values == l->n_values;
}

/* "Actually, it's 7000", right after it. */
static bool follows(const struct claim *e, const struct claim *l, int64_t distance)
{
    return distance > 0 && distance <= FOLLOWS_AT_ONCE && (l->cues & (CUE_RETRACT | CUE_MILD)) && l->n == 0 &&
           l->n_values == 1 && e->n_values == 1 && other_value(e, l);
}

/* Something is no more that was said to be. */
static bool ends(const struct claim *e, const struct claim *l, int common)
{
    return !e->event && e->own == l->own && 2 * common >= e->n + e->n_values && 2 * common >= l->n + l->n_values;
}

/* What stands before the verb is the same in both, word by word: the whole sentence is about that. */
static bool same_subject(const struct claim *e, const struct claim *l)
{
    return e->subject > 0 && e->subject == l->subject && e->identity == l->identity && (l->cues & CUE_CHANGE) &&
           shared(l->words, l->subject, e->words, e->subject) == l->subject;
}

/* Neither numbers nor names: the same subject before the verb, other words after it. */
static bool other_words(const struct claim *e, const struct claim *l, int words)
{
    int subject = shared(l->words, l->subject, e->words, e->subject);
    return e->states && (l->cues & (CUE_CHANGE | CUE_RETRACT)) && l->subject > 0 && subject == l->subject &&
           l->n > words && e->n > words && e->n - words <= OTHERS_MOST && l->n - words <= OTHERS_MOST;
}

static bool claim_corrects(const struct claim *e, const struct claim *l, int64_t distance)
{
    int size_e = e->n + e->n_values, size_l = l->n + l->n_values;
    if (e->asks || (e->cues & CUE_END) || size_e > CLAIM_MOST)
        return false;
    if (follows(e, l, distance))
        return true;
    if (!(e->sketch & l->sketch) || !same_one(e, l))
        return false;
    int words = shared(l->words, l->n, e->words, e->n), values = shared(l->values, l->n_values, e->values, e->n_values);
    int common = words + values, fewest = size_e < size_l ? size_e : size_l;
    if (same_form(e, l, words))
        return true;
    if (!l->cues || common < 1)
        return false;
    if (l->cues & CUE_END)
        return ends(e, l, common);
    if (other_value(e, l) && !e->event)
        return same_subject(e, l) || (2 * common >= fewest && (words >= 2 || e->states) &&
                                      (l->cues != CUE_MILD || words >= 2 || distance > 0));
    return 2 * common >= fewest && other_words(e, l, words);
}

bool claims_correct(const struct claims *early, const struct claims *late, int64_t distance)
{
    for (int i = 0; late->may_correct && i < late->n; i++)
        for (int k = 0; may_correct(&late->claim[i]) && k < early->n; k++)
            if (claim_corrects(&early->claim[k], &late->claim[i], distance))
                return true;
    return false;
}
