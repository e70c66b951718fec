/* Making packed contents. See pack.h. Reading, training and compressing happen on the caller's thread against a read
 * snapshot; only the finished bytes go to the writer, in one short job, with the place that was reached. A content
 * never changes once stored, so what was read is still what is there; a turn that was deleted meanwhile is left alone.
 */
#include "store/pack.h"

#include "base/mem.h"
#include "store/pack_int.h"
#include "store/sealing.h"
#include "store/turns.h"

#include <string.h>
#include <zdict.h>
#include <zstd.h>

enum {
    LEVEL = 6,     /* packed once, read often */
    SHORTEST = 48, /* below it a frame's own bytes eat the gain */
    GAIN = 8,      /* must shrink by one part in so many */
    SAMPLES_LEAST = 500,
    SAMPLE_MAX = 2048, /* bytes of each */
    GROWTH = 8         /* a new dictionary when there are so many times the turns */
};

/* A content that may be packed; `slot` where it is sealed. */
struct loose {
    int64_t seq, slot;
    struct str id, text;
};
struct packed {
    int64_t seq;
    struct str bytes;
};

/* One call of store_pack. */
struct packing {
    struct arena *arena;
    struct pack_result *out;
    ZSTD_CCtx *ctx;
    ZSTD_CDict *dict;
    struct str trained; /* a new dictionary to store, STR_NONE: none */
    int64_t turns;      /* the store had when it was trained */
    int64_t used;       /* the dictionary that was in the store already, 0: none */
    int64_t from, to;   /* place before and after */
    struct packed *rows;
    size_t n;
    bool sealed; /* contents are */
};

/* ---- the dictionary ---- */

/* Texts spread evenly over the store, one behind the other, as zdict wants them. */
static enum err_code collect_samples(struct store_tx *tx, struct packing *p, struct buf *texts, size_t *sizes,
                                     unsigned *n, struct err *e)
{
    enum err_code rc = ERR_OK;
    int64_t step = sample_step(p->turns);
    for (int64_t seq = 1; seq <= p->turns && *n < SAMPLES && !rc; seq += step) {
        struct query q;
        query_fixed(&q, tx, STMT_CONTENT_AT, e);
        query_int(&q, seq);
        if (query_row(&q)) {
            struct str text = str_take(query_col_text(&q, p->arena, 0), SAMPLE_MAX);
            sizes[*n] = text.n;
            *n += text.n > 0;
            buf_str(texts, text);
        }
        rc = query_end(&q);
    }
    return rc ? rc : texts->failed ? err_nomem(e) : ERR_OK;
}

/* Too few or too unlike texts give no dictionary: then there is none for now. */
static enum err_code train(struct store_tx *tx, struct packing *p, struct str *dict, struct err *e)
{
    struct buf texts;
    unsigned n = 0;
    size_t *sizes = arena_array(p->arena, size_t, SAMPLES);
    char *room = arena_alloc(p->arena, DICTIONARY_MAX);
    if (!sizes || !room)
        return err_nomem(e);
    buf_init(&texts, 0);
    enum err_code rc = collect_samples(tx, p, &texts, sizes, &n, e);
    size_t got = rc || n < SAMPLES_LEAST ? 0 : ZDICT_trainFromBuffer(room, DICTIONARY_MAX, texts.p, sizes, n);
    buf_release(&texts);
    if (got && !ZDICT_isError(got))
        *dict = p->trained = (struct str){room, got};
    return rc;
}

static enum err_code choose_dictionary(struct store_tx *tx, struct packing *p, struct err *e)
{
    struct str dict;
    int64_t then;
    p->sealed = tx_seals(tx);
    if (store_keyring(tx->store)) { /* one would hold pieces of many sessions' texts, under none of their keys */
        p->ctx = mem_fail_now() ? NULL : ZSTD_createCCtx();
        return p->ctx ? ERR_OK : err_nomem(e);
    }
    enum err_code rc = dictionary_newest(tx, p->arena, &dict, &then, e);
    p->turns = turns_last_seq(tx);
    if (!rc && p->turns >= (dict.p ? then * GROWTH : SAMPLES_LEAST))
        rc = train(tx, p, &dict, e);
    if (rc)
        return rc;
    if (dict.p && !p->trained.p)
        p->used = ZDICT_getDictID(dict.p, dict.n);
    p->ctx = mem_fail_now() ? NULL : ZSTD_createCCtx();
    if (dict.p)
        p->dict = mem_fail_now() ? NULL : ZSTD_createCDict(dict.p, dict.n, LEVEL);
    return p->ctx && (p->dict || !dict.p) ? ERR_OK : err_nomem(e);
}

/* ---- the turns ---- */

static enum err_code pack_one(struct store_tx *tx, struct packing *p, const struct loose *l, struct err *e)
{
    struct str text = l->text;
    size_t room = ZSTD_compressBound(text.n);
    char *to = arena_alloc(p->arena, room);
    if (!to)
        return err_nomem(e);
    size_t n = p->dict ? ZSTD_compress_usingCDict(p->ctx, to, room, text.p, text.n, p->dict)
                       : ZSTD_compressCCtx(p->ctx, to, room, text.p, text.n, LEVEL);
    if (ZSTD_isError(n))
        return err_set(e, ERR_NOMEM, NULL, "cannot pack a turn: %s", ZSTD_getErrorName(n));
    if (n > text.n - text.n / GAIN)
        return ERR_OK;
    struct packed row = {l->seq, {to, n}};
    struct sealed_place at = {"turn", "content", l->id};
    enum err_code rc =
        p->sealed ? value_seal(tx, p->arena, l->slot, at, SEALED_PACKED, row.bytes, &row.bytes, e) : ERR_OK;
    if (rc)
        return rc == ERR_GONE ? ERR_OK : rc;
    p->rows[p->n++] = row;
    p->out->bytes_before += (int64_t)text.n;
    p->out->bytes_after += (int64_t)n;
    return ERR_OK;
}

