/* Opened pages of a sealed database, shared by all its connections. SQLite's own caches are each connection's and empty
 * themselves whenever somebody has written; to open a page costs ten times what it costs to see that it is the same.
 *
 * A page is known by its place and by what stands behind its content: nonce, tag and the key's epoch
 * (sqlite_vfs_page.c). No two pages have the same nonce, and the tag is of this content at this place; so what is read
 * of the file are these few bytes. Damage done to a page's content alone is seen once it has left the cache.
 *
 * ROWS rows of WAYS pages; a page's number tells its row, and the one that was used longest ago makes room. Memory is
 * taken page by page, as they come, and wiped when it goes back. */
#include "store/sqlite_vfs.h"

#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

enum { ROWS = 4096, WAYS = 4, LOCKS = 64 };
_Static_assert((int64_t)ROWS *WAYS *PAGE == 64 << 20, "what the cache may hold");

struct kept_page {
    int64_t number; /* 0: none */
    uint64_t used;
    unsigned char behind[RESERVED];
    unsigned char *content;
};

struct page_cache {
    struct kept_page rows[ROWS][WAYS];
    uint64_t clock[LOCKS];
    pthread_mutex_t locks[LOCKS];
};

struct page_cache *page_cache_new(void)
{
    struct page_cache *c = mem_zalloc(sizeof *c);
    for (int i = 0; c && i < LOCKS; i++)
        (void)pthread_mutex_init(&c->locks[i], NULL);
    return c;
}

void page_cache_free(struct page_cache *c)
{
    if (!c)
        return;
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < WAYS; i++) {
            struct kept_page *k = &c->rows[row][i];
            if (k->content)
                sodium_memzero(k->content, PAGE);
            mem_free(k->content);
        }
    }
    for (int i = 0; i < LOCKS; i++)
        (void)pthread_mutex_destroy(&c->locks[i]);
    mem_free(c);
}

/* -1: somebody is at it. Nobody waits: he may be a thread of least priority that does not get to run. */
static int lock_row(struct page_cache *c, int64_t number)
{
    const int lock = (int)(number % LOCKS);
    return pthread_mutex_trylock(&c->locks[lock]) == 0 ? lock : -1;
}

static struct kept_page *find(struct page_cache *c, int64_t number)
{
    struct kept_page *row = c->rows[number % ROWS];
    for (int i = 0; i < WAYS; i++) {
        if (row[i].number == number)
            return &row[i];
    }
    return NULL;
}

bool page_cache_get(struct page_cache *c, int64_t number, const unsigned char behind[RESERVED], unsigned char *out)
{
    const int lock = lock_row(c, number);
    if (lock < 0)
        return false;
    struct kept_page *k = find(c, number);
    const bool same = k && memcmp(k->behind, behind, RESERVED) == 0;
    if (same) {
        k->used = ++c->clock[lock];
        memcpy(out, k->content, PAGE);
    }
    (void)pthread_mutex_unlock(&c->locks[lock]);
    return same;
}

static struct kept_page *make_room(struct page_cache *c, int64_t number)
{
    struct kept_page *row = c->rows[number % ROWS], *oldest = &row[0];
    for (int i = 1; i < WAYS; i++) {
        if (row[i].used < oldest->used)
            oldest = &row[i];
    }
    if (!oldest->content)
        oldest->content = mem_alloc(PAGE);
    return oldest->content ? oldest : NULL;
}

void page_cache_put(struct page_cache *c, int64_t number, const unsigned char behind[RESERVED],
                    const unsigned char *page)
{
    const int lock = lock_row(c, number);
    if (lock < 0)
        return;
    struct kept_page *k = find(c, number);
    if (!k)
        k = make_room(c, number);
    if (k) {
        k->number = number;
        k->used = ++c->clock[lock];
        memcpy(k->behind, behind, RESERVED);
        memcpy(k->content, page, PAGE);
    }
    (void)pthread_mutex_unlock(&c->locks[lock]);
}
