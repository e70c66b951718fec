/* Checking blocks when they are first used, and all of them when asked for. What a scan is spared by is noted on that
 * occasion. A block that is not right is marked, and left out from then on. */
#include "index/vectors_int.h"

#include "base/mem.h"

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

enum err_code mapping_open(struct vectors *v, struct mapping *m, size_t k, uint64_t birth, uint8_t part)
{
    if (!m->form || atomic_load(&m->checked[k]) & part)
        return ERR_OK;
    char *p = (char *)(uintptr_t)vectors_block(v, m, k);
    enum err_code code = block_open(v, birth, m->fd, k, part == OPENED_CODES, p, NULL);
    if (code == ERR_OK)
        atomic_fetch_or(&m->checked[k], part);
    return code;
}

/* A failure that may pass says nothing of the block. */
static enum err_code check_part(struct vectors *v, struct mapping *m, size_t k, uint64_t birth, uint8_t bit)
{
    const char *p = vectors_block(v, m, k);
    struct block b = block_at(p, v->width);
    enum err_code code = mapping_open(v, m, k, birth, bit == CHECKED_CODES ? OPENED_CODES : OPENED_SCAN);
    if (code)
        return code;
    bool right = bit == CHECKED_CODES
                     ? block_codes_are_right(p, v->width)
                     : block_head_is_right(p, k, birth) && block_scan_is_right(p, v->width) && seqs_are_right(&b);
    if (right && bit == CHECKED_SCAN)
        summarize(&m->summaries[k], &b);
    return right ? ERR_OK : ERR_CORRUPT;
}

/* Checks the part that `bit` names, once; false: the block is not right, or cannot be read just now. */
static bool ensure(struct vectors *v, struct mapping *m, size_t k, uint64_t birth, uint8_t bit)
{
    uint8_t known = atomic_load_explicit(&m->checked[k], memory_order_acquire);
    if (known & (bit | BLOCK_BAD))
        return !(known & BLOCK_BAD);
    pthread_mutex_lock(&v->checking);
    known = atomic_load(&m->checked[k]);
    if (!(known & (bit | BLOCK_BAD))) {
        enum err_code code = check_part(v, m, k, birth, bit);
        known = atomic_load(&m->checked[k]) | (code == ERR_OK ? bit : code == ERR_CORRUPT ? BLOCK_BAD : 0);
        if (known & BLOCK_BAD)
            atomic_store(&m->damaged, true);
        atomic_store_explicit(&m->checked[k], known, memory_order_release);
    }
    pthread_mutex_unlock(&v->checking);
    return (known & bit) && !(known & BLOCK_BAD);
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

/* What is in memory may be right, and the file not any more. */
static bool still_opens(const struct snapshot *s, size_t k)
{
    if (!s->mapping->form)
        return true;
    char *p = mem_alloc(block_bytes(s->v->width));
    bool right = p && block_open(s->v, s->birth, s->mapping->fd, k, false, p, NULL) == ERR_OK &&
                 block_open(s->v, s->birth, s->mapping->fd, k, true, p, NULL) == ERR_OK;
    mem_free(p);
    return right;
}

/* Everything of the block once more, whatever is known of it. */
bool snapshot_recheck(const struct snapshot *s, size_t k)
{
    const char *p = vectors_block(s->v, s->mapping, k);
    bool right = ensure(s->v, s->mapping, k, s->birth, CHECKED_SCAN) && snapshot_codes(s, k) && still_opens(s, k) &&
                 block_head_is_right(p, k, s->birth) && block_scan_is_right(p, s->v->width) &&
                 block_codes_are_right(p, s->v->width);
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
