/* Myers' way: the furthest points that d edits reach, for d = 0, 1, …, on each diagonal; then back along them. What
 * both texts begin and end with is left out before. */
#include "history/diff.h"

#include "base/mem.h"

#include <string.h>

struct lines_of {
    struct str *items;
    size_t n;
};

struct diff {
    struct str before, after; /* what is between lines that both begin and end with */
    struct lines_of a, b;     /* the same */
    size_t same_before;       /* lines in front of both that are the same */
    int *reach;               /* one row of furthest points for each d */
    struct buf *out;
};

static size_t count_lines(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n + (s.n && s.p[s.n - 1] != '\n');
}

static bool split(struct str s, struct lines_of *out)
{
    out->n = count_lines(s);
    out->items = mem_alloc((out->n + 1) * sizeof *out->items);
    if (!out->items)
        return false;
    for (size_t i = 0; i < out->n; i++)
        out->items[i] = str_cut(&s, '\n');
    return true;
}

static void put(struct diff *d, char sign, struct str line)
{
    buf_char(d->out, sign);
    buf_str(d->out, line);
    buf_char(d->out, '\n');
}

static void put_place(struct diff *d, size_t x, size_t y)
{
    buf_fmt(d->out, "@@ -%zu +%zu @@\n", d->same_before + x + 1, d->same_before + y + 1);
}

static void put_each(struct diff *d, char sign, struct str text)
{
    while (text.n)
        put(d, sign, str_cut(&text, '\n'));
}

/* All that differs, as one change. */
static void put_all(struct diff *d)
{
    put_place(d, 0, 0);
    put_each(d, '-', d->before);
    put_each(d, '+', d->after);
}

/* ---- forwards ---- */

enum { WIDTH = 2 * DIFF_EDITS_MOST + 3, MIDDLE = DIFF_EDITS_MOST + 1 };

static int *row(const struct diff *d, int edits)
{
    return d->reach + (size_t)edits * WIDTH + MIDDLE;
}

static bool goes_down(const int *before, int k, int edits)
{
    return k == -edits || (k != edits && before[k - 1] < before[k + 1]);
}

/* How many edits lead from one to the other; -1: more than are looked for. */
static int forwards(struct diff *d)
{
    const int n = (int)d->a.n, m = (int)d->b.n;
    for (int edits = 0; edits <= DIFF_EDITS_MOST; edits++) {
        int *now = row(d, edits), *before = edits ? row(d, edits - 1) : NULL;
        for (int k = -edits; k <= edits; k += 2) {
            int x = !before ? 0 : goes_down(before, k, edits) ? before[k + 1] : before[k - 1] + 1;
            while (x < n && x - k < m && x - k >= 0 && str_eq(d->a.items[x], d->b.items[x - k]))
                x++;
            now[k] = x;
            if (x >= n && x - k >= m)
                return edits;
        }
    }
    return -1;
}

/* ---- backwards ---- */

struct edit {
    int x, y;
    bool came;
};

static void backwards(const struct diff *d, int edits, struct edit *out)
{
    int x = (int)d->a.n, y = (int)d->b.n;
    for (int e = edits; e > 0; e--) {
        const int *before = row(d, e - 1);
        int k = x - y;
        bool down = goes_down(before, k, e);
        x = down ? before[k + 1] : before[k - 1];
        y = x - (down ? k + 1 : k - 1);
        out[e - 1] = (struct edit){x, y, down};
    }
}

static void put_edits(struct diff *d, const struct edit *edits, int n)
{
    for (int i = 0; i < n; i++) {
        const struct edit *e = &edits[i], *last = i ? e - 1 : NULL;
        bool follows = last && e->x == last->x + !last->came && e->y == last->y + last->came;
        if (!follows)
            put_place(d, (size_t)e->x, (size_t)e->y);
        if (e->came)
            put(d, '+', d->b.items[e->y]);
        else
            put(d, '-', d->a.items[e->x]);
    }
}

static bool find_edits(struct diff *d)
{
    const size_t rows = DIFF_EDITS_MOST + 1;
    struct edit *edits = mem_alloc(DIFF_EDITS_MOST * sizeof *edits);
    d->reach = mem_alloc(rows * WIDTH * sizeof *d->reach);
    int n = edits && d->reach ? forwards(d) : -1;
    bool ok = edits && d->reach;
    if (ok && n >= 0) {
        backwards(d, n, edits);
        put_edits(d, edits, n);
    } else if (ok) {
        put_all(d);
    }
    mem_free(edits);
    mem_free(d->reach);
    return ok;
}

static size_t line_of(struct str s)
{
    const char *nl = memchr(s.p, '\n', s.n);
    return nl ? (size_t)(nl - s.p) + 1 : s.n;
}

/* Whether a line ends there, or none has begun. */
static bool is_border(struct str s)
{
    return !s.n || s.p[s.n - 1] == '\n';
}

/* What both end with, to the byte, from the beginning of a line on. */
static size_t same_end(struct str a, struct str b)
{
    size_t n = 0, border = 0;
    while (n < a.n && n < b.n && a.p[a.n - n - 1] == b.p[b.n - n - 1]) {
        n++;
        if (is_border(str_take(a, a.n - n)) && is_border(str_take(b, b.n - n)))
            border = n;
    }
    return border;
}

/* What both begin and end with goes. */
static void trim(struct diff *d)
{
    struct str *a = &d->before, *b = &d->after;
    for (size_t n; a->n && b->n && (n = line_of(*a)) == line_of(*b) && !memcmp(a->p, b->p, n); d->same_before++) {
        *a = str_skip(*a, n);
        *b = str_skip(*b, n);
    }
    size_t n = same_end(*a, *b);
    a->n -= n;
    b->n -= n;
}

bool diff_lines(struct str before, struct str after, struct buf *out)
{
    struct diff d = {.out = out, .before = before, .after = after};
    trim(&d);
    if (!d.before.n && !d.after.n)
        return true;
    if (!d.before.n || !d.after.n || count_lines(d.before) > DIFF_LINES_MOST ||
        count_lines(d.after) > DIFF_LINES_MOST) {
        put_all(&d);
        return !out->failed;
    }
    bool ok = split(d.before, &d.a) && split(d.after, &d.b) && find_edits(&d);
    mem_free(d.a.items);
    mem_free(d.b.items);
    return ok && !out->failed;
}
