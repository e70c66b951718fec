/* Does a later turn correct an earlier one ("staging moved to port 7000" after "the staging port is 6543")? A rule on
 * two texts: the same subject, another value, and a word that says so or the same form. Rather too few than too many:
 * a turn that is wrongly called outdated misleads. English only. Search's own. */
#ifndef CAIRN_SEARCH_CORRECTIONS_H
#define CAIRN_SEARCH_CORRECTIONS_H

#include "search/plain.h"

enum { CLAIMS_MAX = 6, CLAIM_WORDS = 20 };
/* One sentence, as far as the rule sees it: words by hash. */
struct claim {
    uint32_t words[CLAIM_WORDS];  /* what it speaks of: stems, without values, cues and words that say nothing */
    uint32_t values[CLAIM_WORDS]; /* numbers, names, days and months */
    int n, n_values;
    int subject;     /* words[0 … subject) stand before its verb */
    int identity;    /* values[0 … identity) too: they tell which one is meant ("server 2") */
    unsigned cues;   /* bits, corrections.c */
    bool states;     /* says what is ("is", "uses"), not what happened */
    bool event;      /* tells of one day ("today", "again") */
    bool asks, own;  /* a question; about the speaker ("I", "our") */
    uint64_t sketch; /* of words and values */
};
struct claims {
    struct claim claim[CLAIMS_MAX];
    int n;
    bool may_correct; /* one of them says that something changed, or could by its form */
};
void claims_read(const struct plain *text, struct claims *out);
/* distance: turns from the earlier to the later one within one conversation (1: the next), 0: in other ones. */
bool claims_correct(const struct claims *early, const struct claims *late, int64_t distance);

#endif
