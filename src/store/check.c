/* Checking the store: the database's own integrity, and what must hold between its records. Problems are
 * reported in words, as many as there are (each check stops at a hundred); nothing is repaired here. */
#include "store/sealing.h"

#include <stdio.h>

enum { PROBLEMS_MAX = 100 };

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

/* One packed turn; *after moves to it. False when there is none left. A damaged one ends no check. */
static bool check_packed(struct store_tx *tx, int64_t *after, char *problem, size_t size, enum err_code *rc,
                         struct err *e)
{
    struct arena *a = arena_new();
    struct err why = {0};
    struct query q;
    problem[0] = '\0';
    if (!a) {
        *rc = err_nomem(e);
        return false;
    }
    query_fixed(&q, tx, STMT_PACKED_AFTER, &why);
    query_int(&q, *after);
    query_int(&q, 1);
    bool any = query_row(&q);
    if (any) {
        *after = query_col_int(&q, 0);
        (void)query_col_sealed(&q, a, 1, (struct sealed_place){"turn", "content", query_col_text(&q, a, 2)});
    }
    enum err_code got = query_end(&q);
    if (any && got == ERR_CORRUPT)
        (void)snprintf(problem, size, "turn number %lld: %s", (long long)*after, why.message);
    else if (got)
        *rc = err_set(e, got, NULL, "%s", why.message);
    arena_free(a);
    return any && !*rc;
}

static enum err_code check_all_packed(struct store_tx *tx, void (*report)(void *, const char *), void *arg,
                                      struct err *e)
{
    char problem[400];
    enum err_code rc = ERR_OK;
    int64_t after = 0;
    for (int found = 0; found < PROBLEMS_MAX && check_packed(tx, &after, problem, sizeof problem, &rc, e);) {
        if (problem[0]) {
            report(arg, problem);
            found++;
        }
    }
    return rc;
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
    if (!rc)
        rc = check_all_packed(tx, report, arg, e);
    store_read_end(tx);
    return rc;
}
