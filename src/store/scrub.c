/* Overwriting what deleted rows have left in the database's file: the driver knows how (sqlite_scrub.c), here is when.
 * A slice of the file at a time, between two groups of the writer: the log is emptied, the slice overwritten in a
 * transaction that also changes a row, so that every connection drops the pages it holds. Waiting for readers happens
 * on the caller's thread, not on the writer's. */
#include "store/erase.h"
#include "store/internal.h"

#include <time.h>

enum { SLICE = 4096 /* pages */, LOG_WAIT_MS = 50, PAUSE_MS = 50, TRIES = 200 };

struct slice {
    int64_t page;
    bool more;
};

static enum err_code note(struct store_tx *tx, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SCRUBBED, e);
    return query_run(&q);
}

static enum err_code scrub_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct slice *s = arg;
    enum err_code rc = tx->d->empty_log(tx->c, LOG_WAIT_MS, e);
    if (!rc)
        rc = tx->d->begin(tx->c, DRIVER_WRITE, e);
    if (rc)
        return rc;
    rc = tx->d->scrub(tx->c, &s->page, SLICE, &s->more, e);
    if (!rc)
        rc = note(tx, e);
    if (!rc)
        rc = tx->d->commit(tx->c, e);
    if (rc)
        tx->d->rollback(tx->c);
    return rc;
}

static enum err_code empty_job(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return tx->d->empty_log(tx->c, LOG_WAIT_MS, e);
}

/* Again and again while somebody reads an older snapshot, or another process has come in between. */
static enum err_code insist(struct store *s, store_fn *fn, void *arg, struct err *e)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    enum err_code rc = ERR_BUSY;
    struct err why = {0};
    for (int i = 0; rc == ERR_BUSY && i < TRIES; i++) {
        if (i)
            nanosleep(&pause, NULL);
        err_clear(&why);
        rc = store_alone(s, fn, arg, &why);
    }
    return rc ? err_set(e, rc, NULL, "%s", why.message) : ERR_OK;
}

enum err_code store_scrub(struct store *s, struct err *e)
{
    struct slice at = {.more = true};
    enum err_code rc = ERR_OK;
    while (!rc && at.more)
        rc = insist(s, scrub_job, &at, e);
    return rc ? rc : insist(s, empty_job, NULL, e);
}
