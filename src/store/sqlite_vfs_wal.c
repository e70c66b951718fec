/* Pages in the write-ahead log. A frame is a head of 24 bytes (page number, size after the commit, two salts, a
 * checksum over all so far) and a page. The head stays readable, but for its checksum, which would tell of the text;
 * its first 16 bytes are authenticated with the page, so that no frame opens in another's place or in another life of
 * the log.
 *
 * A frame that does not open while SQLite looks for the log's end (it then reads head and page at once) is what a power
 * cut left: it is given back with other salts, and the log ends before it. Anywhere else it is damage.
 *
 * SQLite rewrites a page within a transaction: then its head is looked up in the file. The heads of frames behind such
 * a page are written without salts at first, and once more when the transaction ends; their pages are sealed with the
 * log's salts from the beginning. */
#include "store/sqlite_vfs.h"

#include <string.h>

enum { FRAME_SALTS = 8, SALTS = FRAME_ABOUT - FRAME_SALTS, LOG_SALTS = 16 };

static int64_t within(sqlite3_int64 at)
{
    return (at - WAL_HEAD) % FRAME;
}

/* What is authenticated with the page of a frame. */
static struct page_about about_frame(struct sealed_file *f, const unsigned char *head)
{
    static const unsigned char none[SALTS];
    unsigned char where[FRAME_ABOUT];
    memcpy(where, head, FRAME_ABOUT);
    if (memcmp(where + FRAME_SALTS, none, SALTS) == 0)
        (void)real_read(f, where + FRAME_SALTS, SALTS, LOG_SALTS);
    return page_about(f->kind, where, FRAME_ABOUT);
}

static bool frame_open(struct sealed_file *f, struct keyring *k, const unsigned char *head, unsigned char *page)
{
    struct page_about about = about_frame(f, head);
    return page_open(k, &about, false, page);
}

/* Head and page, opened. *sealed: it was. Short reads are the caller's to tell. */
static int read_frame(struct sealed_file *f, struct keyring *k, sqlite3_int64 at, unsigned char frame[FRAME],
                      bool *sealed)
{
    *sealed = false;
    int rc = real_read(f, frame, FRAME, at);
    if (rc)
        return rc;
    unsigned char *page = frame + FRAME_HEAD;
    bool masked = page_marked(page) && page_mark_masked(page);
    uint32_t epoch = page_epoch(page);
    *sealed = frame_open(f, k, frame, page);
    if (*sealed && masked)
        checksum_unmask(k, epoch, frame, frame + FRAME_ABOUT);
    return SQLITE_OK;
}

static int64_t page_number(const unsigned char *head)
{
    return (int64_t)((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3]);
}

/* Where the log ends, this frame is not part of it: salts that are not the log's say so. */
static void end_of_log(unsigned char frame[FRAME])
{
    for (int i = FRAME_SALTS; i < FRAME_ABOUT; i++)
        frame[i] ^= 0xff;
}

int wal_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char frame[FRAME];
    bool sealed;
    if (rule == PAGE_PLAIN || at < WAL_HEAD)
        return real_read(f, out, n, at);
    int64_t from = within(at);
    bool whole = from == 0 && n == FRAME, page = from == FRAME_HEAD && n == PAGE;
    if (from + n > FRAME)
        return rule == PAGE_SEALED ? SQLITE_IOERR_READ : real_read(f, out, n, at);
    int rc = read_frame(f, k, at - from, frame, &sealed);
    if (rc == SQLITE_IOERR_SHORT_READ)
        memset(out, 0, (size_t)n);
    if (rc)
        return rc;
    if (!sealed && rule == PAGE_SEALED && whole)
        end_of_log(frame);
    else if (!sealed && rule == PAGE_SEALED && page)
        return page_is_bad(f, page_number(frame));
    memcpy(out, frame + from, (size_t)n);
    return SQLITE_OK;
}

/* The head of the frame that a page is written to: the last one written, or, for a page that is written again, the one
 * that is there. *masked: its checksum is. */
static int head_of(struct sealed_file *f, sqlite3_int64 at, unsigned char head[FRAME_HEAD], bool *masked)
{
    unsigned char frame[FRAME];
    if (f->ahead_at == at) {
        memcpy(head, f->ahead, FRAME_HEAD);
        *masked = f->ahead_masked;
        return SQLITE_OK;
    }
    int rc = real_read(f, frame, FRAME, at);
    memcpy(head, frame, FRAME_HEAD);
    *masked = page_marked(frame + FRAME_HEAD) && page_mark_masked(frame + FRAME_HEAD);
    return rc;
}

/* Whether a page will be sealed is not known before it comes, so only where all are is the checksum masked. */
static int write_head(struct sealed_file *f, struct keyring *k, enum page_rule rule, const unsigned char *p,
                      sqlite3_int64 at)
{
    unsigned char head[FRAME_HEAD];
    memcpy(f->ahead, p, FRAME_HEAD);
    memcpy(head, p, FRAME_HEAD);
    f->ahead_at = at;
    f->ahead_masked = rule == PAGE_SEALED;
    if (f->ahead_masked)
        checksum_mask(k, keyring_epoch(k), p, head + FRAME_ABOUT);
    return real_write(f, head, FRAME_HEAD, at);
}

int wal_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at)
{
    struct keyring *k;
    enum page_rule rule = page_rule(f->files, &k);
    unsigned char head[FRAME_HEAD], page[PAGE];
    bool masked;
    if (rule == PAGE_PLAIN || rule == PAGE_OPENING || at < WAL_HEAD)
        return real_write(f, p, n, at);
    int64_t from = within(at);
    if (from == 0 && n == FRAME_HEAD)
        return write_head(f, k, rule, p, at);
    bool whole = from == FRAME_HEAD && n == PAGE;
    if (rule == PAGE_EITHER && (!whole || !page_has_room(p)))
        return real_write(f, p, n, at);
    if (!whole)
        return SQLITE_IOERR_WRITE;
    int rc = head_of(f, at - FRAME_HEAD, head, &masked);
    struct page_about about = about_frame(f, head);
    if (!rc)
        rc = page_seal(k, &f->nonces, &about, false, masked, p, page);
    return rc ? rc : real_write(f, page, PAGE, at);
}
