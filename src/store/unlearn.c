/* Dictionaries that hold pieces of erased turns. A dictionary is made of its samples' words, and which turns those were
 * follows from how many turns the store had (pack_int.h), so most erasures concern none. One that is concerned is put
 * by first, so that nothing more is packed with it; then what was packed with it is unpacked, a few turns at a time;
 * then it goes, and packing begins at the first turn again, with another. Killed in between, it is still put by, and
 * the next erasure goes on. */
#include "base/mem.h"
#include "store/erase.h"
#include "store/pack_int.h"

#include <zstd.h>

enum { SOME = 200, DICTIONARIES_MAX = 64 };

struct dictionary {
    int64_t id, turns; /* 0 turns: put by */
};

struct unpacked {
    int64_t seq;
    struct str text;
};
struct unpacking {
    struct dictionary *of;
    struct unpacked rows[SOME];
    size_t n;
    int64_t after; /* the last turn that was looked at */
    bool more;
};

static enum err_code read_all(struct store_tx *tx, struct dictionary *out, size_t *n, struct err *e)
{
    struct query q;
    *n = 0;
    query_fixed(&q, tx, STMT_DICTIONARIES, e);
    while (*n < DICTIONARIES_MAX && query_row(&q))
        out[(*n)++] = (struct dictionary){query_col_int(&q, 0), query_col_int(&q, 1)};
    return query_end(&q);
}

/* Whose samples count: the turns of an erasure, or those of a range. */
struct learnt {
    struct str erasure_id;
    int64_t from, to; /* to 0: none */
};

/* Is one of the turns 1, 1 + step … up to d->turns in the range? */
static bool samples_range(const struct learnt *l, const struct dictionary *d)
{
    int64_t step = sample_step(d->turns), to = l->to < d->turns ? l->to : d->turns;
    int64_t from = l->from > 1 ? l->from : 1, next = 1 + (from - 1 + step - 1) / step * step;
    return next <= to;
}

static enum err_code is_concerned(struct store_tx *tx, const struct learnt *l, const struct dictionary *d, bool *out,
                                  struct err *e)
{
    struct query q;
    *out = true;
    if (!d->turns)
        return ERR_OK;
    if (l->to) {
        *out = samples_range(l, d);
        return ERR_OK;
    }
    query_fixed(&q, tx, STMT_TOMBSTONE_SAMPLE, e);
    query_text(&q, l->erasure_id);
    query_int(&q, d->turns);
    query_int(&q, sample_step(d->turns));
    *out = query_row(&q);
    return query_end(&q);
}

/* The dictionaries that must go, first in `out`. */
static enum err_code concerned(struct store *s, const struct learnt *l, struct dictionary *out, size_t *n,
                               struct err *e)
{
    struct store_tx *tx;
    size_t all = 0;
    enum err_code rc = store_read_begin(s, &tx, e);
    *n = 0;
    if (rc)
        return rc;
    rc = read_all(tx, out, &all, e);
    for (size_t i = 0; !rc && i < all; i++) {
        bool is;
        rc = is_concerned(tx, l, &out[i], &is, e);
        if (!rc && is)
            out[(*n)++] = out[i];
    }
    store_read_end(tx);
    return rc;
}

static enum err_code retire_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct dictionary *d = arg;
    struct query q;
    tx->marks.accounted = true; /* no answer changes by it, nor by what follows */
    query_fixed(&q, tx, STMT_DICTIONARY_RETIRE, e);
    query_int(&q, d->id);
    return query_run(&q);
}

/* The next turns that were packed with it. */
static enum err_code read_some(struct store_tx *tx, struct arena *a, struct unpacking *u, struct err *e)
{
    struct query q;
    int looked = 0;
    u->n = 0;
    query_fixed(&q, tx, STMT_PACKED_AFTER, e);
    query_int(&q, u->after);
    query_int(&q, SOME);
    while (looked < SOME && query_row(&q)) {
        struct str packed = tx->d->column_bytes(q.s, 1);
        looked++;
        u->after = query_col_int(&q, 0);
        if ((int64_t)ZSTD_getDictID_fromFrame(packed.p, packed.n) == u->of->id)
            u->rows[u->n++] = (struct unpacked){u->after, query_col_text(&q, a, 1)};
    }
    u->more = looked == SOME;
    return query_end(&q);
}

static enum err_code unpack_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct unpacking *u = arg;
    enum err_code rc = ERR_OK;
    tx->marks.accounted = true;
    for (size_t i = 0; i < u->n && !rc; i++) {
        struct query q;
        query_fixed(&q, tx, STMT_CONTENT_UNPACK, e);
        query_int(&q, u->rows[i].seq);
        query_text(&q, u->rows[i].text);
        rc = query_run(&q);
    }
    return rc;
}

static enum err_code unpack_some(struct store *s, struct unpacking *u, struct err *e)
{
    struct store_tx *tx = NULL;
    struct arena *a = arena_new();
    enum err_code rc = a ? store_read_begin(s, &tx, e) : err_nomem(e);
    if (!rc) {
        rc = read_some(tx, a, u, e);
        store_read_end(tx);
    }
    if (!rc && u->n)
        rc = store_write(s, unpack_job, u, e);
    if (a)
        arena_free(a);
    return rc;
}

static enum err_code remove_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct dictionary *d = arg;
    struct query q;
    tx->marks.accounted = true;
    query_fixed(&q, tx, STMT_DICTIONARY_REMOVE, e);
    query_int(&q, d->id);
    enum err_code rc = query_run(&q);
    if (rc)
        return rc;
    query_fixed(&q, tx, STMT_PACK_PLACE_SET, e);
    query_int(&q, 0);
    return query_run(&q);
}

static enum err_code drop(struct store *s, struct dictionary *d, struct err *e)
{
    struct unpacking *u = mem_zalloc(sizeof *u);
    enum err_code rc = u ? store_write(s, retire_job, d, e) : err_nomem(e);
    if (u)
        *u = (struct unpacking){.of = d, .more = true};
    while (!rc && u->more)
        rc = unpack_some(s, u, e);
    if (!rc)
        rc = store_write(s, remove_job, d, e);
    mem_free(u);
    return rc;
}

static enum err_code unlearn(struct store *s, const struct learnt *l, int64_t *dropped, struct err *e)
{
    struct dictionary list[DICTIONARIES_MAX];
    size_t n;
    *dropped = 0;
    enum err_code rc = concerned(s, l, list, &n, e);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = drop(s, &list[i], e);
        *dropped += !rc;
    }
    return rc;
}

enum err_code store_unlearn(struct store *s, struct str erasure_id, int64_t *dropped, struct err *e)
{
    return unlearn(s, &(struct learnt){.erasure_id = erasure_id}, dropped, e);
}

enum err_code store_unlearn_turns(struct store *s, int64_t from, int64_t to, int64_t *dropped, struct err *e)
{
    return unlearn(s, &(struct learnt){.from = from, .to = to}, dropped, e);
}
