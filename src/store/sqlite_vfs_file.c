/* Pages of the database itself, of VACUUM's temporary one, and of a rollback journal (a backup's file and a restore
 * have one for a moment). A page is known by its place, or, in a journal, by the number that stands before it. */
#include "store/sqlite_vfs.h"

#include <string.h>

enum { JOURNAL_AHEAD = 4 };

int page_is_bad(struct sealed_file *f, int64_t page)
{
    atomic_store(&f->files->bad_page, page);
    return SQLITE_IOERR_DATA;
}

/* ---- databases ---- */

static struct page_about about_of(const struct sealed_file *f, int64_t page)
{
    return page_about(f->kind, &page, sizeof page);
}

/* A plain store whose database turns out to be sealed: its keys were lost or left behind. */
static void look_foreign(struct sealed_file *f, const unsigned char *head)
{
    unsigned char page[PAGE];
    if (f->kind == FILE_DB && memcmp(head, "SQLite format 3", 16) != 0 && !real_read(f, page, PAGE, 0) &&
        page_marked(page))
        atomic_store(&f->files->foreign, true);
}

static int open_page(struct sealed_file *f, struct keyring *k, enum page_rule rule, int64_t number, unsigned char *page)
{
    struct page_about about = about_of(f, number);
    bool fine = page_open(k, &about, f->kind == FILE_DB && number == 1, page);
    return fine || rule != PAGE_SEALED ? SQLITE_OK : page_is_bad(f, number);
}

static struct page_cache *cache_of(struct driver_files *files)
{
    struct page_cache *c = atomic_load_explicit(&files->cache, memory_order_acquire), *none = NULL;
    if (c)
        return c;
    c = page_cache_new();
    if (!c || atomic_compare_exchange_strong(&files->cache, &none, c))
        return c;
    page_cache_free(c); /* another thread was quicker */
    return none;
}

/* A whole page of a sealed database. */
static int read_page(struct sealed_file *f, struct keyring *k, int64_t number, unsigned char *out)
{
    const sqlite3_int64 at = (number - 1) * PAGE;
    struct page_cache *cache = cache_of(f->files);
    unsigned char behind[RESERVED];
    if (cache && !real_read(f, behind, RESERVED, at + CONTENT) && page_cache_get(cache, number, behind, out))
        return SQLITE_OK;
    int rc = real_read(f, out, PAGE, at);
    if (rc)
        return rc;
    memcpy(behind, out + CONTENT, RESERVED);
    rc = open_page(f, k, PAGE_SEALED, number, out);
    if (!rc && cache)
        page_cache_put(cache, number, behind, out);
    return rc;
}

/* SQLite reads pages, and sometimes a part of the first. */
int pages_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char page[PAGE];
    int64_t number = at / PAGE + 1;
    int within = (int)(at % PAGE);
    if (rule == PAGE_PLAIN) {
        int rc = real_read(f, out, n, at);
        if (!rc && at == 0 && n >= 16)
            look_foreign(f, out);
        return rc;
    }
    if (n == PAGE && within == 0 && rule == PAGE_SEALED && f->kind == FILE_DB)
        return read_page(f, k, number, out);
    if (n == PAGE && within == 0) {
        int rc = real_read(f, out, n, at);
        return rc ? rc : open_page(f, k, rule, number, out);
    }
    if (within + n > PAGE) /* pages of another size: sealed ones are none */
        return rule == PAGE_SEALED ? page_is_bad(f, number) : real_read(f, out, n, at);
    int rc = real_read(f, page, PAGE, at - within);
    if (rc == SQLITE_IOERR_SHORT_READ && rule != PAGE_SEALED)
        return real_read(f, out, n, at);
    if (rc == SQLITE_IOERR_SHORT_READ)
        memset(out, 0, (size_t)n);
    if (!rc)
        rc = open_page(f, k, rule, number, page);
    if (!rc)
        memcpy(out, page + within, (size_t)n);
    return rc;
}

/* While the database is being converted a page may have no room yet: it is rewritten with the rest. */
int pages_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char page[PAGE];
    int64_t number = at / PAGE + 1;
    bool whole = n == PAGE && at % PAGE == 0;
    if (rule == PAGE_PLAIN || rule == PAGE_OPENING)
        return real_write(f, p, n, at);
    if (rule == PAGE_EITHER && f->kind == FILE_DB && (!whole || !page_has_room(p)))
        return real_write(f, p, n, at);
    if (!whole)
        return SQLITE_IOERR_WRITE;
    struct page_about about = about_of(f, number);
    int rc = page_seal(k, &f->nonces, &about, f->kind == FILE_DB && number == 1, false, p, page);
    return rc ? rc : real_write(f, page, PAGE, at);
}

/* ---- rollback journals: a number, a page, a checksum ---- */

static struct page_about about_journal(const unsigned char *number, int64_t at)
{
    unsigned char where[JOURNAL_AHEAD + 8];
    memcpy(where, number, JOURNAL_AHEAD);
    memcpy(where + JOURNAL_AHEAD, &at, sizeof at);
    return page_about(FILE_JOURNAL, where, sizeof where);
}

int journal_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char number[JOURNAL_AHEAD];
    int rc = real_read(f, out, n, at);
    if (rc || rule == PAGE_PLAIN || n != PAGE)
        return rc;
    rc = real_read(f, number, sizeof number, at - JOURNAL_AHEAD);
    struct page_about about = about_journal(number, at);
    if (!rc && !page_open(k, &about, false, out) && rule == PAGE_SEALED)
        rc = page_is_bad(f, (int64_t)number[3] | number[2] << 8 | number[1] << 16);
    return rc;
}

int journal_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char page[PAGE];
    if (n == JOURNAL_AHEAD) {
        memcpy(f->ahead, p, JOURNAL_AHEAD);
        f->ahead_at = at;
    }
    if (n != PAGE || rule == PAGE_PLAIN || rule == PAGE_OPENING || (rule == PAGE_EITHER && !page_has_room(p)))
        return real_write(f, p, n, at);
    if (f->ahead_at != at - JOURNAL_AHEAD)
        return SQLITE_IOERR_WRITE;
    struct page_about about = about_journal(f->ahead, at);
    int rc = page_seal(k, &f->nonces, &about, false, false, p, page);
    return rc ? rc : real_write(f, page, PAGE, at);
}
