/* Masks: what stands for a value that was found. They keep as much of its form as helps a reader and no more: the
 * domain of an address, a vendor's prefix, the last digits of a phone or card. A mask is told from a value by its runs
 * of the mask's character (three or more), by its tag, or by a mark such as [EMAIL], and is never a find itself. */
#include "privacy/privacy_int.h"

#include <string.h>

enum { FIXED = 8, RUN = 3, HEAD = 3, EMAIL_SHORT = 2 };

static void stars(const struct privacy *p, struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_str(out, p->redaction);
}

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Signs between stay, so that the form is seen; anything beyond ASCII goes. */
static bool stays(char c)
{
    return c == '-' || c == ' ' || c == '.' || c == '(' || c == ')' || c == '+' || c == '/' || c == ':';
}

static size_t count_alnum(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += alnum(s.p[i]);
    return n;
}

/* ---- the forms ---- */
static void put_prefix(const struct privacy *p, struct str value, size_t keep, struct buf *out)
{
    size_t n = 0;
    while (keep > 0 && keep < value.n && continues(value.p[keep]))
        keep--;
    if (value.n < keep + FIXED) /* a mask tells nothing of what is nearly all prefix */
        keep = 0;
    for (size_t i = keep; i < value.n; i++)
        n += !continues(value.p[i]);
    buf_str(out, str_take(value, keep));
    stars(p, out, n > RUN ? n : FIXED);
}

/* Letters and digits but the first `head` and the last `tail` of them. */
static void put_last(const struct privacy *p, struct str value, size_t head, size_t tail, struct buf *out)
{
    const size_t n = count_alnum(value);
    size_t seen = 0;
    if (n < head + tail + RUN)
        head = tail = 0;
    for (size_t i = 0; i < value.n; i++) {
        const char c = value.p[i];
        const bool letter = alnum(c);
        if (continues(c))
            continue;
        if (stays(c) || (letter && (seen < head || seen >= n - tail)))
            buf_char(out, c);
        else
            buf_str(out, p->redaction);
        seen += letter;
    }
}

/* Three digits, or a country's code. */
static size_t head_of(struct str value)
{
    size_t n = 0;
    if (!str_starts(value, "+"))
        return HEAD;
    while (n < HEAD && n + 1 < value.n && alnum(value.p[n + 1]))
        n++;
    return n;
}

/* 555-***-1234, +1 ***-1234: what is hidden is one run of three, whatever it was. */
static void put_edges(const struct privacy *p, struct str value, size_t tail, struct buf *out)
{
    const size_t n = count_alnum(value), head = head_of(value);
    size_t seen = 0, i = 0, j = value.n;
    if (n < head + tail + RUN) {
        stars(p, out, FIXED);
        return;
    }
    for (; i < value.n && seen < head; i++)
        seen += alnum(value.p[i]);
    for (seen = 0; j > i && seen < tail; j--)
        seen += alnum(value.p[j - 1]);
    while (i < j && stays(value.p[i])) /* the sign behind the head, and that before the tail, stay */
        i++;
    while (j > i && stays(value.p[j - 1]))
        j--;
    buf_str(out, str_take(value, i));
    stars(p, out, RUN);
    buf_str(out, str_skip(value, j));
}

static void put_email(const struct privacy *p, struct str value, struct buf *out)
{
    const char *at = memrchr(value.p, '@', value.n);
    size_t local = at ? (size_t)(at - value.p) : value.n;
    size_t first = local > EMAIL_SHORT ? 1 : 0;
    while (first > 0 && first < local && continues(value.p[first]))
        first++;
    buf_str(out, str_take(value, first));
    stars(p, out, RUN);
    buf_str(out, str_skip(value, local));
}

static void put_fenced(const struct privacy *p, struct str value, struct buf *out)
{
    static const struct str begin = {"-----BEGIN ", 11}, end = {"-----END ", 9}, dashes = {"-----", 5};
    struct str inside = str_skip(value, begin.n);
    ptrdiff_t head = str_starts(value, begin.p) ? str_find(inside, dashes) : -1;
    if (head < 0) {
        stars(p, out, FIXED);
        return;
    }
    const size_t open = begin.n + (size_t)head + dashes.n;
    ptrdiff_t foot = str_find(str_skip(value, open), end);
    buf_str(out, str_take(value, open));
    buf_char(out, ' ');
    stars(p, out, FIXED);
    if (foot >= 0) {
        buf_char(out, ' ');
        buf_str(out, str_skip(value, open + (size_t)foot));
    }
}