static enum err_code read_place(struct store_tx *tx, int64_t *out, struct err *e)
{
    struct query q;
    *out = 0;
    query_fixed(&q, tx, STMT_PACK_PLACE, e);
    if (query_row(&q))
        *out = query_col_int(&q, 0);
    return query_end(&q);
}

/* Whether the content of the row is to be looked at: neither packed nor in the other form, which is converted first. */
static bool is_loose(struct query *q, struct packing *p, struct loose *l)
{
    const struct store_driver *d = q->tx->d;
    *l = (struct loose){.seq = query_col_int(q, 0), .slot = SEAL_STORE};
    if (d->column_is_bytes(q->s, 1) != p->sealed)
        return false;
    struct str bytes = p->sealed ? d->column_bytes(q->s, 1) : STR_NONE;
    if (p->sealed && (!value_is_sealed(bytes) || (value_flags(bytes) & SEALED_PACKED)))
        return false;
    if (p->sealed)
        l->slot = value_slot(bytes);
    l->id = query_col_text(q, p->arena, 2);
    l->text = query_col_sealed(q, p->arena, 1, (struct sealed_place){"turn", "content", l->id});
    return l->text.n >= SHORTEST;
}

static enum err_code pack_batch(struct store_tx *tx, struct packing *p, int64_t before_ms, int limit, struct err *e)
{
    struct query q;
    enum err_code rc = read_place(tx, &p->from, e);
    p->to = p->from;
    p->rows = rc ? NULL : arena_array(p->arena, struct packed, (size_t)limit);
    if (!p->rows)
        return rc ? rc : err_nomem(e);
    query_fixed(&q, tx, STMT_CONTENTS_AFTER, e);
    query_int(&q, p->from);
    query_int(&q, before_ms);
    query_int(&q, limit);
    while (!q.rc && p->out->looked < limit && query_row(&q)) {
        struct loose l;
        p->to = query_col_int(&q, 0);
        p->out->looked++;
        if (is_loose(&q, p, &l) && !q.rc)
            rc = pack_one(tx, p, &l, e);
        if (rc)
            q.rc = rc;
    }
    p->out->more = p->out->looked == limit;
    return query_end(&q);
}

/* ---- the write ---- */

static enum err_code store_dictionary(struct store_tx *tx, const struct packing *p, struct err *e)
{
    struct query q;
    if (!p->trained.p)
        return ERR_OK;
    query_fixed(&q, tx, STMT_DICTIONARY_ADD, e);
    query_int(&q, ZDICT_getDictID(p->trained.p, p->trained.n));
    query_int(&q, p->turns);
    query_bytes(&q, p->trained);
    return query_run(&q);
}

/* Erasure puts a dictionary by before it takes it away (unlearn.c): from then on nothing is packed with it. */
static enum err_code still_usable(struct store_tx *tx, int64_t id, bool *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_DICTIONARY_USED, e);
    query_int(&q, id);
    *out = query_row(&q);
    return query_end(&q);
}

/* Another process may have come first: then its work stands and ours is dropped. */
static enum err_code write_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct packing *p = arg;
    struct query q;
    int64_t place;
    tx->marks.accounted = true; /* no answer changes by it */
    bool usable = true;
    enum err_code rc = read_place(tx, &place, e);
    if (!rc && p->used)
        rc = still_usable(tx, p->used, &usable, e);
    if (rc || place != p->from || !usable || p->sealed != tx_seals(tx))
        return rc;
    rc = store_dictionary(tx, p, e);
    for (size_t i = 0; i < p->n && !rc; i++) {
        query_fixed(&q, tx, STMT_CONTENT_SET, e);
        query_int(&q, p->rows[i].seq);
        query_bytes(&q, p->rows[i].bytes);
        rc = query_run(&q);
    }
    if (rc)
        return rc;
    query_fixed(&q, tx, STMT_PACK_PLACE_SET, e);
    query_int(&q, p->to);
    return query_run(&q);
}

enum err_code store_pack(struct store *s, int64_t before_ms, int limit, struct pack_result *out, struct err *e)
{
    struct packing p = {.arena = arena_new(), .out = out};
    struct store_tx *tx = NULL;
    *out = (struct pack_result){0};
    enum err_code rc = p.arena ? store_read_begin(s, &tx, e) : err_nomem(e);
    if (!rc)
        rc = choose_dictionary(tx, &p, e);
    if (!rc)
        rc = pack_batch(tx, &p, before_ms, limit < 1 ? 1 : limit > 1000 ? 1000 : limit, e);
    store_read_end(tx);
    if (!rc && p.to != p.from)
        rc = store_write(s, write_job, &p, e);
    out->packed = (int64_t)p.n;
    ZSTD_freeCDict(p.dict);
    ZSTD_freeCCtx(p.ctx);
    if (p.arena)
        arena_free(p.arena);
    return rc;
}
