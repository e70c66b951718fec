/* Borrowed strings: comparing, cutting, reading numbers. Nothing here allocates. */
#include "base/str.h"

#include "base/number.h"

#include <string.h>

struct str str_of(const char *c)
{
    return c ? (struct str){c, strlen(c)} : STR_NONE;
}

/* memcmp and memmem must not be given NULL, even for no bytes. */
static bool same_bytes(const char *a, const char *b, size_t n)
{
    return n == 0 || memcmp(a, b, n) == 0;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && same_bytes(a.p, b.p, a.n);
}

bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_of(b));
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && same_bytes(s.p, prefix, n);
}

bool str_ends(struct str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return n == 0 || (s.n >= n && same_bytes(s.p + (s.n - n), suffix, n));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_skip(struct str s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return n == 0 ? s : (struct str){s.p + n, s.n - n};
}

struct str str_take(struct str s, size_t n)
{
    return (struct str){s.p, n < s.n ? n : s.n};
}

ptrdiff_t str_find(struct str s, struct str what)
{
    if (what.n == 0)
        return 0;
    if (what.n > s.n)
        return -1;
    const char *at = memmem(s.p, s.n, what.p, what.n);
    return at ? at - s.p : -1;
}

struct str str_cut(struct str *rest, char sep)
{
    struct str all = *rest;
    const char *at = all.n > 0 ? memchr(all.p, sep, all.n) : NULL;
    if (!at) {
        *rest = STR_NONE;
        return all;
    }
    size_t before = (size_t)(at - all.p);
    *rest = str_skip(all, before + 1);
    return str_take(all, before);
}

bool str_int(struct str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    if (minus)
        s = str_skip(s, 1);
    if (s.n == 0)
        return false;
    /* Counted downwards: the negative range is the larger one. */
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v))
            return false;
    }
    if (!minus && v == INT64_MIN)
        return false;
    *out = minus ? v : -v;
    return true;
}

bool str_double(struct str s, double *out)
{
    return number_read(s.p, s.n, out);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}
