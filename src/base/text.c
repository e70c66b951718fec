/* UTF-8 by hand: valid characters only (no overlong forms, no surrogates, nothing past U+10FFFF).
 * Not a Unicode library: no folding, no normal forms. */
#include "base/text.h"

#include <string.h>

static bool continues(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* The second byte's range is what rules out overlong forms, surrogates and too high code points. */
static bool second_ok(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return continues(second);
    }
}

size_t text_char_len(struct str s)
{
    if (s.n == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (n == 0 || n > s.n || !second_ok(p[0], p[1]))
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!continues(p[i]))
            return 0;
    return n;
}

bool text_utf8_valid(struct str s)
{
    while (s.n > 0) {
        uint64_t word;
        if (s.n >= sizeof word) {
            memcpy(&word, s.p, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                s = str_skip(s, sizeof word);
                continue;
            }
        }
        size_t n = text_char_len(s);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

struct str text_cut(struct str s, size_t max_bytes)
{
    if (s.n <= max_bytes)
        return s;
    /* At most three bytes back: in text that is not UTF-8 there is no border to look for. */
    size_t n = max_bytes;
    while (n > 0 && max_bytes - n < 3 && continues((unsigned char)s.p[n]))
        n--;
    return str_take(s, continues((unsigned char)s.p[n]) ? max_bytes : n);
}

size_t text_chars(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += !continues((unsigned char)s.p[i]);
    return n;
}

int64_t text_tokens(struct str s)
{
    return (int64_t)(s.n / 4 + (s.n % 4 != 0));
}
