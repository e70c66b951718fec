/* Packing a content as it is stored: what imports bring is long, old and there to stay, and packed at once it is
 * written once, and a third of it. Quickly and without a dictionary, which short contents would need: those are left to
 * pack.c. On the writer's thread; its connection keeps the compressor. */
#include "base/mem.h"
#include "store/pack_int.h"

#include <zstd.h>

enum { QUICK = 1, LONG = 4 << 10, LONGEST = 1 << 20 /* the rest waits for pack.c, which has the room */, GAIN = 8 };

struct packer {
    ZSTD_CCtx *ctx;
    size_t room;
    char to[]; /* ZSTD_compressBound(LONGEST) */
};

void packer_free(struct packer *p)
{
    if (p)
        ZSTD_freeCCtx(p->ctx);
    mem_free(p);
}

static struct packer *packer_of(struct store_tx *tx)
{
    const size_t room = ZSTD_compressBound(LONGEST);
    struct packer *p = tx->packer ? tx->packer : mem_alloc(sizeof *p + room);
    if (!p || tx->packer)
        return p;
    p->room = room;
    p->ctx = mem_fail_now() ? NULL : ZSTD_createCCtx();
    if (!p->ctx) {
        mem_free(p);
        return NULL;
    }
    return tx->packer = p;
}

enum err_code tx_pack(struct store_tx *tx, struct str text, struct str *out, struct err *e)
{
    *out = STR_NONE;
    if (text.n < LONG || text.n > LONGEST)
        return ERR_OK;
    struct packer *p = packer_of(tx);
    if (!p)
        return err_nomem(e);
    const size_t n = ZSTD_compressCCtx(p->ctx, p->to, p->room, text.p, text.n, QUICK);
    if (ZSTD_isError(n))
        return err_set(e, ERR_NOMEM, NULL, "cannot pack a turn: %s", ZSTD_getErrorName(n));
    if (n <= text.n - text.n / GAIN)
        *out = (struct str){p->to, n};
    return ERR_OK;
}
