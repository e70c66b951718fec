/* Arenas: a chain of blocks that are bumped through and freed at once. The arena lives inside its
 * first block, so that a small request costs one allocation. Blocks double from 4 KiB to 1 MiB; what
 * does not fit well gets a block of its own, and the current block goes on being used.
 *
 * Under AddressSanitizer the unused part of every block is poisoned, so that writing past an
 * allocation or using one after a reset is caught as it would be on the heap. */
#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, FIRST_BLOCK = 4096, BLOCK_MAX = 1 << 20 };
static const size_t default_limit = (size_t)256 << 20;

struct block {
    struct block *next;
    size_t cap, used;
    alignas(ALIGN) char data[];
};

struct defer {
    struct defer *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct block *first;   /* shares its allocation with the arena: never freed alone */
    struct block *current; /* where small allocations go */
    struct defer *defers;
    size_t used, limit;
    size_t next_size; /* of the next ordinary block, header included */
    bool failed;
};

/* The arena's size, rounded up so that the first block after it is aligned. */
enum { HEAD = (sizeof(struct arena) + ALIGN - 1) / ALIGN * ALIGN };

static void block_init(struct block *b, size_t size)
{
    b->next = NULL;
    b->cap = size - sizeof *b;
    b->used = 0;
    POISON(b->data, b->cap);
}

static void block_free(struct block *b)
{
    UNPOISON(b->data, b->cap);
    mem_free(b);
}

struct arena *arena_new(void)
{
    char *memory = mem_alloc(FIRST_BLOCK);
    if (!memory)
        return NULL;
    struct arena *a = (struct arena *)memory;
    *a = (struct arena){.limit = default_limit, .next_size = 2 * FIRST_BLOCK};
    a->first = a->current = (struct block *)(memory + HEAD);
    block_init(a->first, FIRST_BLOCK - HEAD);
    return a;
}

static void run_defers(struct arena *a)
{
    while (a->defers) {
        struct defer *d = a->defers;
        a->defers = d->next;
        d->fn(d->arg);
    }
}

void arena_reset(struct arena *a)
{
    if (!a)
        return;
    run_defers(a);
    for (struct block *b = a->first->next, *next; b; b = next) {
        next = b->next;
        block_free(b);
    }
    block_init(a->first, FIRST_BLOCK - HEAD);
    a->current = a->first;
    a->used = 0;
    a->next_size = 2 * FIRST_BLOCK;
    a->failed = false;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    UNPOISON(a->first->data, a->first->cap);
    mem_free(a);
}

static struct block *block_new(struct arena *a, size_t size)
{
    struct block *b = mem_alloc(size);
    if (!b)
        return NULL;
    block_init(b, size);
    /* Chained after the current one: the order of the chain does not matter, only that all are in it. */
    b->next = a->current->next;
    a->current->next = b;
    return b;
}

/* A block with room for `size` more bytes; NULL when out of memory. */
static struct block *block_for(struct arena *a, size_t size)
{
    if (a->current->cap - a->current->used >= size)
        return a->current;
    if (size > a->next_size / 4)
        return block_new(a, sizeof(struct block) + size);
    struct block *b = block_new(a, a->next_size);
    if (b) {
        a->current = b;
        if (a->next_size < BLOCK_MAX)
            a->next_size *= 2;
    }
    return b;
}

/* As arena_alloc, but the bytes are not zeroed. */
static void *take(struct arena *a, size_t size)
{
    if (!a)
        return NULL;
    if (size > a->limit - a->used) {
        a->failed = true;
        return NULL;
    }
    /* `limit` is far below SIZE_MAX (see arena_limit): this cannot overflow. Never zero bytes, so that
     * every allocation has an address of its own. */
    size_t rounded = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    struct block *b = block_for(a, rounded);
    if (!b) {
        a->failed = true;
        return NULL;
    }
    void *p = b->data + b->used;
    b->used += rounded;
    a->used = rounded > a->limit - a->used ? a->limit : a->used + rounded;
    UNPOISON(p, size);
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = take(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(n, size, &all))
        all = SIZE_MAX; /* fails, and the arena remembers */
    return arena_alloc(a, all);
}

bool arena_failed(const struct arena *a)
{
    return !a || a->failed;
}

void arena_limit(struct arena *a, size_t bytes)
{
    if (!a)
        return;
    size_t most = SIZE_MAX / 4;
    a->limit = bytes == 0 ? default_limit : bytes < most ? bytes : most;
    if (a->limit < a->used)
        a->limit = a->used;
}

size_t arena_used(const struct arena *a)
{
    return a ? a->used : 0;
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? take(a, s.n + 1) : NULL;
    if (!p)
        return NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    if (!s.p)
        return STR_NONE;
    char *p = arena_cstr(a, s);
    return p ? (struct str){p, s.n} : STR_NONE;
}

struct str buf_take(struct buf *b, struct arena *a)
{
    struct str out = b->failed ? STR_NONE : arena_str(a, buf_view(b));
    buf_release(b);
    return out;
}

struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0)
        return STR_NONE;
    if ((size_t)n < sizeof small)
        return arena_str(a, (struct str){small, (size_t)n});
    char *p = take(a, (size_t)n + 1);
    if (!p)
        return STR_NONE;
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return (struct str){p, (size_t)n};
}

bool arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
    struct defer *d = arena_alloc(a, sizeof *d);
    if (!d) {
        fn(arg);
        return false;
    }
    *d = (struct defer){a->defers, fn, arg};
    a->defers = d;
    return true;
}
