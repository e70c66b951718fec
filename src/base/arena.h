/* An arena: memory that lives as long as one request (or one batch) and is freed at once.
 * Not thread-safe: one arena, one thread at a time; it may be handed from thread to thread. */
#ifndef CAIRN_BASE_ARENA_H
#define CAIRN_BASE_ARENA_H

#include "base/buf.h"
#include "base/str.h"

#include <stdarg.h>

struct arena;

struct arena *arena_new(void); /* NULL when out of memory */
void arena_free(struct arena *a);
void arena_reset(struct arena *a); /* forget all, keep the first block */

/* Zeroed, aligned to 16. NULL when out of memory or past the arena's bound (arena_limit);
 * the arena then remembers it: arena_failed(). */
void *arena_alloc(struct arena *a, size_t size);
#define arena_array(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))
void *arena_calloc(struct arena *a, size_t n, size_t size); /* overflow-checked */
bool arena_failed(const struct arena *a);
void arena_limit(struct arena *a, size_t bytes); /* at most this much in all; 0: 256 MiB */
size_t arena_used(const struct arena *a);

/* Copies, NUL-terminated after their n bytes. STR_NONE (p == NULL) when out of memory. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A NUL-terminated copy, NULL when out of memory. */
char *arena_cstr(struct arena *a, struct str s);
/* A buffer's bytes as arena_str copies them; the buffer is released. STR_NONE when either ran out of memory. */
struct str buf_take(struct buf *b, struct arena *a);
/* Runs fn(arg) when the arena is reset or freed, last added first; ERR_NOMEM runs it at once. */
bool arena_defer(struct arena *a, void (*fn)(void *), void *arg);

#endif
