/* After an import: are the sources as they were? Each file's checksum is made anew over as many bytes as were read;
 * more may have been added behind them. And the manifest: what records of files tell. */
#include "service/history/state.h"

#include "store/records.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 200 };

enum err_code history_manifest(struct service *svc, struct str source, history_file_fn *fn, void *arg, struct err *e)
{
    int64_t after = 0;
    size_t n = PAGE;
    enum err_code code = ERR_OK;
    while (!code && n == PAGE) {
        struct store_tx *tx;
        struct record **rows;
        struct arena *a = arena_new();
        if (!a)
            return err_nomem(e);
        code = store_read_begin(svc->store, &tx, e);
        if (!code) {
            code = record_after(tx, a, KIND_IMPORT_FILE, after, PAGE, &rows, &n, e);
            store_read_end(tx);
        }
        for (size_t i = 0; !code && i < n; i++) {
            after = rows[i]->seq;
            if (!rows[i]->deleted_at && (!source.n || str_eq(record_text(rows[i], "source"), source)))
                code = fn(arg, rows[i], e);
        }
        arena_free(a);
    }
    return code;
}

struct str history_file_counts(struct arena *a, const struct record *file, int64_t *lines)
{
    struct file_counts all, tail;
    counts_read(a, record_text(file, "counts"), &all);
    counts_read(a, record_text(file, "tail"), &tail);
    counts_add(&all, &tail);
    *lines = all.c.lines;
    return counts_text(a, &all);
}

struct verifying {
    history_tell *tell;
    void *arg;
    struct history_verified *out;
};

/* "same", "grown", "changed", "gone", "unreadable". */
static const char *look(const char *path, int64_t size, struct str checksum, int64_t *bytes)
{
    struct sha256 h;
    struct stat s;
    unsigned char end[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct err why = {0};
    int fd = open_quiet(AT_FDCWD, path, O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? "gone"
               : errno == ELOOP || errno == ENXIO  ? "changed"
                                                   : "unreadable";
    sha256_begin(&h);
    bool readable = !fstat(fd, &s), file = readable && S_ISREG(s.st_mode);
    readable = readable && (!file || !state_hash(fd, &h, size, NULL, &why));
    close(fd);
    *bytes += (int64_t)h.bytes;
    sha256_end(&h, end);
    sodium_bin2hex(hex, sizeof hex, end, sizeof end);
    if (!readable)
        return "unreadable";
    if (!file || !str_is(checksum, hex))
        return "changed";
    return s.st_size > size ? "grown" : "same";
}

static void add_up(struct history_verified *o, struct str what)
{
    o->files++;
    o->same += str_is(what, "same");
    o->grown += str_is(what, "grown");
    o->gone += str_is(what, "gone");
    o->changed += str_is(what, "changed");
    o->unreadable += str_is(what, "unreadable");
}

static enum err_code verify_one(void *arg, const struct record *r, struct err *e)
{
    struct verifying *v = arg;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    const struct history_names names = {.source = arena_cstr(a, record_text(r, "source"))};
    char *path = names.source ? find_file(&names, a, r->id, record_text(r, "root"), record_text(r, "path")) : NULL;
    enum err_code code = path ? ERR_OK : err_nomem(e);
    if (!code && record_text(r, "checksum").n) {
        const char *what = look(path, record_int(r, "size"), record_text(r, "checksum"), &v->out->bytes);
        add_up(v->out, str_of(what));
        if (v->tell)
            v->tell(v->arg, r, what);
    }
    arena_free(a);
    return code;
}

enum err_code history_verify(struct service *svc, history_tell *tell, void *arg, struct history_verified *out,
                             struct err *e)
{
    struct verifying v = {tell, arg, out};
    *out = (struct history_verified){0};
    return history_manifest(svc, STR_NONE, verify_one, &v, e);
}
