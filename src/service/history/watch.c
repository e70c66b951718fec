/* Following sources as they are written: inotify tells that something in them has changed, then they are imported once
 * more, which reads no more than what is new. Folders that come are followed too. Where the system has no watch left,
 * the sources are looked at every few seconds. */
#include "service/history/history.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 500, GATHER_MS = 100, LOOK_MS = 5000, DEPTH_MAX = 12, EVENTS_BYTES = 1 << 14 };

struct watching {
    struct service *svc;
    const struct history_wish *wishes;
    size_t n;
    history_followed *tell;
    void *arg;
    int fd;
    bool blind; /* not every folder could be watched */
};

/* The folder and those below it; those that are links only where they are a project's. */
static void add_folder(struct watching *w, const char *path, int depth)
{
    char below[4096];
    struct stat s;
    DIR *d = depth < DEPTH_MAX ? opendir(path) : NULL;
    if (!d)
        return;
    if (inotify_add_watch(w->fd, path, IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
        w->blind = true;
    for (struct dirent *one = readdir(d); one; one = readdir(d)) {
        if (one->d_name[0] == '.' && (!one->d_name[1] || !strcmp(one->d_name, "..")))
            continue;
        if (snprintf(below, sizeof below, "%s/%s", path, one->d_name) >= (int)sizeof below)
            continue;
        if (one->d_type == DT_DIR || (one->d_type == DT_UNKNOWN && !lstat(below, &s) && S_ISDIR(s.st_mode)))
            add_folder(w, below, depth + 1);
        else if (one->d_type == DT_LNK && depth == 1 && !stat(below, &s) && S_ISDIR(s.st_mode))
            (void)inotify_add_watch(w->fd, below, IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
    }
    closedir(d);
}

static void add_all(struct watching *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct stat s;
        char folder[4096];
        const char *path = w->wishes[i].path;
        (void)snprintf(folder, sizeof folder, "%s", path);
        char *slash = strrchr(folder, '/');
        if (!stat(path, &s) && S_ISREG(s.st_mode) && slash && slash != folder)
            *slash = '\0';
        add_folder(w, folder, 0);
    }
}

/* Takes what has been told off the queue. *folders: one has come. */
static bool drain(struct watching *w, bool *folders)
{
    char bytes[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false;
    for (ssize_t n; (n = read(w->fd, bytes, sizeof bytes)) > 0;) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *one = (const struct inotify_event *)(const void *)(bytes + at);
            *folders = *folders || (one->mask & (IN_ISDIR | IN_Q_OVERFLOW));
            at += (ssize_t)(sizeof *one + one->len);
            any = true;
        }
    }
    return any;
}

static enum err_code import_all(struct watching *w, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < w->n && !code; i++) {
        struct history_report r;
        code = history_import(w->svc, &w->wishes[i], &r, e);
        if (!code && w->tell)
            w->tell(w->arg, &w->wishes[i], &r);
    }
    return code;
}

static bool stopped(const struct watching *w)
{
    return w->wishes[0].stop && atomic_load(w->wishes[0].stop);
}

enum err_code history_watch(struct service *svc, const struct history_wish *wishes, size_t n, history_followed *tell,
                            void *arg, struct err *e)
{
    struct watching w = {svc, wishes, n, tell, arg, inotify_init1(IN_NONBLOCK | IN_CLOEXEC), false};
    if (w.fd < 0)
        return err_errno(e, "follow", NULL);
    add_all(&w);
    enum err_code code = import_all(&w, e);
    int64_t looked = clock_mono_us();
    while (!code && !stopped(&w)) {
        struct pollfd p = {.fd = w.fd, .events = POLLIN};
        bool folders = false, due = w.blind && clock_mono_us() - looked > LOOK_MS * INT64_C(1000);
        int ready = poll(&p, 1, WAIT_MS);
        if (ready < 0 && errno != EINTR)
            code = err_errno(e, "follow", NULL);
        if (ready > 0) {
            (void)poll(NULL, 0, GATHER_MS); /* lines come in groups */
            due = drain(&w, &folders) || due;
        }
        if (folders)
            add_all(&w);
        if (due && !code && !stopped(&w)) {
            code = import_all(&w, e);
            looked = clock_mono_us();
        }
    }
    close(w.fd);
    return code;
}
