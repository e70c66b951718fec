/* Where a segment's bytes go: into memory, or into a file, in order and once, with the checksums of its chunks made on
 * the way. In the background it keeps to a pace, and hands what it wrote to the disk early, so that the sync at the end
 * is short: durable writes of the store go to the same disk. */
#include "index/segment.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct sink {
    struct buf bytes; /* in memory: all; of a file: what is not written yet */
    struct buf crcs;
    struct segment_foot foot;   /* its parts */
    int part;                   /* that is being written, -1: none */
    uint64_t at;                /* bytes so far */
    int fd;                     /* -1: memory */
    struct seal_writer *sealed; /* NULL: the bytes go as they are */
    int64_t pace, started_us;
    enum err_code code;
    struct err err;
};

static enum err_code open_file(struct sink *k, const struct sink_to *to, struct err *e)
{
    char about[SEGMENT_ABOUT];
    k->fd = file_open_append(to->path, e);
    if (k->fd < 0)
        return e->code;
    return keyring_seals(to->keys) ? seal_writer_new(to->keys, segment_about(about, to->name), k->fd, &k->sealed, e)
                                   : ERR_OK;
}

enum err_code sink_new(const struct sink_to *to, struct sink **out, struct err *e)
{
    struct err own = {0};
    struct sink *k = mem_zalloc(sizeof *k);
    *out = NULL;
    if (!k)
        return err_nomem(e);
    k->fd = -1;
    k->part = -1;
    k->pace = to->pace;
    k->started_us = clock_mono_us();
    buf_init(&k->bytes, SIZE_MAX / 2);
    buf_init(&k->crcs, 0);
    if (to->path && open_file(k, to, &own)) {
        sink_abandon(k);
        return err_set(e, own.code, NULL, "%s", own.message);
    }
    *out = k;
    return ERR_OK;
}

void sink_abandon(struct sink *k)
{
    if (!k)
        return;
    if (k->fd >= 0)
        close(k->fd);
    seal_writer_free(k->sealed);
    buf_release(&k->bytes);
    buf_release(&k->crcs);
    mem_free(k);
}

static void keep_pace(const struct sink *k)
{
    if (!k->pace)
        return;
    int64_t due = k->started_us + (int64_t)((double)k->at * 1e6 / (double)k->pace), left = due - clock_mono_us();
    if (left > 0)
        nanosleep(&(struct timespec){.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000}, NULL);
}

static enum err_code write_bytes(struct sink *k, struct str bytes)
{
    return k->sealed ? seal_writer_put(k->sealed, bytes, &k->err) : file_write_fd(k->fd, bytes, &k->err);
}

/* Whole chunks, or with `all` what is left too. */
static void write_out(struct sink *k, bool all)
{
    size_t n = all ? k->bytes.n : k->bytes.n / SEGMENT_CHUNK * SEGMENT_CHUNK;
    for (size_t i = 0; i < n; i += SEGMENT_CHUNK) {
        uint32_t crc = crc32c(k->bytes.p + i, n - i < SEGMENT_CHUNK ? n - i : SEGMENT_CHUNK);
        buf_put(&k->crcs, &crc, sizeof crc);
    }
    if (k->fd < 0 || n == 0 || k->code)
        return;
    k->code = write_bytes(k, (struct str){k->bytes.p, n});
    buf_drop(&k->bytes, n);
    (void)sync_file_range(k->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* only a hint: the sync at the end counts */
    keep_pace(k);
}

/* As much as goes out at once. */
static void put(struct sink *k, const void *p, size_t n)
{
    buf_put(&k->bytes, p, n);
    k->at += n;
    if (k->bytes.failed)
        k->code = err_nomem(&k->err);
    else if (k->fd >= 0 && k->bytes.n >= SEGMENT_WRITE)
        write_out(k, false);
}

void sink_put(struct sink *k, const void *p, size_t n)
{
    const char *from = p;
    for (size_t at = 0, some; at < n && !k->code; at += some) {
        some = k->fd >= 0 && n - at > SEGMENT_WRITE ? SEGMENT_WRITE : n - at;
        put(k, from + at, some);
    }
}

static void end_part(struct sink *k)
{
    static const char zeros[8];
    if (k->part >= 0)
        k->foot.part[k->part][1] = k->at - k->foot.part[k->part][0];
    if (k->at % 8)
        sink_put(k, zeros, (size_t)(8 - k->at % 8));
}

void sink_part(struct sink *k, enum part p)
{
    end_part(k);
    k->part = (int)p;
    k->foot.part[p][0] = k->at;
}

uint64_t sink_at(const struct sink *k)
{
    return k->at;
}

/* The table of checksums and the foot, which no chunk covers. */
static void put_end(struct sink *k, struct segment_foot *foot)
{
    end_part(k);
    write_out(k, true);
    memcpy(foot->part, k->foot.part, sizeof foot->part);
    foot->part[PART_CHUNKS][0] = k->at;
    foot->part[PART_CHUNKS][1] = k->crcs.n;
    memcpy(foot->magic, "CAIRNSEG", sizeof foot->magic);
    foot->format = SEGMENT_FORMAT;
    foot->size = k->at + k->crcs.n + sizeof *foot;
    foot->chunks_crc = crc32c(k->crcs.p ? k->crcs.p : "", k->crcs.n);
    foot->crc = crc32c(foot, offsetof(struct segment_foot, crc));
    buf_put(&k->bytes, k->crcs.p, k->crcs.n);
    buf_put(&k->bytes, foot, sizeof *foot);
    if (k->bytes.failed || k->crcs.failed)
        k->code = k->code ? k->code : err_nomem(&k->err);
}

static enum err_code to_disk(struct sink *k)
{
    enum err_code code = write_bytes(k, buf_view(&k->bytes));
    if (code == ERR_OK && k->sealed)
        code = seal_writer_end(k->sealed, &k->err);
    return code ? code : file_sync(k->fd, &k->err);
}

/* The buffer doubled as it grew: what it has too much is given back. */
static void to_memory(struct sink *k, struct sink_done *out)
{
    char *fitting = mem_grow(k->bytes.p, k->bytes.n);
    out->memory = fitting ? fitting : k->bytes.p;
    k->bytes.p = NULL;
    k->bytes.n = k->bytes.cap = 0;
}

enum err_code sink_finish(struct sink *k, struct segment_foot *foot, struct sink_done *out, struct err *e)
{
    put_end(k, foot);
    *out = (struct sink_done){.size = foot->size, .docs = foot->n_docs, .foot_crc = foot->crc};
    if (!k->code && k->fd >= 0)
        k->code = to_disk(k);
    else if (!k->code)
        to_memory(k, out);
    enum err_code code = k->code ? err_set(e, k->code, NULL, "%s", k->err.message) : ERR_OK;
    sink_abandon(k);
    return code;
}
