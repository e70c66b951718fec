/* Checking the store: the database's own integrity, and what must hold between its records. Problems are
 * reported in words, as many as there are (each check stops at a hundred); nothing is repaired here. */
#include "store/internal.h"

#include <stdio.h>

static const enum statement checks[] = {STMT_CHECK_TURN_ORPHANS, STMT_CHECK_CONVERSATION_ORPHANS,
                                        STMT_CHECK_TURN_NUMBERS, STMT_CHECK_TURN_COUNTS, STMT_CHECK_TURN_SESSIONS};

static enum err_code run_check(struct store_tx *tx, enum statement which, void (*report)(void *, const char *),
                               void *arg, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, which, e);
    while (query_row(&q)) {
        char line[400];
        struct str problem = tx->d->column_text(q.s, 0);
        (void)snprintf(line, sizeof line, "%.*s", STR_ARG(str_take(problem, sizeof line - 1)));
        report(arg, line);
    }
    return query_end(&q);
}

/* In one snapshot, so that what is being written meanwhile looks neither missing nor miscounted. */
enum err_code store_check(struct store *s, void (*report)(void *arg, const char *problem), void *arg, struct err *e)
{
    struct store_tx *tx;
    enum err_code rc = store_read_begin(s, &tx, e);
    if (rc)
        return rc;
    rc = s->driver->check(tx->c, report, arg, e);
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !rc; i++)
        rc = run_check(tx, checks[i], report, arg, e);
    store_read_end(tx);
    return rc;
}
