/* The door to the heap and the one fault injector behind it. The injector is always compiled in, so
 * that the tested binary is the shipped one; unarmed it costs a relaxed read of one flag. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_BLOCK = 256 << 10, HEAPS = 2 };

/* Tests only: armed before the threads under test start, read by all of them. */
static atomic_bool fault_armed;
static atomic_bool fault_sticky;
static atomic_bool fault_hit;
static _Atomic int64_t fault_left;

void mem_fail_after(int64_t n, bool sticky)
{
    atomic_store(&fault_armed, false);
    atomic_store(&fault_left, n);
    atomic_store(&fault_sticky, sticky);
    if (n >= 0) {
        atomic_store(&fault_hit, false);
        atomic_store(&fault_armed, true);
    }
}

bool mem_fail_hit(void)
{
    return atomic_load(&fault_hit);
}

bool mem_fail_now(void)
{
    if (!atomic_load_explicit(&fault_armed, memory_order_relaxed))
        return false;
    int64_t before = atomic_fetch_sub(&fault_left, 1);
    if (before > 0 || (before < 0 && !atomic_load(&fault_sticky)))
        return false;
    atomic_store(&fault_hit, true);
    return true;
}

void *mem_alloc(size_t size)
{
    return mem_fail_now() ? NULL : malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
    return mem_fail_now() ? NULL : calloc(1, size ? size : 1);
}

void *mem_grow(void *p, size_t size)
{
    return mem_fail_now() ? NULL : realloc(p, size ? size : 1);
}

void mem_free(void *p)
{
    free(p);
}

char *mem_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = mem_alloc(n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void mem_keep_small(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    (void)mallopt(M_ARENA_MAX, HEAPS);
}
