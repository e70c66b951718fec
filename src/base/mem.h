/* The only door to the heap. All allocations of Cairn go through here, so that tests can make the
 * n-th one fail (mem_fail_after) and count what is still held. Thread-safe. */
#ifndef CAIRN_BASE_MEM_H
#define CAIRN_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);         /* NULL on failure; not zeroed */
void *mem_zalloc(size_t size);        /* zeroed */
void *mem_grow(void *p, size_t size); /* realloc; on failure p stays valid */
void mem_free(void *p);               /* NULL is fine */
char *mem_strdup(const char *s);

/* For work through large blocks, before its threads begin: what is freed goes back to the system at once, and few
 * threads have a heap of their own. glibc would keep blocks of up to 32 MB for later, in each thread's heap. */
void mem_keep_small(void);

/* For tests: after `n` more allocations the next one fails (and, with `sticky`, all after it).
 * n < 0 turns it off. mem_fail_hit() says whether one failed since it was armed. */
void mem_fail_after(int64_t n, bool sticky);
bool mem_fail_hit(void);
/* True when the next fallible thing should fail: shared by other injectors (file calls). */
bool mem_fail_now(void);

#endif
