/* Ids that sort by time. 48 bits of milliseconds, a 16-bit count within the millisecond, 64 random
 * bits. The count makes ids of one process strictly increasing (should the clock step back or more
 * than 65,536 be made in a millisecond, it runs on from the last one); the random bits keep several
 * processes and machines apart. */
#include "base/id.h"

#include "base/clock.h"
#include "base/sha256.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_MAX = 8, HEX_DIGITS = 32, COUNT_BITS = 16 };

/* Random bits for ids are fetched in batches, a system call for each would be half the cost. Not for
 * secrets: those take id_random, which keeps nothing. */
struct pool {
    size_t left;
    uint64_t words[64];
};

static _Thread_local struct pool pool;

/* Milliseconds and count of the newest id, as one number. */
static _Atomic uint64_t newest;

void id_random(void *out, size_t n)
{
    /* Cheap and thread-safe when done already; randombytes_buf ends the program if the system has no
     * randomness to give, which is the only safe answer. */
    if (sodium_init() < 0)
        abort();
    randombytes_buf(out, n);
}

static uint64_t pooled_word(void)
{
    if (pool.left == 0) {
        id_random(pool.words, sizeof pool.words);
        pool.left = sizeof pool.words / sizeof pool.words[0];
    }
    return pool.words[--pool.left];
}

static uint64_t next_time(void)
{
    uint64_t now = (uint64_t)clock_now_ms() << COUNT_BITS;
    uint64_t last = atomic_load_explicit(&newest, memory_order_relaxed), next;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak_explicit(&newest, &last, next, memory_order_relaxed, memory_order_relaxed));
    return next;
}

static char *put_hex(char *out, uint64_t v)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[v >> shift & 15];
    return out;
}

void id_make(const char *prefix, char *out)
{
    size_t n = strnlen(prefix, PREFIX_MAX);
    memcpy(out, prefix, n);
    out[n] = '_';
    char *p = put_hex(out + n + 1, next_time());
    p = put_hex(p, pooled_word());
    *p = '\0';
}

bool id_has_form(struct str s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (s.n != n + 1 + HEX_DIGITS || memcmp(s.p, prefix, n) != 0 || s.p[n] != '_')
        return false;
    for (size_t i = n + 1; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

void id_sha256(struct str bytes, char *out)
{
    unsigned char hash[SHA256_BYTES];
    struct sha256 h;
    sha256_begin(&h);
    sha256_add(&h, bytes.p, bytes.n);
    sha256_end(&h, hash);
    sodium_bin2hex(out, 2 * sizeof hash + 1, hash, sizeof hash);
}
