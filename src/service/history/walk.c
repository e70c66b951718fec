/* The inventory: every file below a root that a format knows, by its name. Names are hostile, links more so: none is
 * followed but to a folder directly below the root or its `projects` (people keep those elsewhere), each folder once.
 * What vanishes while we look is not there. Nothing but folders is opened. */
#include "service/history/int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 24, FILES_MAX = 4000000 };

struct folder {
    struct str path; /* "" is the root */
    int depth;
    bool followed; /* it is, or is below, a link's target */
};
struct walking {
    struct history_walk *w;
    const struct history_format *f;
    struct folder *todo, *links; /* links wait until all else is known */
    size_t n_todo, room_todo, n_links, room_links;
    struct place {
        dev_t device;
        ino_t inode;
    } * seen;
    size_t n_seen, room_seen;
    bool flat; /* folders in folders are not looked into */
    bool failed;
};

static void *more(struct walking *k, void *old, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return old;
    size_t bigger = *room ? *room * 2 : 64;
    char *p = arena_calloc(k->w->arena, bigger, size);
    if (!p) {
        k->failed = true;
        return NULL;
    }
    if (n)
        memcpy(p, old, n * size);
    *room = bigger;
    return p;
}

static void add_folder(struct walking *k, struct folder **list, size_t *n, size_t *room, struct folder f)
{
    struct folder *all = more(k, *list, *n, room, sizeof f);
    if (!all)
        return;
    *list = all;
    all[(*n)++] = f;
}

/* True the first time. */
static bool see(struct walking *k, const struct stat *s, bool look)
{
    for (size_t i = 0; look && i < k->n_seen; i++)
        if (k->seen[i].device == s->st_dev && k->seen[i].inode == s->st_ino)
            return false;
    struct place *all = more(k, k->seen, k->n_seen, &k->room_seen, sizeof *all);
    if (!all)
        return false;
    k->seen = all;
    all[k->n_seen++] = (struct place){s->st_dev, s->st_ino};
    return true;
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- opening ---- */

int open_quiet(int dir, const char *name, int more_flags)
{
    const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | more_flags;
    int fd = openat(dir, name, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd; /* somebody else's */
}

/* People keep all that a tool has written elsewhere, or the folders of single projects: those may be links, and nothing
 * else. */
static bool may_be_link(const struct history_walk *w, size_t depth, struct str first)
{
    static const char *const kept[] = {"projects", "sessions", "archived_sessions", "tmp", "storage", "globalStorage"};
    const char *slash = strrchr(w->root, '/');
    bool found = depth == 0 ? slash && strcmp(slash + 1, "projects") == 0 : depth == 1 && str_is(first, "projects");
    for (size_t i = 0; depth == 0 && i < sizeof kept / sizeof *kept; i++)
        found = found || str_is(first, kept[i]);
    return found;
}

/* The folder that `path`'s last part is in (or path itself: whole), step by step from the root. */
static int open_folder(const struct history_walk *w, struct str path, bool whole)
{
    struct str rest = path, first = STR_NONE;
    int at = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
    for (size_t depth = 0; at >= 0 && rest.n; depth++) {
        struct str part = str_cut(&rest, '/');
        char name[NAME_MAX + 1];
        if (!whole && !rest.n)
            break;
        if (part.n > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, part.p, part.n);
        name[part.n] = '\0';
        first = depth == 0 ? part : first;
        int next = open_quiet(at, name, O_DIRECTORY | O_NOFOLLOW);
        if (next < 0 && (errno == ELOOP || errno == ENOTDIR) && may_be_link(w, depth, first))
            next = open_quiet(at, name, O_DIRECTORY);
        int why = errno;
        close(at);
        errno = why;
        at = next;
    }
    return at;
}

static struct str last_part(struct str path)
{
    for (size_t i = path.n; i; i--)
        if (path.p[i - 1] == '/')
            return str_skip(path, i);
    return path;
}

int walk_file(const struct history_walk *w, const struct history_file *f, int *dir, struct err *e)
{
    struct str name = last_part(f->path);
    struct stat s;
    char text[NAME_MAX + 1];
    *dir = open_folder(w, f->path, false);
    int fd = -1;
    if (*dir >= 0 && name.n <= NAME_MAX) {
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        fd = open_quiet(*dir, text, O_NOFOLLOW);
    }
    if (fd >= 0 && !fstat(fd, &s) && S_ISREG(s.st_mode))
        return fd;
    bool gone = fd < 0 && errno == ENOENT;
    (void)err_set(e, gone ? ERR_NOT_FOUND : ERR_IO, NULL, fd < 0 ? "cannot open it: %m" : "it is no file any more");
    if (fd >= 0)
        close(fd);
    if (*dir >= 0)
        close(*dir);
    *dir = -1;
    return -1;
}

/* ---- walking ---- */

static void add_file(struct walking *k, int dir, const char *name, struct str path, const struct history_name *as)
{
    struct history_walk *w = k->w;
    struct stat s, beside;
    if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) || w->n >= FILES_MAX)
        return;
    if (!S_ISREG(s.st_mode) && as->way != HISTORY_LEAVE)
        return;
    struct history_file *all = more(k, w->files, w->n, &w->room, sizeof *all);
    if (!all)
        return;
    w->files = all;
    struct history_file *f = &all[w->n++];
    *f = (struct history_file){path, *as, (int64_t)s.st_dev, (int64_t)s.st_ino, s.st_size, nanoseconds(s.st_mtim)};
    if (as->beside) {
        struct str other = arena_fmt(w->arena, "%s%s", name, as->beside);
        if (other.p && !fstatat(dir, other.p, &beside, AT_SYMLINK_NOFOLLOW) &&
            nanoseconds(beside.st_mtim) > f->modified_ns)
            f->modified_ns = nanoseconds(beside.st_mtim);
    }
}

