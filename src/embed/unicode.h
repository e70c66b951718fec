/* What BERT's normalisation does to one character, as the Hugging Face tokenizers do it. utf8proc knows Unicode 15;
 * their tables stand at Unicode 8, so that some newer characters are plain to them: unicode.c lists those. */
#ifndef CAIRN_EMBED_UNICODE_H
#define CAIRN_EMBED_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BertNormalizer's four switches. */
struct unicode_rules {
    bool clean;         /* drop control characters, U+0000 and U+FFFD; every white space becomes a blank */
    bool cjk;           /* a blank on both sides of each CJK ideograph */
    bool strip_accents; /* canonical decomposition, then drop non-spacing marks (Mn) */
    bool lower;
};

enum { UNICODE_EXPAND_MAX = 24 };
/* The characters that `c` (a Unicode scalar value) becomes; returns how many, possibly none. */
size_t unicode_expand(const struct unicode_rules *rules, int32_t c, int32_t out[UNICODE_EXPAND_MAX]);
bool unicode_space(int32_t c); /* ends a word and is dropped */
bool unicode_punct(int32_t c); /* ends a word and is a word of its own */

#endif
