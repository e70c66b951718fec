/* What kind of answer a question wants: "when …?" a time, "how many …?" a number. A turn that has none can hardly be
 * the answer. Only kinds that plain words tell; names and places would need more than a list. English only. */
#include "search/intern.h"

#include <stddef.h>
#include <string.h>

static const char *const DATES[] = {"date", "day", "time", "month", "year", "week", "season", NULL};
static const char *const AMOUNTS[] = {"many", "much", "old", "often", "far", "big", "large", "high", "tall", NULL};
static const char *const ASKING[] = {"what", "which", NULL};
static const char *const LINKS[] = {"and", "since", "so", "until", "but", "from", "by", NULL};

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
