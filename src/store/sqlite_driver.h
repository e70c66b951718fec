/* What the files of the SQLite driver share. Only they include sqlite3.h. */
#ifndef CAIRN_STORE_SQLITE_DRIVER_H
#define CAIRN_STORE_SQLITE_DRIVER_H

#include "store/driver.h"
#include "store/sqlite_vfs.h"

#include <sqlite3.h>

struct driver_conn {
    sqlite3 *db;
    sqlite3_stmt *begin_read, *begin_write, *commit; /* prepared on first use */
    sqlite3_stmt *data_version;
    char *path;
    const char *vfs;            /* NULL: the system's */
    struct driver_files *files; /* NULL: the system's own */
    int busy_ms;
    bool (*opened)(void *arg, struct str value, struct str kind, struct str id, struct str field, struct buf *out);
    void *opened_arg;
    int64_t busy_since_us; /* start of the wait now under way */
    int64_t deadline_us;
    int wal_pages;      /* in the WAL after the last commit */
    int wal_pages_left; /* after the last checkpoint that could not take all: not tried again before more came */
};

struct driver_stmt {
    sqlite3_stmt *s;
    struct driver_conn *c;
    const char *what;
    int bind_rc;
};

/* Sets *e for an SQLite result code: "cannot <what>: …". Returns the code of ours. */
enum err_code sqlite_fail(struct driver_conn *c, int rc, const char *what, struct err *e);
enum err_code sqlite_exec(struct driver_conn *c, const char *script, const char *what, struct err *e);
/* First column of the first row of a query; ERR_OK and 0 when there is none. */
enum err_code sqlite_value(struct driver_conn *c, const char *sql, const char *what, int64_t *out, struct err *e);

enum err_code sqlite_open(const struct driver_options *o, struct driver_conn **out, struct err *e);
enum err_code sqlite_add_functions(struct driver_conn *c, struct err *e);
void sqlite_close(struct driver_conn *c);
enum err_code sqlite_memory_open(int64_t most, struct driver_memory **out, struct err *e);
void sqlite_memory_close(struct driver_memory *m);
int64_t sqlite_memory_bytes(struct driver_memory *m);
const char *sqlite_memory_vfs(const struct driver_memory *m); /* its name for SQLite */
void sqlite_make_private(const char *path);
bool sqlite_writable(struct driver_conn *c);
void sqlite_set_deadline(struct driver_conn *c, int64_t deadline_us);
enum err_code sqlite_backup(struct driver_conn *c, const char *path, void (*progress)(void *, int, int), void *arg,
                            struct err *e);
enum err_code sqlite_check(struct driver_conn *c, void (*report)(void *, const char *), void *arg, struct err *e);
enum err_code sqlite_schema(struct driver_conn *c, void (*each)(void *, struct str, struct str), void *arg,
                            struct err *e);
enum err_code sqlite_change_counter(struct driver_conn *c, int64_t *out, struct err *e);
enum err_code sqlite_lock_file(const char *path, struct driver_files *files, struct driver_conn **out, struct err *e);
void sqlite_start(void); /* settings of the library, before anything else of it is used */
enum err_code sqlite_files_open(struct keyring *keys, struct driver_files **out, struct err *e);
void sqlite_files_close(struct driver_files *f);
void sqlite_files_keys(struct driver_files *f, struct keyring *keys);
/* Whether what is written now is to be sealed. */
bool sqlite_sealed(const struct driver_files *f);
/* Pages written from now on leave room for sealing. */
enum err_code sqlite_make_room(struct driver_conn *c, struct err *e);
enum err_code sqlite_reform(struct driver_conn *c, int wait_ms, struct err *e);
enum err_code sqlite_formed(struct driver_conn *c, bool *out, struct err *e);
enum err_code sqlite_vacuum(struct driver_conn *c, struct err *e);
enum err_code sqlite_empty_log(struct driver_conn *c, int wait_ms, struct err *e);
/* Overwrites what no cell of a tree's page uses; false: nothing was there, or it is none. `first`: it is the file's
 * first page, of `pages`. */
bool sqlite_scrub_page(unsigned char *page, size_t usable, bool first, int64_t pages);
enum err_code sqlite_scrub(struct driver_conn *c, int64_t *page, int64_t n, bool *more, struct err *e);
void sqlite_tidy(struct driver_conn *c, bool idle);

enum err_code sqlite_begin(struct driver_conn *c, enum driver_mode mode, struct err *e);
enum err_code sqlite_commit(struct driver_conn *c, struct err *e);
void sqlite_rollback(struct driver_conn *c);
bool sqlite_in_transaction(struct driver_conn *c);
enum err_code sqlite_savepoint(struct driver_conn *c, struct err *e);
enum err_code sqlite_release(struct driver_conn *c, struct err *e);
enum err_code sqlite_undo(struct driver_conn *c, struct err *e);

#endif
