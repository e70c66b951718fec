/* Characters as they read, not as they are coded: `ｒ`, Cyrillic `а`, `&#60;`, `%3C` and `\u003c` read as r, a and <.
 * For what judges or escapes text that somebody may have written to get around it. */
#ifndef CAIRN_PRIVACY_LOOKALIKE_H
#define CAIRN_PRIVACY_LOOKALIKE_H

#include "base/str.h"

enum {
    LOOKALIKE_NOTHING = 0, /* is not seen: zero-width characters, marks, controls */
    LOOKALIKE_OTHER = 1    /* reads as nothing in ASCII */
};

struct lookalike {
    unsigned char c; /* ASCII, letters in lower case; or one of the above */
    uint32_t point;  /* the character itself, escapes undone */
    size_t n;        /* bytes it takes in the text, at least 1 */
};

/* The first character of a text that is not empty. */
struct lookalike lookalike_read(struct str s);

#endif
