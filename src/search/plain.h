/* A text's first words, as they stand. Search's own. */
#ifndef CAIRN_SEARCH_PLAIN_H
#define CAIRN_SEARCH_PLAIN_H

#include "base/str.h"

enum { PLAIN_MAX = 96, PLAIN_ROOM = 20 };
/* What a word may mean, bits. */
enum {
    PLAIN_STATES = 1,    /* says what is: "is", "uses", "costs" */
    PLAIN_CHANGES = 2,   /* says what becomes of it: "moved", "renamed" */
    PLAIN_EVENT = 4,     /* of one day's doings: "today", "again" */
    PLAIN_DAY = 8,       /* of the week, or a month */
    PLAIN_EMPTY = 16,    /* says nothing of its subject: "just", "sorry" */
    PLAIN_OWN = 32,      /* "I", "our" */
    PLAIN_TIME = 64,     /* "yesterday", "weeks" */
    PLAIN_NUMBER = 128,  /* has a digit, or "three" */
    PLAIN_NEGATES = 256, /* "not", "won't" */
    PLAIN_CUE = 512      /* may begin a phrase that corrects */
};
struct plain_word {
    char w[PLAIN_ROOM]; /* ASCII letters in lower case, cut, NUL-terminated */
    uint8_t n;
    uint16_t means;
    bool number;  /* has a digit */
    bool capital; /* began with a capital letter */
    bool starts;  /* the first of a sentence */
};
struct plain {
    struct plain_word word[PLAIN_MAX];
    int n;
    bool asks; /* the text ends with a question mark */
};
void plain_split(struct str text, struct plain *out);
const char *plain_word(const struct plain *p, int i);  /* "" beyond either end */
bool plain_in(const char *w, const char *const *list); /* list ends with NULL */

#endif
