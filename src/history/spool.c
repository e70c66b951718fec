/* Temporary files without a name, and what goes into them: see spool.h. */
#include "history/spool.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { WINDOW_LOG_MOST = 25 }; /* 32 MiB: what zstd needs below its --ultra levels */

int spool_open(struct err *e)
{
    const char *dir = secure_getenv("TMPDIR");
    char path[4096];
    if (!dir || !*dir)
        dir = "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && snprintf(path, sizeof path, "%s/cairn-XXXXXX", dir) < (int)sizeof path) {
        fd = mkostemp(path, O_CLOEXEC); /* file systems that know no O_TMPFILE */
        if (fd >= 0)
            (void)unlink(path);
    }
    if (fd < 0)
        (void)err_errno(e, "make a temporary file in", dir);
    return fd;
}

struct history_in spool_in(const struct history_in *in, int fd)
{
    struct history_in out = *in;
    struct stat st = {0};
    out.fd = fd;
    out.size = fstat(fd, &st) ? 0 : st.st_size;
    return out;
}

enum err_code spool_wrote(struct history_in *in, int64_t *written, size_t n, struct err *e)
{
    int64_t before = *written;
    *written += (int64_t)n;
    if (*written > SPOOL_LEAST && *written / SPOOL_TIMES > in->size)
        return err_set(e, ERR_TOO_LARGE, NULL, "it unpacks to more than %d times its size", SPOOL_TIMES);
    return before / SPOOL_STEP == *written / SPOOL_STEP ? ERR_OK : history_mark(in, in->from, in->from_line, e);
}

struct unpack {
    struct history_in *in;
    ZSTD_DStream *z;
    char *from, *to;
    size_t from_room, to_room;
    int64_t written;
    size_t left; /* what zstd says of the frame: 0 is its end */
};

static enum err_code unpack_piece(struct unpack *u, ZSTD_inBuffer *piece, int to, bool *whole, struct err *e)
{
    enum err_code code = ERR_OK;
    bool full = false;
    while (!code && (piece->pos < piece->size || full)) {
        ZSTD_outBuffer out = {u->to, u->to_room, 0};
        u->left = ZSTD_decompressStream(u->z, &out, piece);
        if (ZSTD_isError(u->left)) {
            *whole = false;
            return ERR_OK;
        }
        full = out.pos == out.size;
        code = spool_wrote(u->in, &u->written, out.pos, e);
        if (!code && out.pos)
            code = file_write_fd(to, (struct str){u->to, out.pos}, e);
    }
    return code;
}

static enum err_code unpack_all(struct unpack *u, const struct history_in *in, int to, bool *whole, struct err *e)
{
    int64_t at = 0;
    size_t got = 1;
    enum err_code code = ERR_OK;
    u->left = 1;
    while (!code && *whole && got) {
        code = file_read_at(in->fd, at, u->from, u->from_room, &got, e);
        at += (int64_t)got;
        ZSTD_inBuffer piece = {u->from, got, 0};
        if (!code && got)
            code = unpack_piece(u, &piece, to, whole, e);
    }
    *whole = *whole && u->left == 0;
    return code;
}

enum err_code spool_unzstd(struct history_in *in, int to, bool *whole, struct err *e)
{
    struct unpack u = {.in = in, .from_room = ZSTD_DStreamInSize(), .to_room = ZSTD_DStreamOutSize()};
    enum err_code code;
    *whole = true;
    u.z = ZSTD_createDStream();
    u.from = mem_alloc(u.from_room);
    u.to = mem_alloc(u.to_room);
    if (!u.z || !u.from || !u.to)
        code = err_nomem(e);
    else {
        (void)ZSTD_DCtx_setParameter(u.z, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
        code = unpack_all(&u, in, to, whole, e);
    }
    ZSTD_freeDStream(u.z);
    mem_free(u.from);
    mem_free(u.to);
    return code;
}
