/* The tokenizer's inside, divided by file. Not for the rest of the room. */
#ifndef CAIRN_INDEX_TOKENS_INT_H
#define CAIRN_INDEX_TOKENS_INT_H

#include "index/tokens.h"

#include <stdint.h>

struct walk { /* one call of tokens_walk */
    struct str text;
    bool words_only, no_stops;
    token_kind_fn *fn;
    void *arg;
    size_t n; /* forms given */
    bool ended;
};

enum { WORD_BLOCK = 16 }; /* bytes that are read at once */
/* A word as read: folded, not yet stemmed. The masks have a bit for each byte of the form. */
struct word {
    char form[TOKEN_BYTES + WORD_BLOCK]; /* what is behind n may be anything */
    size_t n;
    size_t from, to;
    uint64_t upper, digit; /* was a capital (ASCII words only); is a digit, or a point within a number */
    bool ascii;
};

/* ---- tokens.c ---- */
/* ASCII letters and digits in lower case, 0 for everything else. */
extern const unsigned char TOKEN_LOWER[256];
void token_give(struct walk *k, enum token_kind kind, const char *form, size_t n, size_t from, size_t to);
/* A word that stands at `at`; returns where it ends; w->n 0: it folds to nothing. */
size_t token_read_word(struct str text, size_t at, struct word *w);
/* Its stem, exact form and parts. */
void token_give_word(struct walk *k, const struct word *w);

/* ---- tokens_joined.c ---- */
/* The word at `at` and what is written together with it; returns where that ends. */
size_t tokens_joined(struct walk *k, size_t at);

/* ---- tokens_stem.c ---- */
/* Cuts the English ending off n lower-case ASCII letters, in place; returns the new length, n at most. What it changes
 * changes the length or the last letter. */
size_t token_stem(char *word, size_t n);

/* ---- tokens_stop.c ---- */
/* Of a word in lower case, in a room of at least STOP_ROOM bytes. */
enum { STOP_ROOM = 12 };
bool token_stops(const char *low, size_t n);

/* ---- reading bytes: 0 beyond the end ---- */
static inline unsigned char byte_at(struct str text, size_t at)
{
    return at < text.n ? (unsigned char)text.p[at] : 0;
}

static inline bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* ---- tokens_unicode.c: beyond ASCII ---- */
enum script { /* SCRIPT_HAN and later ones are written without spaces */
              SCRIPT_NONE,
              SCRIPT_WORD, /* letters and digits of words with spaces between */
              SCRIPT_MARK, /* belongs to the character before it */
              SCRIPT_SKIP, /* invisible within a word */
              SCRIPT_HAN,
              SCRIPT_KANA,
              SCRIPT_HANGUL,
              SCRIPT_SOUTHEAST
};
/* What stands at `at`, which must lie within the text, and its bytes; bytes that are no UTF-8: SCRIPT_NONE, 1. */
enum script script_at(struct str text, size_t at, size_t *bytes);
/* Reads a word as token_read_word does, any letters. */
size_t unicode_word(struct str text, size_t at, struct word *w);
/* The characters of one script without spaces from `at` on, by pairs; returns where they end. */
size_t unicode_run(struct walk *k, size_t at);

#endif
