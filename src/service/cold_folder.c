/* Cold storage in a folder: a file an object, written whole or not at all. See cold_driver.h. Files that are not ours
 * are listed too; what is hidden (and what a write that was broken off has left) is not. */
#include "base/file.h"
#include "base/mem.h"
#include "service/cold_driver.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH = 4 };

struct folder {
    struct cold_driver driver; /* first */
    char path[];
};

static enum err_code path_of(const struct cold_driver *d, struct str name, char out[static PATH_MAX], struct err *e)
{
    const struct folder *f = (const struct folder *)d;
    int n = snprintf(out, PATH_MAX, "%s/%.*s", f->path, STR_ARG(name));
    return n > 0 && n < PATH_MAX ? ERR_OK
                                 : err_set(e, ERR_INVALID, "cold.folder", "the path of cold.folder is too long");
}

static enum err_code put(struct cold_driver *d, struct str name, struct str bytes, struct err *e)
{
    char path[PATH_MAX];
    struct str folder = name;
    while (folder.n && folder.p[folder.n - 1] != '/')
        folder.n--;
    enum err_code code = path_of(d, folder, path, e);
    if (!code)
        code = file_mkdirs(path, e);
    if (!code)
        code = path_of(d, name, path, e);
    return code ? code : file_write_atomic(path, bytes, e);
}

static enum err_code get(struct cold_driver *d, struct str name, size_t most, struct buf *out, struct err *e)
{
    char path[PATH_MAX];
    enum err_code code = path_of(d, name, path, e);
    return code ? code : file_read_all(path, most, out, e);
}

static enum err_code remove_one(struct cold_driver *d, struct str name, struct err *e)
{
    char path[PATH_MAX];
    enum err_code code = path_of(d, name, path, e);
    return code ? code : file_remove(path, e);
}

/* ---- listing ---- */

struct listing {
    struct cold_driver *driver;
    cold_object_fn *fn;
    void *arg;
};

static enum err_code list_in(struct listing *l, struct str within, int depth, struct err *e);

static enum err_code list_one(struct listing *l, struct str within, const char *file, int depth, struct err *e)
{
    char name[PATH_MAX], path[PATH_MAX];
    struct stat st;
    int n = snprintf(name, sizeof name, "%.*s%s", STR_ARG(within), file);
    if (n <= 0 || n + 1 >= (int)sizeof name || path_of(l->driver, (struct str){name, (size_t)n}, path, NULL) ||
        stat(path, &st) != 0)
        return ERR_OK; /* gone meanwhile, or none of ours */
    if (S_ISREG(st.st_mode))
        return l->fn(l->arg, (struct str){name, (size_t)n}, st.st_size, e);
    if (!S_ISDIR(st.st_mode) || depth == 0)
        return ERR_OK;
    name[n] = '/';
    return list_in(l, (struct str){name, (size_t)n + 1}, depth - 1, e);
}

static enum err_code list_in(struct listing *l, struct str within, int depth, struct err *e)
{
    char path[PATH_MAX];
    enum err_code code = path_of(l->driver, within, path, e);
    DIR *dir = code ? NULL : opendir(path);
    for (struct dirent *f; dir && !code && (f = readdir(dir)) != NULL;)
        if (f->d_name[0] != '.')
            code = list_one(l, within, f->d_name, depth, e);
    if (dir)
        closedir(dir);
    return code;
}

static enum err_code list(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg, struct err *e)
{
    struct listing l = {d, fn, arg};
    return list_in(&l, prefix, DEPTH, e);
}

static void close_folder(struct cold_driver *d)
{
    mem_free(d);
}

enum err_code cold_folder_open(const char *path, struct cold_driver **out, struct err *e)
{
    size_t n = strlen(path) + 1;
    struct folder *f = mem_zalloc(sizeof *f + n);
    if (!f)
        return err_nomem(e);
    memcpy(f->path, path, n);
    f->driver = (struct cold_driver){.put = put, .get = get, .list = list, .remove = remove_one, .close = close_folder};
    *out = &f->driver;
    return ERR_OK;
}
