/* The files that other models left: found by their names, removed where nobody writes to them. A program that still
 * searches one keeps what it has mapped. */
#include "index/vectors_int.h"

#include "base/file.h"

#include "store/store.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool is_other(const char *name, const char *own)
{
    return str_starts(str_of(name), "vectors-") && str_ends(str_of(name), ".bin") && (!own || strcmp(name, own) != 0);
}

/* The path with another ending. */
static bool with_end(char out[PATH_MAX], const char *bin, const char *end)
{
    int n = snprintf(out, PATH_MAX, "%.*s%s", (int)(strlen(bin) - strlen(".bin")), bin, end);
    return n > 0 && n < PATH_MAX;
}

/* The lock is taken first: whoever comes to write then sees that its file has lost its name, and makes another. It and
 * the .bin, by which the others are found, go last. */
static bool remove_free(const char *bin, void *unused)
{
    static const char *const ENDS[] = {".tail", ".new", ".bin", ".lock"};
    char path[PATH_MAX];
    (void)unused;
    int fd = with_end(path, bin, ".lock") ? file_open_write(path, NULL) : -1;
    if (fd < 0)
        return false;
    bool gone = flock(fd, LOCK_EX | LOCK_NB) == 0;
    for (size_t i = 0; gone && i < sizeof ENDS / sizeof *ENDS; i++)
        gone = with_end(path, bin, ENDS[i]) && file_remove(path, NULL) == ERR_OK;
    close(fd);
    return gone;
}

/* own: the name of the one that is left alone, NULL: none is. How many `each` says true of. */
static size_t for_others(const char *folder, const char *own, bool (*each)(const char *bin, void *arg), void *arg)
{
    char path[PATH_MAX];
    size_t done = 0;
    DIR *d = opendir(folder);
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;) {
        if (!is_other(f->d_name, own))
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        done += n > 0 && (size_t)n < sizeof path && each(path, arg);
    }
    if (d)
        closedir(d);
    return done;
}

size_t vectors_remove_others(struct vectors *v)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(v->path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - v->path), v->path);
    return v->read_only ? 0 : for_others(folder, slash + 1, remove_free, NULL);
}

size_t vectors_remove_all(const char *dir)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s/index", dir);
    return n > 0 && (size_t)n < sizeof folder ? for_others(folder, NULL, remove_free, NULL) : 0;
}

/* ---- converting ---- */
struct converting {
    const struct store *store;
    size_t failed;
    struct err *e;
};

/* What its head says suffices: no model is asked. */
static bool read_head(const char *bin, struct file_head *h)
{
    size_t got = 0;
    int fd = file_open_read(bin, NULL);
    if (fd < 0)
        return false;
    bool right = file_read_at(fd, 0, h, sizeof *h, &got, NULL) == ERR_OK && got == sizeof *h;
    close(fd);
    return right && h->dimensions > 0 && h->dimensions <= VECTORS_DIMENSIONS_MAX && h->model[0] &&
           memchr(h->model, 0, sizeof h->model) && !strchr(h->model, '/');
}

static bool convert(const char *bin, void *arg)
{
    struct converting *c = arg;
    struct file_head h;
    struct vectors *v = NULL;
    if (!read_head(bin, &h))
        return remove_free(bin, NULL);
    struct vectors_options o = {
        .dir = store_dir(c->store), .model_id = h.model, .dimensions = h.dimensions, .store = c->store};
    enum err_code code = vectors_open(&o, &v, c->e);
    if (code == ERR_OK)
        code = vectors_claim(v, c->e);
    vectors_close(v);
    c->failed += code != ERR_OK;
    return code == ERR_OK;
}

enum err_code vectors_convert(const struct store *store, const char *except, struct err *e)
{
    char folder[PATH_MAX], own[PATH_MAX];
    struct err why = {0};
    struct converting c = {.store = store, .e = &why};
    const char *digits = except ? strrchr(except, '@') : NULL;
    (void)snprintf(folder, sizeof folder, "%s/index", store_dir(store));
    (void)snprintf(own, sizeof own, "vectors-%s.bin", digits ? digits + 1 : except ? except : "");
    (void)for_others(folder, except ? own : NULL, convert, &c);
    return c.failed ? err_set(e, why.code, NULL, "%s", why.message) : ERR_OK;
}
