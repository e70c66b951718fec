/* Runs of digits as people write them: groups with signs between. For the checks of numbers. */
#ifndef CAIRN_PRIVACY_DIGITS_H
#define CAIRN_PRIVACY_DIGITS_H

#include "base/str.h"

enum { DIGITS_GROUPS = 48 };

struct digits_group {
    size_t at, n; /* its digits, in the text */
    char joint;   /* what joins it to the group before: ' ' '-' '.' '/' one such sign; '~' one with spaces around; '|' a
                   * slash with spaces around; '(' a parenthesis alone; '!' more than joins a number; 0: the first */
    bool open, close; /* a parenthesis opens right before, closes right behind */
};

struct digits_run {
    struct digits_group groups[DIGITS_GROUPS];
    size_t n;
};

/* The groups in text[start, end). Hyphens and spaces beyond ASCII count as '-' and ' '. */
void digits_read(struct str text, size_t start, size_t end, struct digits_run *out);
/* The digits of n groups; how many, 0 when there are more than `most`. */
size_t digits_take(struct str text, const struct digits_group *groups, size_t n, char *out, size_t most);
bool digits_luhn(const char *digits, size_t n);
/* Do they begin with a number from low to high (of equal length)? */
bool digits_between(const char *digits, const char *low, const char *high);
/* Is what begins at `at` the tail of something: a hyphen, dot, slash or underscore before it that hangs on a letter or
 * digit?
 */
bool digits_glued(struct str text, size_t at);
/* How many of the first groups are what a mask has left of a number: "****-****-****-1111". */
size_t digits_of_mask(struct str text, const struct digits_run *run);

#endif
