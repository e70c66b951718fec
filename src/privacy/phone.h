/* Telephone numbers in two steps: what form some groups of digits have (phone_form.c), and what the words around say
 * (check_phone.c). */
#ifndef CAIRN_PRIVACY_PHONE_H
#define CAIRN_PRIVACY_PHONE_H

#include "privacy/digits.h"

/* From "surely one" to "may be anything". */
enum phone_form {
    PHONE_NONE,      /* no number that one can dial: a date, a card, an ISBN, an address of a computer */
    PHONE_PLUS,      /* +49 30 123456 */
    PHONE_ZEROS,     /* 0049 30 123456 */
    PHONE_AMERICAN,  /* (555) 123-4567, 555-123-4567, 555.123.4567, with or without 1 before and an extension behind */
    PHONE_SPACED,    /* 555 123 4567, 1 800 555 1234 */
    PHONE_AREA,      /* (030) 123456: an area code in parentheses */
    PHONE_PAIRS,     /* 02.27.96.63.08, 06 12 34 56 78 */
    PHONE_TRUNK,     /* 030 123456, 0487 23 46 71, 06-24312407: a zero, then groups */
    PHONE_MOBILE,    /* 07700900123: in one piece, with a zero before */
    PHONE_GROUPED,   /* 73 448 266, 555-1234: groups that could be anything */
    PHONE_THOUSANDS, /* 469 348 883, 1.234.567: as amounts are written */
    PHONE_BARE,      /* 2813882583: nine to eleven digits */
    PHONE_COUNT,     /* 5551234: as many as counts and ids have */
    PHONE_SHORT,     /* 61 51 81, 123456 */
    PHONE_CODE,      /* 12345, a time in seconds, 0123456789: rather something else */
    PHONE_FORMS
};

struct phone_parts {
    const struct digits_group *groups;
    size_t n;       /* of groups */
    bool plus;      /* a + before the first group */
    bool extension; /* x123 behind the last group */
};

enum phone_form phone_form(struct str text, const struct phone_parts *p);
/* The groups are, or begin with, a date: 2021-05-03, 03/05/2021 10. */
bool phone_is_date(struct str text, const struct digits_group *groups, size_t n);

#endif
