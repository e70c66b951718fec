/* Masks: what stands for a value that was found. They keep as much of its form as helps a reader and no more: the
 * domain of an address, a vendor's prefix, the last digits of a phone or card. A mask is told from a value by its runs
 * of the mask's character (three or more), by its tag, or by a mark such as [EMAIL], and is never a find itself. */
#include "privacy/privacy_int.h"

#include <string.h>

enum { FIXED = 8, RUN = 3, HEAD = 3, TAIL = 4, WHOLE_NUMBER = 10, EMAIL_SHORT = 2 };

static void stars(const struct privacy *p, struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_str(out, p->redaction);
}

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
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

/* Letters and digits but the first `head` and the last `tail` of them become stars; signs between stay, so that the
 * form is seen. Where less than three would go, all do. */
static void put_between(const struct privacy *p, struct str value, size_t head, size_t tail, struct buf *out)
{
    const size_t n = count_alnum(value);
    size_t seen = 0;
    if (n < head + tail + RUN)
        head = tail = 0;
    for (size_t i = 0; i < value.n; i++) {
        const bool letter = alnum(value.p[i]);
        if (!letter || seen < head || seen >= n - tail)
            buf_char(out, value.p[i]);
        else
            buf_str(out, p->redaction);
        seen += letter;
    }
}

/* A number's first group stays (the area, or +44) and its last four digits: 555-***-1234; of one that is shorter than
 * ten digits, the last two. Behind it an extension: its digits go, its word stays. */
static void put_phone(const struct privacy *p, struct str value, struct buf *out)
{
    size_t n = 0, head = 0, start = 0;
    while (n < value.n && (!alnum(value.p[n]) || digit(value.p[n])))
        n++;
    const struct str number = str_take(value, n), rest = str_skip(value, n);
    while (start < n && !digit(number.p[start]))
        start++;
    while (start + head < n && head < HEAD && digit(number.p[start + head]))
        head++;
    if (count_alnum(number) >= WHOLE_NUMBER)
        put_between(p, number, head, TAIL, out);
    else
        put_between(p, number, 0, TAIL / 2, out);
    for (size_t i = 0; i < rest.n; i++) {
        if (digit(rest.p[i]))
            buf_str(out, p->redaction);
        else
            buf_char(out, rest.p[i]);
    }
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
        put_between(p, value, 0, d->keep, out);
        return;
    case MASK_EDGES:
        put_between(p, value, d->keep, d->keep, out);
        return;
    case MASK_PHONE:
        put_phone(p, value, out);
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

/* Stars with at most one sign between two of them: **** **** ****, ***.**.*.** */
static bool many_stars(const struct privacy *p, struct str s)
{
    size_t n = 0;
    for (size_t i = 0; n < RUN && i < s.n;) {
        const size_t run = run_at(p, s, i);
        if (!run)
            return false;
        n += run;
        i += run * p->redaction.n;
        i += i < s.n && strchr(" -.:/", s.p[i]) != NULL;
    }
    return n >= RUN;
}

static bool mask_begins(const struct privacy *p, struct str s)
{
    const size_t r = p->redaction.n;
    if (s.p[0] == '[')
        return mark_is(p, s);
    if (many_stars(p, s))
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
    if (r > 1 &&
        str_find(value, p->redaction) >= 0) /* nobody writes these otherwise, and a detector may take a part of one */
        return true;
    size_t head = run_at(p, value, 0) * r, tail = 0;
    while (tail + head + r <= value.n && memcmp(value.p + value.n - tail - r, p->redaction.p, r) == 0)
        tail += r;
    if (!head || !tail || head == value.n || mask_begins(p, str_skip(value, head - r)))
        return mask_inside(p, value);
    struct str between = str_take(str_skip(value, head), value.n - head - tail);
    return count_alnum(between) == 0 || mask_inside(p, between);
}