static void put_form(const struct privacy *p, const struct detector *d, struct str value, struct buf *out)
{
    switch (d->mask) {
    case MASK_PREFIX:
        put_prefix(p, value, d->keep, out);
        return;
    case MASK_LAST:
        put_last(p, value, 0, d->keep, out);
        return;
    case MASK_EDGES:
        put_edges(p, value, d->keep, out);
        return;
    case MASK_EMAIL:
        put_email(p, value, out);
        return;
    case MASK_FENCED:
        put_fenced(p, value, out);
        return;
    case MASK_ALL:
        break;
    }
    stars(p, out, FIXED);
}

/* ---- the tag of a stable mask: in the place of the first run ---- */
static size_t run_at(const struct privacy *p, struct str s, size_t at)
{
    size_t n = 0;
    while (str_starts(str_skip(s, at + n * p->redaction.n), p->redaction.p))
        n++;
    return n;
}

static void put_tagged(const struct privacy *p, const struct detector *d, struct str value, struct buf *out)
{
    const size_t before = out->n;
    char tag[TAG_LETTERS];
    tag_make(p, d, value, tag);
    put_form(p, d, value, out);
    if (out->failed)
        return;
    struct str mask = {out->p + before, out->n - before};
    size_t at = 0, run = 0;
    while (at < mask.n && (run = run_at(p, mask, at)) == 0)
        at++;
    const size_t rest = at + run * p->redaction.n, n = mask.n - rest;
    const size_t behind = TAG_LETTERS + 2 * p->redaction.n; /* *tag* */
    if (rest < at + behind && !buf_room(out, at + behind - rest))
        return;
    char *base = out->p + before;
    memmove(base + at + behind, base + rest, n);
    memcpy(base + at, p->redaction.p, p->redaction.n);
    memcpy(base + at + p->redaction.n, tag, TAG_LETTERS);
    memcpy(base + at + p->redaction.n + TAG_LETTERS, p->redaction.p, p->redaction.n);
    out->n = before + at + behind + n;
}

void mask_put(const struct privacy *p, const struct find *f, struct str value, struct buf *out)
{
    const struct pattern *pt = &p->patterns[f->pattern];
    if (p->plain_marks) {
        char tag[TAG_LETTERS];
        buf_fmt(out, "[%s", pt->mark);
        if (p->stable) {
            tag_make(p, pt->d, value, tag);
            buf_fmt(out, ":%.*s", TAG_LETTERS, tag);
        }
        buf_char(out, ']');
    } else if (f->cut) {
        stars(p, out, FIXED);
    } else if (p->stable) {
        put_tagged(p, pt->d, value, out);
    } else {
        put_form(p, pt->d, value, out);
    }
}

/* ---- telling a mask ---- */
/* [EMAIL] or [EMAIL:tag] at the beginning of s. */
static bool mark_is(const struct privacy *p, struct str s)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct str mark = str_of(p->patterns[i].mark);
        if (s.n < mark.n + 2 || memcmp(s.p + 1, mark.p, mark.n) != 0)
            continue;
        const struct str rest = str_skip(s, 1 + mark.n);
        if (rest.p[0] == ']')
            return true;
        if (rest.p[0] == ':' && rest.n >= TAG_LETTERS + 2 && tag_is(rest.p + 1) && rest.p[1 + TAG_LETTERS] == ']')
            return true;
    }
    return false;
}

static bool mask_begins(const struct privacy *p, struct str s)
{
    if (s.p[0] == '[')
        return mark_is(p, s);
    const size_t r = p->redaction.n;
    if (run_at(p, s, 0) >= RUN)
        return true;
    return run_at(p, s, 0) == 1 && s.n >= TAG_LETTERS + 2 * r && tag_is(s.p + r) && run_at(p, s, r + TAG_LETTERS) > 0;
}

static bool mask_inside(const struct privacy *p, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const struct str rest = str_skip(s, i);
        if ((rest.p[0] == '[' || rest.p[0] == p->redaction.p[0]) && mask_begins(p, rest))
            return true;
    }
    return false;
}

/* Runs at both ends are somebody's emphasis, ***like this***, unless nothing but signs is between. */
bool mask_is(const struct privacy *p, struct str value)
{
    const size_t r = p->redaction.n;
    size_t head = run_at(p, value, 0) * r, tail = 0;
    while (tail + head + r <= value.n && memcmp(value.p + value.n - tail - r, p->redaction.p, r) == 0)
        tail += r;
    if (!head || !tail || head == value.n || mask_begins(p, str_skip(value, head - r)))
        return mask_inside(p, value);
    struct str between = str_take(str_skip(value, head), value.n - head - tail);
    return count_alnum(between) == 0 || mask_inside(p, between);
}
