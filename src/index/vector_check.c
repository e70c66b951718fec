/* Checking blocks when they are first used, and all of them when asked for. What a scan is spared by is noted on that
 * occasion. A block that is not right is marked, and left out from then on. */
#include "index/vectors_int.h"

static void summarize(struct summary *s, const struct block *b)
{
    const struct block_head *h = b->head;
    uint64_t last = h->n ? b->time[0] : 0;
    *s = (struct summary){.first = h->first, .through = h->through, .time_from = h->time_base};
    for (size_t i = 0; i < h->n; i++) {
        s->sessions[b->session[i] / 64 % 4] |= (uint64_t)1 << b->session[i] % 64;
        s->projects |= (uint64_t)1 << b->project[i] % 64;
        last = b->time[i] > last ? b->time[i] : last;
    }
    last = h->time_base + (last + 1) * h->time_unit - 1 + h->time_slack;
    s->time_to = last > UINT32_MAX ? UINT32_MAX : (uint32_t)last;
}

/* Sorted, and within what the head says. */
static bool seqs_are_right(const struct block *b)
{
    const struct block_head *h = b->head;
    for (size_t i = 0; i < h->n; i++)
        if ((i && b->seq[i] <= b->seq[i - 1]) || b->seq[i] > h->through - h->first)
            return false;
    return true;
}

/* Checks the part that `bit` names, once; false: the block is not right. */
static bool ensure(struct vectors *v, struct mapping *m, size_t k, uint64_t birth, uint8_t bit)
{
    uint8_t known = atomic_load_explicit(&m->checked[k], memory_order_acquire);
    if (known & (bit | BLOCK_BAD))
        return !(known & BLOCK_BAD);
    const char *p = vectors_block(v, m, k);
    pthread_mutex_lock(&v->checking);
    known = atomic_load(&m->checked[k]);
    if (!(known & (bit | BLOCK_BAD))) {
        struct block b = block_at(p, v->width);
        bool right = bit == CHECKED_CODES
                         ? block_codes_are_right(p, v->width)
                         : block_head_is_right(p, k, birth) && block_scan_is_right(p, v->width) && seqs_are_right(&b);
        if (right && bit == CHECKED_SCAN)
            summarize(&m->summaries[k], &b);
        known |= right ? bit : BLOCK_BAD;
        if (!right)
            atomic_store(&m->damaged, true);
        atomic_store_explicit(&m->checked[k], known, memory_order_release);
    }
    pthread_mutex_unlock(&v->checking);
    return !(known & BLOCK_BAD);
}

bool snapshot_block(const struct snapshot *s, size_t k, struct block *out)
{
    if (!ensure(s->v, s->mapping, k, s->birth, CHECKED_SCAN))
        return false;
    *out = block_at(vectors_block(s->v, s->mapping, k), s->v->width);
    return true;
}

bool snapshot_codes(const struct snapshot *s, size_t k)
{
    return ensure(s->v, s->mapping, k, s->birth, CHECKED_CODES);
}

/* Everything of the block once more, whatever is known of it. */
bool snapshot_recheck(const struct snapshot *s, size_t k)
{
    const char *p = vectors_block(s->v, s->mapping, k);
    bool right = block_head_is_right(p, k, s->birth) && block_scan_is_right(p, s->v->width) &&
                 block_codes_are_right(p, s->v->width) && snapshot_codes(s, k) &&
                 ensure(s->v, s->mapping, k, s->birth, CHECKED_SCAN);
    if (!right) {
        atomic_fetch_or(&s->mapping->checked[k], BLOCK_BAD);
        atomic_store(&s->mapping->damaged, true);
    }
    return right;
}

enum err_code vectors_check(struct vectors *v, struct err *e)
{
    struct snapshot s;
    bool right = true;
    (void)snapshot_take(v, &s, NULL);
    for (size_t k = 0; k < s.blocks; k++)
        right = snapshot_recheck(&s, k) && right;
    snapshot_drop(&s);
    return right ? ERR_OK : err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
}
