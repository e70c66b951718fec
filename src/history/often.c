/* Counts by hash, in an open table: see often.h. */
#include "history/often.h"

#include "base/mem.h"

#include <string.h>

uint64_t often_hash(const struct str *parts, size_t n)
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    uint64_t out;
    sha256_begin(&h);
    for (size_t i = 0; i < n; i++) {
        uint64_t size = parts[i].n;
        sha256_add(&h, &size, sizeof size);
        sha256_add(&h, parts[i].p, parts[i].n);
    }
    sha256_end(&h, digest);
    memcpy(&out, digest, sizeof out);
    return out ? out : 1;
}

static size_t slot_of(const struct often *c, uint64_t hash)
{
    size_t at = hash & (c->cap - 1);
    while (c->hashes[at] && c->hashes[at] != hash)
        at = (at + 1) & (c->cap - 1);
    return at;
}

static bool grow(struct often *c)
{
    struct often more = {.cap = c->cap ? c->cap * 2 : 256, .n = c->n};
    more.hashes = mem_zalloc(more.cap * sizeof *more.hashes);
    more.times = mem_zalloc(more.cap * sizeof *more.times);
    if (!more.hashes || !more.times) {
        mem_free(more.hashes);
        mem_free(more.times);
        return false;
    }
    for (size_t i = 0; i < c->cap; i++) {
        if (!c->hashes[i])
            continue;
        size_t at = slot_of(&more, c->hashes[i]);
        more.hashes[at] = c->hashes[i];
        more.times[at] = c->times[i];
    }
    often_free(c);
    *c = more;
    return true;
}

bool often_add(struct often *c, uint64_t hash, size_t *before)
{
    *before = 0;
    if (c->n * 2 >= c->cap && c->n < OFTEN_MOST && !grow(c))
        return false;
    size_t at = slot_of(c, hash);
    if (!c->hashes[at] && c->n >= OFTEN_MOST)
        return true;
    c->n += !c->hashes[at];
    c->hashes[at] = hash;
    *before = c->times[at]++;
    return true;
}

void often_free(struct often *c)
{
    mem_free(c->hashes);
    mem_free(c->times);
    *c = (struct often){0};
}
