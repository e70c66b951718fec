/* Reading packed contents: a connection keeps one decompressor and the dictionaries it has met. What is read from disk
 * is not trusted: sizes are bounded before memory is taken. */
#include "base/mem.h"
#include "store/pack_int.h"
#include "store/sealing.h"

#include <zstd.h>

enum { DICTIONARIES = 8 };

struct unpacker {
    ZSTD_DCtx *ctx;
    struct {
        unsigned id;
        ZSTD_DDict *dict;
    } known[DICTIONARIES];
    size_t n;
};

void unpacker_free(struct unpacker *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n; i++)
        ZSTD_freeDDict(u->known[i].dict);
    ZSTD_freeDCtx(u->ctx);
    mem_free(u);
}

static struct unpacker *unpacker_of(struct store_tx *tx, struct err *e)
{
    if (tx->unpacker)
        return tx->unpacker;
    struct unpacker *u = mem_zalloc(sizeof *u);
    if (u)
        u->ctx = mem_fail_now() ? NULL : ZSTD_createDCtx();
    if (!u || !u->ctx) {
        mem_free(u);
        err_nomem(e);
        return NULL;
    }
    return tx->unpacker = u;
}

/* Past the last place the first is given up: stores have one or two. */
static const ZSTD_DDict *remember(struct unpacker *u, unsigned id, struct str bytes)
{
    ZSTD_DDict *d = mem_fail_now() ? NULL : ZSTD_createDDict(bytes.p, bytes.n);
    if (!d)
        return NULL;
    size_t at = u->n < DICTIONARIES ? u->n++ : 0;
    ZSTD_freeDDict(u->known[at].dict);
    u->known[at].id = id;
    u->known[at].dict = d;
    return d;
}

static enum err_code find_dictionary(struct store_tx *tx, struct unpacker *u, unsigned id, const ZSTD_DDict **out,
                                     struct err *e)
{
    struct query q;
    *out = NULL;
    for (size_t i = 0; i < u->n && !*out; i++)
        *out = u->known[i].id == id ? u->known[i].dict : NULL;
    if (*out || !id)
        return ERR_OK;
    query_fixed(&q, tx, STMT_DICTIONARY, e);
    query_int(&q, id);
    bool found = query_row(&q);
    if (found)
        *out = remember(u, id, tx->d->column_bytes(q.s, 0));
    enum err_code rc = query_end(&q);
    if (rc)
        return rc;
    if (!found)
        return err_set(e, ERR_CORRUPT, NULL, "the store lacks dictionary %u, which a packed turn needs", id);
    return *out ? ERR_OK : err_nomem(e);
}

enum err_code tx_unpack(struct store_tx *tx, struct arena *a, struct str packed, struct str *out, struct err *e)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    const ZSTD_DDict *dict;
    *out = STR_NONE;
    if (size > PACKED_MAX) /* also when it is unknown, or this is no frame */
        return err_set(e, ERR_CORRUPT, NULL, "a packed turn is damaged; cairn doctor looks closer");
    struct unpacker *u = unpacker_of(tx, e);
    enum err_code rc = u ? find_dictionary(tx, u, ZSTD_getDictID_fromFrame(packed.p, packed.n), &dict, e) : ERR_NOMEM;
    char *to = rc ? NULL : arena_alloc(a, (size_t)size + 1);
    if (!to)
        return rc ? rc : err_nomem(e);
    size_t n = dict ? ZSTD_decompress_usingDDict(u->ctx, to, (size_t)size, packed.p, packed.n, dict)
                    : ZSTD_decompressDCtx(u->ctx, to, (size_t)size, packed.p, packed.n);
    if (n != size)
        return err_set(e, ERR_CORRUPT, NULL, "a packed turn is damaged; cairn doctor looks closer");
    to[n] = '\0';
    *out = (struct str){to, n};
    return ERR_OK;
}

enum err_code dictionary_newest(struct store_tx *tx, struct arena *a, struct str *bytes, int64_t *turns, struct err *e)
{
    struct query q;
    *bytes = STR_NONE;
    *turns = 0;
    query_fixed(&q, tx, STMT_DICTIONARY_NEWEST, e);
    if (query_row(&q)) {
        *bytes = arena_str(a, tx->d->column_bytes(q.s, 0));
        *turns = query_col_int(&q, 1);
        if (!bytes->p)
            q.rc = err_nomem(e);
    }
    return query_end(&q);
}

/* ---- the way back ---- */

static enum err_code unpack_some(struct store_tx *tx, struct arena *a, int64_t *after, bool *more, struct err *e)
{
    enum { SOME = 100 };
    struct {
        int64_t seq, slot;
        struct str id, text;
        bool sealed;
    } rows[SOME];
    size_t n = 0;
    struct query q;
    query_fixed(&q, tx, STMT_PACKED_AFTER, e);
    query_int(&q, *after);
    query_int(&q, SOME);
    while (n < SOME && query_row(&q)) {
        struct str bytes = tx->d->column_bytes(q.s, 1);
        rows[n].seq = query_col_int(&q, 0);
        rows[n].sealed = value_is_sealed(bytes);
        rows[n].slot = rows[n].sealed ? value_slot(bytes) : SEAL_STORE;
        rows[n].id = query_col_text(&q, a, 2);
        rows[n].text = query_col_sealed(&q, a, 1, (struct sealed_place){"turn", "content", rows[n].id});
        n++;
    }
    enum err_code rc = query_end(&q);
    for (size_t i = 0; i < n && !rc; i++) {
        struct sealed_place at = {"turn", "content", rows[i].id};
        *after = rows[i].seq;
        if (rows[i].sealed && !rows[i].text.p) /* its key was destroyed */
            continue;
        if (rows[i].sealed)
            rc = value_seal(tx, a, rows[i].slot, at, 0, rows[i].text, &rows[i].text, e);
        if (rc)
            break;
        query_fixed(&q, tx, STMT_CONTENT_SET, e);
        query_int(&q, rows[i].seq);
        if (rows[i].sealed)
            query_bytes(&q, rows[i].text);
        else
            query_text(&q, rows[i].text);
        rc = query_run(&q);
    }
    *more = n == SOME;
    return rc;
}

enum err_code unpack_all(struct store_tx *tx, struct err *e)
{
    enum err_code rc = ERR_OK;
    int64_t after = 0;
    for (bool more = true; more && !rc;) {
        struct arena *a = arena_new();
        rc = a ? unpack_some(tx, a, &after, &more, e) : err_nomem(e);
        if (a)
            arena_free(a);
    }
    return rc;
}
