/* Within the injection detector: a text as words, and what judges it. */
#ifndef CAIRN_PRIVACY_INJECTION_INT_H
#define CAIRN_PRIVACY_INJECTION_INT_H

#include "base/arena.h"
#include "privacy/injection.h"

/* A word as it reads (lookalike.h), letters and digits only; figures among letters read as the letters they look like.
 */
struct injection_word {
    struct str text;
    bool line_start;
    bool quoted; /* between quotes or backticks, or in a block of code */
};

struct injection_text {
    struct str raw;
    struct str plain; /* as it reads, in lower case */
    struct injection_word *words;
    size_t n;
    size_t hidden, tags; /* characters that are not seen: zero-width ones within words; the tags' letters */
    struct str told;     /* what the tags spell */
    bool overridden;     /* the direction of writing is turned */
};

/* injection_text.c */
enum err_code injection_read(struct arena *a, struct str text, struct injection_text *out, struct err *e);
/* Whether the text, outside of quotes, speaks about such attacks or about signs and their forms. */
bool injection_about(const struct injection_text *t);
/* injection_phrases.c: what phrases of words say */
void injection_phrases(const struct injection_text *t, struct injection *out);
/* injection_signs.c: signs that are no words: templates, tags, links that carry data */
void injection_signs(const struct injection_text *t, struct injection *out);
/* Keeps the strongest of each reason. */
void injection_note(struct injection *out, enum injection_reason r, double weight);

#endif
