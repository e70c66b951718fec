/* A stock: the segments that a process has at one moment. It never changes: what is new comes as another stock, so that
 * searches need no lock while they work. */
#include "index/engine.h"

#include "base/mem.h"

#include <string.h>

enum { MANY = 128 }; /* segments, of which each search looks into every one */

struct stock *stock_new(size_t segments, size_t holes)
{
    struct stock *s = mem_zalloc(sizeof *s + (segments + 1) * sizeof *s->segments + (holes + 1) * sizeof *s->holes);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->holes = (struct hole *)(void *)(s + 1);
    s->segments = (struct segment **)(void *)(s->holes + holes + 1);
    return s;
}

struct stock *stock_hold(struct stock *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void stock_drop(struct stock *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        segment_drop(s->segments[i]);
    mem_free(s);
}

void stock_add(struct stock *s, struct segment *g)
{
    s->segments[s->n++] = segment_hold(g);
}

int64_t stock_memory_docs(const struct stock *s)
{
    int64_t n = 0;
    for (size_t i = s->n_files; i < s->n; i++)
        n += s->segments[i]->foot.n_docs;
    return n;
}

bool stock_is_full(const struct stock *s)
{
    uint64_t bytes = 0;
    for (size_t i = s->n_files; i < s->n; i++)
        bytes += s->segments[i]->foot.size;
    return bytes >= FLUSH_BYTES || stock_memory_docs(s) >= FLUSH_DOCS;
}

/* Those MERGE_MAX neighbours that are the least together. */
static bool least_of_many(const int64_t *sizes, size_t n, size_t *from, size_t *count)
{
    int64_t sum = 0, least = INT64_MAX;
    for (size_t end = 1; end <= n; end++) {
        sum += sizes[end - 1] - (end > MERGE_MAX ? sizes[end - 1 - MERGE_MAX] : 0);
        if (end >= MERGE_MAX && sum < least) {
            least = sum;
            *from = end - MERGE_MAX;
        }
    }
    *count = MERGE_MAX;
    return least <= SEGMENT_DOCS_MAX;
}

/* Sizes go by kinds, each FANOUT times the one before. Neighbours of one kind or smaller become one of the next kind
 * when they are enough for it, so each document is written again once for each kind; very small ones, when they are
 * many. Some orders of sizes (one large among fifteen small, again and again) are never enough: where many segments
 * have come together so, the smallest are merged whatever it costs. */
bool stock_due(const int64_t *sizes, size_t n, int64_t unit, size_t *from, size_t *count)
{
    for (int64_t most = unit; most < SEGMENT_DOCS_MAX / FANOUT; most *= FANOUT)
        for (size_t end = n; end > 0; end--) {
            size_t start = end;
            int64_t sum = 0, largest = 0;
            for (; start > 0 && end - start < MERGE_MAX && sizes[start - 1] < most; start--) {
                sum += sizes[start - 1];
                largest = sizes[start - 1] > largest ? sizes[start - 1] : largest;
            }
            if ((end - start == MERGE_MAX && sum >= 2 * largest) || (end - start >= FANOUT && sum >= most)) {
                *from = start;
                *count = end - start;
                return true;
            }
        }
    return n >= MANY && least_of_many(sizes, n, from, count);
}
