/* US social security numbers. Written with hyphens they are known by their shape; with spaces, dots or nothing between
 * only beside a word that says so. Numbers of the 9xx areas are the tax office's (ITIN), of the same form. */
#include "privacy/check_pii.h"
#include "privacy/digits.h"
#include "privacy/nearby.h"

#include <string.h>

enum { NAMED_WITHIN = 40 }; /* bytes from a number without signs back to the word that names it */

/* Is there another name directly before: "order number 123-45-6789"? */
static bool named_otherwise(struct str text, size_t at)
{
    unsigned kinds = nearby_name(text, at, NAMED_WITHIN);
    return (kinds & (NEARBY_ID | NEARBY_PRODUCT)) != 0 && (kinds & NEARBY_SSN) == 0;
}

/* Numbers that are nobody's; taken all the same right behind the name, for examples and made-up data have such. */
static bool impossible(const char *d)
{
    return memcmp(d, "000", 3) == 0 || memcmp(d, "666", 3) == 0 || memcmp(d + 3, "00", 2) == 0 ||
           memcmp(d + 5, "0000", 4) == 0;
}

/* The end of something longer, or its begin: -123-45-6789, 123-45-6789-1, 123-45-6789.5 */
static bool part_of_more(struct str text, size_t start, size_t end)
{
    char before = start > 0 ? text.p[start - 1] : ' ', after = end < text.n ? text.p[end] : ' ';
    char next = end + 1 < text.n ? text.p[end + 1] : ' ';
    bool goes_on = (next >= '0' && next <= '9') || ((next | 0x20) >= 'a' && (next | 0x20) <= 'z');
    return digits_glued(text, start) || before == '+' || before == '/' || before == '$' || after == '@' ||
           (strchr("-/", after) != NULL && after != '\0' && goes_on) ||
           (strchr(".,:", after) != NULL && after != '\0' && next >= '0' && next <= '9');
}

double check_ssn(const struct detector_match *m, size_t *start, size_t *end)
{
    struct digits_run run;
    char d[9];
    digits_read(m->text, *start, *end, &run);
    if (digits_take(m->text, run.groups, run.n, d, sizeof d) != sizeof d || run.n == 2 ||
        part_of_more(m->text, *start, *end) || memcmp(d, "000000000", sizeof d) == 0)
        return 0;
    char joint = (char)(run.n == 3 ? run.groups[1].joint : 0);
    if (run.n == 3 && run.groups[2].joint != joint)
        return 0;
    bool named = (nearby_name(m->text, *start, NAMED_WITHIN) & NEARBY_SSN) != 0;
    if (impossible(d))
        return named ? 0.9 : 0;
    bool near = joint == 0 ? (nearby_kinds(m->text, *start, *end, NAMED_WITHIN, NEARBY_AFTER) & NEARBY_SSN) != 0
                           : (nearby_kinds(m->text, *start, *end, NEARBY_BEFORE, NEARBY_AFTER) & NEARBY_SSN) != 0;
    if (named_otherwise(m->text, *start))
        return 0;
    if (near)
        return joint == '-' ? 0.99 : 0.95;
    return joint == '-' && d[0] != '9' ? 0.85 : 0;
}
