/* The file that a record of it tells of. Names may have been masked, or mended where they were no UTF-8, so that there
 * is no such path; but the record's id is made of the true one. Where a part of the path is not there as it is written,
 * all names in that folder are tried, and the id says which it was. */
#include "service/history/int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 1000000, DEPTH_MAX = 64 };

struct finding {
    const struct history_names *names;
    struct str id;
    char path[PATH_MAX]; /* as far as it is tried */
    size_t root;         /* of it, bytes; after so many parts: */
    size_t root_parts;
    int64_t left;
};

static bool is_it(const struct finding *f, struct str root, struct str path)
{
    char id[ID_MAX];
    names_file(f->names, root.n ? root : STR("/"), path, id);
    return str_eq(f->id, str_of(id));
}

static bool fits(const struct finding *f, size_t n)
{
    return n > f->root &&
           is_it(f, (struct str){f->path, f->root}, (struct str){f->path + f->root + 1, n - f->root - 1});
}

static bool try_part(struct finding *f, size_t n, size_t depth, struct str part, struct str rest);

/* Every other name in the folder f->path[0..n). */
static bool try_names(struct finding *f, size_t n, size_t depth, struct str rest)
{
    bool found = false;
    f->path[n] = '\0';
    int fd = open_quiet(AT_FDCWD, n ? f->path : "/", O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *one = d ? readdir(d) : NULL; one && !found && f->left > 0; one = readdir(d))
        if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0)
            found = try_part(f, n, depth, str_of(one->d_name), rest);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    return found;
}

static bool try_rest(struct finding *f, size_t n, size_t depth, struct str rest)
{
    struct str part = str_cut(&rest, '/');
    if (depth == f->root_parts)
        f->root = n;
    if (try_part(f, n, depth, part, rest))
        return true;
    f->path[n] = '\0';
    if (n + 1 + part.n >= sizeof f->path)
        return false;
    f->path[n] = '/';
    memcpy(f->path + n + 1, part.p, part.n);
    f->path[n + 1 + part.n] = '\0';
    return (!rest.n || access(f->path, F_OK)) && try_names(f, n, depth, rest);
}

/* With this name as the next part. */
static bool try_part(struct finding *f, size_t n, size_t depth, struct str part, struct str rest)
{
    if (n + 1 + part.n >= sizeof f->path || depth >= DEPTH_MAX || f->left-- <= 0)
        return false;
    f->path[n] = '/';
    memcpy(f->path + n + 1, part.p, part.n);
    n += 1 + part.n;
    f->path[n] = '\0';
    if (!rest.n)
        return fits(f, n);
    return !access(f->path, X_OK) && try_rest(f, n, depth + 1, rest);
}

static size_t parts_of(struct str path)
{
    size_t n = 0;
    while (path.n)
        n += str_cut(&path, '/').n > 0;
    return n;
}

char *find_file(const struct history_names *names, struct arena *a, struct str id, struct str root, struct str path)
{
    struct finding *f = arena_alloc(a, sizeof *f);
    struct str whole = arena_fmt(a, "%.*s/%.*s", STR_ARG(root), STR_ARG(path));
    if (!f || !whole.p)
        return NULL;
    *f = (struct finding){.names = names, .id = id, .root_parts = parts_of(root), .left = TRIES};
    while (whole.n && *whole.p == '/')
        whole = str_skip(whole, 1);
    if (is_it(f, root, path) || !try_rest(f, 0, 0, whole))
        return arena_cstr(a, arena_fmt(a, "%.*s/%.*s", STR_ARG(root), STR_ARG(path)));
    return arena_cstr(a, str_of(f->path));
}
