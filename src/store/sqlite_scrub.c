/* What deleted rows leave in the database's file. secure_delete overwrites a cell that is deleted, and a page that is
 * freed; but when SQLite balances a tree it moves cells to other pages and leaves their bytes where they were, in the
 * unused middle of a page, where a later deletion of the row does not look for them. Writing the whole database anew
 * (VACUUM) would remove them and keep every writer waiting for as long as that takes; this overwrites only what no cell
 * uses, page by page.
 *
 * Why that is safe: the caller is in a write transaction that it began on an emptied WAL, so nobody writes to the file
 * or to pages of it elsewhere. Readers never look at unused bytes. A write that is torn by a power cut leaves old or
 * new bytes there, both of no meaning. Pages are read and written through SQLite's own handle, so that its locks stay
 * and a file that is sealed stays sealed. The caller commits something after it: other connections then drop the pages
 * that they hold, and write none of the old bytes back.
 *
 * Which page is what. Pages of trees begin with their type (2, 5, 10, 13). Others (overflow, free ones) begin with
 * another page's number, whose first byte is smaller than that as long as there are fewer than 2^25 of them (128 GB of
 * pages of 4 KiB). In larger databases a page is left alone whose first four bytes are the number of a page that there
 * is, as it may be either: inner pages of indexes beyond 128 GB, leaves beyond 640 GB. There is no auto_vacuum, so
 * there are no pointer maps. A page whose header does not add up is left alone too. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

#include <string.h>

enum {
    FILE_HEADER = 100, /* before the header of page 1 */
    LEAF_HEADER = 8,
    INNER_HEADER = 12,
    LEAST = 512,
    FREE_HEAD = 4 /* of a free block: where the next is, its size */
};

static size_t u16(const unsigned char *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static bool zero(unsigned char *p, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n && !any; i++)
        any = p[i] != 0;
    if (any)
        memset(p, 0, n);
    return any;
}

/* Ascending, apart from each other, within the page. */
static bool blocks_fine(const unsigned char *p, size_t first, size_t from, size_t usable)
{
    for (size_t at = first; at;) {
        if (at < from || at + FREE_HEAD > usable)
            return false;
        size_t next = u16(p + at), size = u16(p + at + 2);
        if (size < FREE_HEAD || at + size > usable || (next && next < at + size))
            return false;
        from = at + size;
        at = next;
    }
    return true;
}

bool sqlite_scrub_page(unsigned char *page, size_t usable, bool first, int64_t pages)
{
    size_t head = first ? FILE_HEADER : 0;
    const unsigned char *h = page + head;
    bool leaf = h[0] == 10 || h[0] == 13;
    if (!leaf && h[0] != 2 && h[0] != 5)
        return false;
    if (!first && (int64_t)((uint32_t)u16(h) << 16 | u16(h + 2)) <= pages)
        return false;
    size_t gap = head + (leaf ? LEAF_HEADER : INNER_HEADER) + 2 * u16(h + 3);
    size_t cells = u16(h + 5) ? u16(h + 5) : 65536, block = u16(h + 1);
    if (gap > cells || cells > usable || !blocks_fine(page, block, cells, usable))
        return false;
    bool any = zero(page + gap, cells - gap);
    for (size_t at = block; at; at = u16(page + at))
        any = zero(page + at + FREE_HEAD, u16(page + at + 2) - FREE_HEAD) || any;
    return any;
}

struct scrubbing {
    sqlite3_file *file;
    unsigned char *page;
    size_t size, usable;
    int64_t pages;
};

static int look_at(struct scrubbing *s, sqlite3 *db)
{
    unsigned char head[FILE_HEADER];
    sqlite3_file *wal = NULL;
    sqlite3_int64 bytes = 0, waiting = 0;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&s->file);
    if (!rc)
        rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&wal);
    if (!rc && wal && wal->pMethods)
        rc = wal->pMethods->xFileSize(wal, &waiting);
    if (!rc && waiting > 0) /* somebody has written since it was emptied */
        return SQLITE_BUSY;
    if (!rc)
        rc = s->file->pMethods->xFileSize(s->file, &bytes);
    if (!rc)
        rc = s->file->pMethods->xRead(s->file, head, sizeof head, 0);
    if (rc)
        return rc;
    s->size = u16(head + 16) == 1 ? 65536 : u16(head + 16);
    if (s->size < LEAST)
        return SQLITE_CORRUPT;
    s->usable = s->size - head[20];
    s->pages = bytes / (int64_t)s->size;
    s->page = mem_fail_now() ? NULL : mem_alloc(s->size);
    return s->page ? SQLITE_OK : SQLITE_NOMEM;
}

static int scrub(struct scrubbing *s, int64_t from, int64_t to)
{
    const sqlite3_io_methods *io = s->file->pMethods;
    bool written = false;
    int rc = SQLITE_OK;
    for (int64_t i = from; !rc && i < to; i++) {
        sqlite3_int64 at = i * (int64_t)s->size;
        rc = io->xRead(s->file, s->page, (int)s->size, at);
        if (!rc && sqlite_scrub_page(s->page, s->usable, i == 0, s->pages)) {
            rc = io->xWrite(s->file, s->page, (int)s->size, at);
            written = true;
        }
    }
    return rc || !written ? rc : io->xSync(s->file, SQLITE_SYNC_NORMAL);
}

enum err_code sqlite_scrub(struct driver_conn *c, int64_t *page, int64_t n, bool *more, struct err *e)
{
    struct scrubbing s = {0};
    (void)sqlite3_db_release_memory(c->db); /* pages it holds would be written back with what was in them */
    int rc = mem_fail_now() ? SQLITE_IOERR : look_at(&s, c->db);
    int64_t to = *page + n < s.pages ? *page + n : s.pages;
    if (!rc)
        rc = scrub(&s, *page, to);
    mem_free(s.page);
    if (rc)
        return sqlite_fail(c, rc, "overwrite what was deleted", e);
    *more = to < s.pages;
    *page = to;
    return ERR_OK;
}

enum err_code sqlite_empty_log(struct driver_conn *c, int wait_ms, struct err *e)
{
    int busy_ms = c->busy_ms;
    c->busy_ms = wait_ms;
    int rc =
        mem_fail_now() ? SQLITE_IOERR : sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    c->busy_ms = busy_ms;
    if (rc)
        return sqlite_fail(c, rc, "empty the write-ahead log", e);
    c->wal_pages = c->wal_pages_left = 0;
    return ERR_OK;
}
