/* Sealing a database that is there, and opening it again. VACUUM writes every page anew, in one transaction through the
 * write-ahead log, and with room at each page's end; the files (sqlite_vfs.c) give what is written the form that counts
 * now and read both. A kill before the commit leaves all as it was, one after it leaves a log that the next opening
 * plays in; what is left of the other form goes when this is called again. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

#include <string.h>

enum { LOCK_BYTE_PAGE = 0x40000000 / PAGE + 1 /* SQLite never writes it */ };

bool sqlite_sealed(const struct driver_files *f)
{
    return f && keyring_seals(atomic_load(&((struct driver_files *)(uintptr_t)f)->keys));
}

/* It counts for a database that is made and for one that VACUUM writes; room that is there is kept. */
enum err_code sqlite_make_room(struct driver_conn *c, struct err *e)
{
    int n = RESERVED;
    int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
    return rc ? sqlite_fail(c, rc, "make room for sealing", e) : ERR_OK;
}

static enum err_code check_size(struct driver_conn *c, struct err *e)
{
    int64_t size;
    enum err_code rc = sqlite_value(c, "PRAGMA page_size", "seal the database", &size, e);
    if (!rc && size != PAGE)
        rc = err_set(e, ERR_UNAVAILABLE, NULL, "cannot seal a database with pages of %lld bytes; Cairn's have %d",
                     (long long)size, PAGE);
    return rc;
}

enum err_code sqlite_reform(struct driver_conn *c, int wait_ms, struct err *e)
{
    enum err_code rc = check_size(c, e);
    if (!rc)
        rc = sqlite_exec(c, "PRAGMA mmap_size=0", "seal the database", e);
    if (!rc && sqlite_sealed(c->files))
        rc = sqlite_make_room(c, e);
    if (!rc)
        rc = sqlite_vacuum(c, e);
    return rc ? rc : sqlite_empty_log(c, wait_ms, e);
}

/* One page as it lies on the disk. */
static int look(struct driver_files *f, struct sealed_file *file, int64_t number, bool *fine)
{
    unsigned char page[PAGE];
    struct keyring *k;
    bool seals = page_rule(f, &k) != PAGE_OPENING && keyring_state(k) != SEAL_PLAIN;
    int rc = real_read(file, page, PAGE, (number - 1) * PAGE);
    if (rc)
        return rc;
    struct page_about about = page_about(FILE_DB, &number, sizeof number);
    bool sealed = k && page_open(k, &about, number == 1, page);
    *fine = sealed == seals;
    if (sealed && seals && keyring_state(k) == SEAL_CHANGING) { /* with the new key */
        rc = real_read(file, page, PAGE, (number - 1) * PAGE);
        *fine = page_epoch(page) == keyring_epoch(k);
    }
    return rc;
}

enum err_code sqlite_formed(struct driver_conn *c, bool *out, struct err *e)
{
    static const char *const what = "look through the database";
    sqlite3_file *file = NULL;
    sqlite3_int64 bytes = 0;
    *out = true;
    if (!c->files)
        return ERR_OK;
    int rc =
        mem_fail_now() ? SQLITE_IOERR : sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&file);
    if (!rc)
        rc = file->pMethods->xFileSize(file, &bytes);
    for (int64_t i = 1; !rc && *out && i <= bytes / PAGE; i++) {
        if (i != LOCK_BYTE_PAGE)
            rc = look(c->files, (struct sealed_file *)file, i, out);
    }
    return rc ? sqlite_fail(c, rc, what, e) : ERR_OK;
}
