/* Inside the SQLite driver: files whose pages are sealed. sqlite_vfs.c is what SQLite calls, sqlite_vfs_page.c seals
 * and opens one page, sqlite_vfs_wal.c and sqlite_vfs_file.c know where pages are in each kind of file. */
#ifndef CAIRN_STORE_SQLITE_VFS_H
#define CAIRN_STORE_SQLITE_VFS_H

#include "seal/seal.h"
#include "store/driver.h"

#include <sqlite3.h>

/* A page's end belongs to us: nonce, tag, and a mark with the epoch of the key. SQLite keeps RESERVED bytes free. */
enum { PAGE = 4096, RESERVED = SEAL_NONCE + SEAL_TAG + 8, CONTENT = PAGE - RESERVED };
enum {
    WAL_HEAD = 32,
    FRAME_HEAD = 24,
    FRAME = FRAME_HEAD + PAGE,
    FRAME_ABOUT = 16,
    CHECKSUM = FRAME_HEAD - FRAME_ABOUT
};

enum file_kind { FILE_DB = 'D', FILE_WAL = 'W', FILE_JOURNAL = 'J', FILE_TEMP = 'T', FILE_OTHER = 0 };

struct driver_files {
    sqlite3_vfs vfs; /* first: SQLite gives it back */
    sqlite3_vfs *real;
    _Atomic(struct keyring *) keys;     /* NULL: plain */
    _Atomic(struct page_cache *) cache; /* NULL: no sealed page was read yet, or no memory */
    _Atomic int64_t bad_page;           /* the last that did not open, from 1; 0: none */
    atomic_bool foreign;                /* sealed pages were seen, and there is no key */
    char name[40];
};

/* One open file; the real one lies behind it in the same allocation. */
struct sealed_file {
    sqlite3_file base;
    struct driver_files *files;
    sqlite3_file *real;
    enum file_kind kind;
    struct seal_nonces nonces;
    int64_t ahead_at; /* where the bytes ahead of a page were written last: a WAL frame's, a journal's */
    unsigned char ahead[FRAME_HEAD];
    bool ahead_masked;
};

/* What is to be done with a page: by the state of the data. */
enum page_rule {
    PAGE_PLAIN,
    PAGE_EITHER /* write sealed where it can be */,
    PAGE_OPENING /* write plain */,
    PAGE_SEALED
};
enum page_rule page_rule(const struct driver_files *f, struct keyring **keys);

/* ---- sqlite_vfs_page.c ---- */
/* What is authenticated with a page: its kind, and where it belongs. */
struct page_about {
    unsigned char bytes[32];
    size_t n;
};
struct page_about page_about(enum file_kind kind, const void *where, size_t n);
/* SQLITE_OK, or SQLITE_IOERR_WRITE when the page has no room for a seal. `first`: it is the database's page 1, whose
 * first bytes are known and make room for the keyring's id. */
int page_seal(struct keyring *k, struct seal_nonces *n, const struct page_about *about, bool first, bool masked,
              const unsigned char *plain, unsigned char *out);
bool page_has_room(const unsigned char *plain);
/* In place. False: it was not sealed so; the page is as it was. */
bool page_open(struct keyring *k, const struct page_about *about, bool first, unsigned char *page);
bool page_marked(const unsigned char *page);      /* it looks sealed */
bool page_mark_masked(const unsigned char *page); /* the frame's checksum is masked */
/* The checksum in a WAL frame's head tells of the page's text: it is enciphered (a permutation of 64 bits), there and
 * back. */
void checksum_mask(struct keyring *k, uint32_t epoch, const unsigned char about[FRAME_ABOUT],
                   unsigned char sum[CHECKSUM]);
void checksum_unmask(struct keyring *k, uint32_t epoch, const unsigned char about[FRAME_ABOUT],
                     unsigned char sum[CHECKSUM]);
uint32_t page_epoch(const unsigned char *page);

/* ---- sqlite_vfs_cache.c ---- */
/* Any thread. `behind`: the last RESERVED bytes of the page as it is in the file. */
struct page_cache *page_cache_new(void); /* NULL: no memory */
void page_cache_free(struct page_cache *c);
bool page_cache_get(struct page_cache *c, int64_t number, const unsigned char behind[RESERVED], unsigned char *out);
void page_cache_put(struct page_cache *c, int64_t number, const unsigned char behind[RESERVED],
                    const unsigned char *page);

/* ---- sqlite_vfs_file.c, sqlite_vfs_wal.c ---- */
int pages_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at);
int pages_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at);
int wal_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at);
int wal_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at);
int journal_read(struct sealed_file *f, unsigned char *out, int n, sqlite3_int64 at);
int journal_write(struct sealed_file *f, const unsigned char *p, int n, sqlite3_int64 at);
/* Tells which page was bad, for the message. Returns SQLITE_IOERR_DATA. */
int page_is_bad(struct sealed_file *f, int64_t page);

static inline int real_read(struct sealed_file *f, void *out, int n, sqlite3_int64 at)
{
    return f->real->pMethods->xRead(f->real, out, n, at);
}
static inline int real_write(struct sealed_file *f, const void *p, int n, sqlite3_int64 at)
{
    return f->real->pMethods->xWrite(f->real, p, n, at);
}

#endif
