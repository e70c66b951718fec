/* The overlap rule, in one place. Of finds that overlap the first of these stays: a secret before what is none, the
 * sure (0.9 and more) before the unsure, the longer, the surer, the one that stands earlier in the tables. Of a secret
 * or a sensitive number that loses, what sticks out of the winner is a find too, cut: nothing that a detector took for
 * a secret is left to see. What else loses is gone. */
#include "privacy/privacy_int.h"

#include <stdlib.h>

static const double SURE = 0.9;

/* Below 0: a goes first. `p` orders nothing by itself: patterns are in the tables' order. */
static int by_rank(const void *x, const void *y, void *arg)
{
    const struct privacy *p = arg;
    const struct find *a = x, *b = y;
    const bool a_secret = p->patterns[a->pattern].d->class == PRIVACY_SECRET;
    const bool b_secret = p->patterns[b->pattern].d->class == PRIVACY_SECRET;
    const bool a_sure = a->confidence >= SURE, b_sure = b->confidence >= SURE;
    const size_t a_n = a->end - a->start, b_n = b->end - b->start;
    if (a_secret != b_secret)
        return a_secret ? -1 : 1;
    if (a_sure != b_sure)
        return a_sure ? -1 : 1;
    if (a_n != b_n)
        return a_n > b_n ? -1 : 1;
    if (a->confidence != b->confidence)
        return a->confidence > b->confidence ? -1 : 1;
    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

static int by_start(const void *x, const void *y)
{
    const struct find *a = x, *b = y;
    return (a->start > b->start) - (a->start < b->start);
}

/* The first in kept[first …] that ends after `at`. */
static size_t first_after(const struct finds *kept, size_t first, size_t at)
{
    size_t low = first, high = kept->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kept->at[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What is left of a loser is worth hiding when there is a letter or digit in it. */
static bool worth_hiding(struct str text, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0x80)
            return true;
    }
    return false;
}

/* Puts f among the kept, or what those leave of it. */
static bool place(const struct privacy *p, struct str text, struct finds *kept, size_t first, struct find f)
{
    const enum privacy_class class = p->patterns[f.pattern].d->class;
    const size_t end = f.end;
    size_t i = first_after(kept, first, f.start);
    if (i == kept->n || kept->at[i].start >= end)
        return finds_insert(kept, i, &f);
    if (class != PRIVACY_SECRET && class != PRIVACY_SENSITIVE)
        return true;
    f.cut = true;
    while (f.start < end) {
        const bool more = i < kept->n && kept->at[i].start < end;
        f.end = more ? kept->at[i].start : end;
        const size_t next = more ? kept->at[i].end : end;
        if (f.end > f.start && worth_hiding(text, f.start, f.end)) {
            if (!finds_insert(kept, i++, &f))
                return false;
        }
        f.start = next;
        i++;
    }
    return true;
}

void finds_sort(struct finds *all)
{
    if (all->n > 1)
        qsort(all->at, all->n, sizeof *all->at, by_start);
}

size_t finds_group(const struct finds *all, size_t first, size_t *end)
{
    size_t j = first + 1;
    *end = all->at[first].end;
    for (; j < all->n && all->at[j].start < *end; j++)
        *end = all->at[j].end > *end ? all->at[j].end : *end;
    return j;
}

/* Finds that touch nothing else are taken as they are; each group that overlaps goes by rank. */
bool resolve(const struct privacy *p, struct str text, struct finds *all, struct finds *kept)
{
    size_t end;
    kept->n = 0;
    for (size_t i = 0; i < all->n;) {
        const size_t first = kept->n, j = finds_group(all, i, &end);
        if (j - i > 1)
            qsort_r(all->at + i, j - i, sizeof *all->at, by_rank, (void *)p);
        for (; i < j; i++) {
            if (!place(p, text, kept, first, all->at[i]))
                return false;
        }
    }
    return true;
}
