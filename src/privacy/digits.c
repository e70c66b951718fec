/* See digits.h. */
#include "privacy/digits.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The plain sign that the one at i stands for, and its bytes. */
static char sign_at(struct str text, size_t i, size_t *bytes)
{
    unsigned char c = (unsigned char)text.p[i];
    *bytes = 1;
    if (c == 0xC2) { /* no-break space */
        *bytes = 2;
        return ' ';
    }
    if (c == 0xE2) {
        *bytes = 3;
        return i + 2 < text.n && text.p[i + 1] == '\x80' && text.p[i + 2] == '\xAF' ? ' ' : '-';
    }
    return text.p[i];
}

/* What the signs between two groups, parentheses left out, join them by. */
static char joint_of(const char *signs, size_t n)
{
    if (n == 0)
        return '(';
    if (n == 1)
        return signs[0];
    bool spaced = (n == 2 && (signs[0] == ' ') != (signs[1] == ' ')) ||
                  (n == 3 && signs[0] == ' ' && signs[2] == ' ' && signs[1] != ' ');
    const char *sign = memchr(signs, '/', n) ? "/" : memchr(signs, '-', n) ? "-" : NULL;
    return spaced && sign ? (*sign == '/' ? '|' : '~') : '!';
}

/* Reads the signs from i on; returns where the next digit is, or `end`. */
static size_t read_joint(struct str text, size_t i, size_t end, struct digits_group *before, struct digits_group *next)
{
    char signs[8];
    size_t n = 0, bytes, from = i;
    bool odd = false; /* parentheses where none belong */
    for (; i < end && !is_digit(text.p[i]); i += bytes) {
        char c = sign_at(text, i, &bytes);
        if (c == ')') {
            odd = odd || i != from || !before;
            if (before)
                before->close = true;
        } else if (c == '(') {
            odd = odd || next->open;
            next->open = true;
        } else if (n < sizeof signs) {
            odd = odd || next->open;
            signs[n++] = c;
        }
    }
    next->joint = (char)(!before ? 0 : odd ? '!' : joint_of(signs, n));
    return i;
}

void digits_read(struct str text, size_t start, size_t end, struct digits_run *out)
{
    out->n = 0;
    size_t i = start;
    while (i < end && out->n < DIGITS_GROUPS) {
        struct digits_group *g = &out->groups[out->n];
        *g = (struct digits_group){0};
        i = read_joint(text, i, end, out->n > 0 ? g - 1 : NULL, g);
        if (i >= end)
            return;
        g->at = i;
        while (i < end && is_digit(text.p[i]))
            i++;
        g->n = i - g->at;
        out->n++;
    }
}

size_t digits_take(struct str text, const struct digits_group *groups, size_t n, char *out, size_t most)
{
    size_t count = 0;
    for (size_t g = 0; g < n; g++) {
        if (count + groups[g].n > most)
            return 0;
        memcpy(out + count, text.p + groups[g].at, groups[g].n);
        count += groups[g].n;
    }
    return count;
}

bool digits_luhn(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        if (i % 2 == 1)
            d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return sum % 10 == 0;
}

bool digits_between(const char *digits, const char *low, const char *high)
{
    size_t n = strlen(low);
    return memcmp(digits, low, n) >= 0 && memcmp(digits, high, n) <= 0;
}

bool digits_glued(struct str text, size_t at)
{
    return at >= 2 && strchr("-_./", text.p[at - 1]) != NULL && text.p[at - 1] != '\0' && is_alnum(text.p[at - 2]);
}

enum { MASK_LEAVES = 4, MASK_RUN = 3 }; /* digits at the end; signs at least */

/* Three times the same sign ends at `end`, one that does not stand so in plain texts. */
static bool mask_ends(struct str text, size_t end)
{
    for (size_t bytes = 1; bytes <= 4; bytes++) {
        if (end < bytes * MASK_RUN)
            return false;
        const char *last = text.p + end - bytes;
        bool sign = bytes == 1
                        ? (unsigned char)*last < 0x80 && !is_digit(*last) && memchr(" \t\n.-_=/:,", *last, 11) == NULL
                        : (unsigned char)*last >= 0xC0;
        if (sign && memcmp(last, last - bytes, bytes) == 0 && memcmp(last, last - 2 * bytes, bytes) == 0)
            return true;
    }
    return false;
}

size_t digits_of_mask(struct str text, const struct digits_run *run)
{
    size_t n = 0, count = 0;
    while (n < run->n && count < MASK_LEAVES)
        count += run->groups[n++].n;
    if (count != MASK_LEAVES)
        return 0;
    size_t at = run->groups[0].at;
    return mask_ends(text, at) || (at > 0 && memchr("-. /)(", text.p[at - 1], 6) && mask_ends(text, at - 1)) ||
                   (at > 1 && text.p[at - 1] == ' ' && text.p[at - 2] == ')' && mask_ends(text, at - 2))
               ? n
               : 0;
}