static bool is_folder(const char *path, const struct stat *s)
{
    struct stat other;
    return !stat(path, &other) && other.st_dev == s->st_dev && other.st_ino == s->st_ino;
}

/* The root, a folder that it is in, or the whole disk. */
static bool is_above(const struct walking *k, const struct stat *s)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", k->w->root) >= (int)sizeof path)
        return true;
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        if (is_folder(path, s))
            return true;
        *slash = '\0';
    }
    return is_folder("/", s);
}

static void look_at(struct walking *k, const struct folder *in, int dir, const struct dirent *d)
{
    struct history_name as;
    struct stat s;
    unsigned char type = d->d_type;
    if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
        return;
    struct str path = in->path.n ? arena_fmt(k->w->arena, "%.*s/%s", STR_ARG(in->path), d->d_name)
                                 : arena_str(k->w->arena, str_of(d->d_name));
    if (!path.p) {
        k->failed = true;
        return;
    }
    if (type == DT_UNKNOWN && !fstatat(dir, d->d_name, &s, AT_SYMLINK_NOFOLLOW))
        type = S_ISDIR(s.st_mode) ? DT_DIR : S_ISLNK(s.st_mode) ? DT_LNK : S_ISREG(s.st_mode) ? DT_REG : DT_UNKNOWN;
    const struct folder next = {path, in->depth + 1, in->followed};
    if (k->flat && type != DT_REG)
        return;
    if (type == DT_DIR && !in->depth && k->f->recognise(path, &as) && as.way == HISTORY_LEAVE)
        add_file(k, dir, d->d_name, path, &as); /* not even looked into */
    else if (type == DT_DIR && in->depth < DEPTH_MAX)
        add_folder(k, &k->todo, &k->n_todo, &k->room_todo, next);
    else if (type == DT_LNK && (!in->followed || in->depth == 1) && !fstatat(dir, d->d_name, &s, 0) &&
             S_ISDIR(s.st_mode) && may_be_link(k->w, (size_t)in->depth, in->depth ? in->path : path) &&
             !is_above(k, &s))
        add_folder(k, &k->links, &k->n_links, &k->room_links, next);
    else if (type == DT_LNK)
        k->w->links_left++;
    else if (type == DT_REG && k->f->recognise(path, &as))
        add_file(k, dir, d->d_name, path, &as);
}

/* What is gone, or a folder no more, was never there. */
static void add_unread(struct walking *k, const struct folder *f, int why)
{
    struct history_walk *w = k->w;
    if (why == ENOENT || why == ENOTDIR || why == ELOOP)
        return;
    struct history_unread *all = more(k, w->unread, w->n_unread, &w->room_unread, sizeof *all);
    if (!all)
        return;
    w->unread = all;
    all[w->n_unread++] = (struct history_unread){f->path, why};
}

static void walk_folder(struct walking *k, const struct folder *f)
{
    struct stat s;
    int fd = open_folder(k->w, f->path, true);
    if (fd < 0 || fstat(fd, &s)) {
        add_unread(k, f, errno);
        if (fd >= 0)
            close(fd);
        return;
    }
    struct history_walk *w = k->w;
    struct str *folders = more(k, w->folders, w->n_folders, &w->room_folders, sizeof *folders);
    DIR *d = folders && see(k, &s, f->followed) ? fdopendir(fd) : NULL;
    if (!d) {
        close(fd);
        return;
    }
    w->folders = folders;
    folders[w->n_folders++] = f->path;
    errno = 0;
    for (struct dirent *one = readdir(d); one && !k->failed; one = readdir(d)) {
        look_at(k, f, dirfd(d), one);
        errno = 0;
    }
    if (errno)
        add_unread(k, f, errno);
    closedir(d);
}

