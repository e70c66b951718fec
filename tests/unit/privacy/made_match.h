/* A text that a pattern matches, most often: made by going through the pattern and choosing. Knows what detector.h
 * allows in patterns; lookarounds and borders are passed over, so the caller sees whether the pattern agrees. */
#ifndef CAIRN_TESTS_PRIVACY_MADE_MATCH_H
#define CAIRN_TESTS_PRIVACY_MADE_MATCH_H

#include "texts.h"

enum { REPEATS_MOST = 40 };

struct making {
    uint64_t *random;
    struct buf *out;
    bool any_case;
};

static size_t chosen(struct making *m, size_t n)
{
    return n ? (size_t)(next_number(m->random) % n) : 0;
}

static unsigned char escaped(const char **s)
{
    const char c = *(*s)++;
    if (c == 'x') {
        const char hex[3] = {(*s)[0], (*s)[1], 0};
        *s += 2;
        return (unsigned char)strtoul(hex, NULL, 16);
    }
    return (unsigned char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? 0 : c);
}

static void add_kind(char kind, bool set[256])
{
    for (int c = 0; c < 128; c++)
        set[c] = set[c] || (kind == 'd'   ? c >= '0' && c <= '9'
                            : kind == 's' ? c == ' ' || c == '\t' || c == '\n'
                                          : c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'));
}

/* From behind the [ to behind the ]. */
static const char *read_class(const char *s, bool set[256])
{
    const bool not = *s == '^';
    memset(set, 0, 256 * sizeof *set);
    for (s += not ; *s != ']';) {
        if (*s == '\\' && strchr("dsw", s[1])) {
            add_kind(s[1], set);
            s += 2;
            continue;
        }
        unsigned char from = (unsigned char)*s++, to;
        if (from == '\\')
            from = escaped(&s);
        to = from;
        if (*s == '-' && s[1] != ']') {
            s++;
            to = (unsigned char)*s++;
            if (to == '\\')
                to = escaped(&s);
        }
        for (int c = from; c <= to; c++)
            set[c] = true;
    }
    for (int c = 0; not &&c < 256; c++)
        set[c] = !set[c];
    return s + 1;
}

static void put_of(struct making *m, const bool set[256])
{
    unsigned char all[256];
    size_t n = 0, plain = 0;
    for (int c = 33; c < 127; c++)
        if (set[c])
            all[n++] = (unsigned char)c;
    plain = n;
    for (int c = 0; c < 256; c++)
        if (set[c] && (c < 33 || c > 126))
            all[n++] = (unsigned char)c;
    if (n)
        buf_char(m->out, (char)all[chosen(m, plain && chosen(m, 8) ? plain : n)]);
}

static void put_sign(struct making *m, unsigned char c)
{
    const bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    buf_char(m->out, (char)(m->any_case && letter && chosen(m, 3) == 0 ? c ^ 32 : c));
}

/* Behind one atom: a sign, a class, a group. */
static const char *atom_end(const char *s)
{
    if (*s == '\\')
        return s + (s[1] == 'x' ? 4 : 2);
    if (*s == '[') {
        bool set[256];
        return read_class(s + 1, set);
    }
    if (*s != '(')
        return s + 1;
    for (s++; *s != ')';)
        s = atom_end(s);
    return s + 1;
}

static void make_choice(struct making *m, const char *s, const char *end);

static void make_group(struct making *m, const char *s, const char *end)
{
    struct making inner = *m;
    if (*s == '?') {
        s++;
        if (*s == '=' || *s == '!' || *s == '<')
            return;
        if (*s == '|') /* groups count anew in each branch */
            s++;
        else
            s = strchr(s, ':') + 1;
        inner.any_case = s[-2] == 'i' ? s[-3] != '-' : m->any_case;
    }
    make_choice(&inner, s, end);
}

static void make_atom(struct making *m, const char *s, const char *end)
{
    bool set[256] = {false};
    if (*s == '(') {
        make_group(m, s + 1, end - 1);
    } else if (*s == '[') {
        read_class(s + 1, set);
        put_of(m, set);
    } else if (*s == '\\' && strchr("dsw", s[1])) {
        add_kind(s[1], set);
        put_of(m, set);
    } else if (*s == '\\' && s[1] != 'b') {
        s++;
        put_sign(m, escaped(&s));
    } else if (!strchr("\\^$", *s)) {
        put_sign(m, *s == '.' ? 'x' : (unsigned char)*s);
    }
}

/* How often: what stands behind an atom, up to behind it. */
static const char *read_repeat(const char *s, size_t *least, size_t *most)
{
    char *next;
    *least = *most = 1;
    if (*s == '?') {
        *least = 0;
        s++;
    } else if (*s == '{') {
        *least = *most = strtoul(s + 1, &next, 10);
        if (*next == ',')
            *most = strtoul(next + 1, &next, 10);
        s = next + 1;
    } else {
        return s;
    }
    return *s == '?' || *s == '+' ? s + 1 : s;
}

static void make_row(struct making *m, const char *s, const char *end)
{
    while (s < end) {
        const char *behind = atom_end(s);
        size_t least, most;
        if (!strncmp(s, "(?i)", 4)) {
            m->any_case = true;
            s += 4;
            continue;
        }
        const char *next = read_repeat(behind, &least, &most);
        most = most > least + REPEATS_MOST ? least + REPEATS_MOST : most;
        size_t n = chosen(m, 3) ? least + chosen(m, (most - least < 2 ? most - least : 2) + 1)
                                : least + chosen(m, most - least + 1);
        while (n--)
            make_atom(m, s, behind);
        s = next;
    }
}

static void make_choice(struct making *m, const char *s, const char *end)
{
    const char *from[128] = {s}, *to[128];
    size_t n = 0;
    while (s < end) {
        if (*s == '|') {
            to[n++] = s++;
            from[n] = s;
        } else {
            s = atom_end(s);
        }
    }
    to[n++] = end;
    const size_t k = chosen(m, n);
    struct making row = *m;
    make_row(&row, from[k], to[k]);
}

static struct str made_match(struct arena *a, uint64_t *random, const char *pattern)
{
    struct buf b;
    buf_init(&b, 0);
    struct making m = {random, &b, false};
    const char *s = pattern;
    if (!strncmp(s, "(?i)", 4)) { /* holds for all that follows, whatever the branch */
        m.any_case = true;
        s += 4;
    }
    make_choice(&m, s, pattern + strlen(pattern));
    return buf_take(&b, a);
}

#endif
