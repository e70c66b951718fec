/* Following sources as they are written: inotify tells in which folder something has changed, and what is there is
 * imported once more, which reads no more than what is new. Folders that come are followed too. Where the system has no
 * watch left, the sources are looked at every few seconds; a root that is not there may come; what fails, because the
 * store is locked or full or a file is being written, is tried again later, and later each time. */
#include "service/history/int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 500, GATHER_MS = 100, GATHER_MOST = 5000, EVENTS_BYTES = 1 << 14, FOLDERS_MOST = 64 };
enum { LOOK_MS = 2000, LOOK_TIMES = 20, AGAIN_MS = 1000, AGAIN_MOST = 60000 };
static const uint32_t events = IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR;

/* A place that is followed. */
struct followed {
    struct history_wish wish;
    dev_t device; /* of its path; inode 0: it is not there */
    ino_t inode;
    bool all;                         /* it is to be looked at whole */
    bool folders;                     /* folders may have come */
    bool failing;                     /* said */
    int64_t due;                      /* when it is looked at again, whatever is told; 0: never */
    int64_t again;                    /* ms until then, should it fail once more */
    struct str changed[FOLDERS_MOST]; /* folders, borrowed of `watched` */
    size_t n_changed;
};

/* A folder, by what inotify calls it; one may belong to several places. */
struct watched {
    struct watched *next;
    struct followed *of;
    size_t n;
    char path[]; /* below the place's */
};

struct watching {
    struct service *svc;
    struct followed *places;
    size_t n;
    history_followed *tell;
    void *arg;
    int fd;
    bool blind; /* not every folder could be watched */
    struct watched **by_number;
    size_t room;
    int64_t pause; /* ms that imports take: so long at least nothing is done between two */
};

static int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

static bool stopped(const struct watching *w)
{
    const atomic_bool *stop = w->places[0].wish.stop;
    return stop && atomic_load(stop);
}

/* ---- folders ---- */

/* In that folder something is new. */
static void note(struct watched *x)
{
    struct followed *p = x->of;
    struct str path = {x->path, x->n};
    for (size_t i = 0; i < p->n_changed; i++)
        if (p->changed[i].p == path.p)
            return;
    p->all = p->all || p->n_changed == FOLDERS_MOST;
    if (!p->all)
        p->changed[p->n_changed++] = path;
}

static void go_blind(struct watching *w, int why)
{
    if (!w->blind)
        log_event(LOG_WARN, "watch_polls",
                  L_CSTR("message", why == ENOSPC || why == EMFILE
                                        ? "the system has no watch left (sysctl fs.inotify): "
                                          "histories are looked at every few seconds"
                                        : "not every folder can be watched: histories are looked "
                                          "at every few seconds"));
    w->blind = true;
}

static bool make_room(struct watching *w, size_t number)
{
    size_t room = w->room ? w->room : 256;
    while (room <= number)
        room *= 2;
    if (room == w->room)
        return true;
    struct watched **more = mem_grow(w->by_number, room * sizeof(struct watched *));
    if (!more)
        return false;
    memset(more + w->room, 0, (room - w->room) * sizeof *more);
    w->by_number = more;
    w->room = room;
    return true;
}

static void keep(struct watching *w, struct followed *p, size_t number, struct str path)
{
    if (!make_room(w, number)) {
        go_blind(w, ENOMEM);
        return;
    }
    for (const struct watched *x = w->by_number[number]; x; x = x->next)
        if (x->of == p && str_eq((struct str){x->path, x->n}, path))
            return;
    struct watched *x = mem_alloc(sizeof *x + path.n);
    if (!x) {
        go_blind(w, ENOMEM);
        return;
    }
    *x = (struct watched){w->by_number[number], p, path.n};
    if (path.n)
        memcpy(x->path, path.p, path.n);
    w->by_number[number] = x;
    note(x); /* what is in it may be older than this watch */
}

static void forget(struct watching *w, size_t number)
{
    for (struct watched *x = number < w->room ? w->by_number[number] : NULL, *next; x; x = next) {
        next = x->next;
        x->of->all = x->of->folders = true; /* what is noted of it may lie in here; it may be there anew */
        x->of->n_changed = 0;
        mem_free(x);
    }
    if (number < w->room)
        w->by_number[number] = NULL;
}

/* All folders that an import looks into. */
static void add_folders(struct watching *w, struct followed *p)
{
    struct history_walk k;
    struct err none = {0};
    struct arena *a = arena_new();
    enum err_code code = a ? walk_open(&k, p->wish.format, p->wish.path, NULL, 0, &none) : err_nomem(&none);
    for (size_t i = 0; !code && w->fd >= 0 && i < (k.n_folders ? k.n_folders : 1); i++) {
        struct str path = k.n_folders ? k.folders[i] : STR(""); /* of a file alone its folder */
        char *whole = arena_cstr(a, arena_fmt(a, "%s/%.*s", k.root, STR_ARG(path)));
        int number = whole ? inotify_add_watch(w->fd, whole, events) : -1;
        if (number >= 0)
            keep(w, p, (size_t)number, path);
        else if (!whole || (errno != ENOENT && errno != ENOTDIR && errno != EACCES))
            go_blind(w, whole ? errno : ENOMEM);
        arena_reset(a);
    }
    if (a)
        walk_close(&k);
    arena_free(a);
    p->folders = false;
}

/* Whether the root is another than it was: it came, or was made anew. */
static void look_at_root(struct followed *p)
{
    struct stat s;
    bool there = stat(p->wish.path, &s) == 0;
    if (there && (s.st_ino != p->inode || s.st_dev != p->device))
        p->all = p->folders = true;
    p->device = there ? s.st_dev : 0;
    p->inode = there ? s.st_ino : 0;
}

