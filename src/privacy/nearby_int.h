/* The table of words behind nearby.h, for nearby.c and nearby_words.c alone. */
#ifndef CAIRN_PRIVACY_NEARBY_INT_H
#define CAIRN_PRIVACY_NEARBY_INT_H

#include "privacy/nearby.h"

struct nearby_entry {
    const char *word;     /* lower case, UTF-8 */
    unsigned short kinds; /* NEARBY_* */
    bool stem;            /* words that only begin so are meant as well */
};

/* In the order of strcmp. */
extern const struct nearby_entry nearby_words[];
extern const size_t nearby_words_count;

#endif
