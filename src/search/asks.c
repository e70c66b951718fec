/* What kind of answer a question wants: "when …?" a time, "how many …?" a number, "what activities …?" several things.
 * A turn that names no time can hardly answer the first; answers to the last stand in several talks. Only kinds that
 * plain words tell; names and places would need more than a list. English only. */
#include "search/intern.h"

#include <stddef.h>
#include <string.h>

static const char *const DATES[] = {"date", "day", "time", "month", "year", "week", "season", NULL};
static const char *const AMOUNTS[] = {"many", "much", "old", "often", "far", "big", "large", "high", "tall", NULL};
static const char *const ASKING[] = {"what", "which", NULL};
static const char *const LINKS[] = {"and", "since", "so", "until", "but", "from", "by", NULL};

/* "activities", "books": a word that is likely to be a plural. */
static bool plural(const char *w)
{
    static const char *const NOT[] = {"this", "always", "class", "process", "across", "besides", "less", NULL};
    size_t n = strlen(w);
    return n > 3 && w[n - 1] == 's' && w[n - 2] != 's' && w[n - 2] != '\'' && !plain_in(w, NOT);
}

/* "what books", "which of the boats", "what kind of food", "what are", "how many". */
static bool wants_several(const struct plain *p, int i)
{
    static const char *const VERBS[] = {"is",  "was",   "does",  "did", "do",   "has",
                                        "had", "would", "could", "can", "will", NULL};
    static const char *const KINDS[] = {"kind", "type", "sort", "kinds", "types", "sorts", NULL};
    const char *next = plain_word(p, i + 1), *after = plain_word(p, i + 2);
    if (strcmp(p->word[i].w, "how") == 0)
        return strcmp(next, "many") == 0;
    if (!plain_in(p->word[i].w, ASKING) || plain_in(next, VERBS))
        return false;
    return strcmp(next, "are") == 0 || strcmp(next, "were") == 0 || plural(next) ||
           (plain_in(next, KINDS) && strcmp(after, "of") == 0) || (!plain_in(after, VERBS) && plural(after));
}

unsigned asks_read(struct str question)
{
    struct plain p;
    unsigned asks = 0;
    plain_split(question, &p);
    for (int i = 0; i < p.n; i++) {
        const char *w = p.word[i].w, *next = plain_word(&p, i + 1);
        bool opens = p.word[i].starts || (i == 1 && plain_in(p.word[0].w, LINKS));
        if ((strcmp(w, "when") == 0 && opens) || (plain_in(w, ASKING) && plain_in(next, DATES)) ||
            (strcmp(w, "how") == 0 && strcmp(next, "long") == 0))
            asks |= ASKS_TIME;
        if (strcmp(w, "how") == 0 && plain_in(next, AMOUNTS))
            asks |= ASKS_NUMBER;
        if (wants_several(&p, i))
            asks |= ASKS_SEVERAL;
    }
    return asks;
}

unsigned asks_met(const struct plain *p)
{
    unsigned met = 0;
    for (int i = 0; i < p->n; i++) {
        const struct plain_word *w = &p->word[i];
        if (w->number)
            return ASKS_TIME | ASKS_NUMBER; /* a clock's, a date's, an amount */
        met |= w->means & PLAIN_NUMBER ? ASKS_NUMBER : 0;
        met |= w->means & (PLAIN_TIME | PLAIN_DAY) ? ASKS_TIME : 0;
    }
    return met;
}
