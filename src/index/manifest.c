/* The manifest: the file that says which segments make up the index. Written by the keeper only, to a temporary file
 * that is then renamed, so that a reader finds the old one or the new one. One checksum over all of it.
 *
 *   head    struct head
 *   entries struct manifest_entry[n], in the order of their seqs, each beginning where the one before ends
 *   crc     CRC-32C of all before it */
#include "index/engine.h"

#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char MAGIC[8] = "CAIRNMAN";
static const struct str ABOUT = {"index manifest", sizeof "index manifest" - 1};
enum {
    FORMAT = 1, /* raised also when texts give other words than before (tokens.h): the index is then made anew */
    BYTES_MAX = 1 << 20
};

struct head {
    char magic[8];
    uint32_t format, n;
    uint64_t generation;
    int64_t watermark;
    char identity[IDENTITY_ROOM];
    int64_t anchor;
    char anchor_id[ID_MAX];
};

void manifest_path(char out[], size_t room, const char *dir, const char *name)
{
    (void)snprintf(out, room, "%s/%s", dir, name);
}

void segment_path(char out[], size_t room, const char *dir, uint64_t name)
{
    (void)snprintf(out, room, "%s/words-%016" PRIx64 ".seg", dir, name);
}

void manifest_release(struct manifest *s)
{
    mem_free(s->entries);
    *s = (struct manifest){.n = 0};
}

static bool entries_follow(const struct manifest *s)
{
    int64_t at = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->entries[i].from != at || s->entries[i].to <= at)
            return false;
        at = s->entries[i].to;
    }
    return at == s->watermark;
}

enum err_code manifest_parse(struct str bytes, struct manifest *out, struct err *e)
{
    struct head h;
    uint32_t crc;
    *out = (struct manifest){.n = 0};
    if (bytes.n < sizeof h + sizeof crc)
        return err_set(e, ERR_CORRUPT, NULL, "the index's list of segments is damaged");
    memcpy(&h, bytes.p, sizeof h);
    memcpy(&crc, bytes.p + bytes.n - sizeof crc, sizeof crc);
    if (memcmp(h.magic, MAGIC, sizeof MAGIC) != 0 || h.format != FORMAT || h.n > SEGMENTS_MAX ||
        bytes.n != sizeof h + h.n * sizeof(struct manifest_entry) + sizeof crc ||
        crc != crc32c(bytes.p, bytes.n - sizeof crc))
        return err_set(e, ERR_CORRUPT, NULL, "the index's list of segments is damaged");
    out->entries = mem_alloc((h.n + (size_t)1) * sizeof *out->entries);
    if (!out->entries)
        return err_nomem(e);
    memcpy(out->entries, bytes.p + sizeof h, h.n * sizeof *out->entries);
    out->n = h.n;
    out->generation = h.generation;
    out->watermark = h.watermark;
    out->anchor = h.anchor;
    memcpy(out->identity, h.identity, sizeof h.identity);
    memcpy(out->anchor_id, h.anchor_id, sizeof h.anchor_id);
    out->identity[sizeof out->identity - 1] = out->anchor_id[sizeof out->anchor_id - 1] = '\0';
    if (entries_follow(out))
        return ERR_OK;
    manifest_release(out);
    return err_set(e, ERR_CORRUPT, NULL, "the index's segments do not follow one another");
}

enum err_code manifest_load(struct keyring *keys, const char *dir, struct manifest *out, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    struct buf b;
    *out = (struct manifest){.n = 0};
    manifest_path(path, sizeof path, dir, "manifest");
    buf_init(&b, 0);
    enum err_code code = seal_file_read(keys, ABOUT, path, 2 * BYTES_MAX, &b, e);
    if (code == ERR_OK)
        code = manifest_parse(buf_view(&b), out, e);
    else if (code == ERR_TOO_LARGE)
        code = ERR_CORRUPT;
    buf_release(&b);
    return code;
}

enum err_code manifest_save(struct keyring *keys, const char *dir, const struct manifest *s, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    struct head h = {.format = FORMAT,
                     .n = (uint32_t)s->n,
                     .generation = s->generation,
                     .watermark = s->watermark,
                     .anchor = s->anchor};
    struct buf b;
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    memcpy(h.identity, s->identity, sizeof h.identity);
    memcpy(h.anchor_id, s->anchor_id, sizeof h.anchor_id);
    manifest_path(path, sizeof path, dir, "manifest");
    buf_init(&b, BYTES_MAX);
    buf_put(&b, &h, sizeof h);
    buf_put(&b, s->entries, s->n * sizeof *s->entries);
    uint32_t crc = crc32c(b.p ? b.p : "", b.n);
    buf_put(&b, &crc, sizeof crc);
    enum err_code code = b.failed ? err_nomem(e) : seal_file_write(keys, ABOUT, path, buf_view(&b), e);
    buf_release(&b);
    return code;
}

void manifest_stamp(const char *dir, struct stamp *out)
{
    char path[MANIFEST_PATH_MAX];
    struct stat st;
    *out = (struct stamp){0};
    manifest_path(path, sizeof path, dir, "manifest");
    if (stat(path, &st) == 0)
        *out = (struct stamp){(int64_t)st.st_ino, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec,
                              (int64_t)st.st_mtim.tv_nsec};
}
