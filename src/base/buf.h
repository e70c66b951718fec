/* A growing byte buffer with a sticky failure: append as much as you like, check `failed` once.
 * It owns its bytes; they move when it grows. One thread at a time. */
#ifndef CAIRN_BASE_BUF_H
#define CAIRN_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap;
    size_t max;  /* 0: no bound of its own (1 GiB) */
    bool failed; /* out of memory or past max: everything appended since is lost */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory, forgets the failure */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_cstr(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at p + n, NULL on failure; then buf_added(). */
char *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
void buf_drop(struct buf *b, size_t n);   /* removes the first n bytes */
struct str buf_view(const struct buf *b); /* borrowed until the next change */

#endif
