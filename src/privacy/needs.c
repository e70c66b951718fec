/* What a text must have at all for some detectors to be worth a look: two digits or colons for numbers, a run of signs
 * without a gap for tokens. Most of what people say has neither, and telling costs a fraction of what looking costs. */
#include "privacy/privacy_int.h"

#include <string.h>

enum { STEP = 8 };
static const uint64_t LOW = 0x7f7f7f7f7f7f7f7f, HIGH = 0x8080808080808080, ONES = 0x0101010101010101;

/* 1 in each byte of w that is a digit or a colon ('0' to ':' are neighbours). */
static uint64_t numbers(uint64_t w)
{
    const uint64_t x = w ^ 0x3030303030303030; /* 0 to 10 for those */
    return (~(((x & LOW) + 0x7575757575757575) | x) & HIGH) >> 7;
}

static bool has_number(struct str s)
{
    size_t n = 0, i = 0;
    for (; i + STEP <= s.n && n < 2; i += STEP) {
        uint64_t w;
        memcpy(&w, s.p + i, sizeof w);
        w = numbers(w);
        if (w)
            n += (w * ONES) >> 56;
    }
    for (; i < s.n; i++)
        n += s.p[i] >= '0' && s.p[i] <= ':';
    return n >= 2;
}

/* [A-Za-z0-9_.+/=~:|$%@-] */
static const bool of_token[256] = {
    ['$'] = 1, ['%'] = 1,         ['+'] = 1, ['-'] = 1,         ['.'] = 1, ['/'] = 1, ['0' ... ':'] = 1,
    ['='] = 1, ['@' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1, ['|'] = 1, ['~'] = 1,
};

/* The last byte of where a run could be is looked at, then those before it: a gap rules out all runs across it. So of
 * plain words few bytes are read. */
static bool has_run(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t end = DETECTOR_RUN - 1; end < s.n;) {
        size_t at = end, first = end - (DETECTOR_RUN - 1);
        while (of_token[p[at]]) {
            if (at == first)
                return true;
            at--;
        }
        end = at + DETECTOR_RUN;
    }
    return false;
}

unsigned needs_met(struct str text)
{
    return 1u << NEEDS_NOTHING | (unsigned)has_number(text) << NEEDS_NUMBER | (unsigned)has_run(text) << NEEDS_RUN;
}
