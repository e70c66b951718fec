/* Any bytes as a packed model, as they are and with a checksum that fits them: refused with words, or a model that
 * embeds. The corpus has a tiny model whole, so that changes of single numbers get far. */
#include "base/crc.h"
#include "base/mem.h"
#include "embed/embed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CRC_AT = 12, CHECKED_FROM = 16, WIDEST = 4096 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void open_one(struct str bytes)
{
    static float v[2 * WIDEST];
    const struct str texts[] = {STR("the river is running in winter."), STR("")};
    struct embedder *m;
    struct err e = {0};
    if (embed_open_packed(bytes, NULL, &m, &e) != ERR_OK) {
        must(!m && (e.code == ERR_CORRUPT || e.code == ERR_INVALID) && e.message[0]);
        return;
    }
    must(embed_dimensions(m) <= WIDEST && embed_max_tokens(m) >= 8 && embed_model_id(m)[0]);
    enum err_code rc = embed_texts(m, texts, 2, EMBED_DOCUMENT, v, &e);
    must(rc == ERR_OK || rc == ERR_CORRUPT);
    embed_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    open_one(bytes);
    if (size < CHECKED_FROM)
        return 0;
    char *sealed = mem_alloc(size);
    memcpy(sealed, data, size);
    uint32_t crc = crc32c(sealed + CHECKED_FROM, size - CHECKED_FROM);
    memcpy(sealed + CRC_AT, &crc, sizeof crc);
    open_one((struct str){sealed, size});
    mem_free(sealed);
    return 0;
}
