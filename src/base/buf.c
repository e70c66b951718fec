/* A growing byte buffer. Doubling keeps appending linear; the first failure sticks until buf_clear,
 * so that writers of whole documents check once at the end. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 256 };
static const size_t default_max = (size_t)1 << 30;

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

static bool grow(struct buf *b, size_t n)
{
    size_t max = b->max ? b->max : default_max;
    if (b->n > max || n > max - b->n)
        return false;
    size_t need = b->n + n, cap = b->cap ? b->cap : FIRST_CAP;
    if (cap > max)
        cap = max; /* the capacity is what holds the bound */
    while (cap < need)
        cap = cap > max / 2 ? max : 2 * cap;
    char *p = mem_grow(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if ((!b->p || n > b->cap - b->n) && !grow(b, n)) {
        b->failed = true;
        return NULL;
    }
    return b->p + b->n;
}

void buf_added(struct buf *b, size_t n)
{
    if (!b->failed)
        b->n += n;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    char *room = buf_room(b, n);
    if (!room)
        return;
    memcpy(room, p, n);
    b->n += n;
}

void buf_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

void buf_cstr(struct buf *b, const char *s)
{
    buf_put(b, s, s ? strlen(s) : 0);
}

void buf_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    char small[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if ((size_t)n < sizeof small) {
        buf_put(b, small, (size_t)n);
        return;
    }
    char *room = buf_room(b, (size_t)n + 1);
    if (!room)
        return;
    va_start(args, fmt);
    vsnprintf(room, (size_t)n + 1, fmt, args);
    va_end(args);
    b->n += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

struct str buf_view(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}
