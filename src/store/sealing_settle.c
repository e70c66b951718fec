/* A database that was put back from a backup may hold sessions whose keys were destroyed since: none of their texts
 * opens any more. They are deleted at the first opening, so that nobody meets their empty records, and erasure takes
 * the rest. Done once for each identity of the store: a restore makes a new one. */
#include "store/sealing.h"
#include "store/turns.h"

#include <sodium.h>

enum { ROWS = 200 };
static const struct str SETTLED = {"keys_settled", sizeof "keys_settled" - 1};

static enum err_code is_settled(const struct store *s, struct store_tx *tx, bool *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, SETTLED);
    *out = query_row(&q) && str_is(tx->d->column_text(q.s, 0), s->identity);
    return query_end(&q);
}

static bool is_destroyed(const struct store *s, int64_t slot)
{
    unsigned char key[SEAL_KEY];
    enum err_code rc = keyring_key(store_keyring(s), slot, key, NULL);
    sodium_memzero(key, sizeof key);
    return rc == ERR_GONE;
}

/* The next sessions; those that are gone to ids[n]. */
static enum err_code look(const struct store *s, struct store_tx *tx, struct arena *a, int64_t *after, bool *more,
                          struct str ids[ROWS], size_t *n, struct err *e)
{
    struct query q;
    int looked = 0;
    *n = 0;
    query_fixed(&q, tx, STMT_SLOTS_AFTER, e);
    query_int(&q, *after);
    query_int(&q, ROWS);
    for (; looked < ROWS && query_row(&q); looked++) {
        *after = query_col_int(&q, 0);
        if (is_destroyed(s, query_col_int(&q, 1)))
            ids[(*n)++] = query_col_text(&q, a, 2);
    }
    *more = looked == ROWS;
    return query_end(&q);
}

static enum err_code settle(const struct store *s, struct store_tx *tx, struct arena *a, struct err *e)
{
    struct str ids[ROWS];
    struct query q;
    int64_t after = 0;
    bool more = true;
    while (more) {
        size_t n;
        enum err_code rc = look(s, tx, a, &after, &more, ids, &n, e);
        for (size_t i = 0; i < n && !rc; i++) {
            struct dropped gone;
            rc = session_delete(tx, ids[i], &gone, e);
        }
        if (rc)
            return rc;
    }
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, SETTLED);
    query_text(&q, str_of(s->identity));
    return query_run(&q);
}

enum err_code sealing_settle(const struct store *s, struct store_tx *tx, struct err *e)
{
    bool settled = false;
    if (!tx->writer || !store_keyring(s))
        return ERR_OK;
    enum err_code rc = is_settled(s, tx, &settled, e);
    if (rc || settled)
        return rc;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    rc = tx->d->begin(tx->c, DRIVER_WRITE, e);
    if (!rc) {
        rc = settle(s, tx, a, e);
        if (!rc)
            rc = tx->d->commit(tx->c, e);
        if (rc)
            tx->d->rollback(tx->c);
    }
    arena_free(a);
    return rc;
}