static int by_name(const void *x, const void *y)
{
    const struct folder *a = x, *b = y;
    return str_cmp(a->path, b->path);
}

/* What was written first is read first: a session that was resumed comes before the copy that it became. */
static int by_order(const void *x, const void *y)
{
    const struct history_file *a = x, *b = y;
    if (a->name.order != b->name.order)
        return (a->name.order > b->name.order) - (a->name.order < b->name.order);
    if (a->modified_ns != b->modified_ns)
        return (a->modified_ns > b->modified_ns) - (a->modified_ns < b->modified_ns);
    return str_cmp(a->path, b->path);
}

/* Links come when all folders of the root's own are known: one of those is not walked twice. */
static void walk_all(struct walking *k, const struct str *only, size_t n_only)
{
    size_t links = 0;
    k->flat = n_only > 0;
    if (!k->flat)
        add_folder(k, &k->todo, &k->n_todo, &k->room_todo, (struct folder){.path = STR("")});
    for (size_t i = 0; i < n_only; i++)
        add_folder(k, &k->todo, &k->n_todo, &k->room_todo,
                   (struct folder){.path = arena_str(k->w->arena, only[i]), .followed = true});
    for (bool more = true; more && !k->failed;) {
        while (k->n_todo && !k->failed) {
            struct folder f = k->todo[--k->n_todo];
            walk_folder(k, &f);
        }
        if (links == 0 && k->n_links)
            qsort(k->links, k->n_links, sizeof *k->links, by_name);
        more = links < k->n_links;
        if (more) {
            struct folder f = k->links[links++];
            f.followed = true;
            add_folder(k, &k->todo, &k->n_todo, &k->room_todo, f);
        }
    }
    if (k->w->n)
        qsort(k->w->files, k->w->n, sizeof *k->w->files, by_order);
}

/* ---- the root ---- */

/* By one name, however it was written: the file's id is made of it. */
static char *absolute(struct arena *a, const char *path)
{
    char real[PATH_MAX];
    return realpath(path, real) ? arena_cstr(a, str_of(real)) : arena_cstr(a, str_of(path));
}

/* A file that is named by itself is read whatever it is called. */
static enum err_code single(struct walking *k, char *path, struct err *e)
{
    struct history_name as;
    char *slash = strrchr(path, '/');
    struct str name = str_of(slash + 1);
    if (!k->f->recognise(name, &as))
        as = (struct history_name){.kind = "file", .way = HISTORY_READ, .grows = true};
    k->w->root = slash == path ? arena_cstr(k->w->arena, STR("/"))
                               : arena_cstr(k->w->arena, (struct str){path, (size_t)(slash - path)});
    k->w->fd = k->w->root ? open_quiet(AT_FDCWD, k->w->root, O_DIRECTORY) : -1;
    if (k->w->fd < 0)
        return err_errno(e, "open", path);
    add_file(k, k->w->fd, name.p, name, &as);
    return k->failed ? err_nomem(e) : ERR_OK;
}

enum err_code walk_open(struct history_walk *w, const struct history_format *f, const char *path,
                        const struct str *only, size_t n_only, struct err *e)
{
    struct walking k = {.w = w, .f = f};
    struct stat s;
    *w = (struct history_walk){.arena = arena_new(), .fd = -1};
    char *whole = w->arena ? absolute(w->arena, path) : NULL;
    if (!whole)
        return err_nomem(e);
    arena_limit(w->arena, (size_t)2 << 30);
    if (stat(whole, &s))
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(errno), "path",
                       "cannot look at %.180s: %m", path);
    if (S_ISREG(s.st_mode))
        return single(&k, whole, e);
    w->root = whole;
    w->fd = open_quiet(AT_FDCWD, whole, O_DIRECTORY);
    if (w->fd < 0)
        return err_errno(e, "open", path);
    walk_all(&k, only, n_only);
    return k.failed || arena_failed(w->arena) ? err_nomem(e) : ERR_OK;
}

void walk_close(struct history_walk *w)
{
    if (w->fd >= 0)
        close(w->fd);
    if (w->arena)
        arena_free(w->arena);
    *w = (struct history_walk){.fd = -1};
}