/* ---- what is told ---- */

/* A folder, or a link, which may be one to a folder. */
static bool is_folder(const struct watched *x, const struct inotify_event *one)
{
    char path[PATH_MAX];
    struct stat s;
    if (one->mask & IN_ISDIR || !(one->mask & (IN_CREATE | IN_MOVED_TO)) || !one->len)
        return one->mask & IN_ISDIR;
    int n = snprintf(path, sizeof path, "%s/%.*s/%s", x->of->wish.path, (int)x->n, x->path, one->name);
    return n > 0 && n < (int)sizeof path && !lstat(path, &s) && S_ISLNK(s.st_mode);
}

static void take_event(struct watching *w, const struct inotify_event *one)
{
    if (one->mask & IN_Q_OVERFLOW)
        for (size_t i = 0; i < w->n; i++)
            w->places[i].all = w->places[i].folders = true;
    if (one->wd < 0 || (size_t)one->wd >= w->room)
        return;
    if (one->mask & IN_IGNORED) {
        forget(w, (size_t)one->wd);
        return;
    }
    for (struct watched *x = w->by_number[one->wd]; x; x = x->next) {
        note(x);
        x->of->folders = x->of->folders || is_folder(x, one);
    }
}

/* Takes what has been told off the queue. */
static void drain(struct watching *w)
{
    char bytes[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    for (ssize_t n; (n = read(w->fd, bytes, sizeof bytes)) > 0;) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *one = (const struct inotify_event *)(const void *)(bytes + at);
            take_event(w, one);
            at += (ssize_t)(sizeof *one + one->len);
        }
    }
}

/* ---- importing ---- */

/* When all is looked at again whatever is told. Of folders alone that went well nothing follows. */
static void plan(struct watching *w, struct followed *p, bool whole, bool failed, int64_t took)
{
    if (!whole && !failed && (p->due || !w->blind))
        return;
    p->again = !failed ? 0 : p->again ? p->again * 2 : AGAIN_MS;
    p->again = p->again > AGAIN_MOST ? AGAIN_MOST : p->again;
    int64_t wait = p->again;
    if (!wait && w->blind)
        wait = took * LOOK_TIMES > LOOK_MS ? took * LOOK_TIMES : LOOK_MS;
    p->due = wait ? now_ms() + wait : 0;
}

static void tell_waiting(struct followed *p, const struct err *why)
{
    if (!p->failing == !why->code)
        return;
    p->failing = why->code != ERR_OK;
    if (p->failing)
        log_event(LOG_WARN, "watch_waits", L_CSTR("source", p->wish.format->name), L_CSTR("message", why->message));
    else
        log_event(LOG_WARN, "watch_goes_on", L_CSTR("source", p->wish.format->name));
}

static enum err_code import_place(struct watching *w, struct followed *p, struct err *e)
{
    struct history_report r;
    struct err why = {0};
    struct history_wish wish = p->wish;
    int64_t began = now_ms();
    if (p->folders)
        add_folders(w, p);
    if (!p->all && !p->n_changed)
        return ERR_OK;
    if (!p->all) {
        wish.folders = p->changed;
        wish.n_folders = p->n_changed;
    }
    enum err_code code = history_import(w->svc, &wish, &r, &why);
    if (code == ERR_CORRUPT || code == ERR_INTERNAL) {
        *e = why;
        return code;
    }
    if (code == ERR_NOT_FOUND) { /* the root went meanwhile */
        code = ERR_OK;
        err_clear(&why);
        r = (struct history_report){0};
    }
    if (!code && w->tell)
        w->tell(w->arg, &wish, &r);
    tell_waiting(p, &why);
    int64_t took = now_ms() - began;
    plan(w, p, p->all, code || r.files_failed, took);
    w->pause = took > w->pause ? took : w->pause;
    p->all = false;
    p->n_changed = 0;
    return ERR_OK;
}

static enum err_code import_due(struct watching *w, struct err *e)
{
    enum err_code code = ERR_OK;
    w->pause = 0;
    for (size_t i = 0; i < w->n && !code && !stopped(w); i++) {
        struct followed *p = &w->places[i];
        look_at_root(p);
        if (p->due && now_ms() >= p->due)
            p->all = true;
        if (p->inode && (p->all || p->folders || p->n_changed))
            code = import_place(w, p, e);
    }
    return code;
}

static enum err_code follow(struct watching *w, struct err *e)
{
    enum err_code code = import_due(w, e);
    while (!code && !stopped(w)) {
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        int ready = poll(&p, 1, WAIT_MS);
        if (ready < 0 && errno != EINTR)
            return err_errno(e, "follow", NULL);
        if (ready > 0) { /* lines come in groups */
            int64_t pause = w->pause * 3 > GATHER_MOST ? GATHER_MOST : w->pause * 3;
            (void)poll(NULL, 0, pause > GATHER_MS ? (int)pause : GATHER_MS);
            drain(w);
        }
        code = import_due(w, e);
    }
    return code;
}

enum err_code history_watch(struct service *svc, const struct history_wish *wishes, size_t n, history_followed *tell,
                            void *arg, struct err *e)
{
    struct watching w = {.svc = svc, .n = n, .tell = tell, .arg = arg, .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    if (w.fd < 0)
        go_blind(&w, errno);
    w.places = mem_zalloc(n * sizeof *w.places);
    for (size_t i = 0; w.places && i < n; i++)
        w.places[i] = (struct followed){.wish = wishes[i], .folders = true};
    enum err_code code = w.places ? follow(&w, e) : err_nomem(e);
    for (size_t i = 0; i < w.room; i++)
        forget(&w, i);
    mem_free(w.by_number);
    mem_free(w.places);
    if (w.fd >= 0)
        close(w.fd);
    return code;
}
