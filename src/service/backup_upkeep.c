/* Scheduled backups. See backup_upkeep.h. Making and verifying a copy is the store's (store_backup); here is when,
 * where to, and what goes again. */
#include "service/backup_upkeep.h"
#include "service/audit.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "config/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 10000, RETRY_MS = 60000, NAME_LENGTH = 25 };
static const int64_t DAY_MS = INT64_C(86400000), HOUR_MS = INT64_C(3600000);

/* ---- names ---- */

/* "cairn-20261120T171500Z.db" as RFC 3339, which the clock reads and judges. */
bool backup_name_time(struct str name, int64_t *ms)
{
    static const char pattern[] = "cairn-00000000T000000Z.db";
    if (name.n != NAME_LENGTH)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        bool digit = name.p[i] >= '0' && name.p[i] <= '9';
        if (pattern[i] == '0' ? !digit : name.p[i] != pattern[i])
            return false;
    }
    char text[CLOCK_TEXT];
    const char *p = name.p + 6;
    (void)snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 9, p + 11, p + 13);
    return clock_parse(str_of(text), ms);
}

static void name_of(int64_t ms, char out[static NAME_LENGTH + 1])
{
    char t[CLOCK_TEXT];
    (void)clock_format(ms, t); /* 2026-11-20T17:15:00.000Z */
    (void)snprintf(out, NAME_LENGTH + 1, "cairn-%.4s%.2s%.2sT%.2s%.2s%.2sZ.db", t, t + 5, t + 8, t + 11, t + 14,
                   t + 17);
}

/* ---- what stays ---- */

void backup_choose(const int64_t *times, size_t n, int64_t keep_last, int64_t keep_days, int64_t now, bool *keep)
{
    int64_t day = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        int64_t of = times[i] / DAY_MS;
        bool newest_of_day = of != day && of > now / DAY_MS - keep_days;
        keep[i] = i == 0 || (int64_t)i < keep_last || newest_of_day;
        day = of;
    }
}

/* ---- the folder ---- */

struct folder {
    const char *path; /* ends without a slash */
    int64_t *times;   /* of the backups in it, newest first */
    size_t n;
};

static int newest_first(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? 1 : a > b ? -1 : 0;
}

static const char *folder_path(struct service *svc, struct arena *a)
{
    const char *named = config_text(svc->options.config, "backup.folder");
    if (named && named[0] == '/')
        return arena_cstr(a, str_of(named));
    return arena_cstr(a, arena_fmt(a, "%s/%s", store_dir(svc->store), named ? named : "backups"));
}

/* What was left of a copy that was broken off is removed; it has one of our names and the ending. */
static void remove_part(const struct folder *f, const char *name)
{
    char path[PATH_MAX];
    int64_t at;
    size_t n = strlen(name);
    int len = snprintf(path, sizeof path, "%s/%s", f->path, name);
    if (n == NAME_LENGTH + 5 && strcmp(name + NAME_LENGTH, ".part") == 0 &&
        backup_name_time((struct str){name, NAME_LENGTH}, &at) && len > 0 && (size_t)len < sizeof path)
        (void)file_remove(path, NULL);
}

static enum err_code folder_read(struct folder *f, struct arena *a, bool tidy, struct err *e)
{
    DIR *d = opendir(f->path);
    f->n = 0;
    f->times = arena_array(a, int64_t, FILES_MAX);
    if (!d || !f->times) {
        enum err_code code = d ? err_nomem(e) : err_errno(e, "read the folder of backups", f->path);
        if (d)
            closedir(d);
        return code;
    }
    for (struct dirent *entry; (entry = readdir(d)) != NULL && f->n < FILES_MAX;) {
        if (backup_name_time(str_of(entry->d_name), &f->times[f->n]))
            f->n++;
        else if (tidy)
            remove_part(f, entry->d_name);
    }
    closedir(d);
    qsort(f->times, f->n, sizeof *f->times, newest_first);
    return ERR_OK;
}

enum err_code backups_made(struct service *svc, struct arena *a, const char **folder, int64_t **times, size_t *n,
                           struct err *e)
{
    struct folder f = {.path = folder_path(svc, a)};
    *n = 0;
    if (!f.path)
        return err_nomem(e);
    *folder = f.path;
    enum err_code code = file_exists(f.path) ? folder_read(&f, a, false, e) : ERR_OK;
    *times = f.times;
    *n = f.n;
    return code;
}

/* ---- pruning ---- */

/* A regular file, not what a link points to, that begins as every SQLite database does, or as one that is sealed with
 * our keys. */
static bool is_database(const struct service *svc, const char *path)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL */
    const struct keyring *keys = store_keyring(svc->store);
    char head[sizeof magic];
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
              (memcmp(head, magic, sizeof magic) == 0 || (keys && memcmp(head, keyring_id(keys), SEAL_ID) == 0));
    close(fd);
    return is;
}

static void prune(struct service *svc, const struct folder *f, struct arena *a)
{
    const struct config *c = svc->options.config;
    bool *keep = arena_array(a, bool, f->n + 1);
    char path[PATH_MAX], name[NAME_LENGTH + 1];
    if (!keep)
        return;
    backup_choose(f->times, f->n, config_int(c, "backup.keep"), config_int(c, "backup.keep_days"), clock_now_ms(),
                  keep);
    for (size_t i = 0; i < f->n; i++) {
        name_of(f->times[i], name);
        int len = snprintf(path, sizeof path, "%s/%s", f->path, name);
        if (keep[i] || len < 0 || (size_t)len >= sizeof path || !is_database(svc, path))
            continue;
        if (file_remove(path, NULL) == ERR_OK)
            log_event(LOG_INFO, "backup_pruned", L_CSTR("name", name));
    }
}

/* ---- making one ---- */

static enum err_code make(struct service *svc, const struct folder *f, int64_t now, struct err *e)
{
    char name[NAME_LENGTH + 1], path[PATH_MAX], part[PATH_MAX];
    name_of(now, name);
    int n = snprintf(path, sizeof path, "%s/%s", f->path, name);
    int m = snprintf(part, sizeof part, "%s/%s.part", f->path, name);
    if (n < 0 || m < 0 || (size_t)n >= sizeof path || (size_t)m >= sizeof part)
        return err_set(e, ERR_INVALID, "backup.folder", "the path of backup.folder is too long");
    enum err_code code = file_remove(part, e);
    if (!code)
        code = store_backup(svc->store, part, NULL, NULL, e);
    if (!code && rename(part, path))
        code = err_errno(e, "put the backup in place", path);
    if (!code)
        audit_deed_note(svc, &(struct audit_deed){.action = "backup.scheduled"});
    if (!code)
        log_event(LOG_INFO, "backup_made", L_CSTR("path", path), L_INT("bytes", file_size(path)));
    return code;
}

static enum err_code run(struct service *svc, struct arena *a, int64_t every_ms, struct err *e)
{
    struct folder f = {.path = folder_path(svc, a)};
    int64_t now = clock_now_ms();
    enum err_code code = f.path ? file_mkdirs(f.path, e) : err_nomem(e);
    if (!code)
        code = folder_read(&f, a, true, e);
    if (code)
        return code;
    if (!f.n || f.times[0] <= now - every_ms || f.times[0] > now + DAY_MS) { /* a clock that was wrong once */
        code = make(svc, &f, now, e);
        if (!code)
            code = folder_read(&f, a, false, e);
        if (!code)
            prune(svc, &f, a);
    }
    if (!code)
        atomic_store(&svc->backups.last_ms, f.n ? f.times[0] : 0);
    return code;
}

enum err_code backup_upkeep(struct service *svc, struct arena *a, struct err *e)
{
    int64_t every_ms = config_int(svc->options.config, "backup.every_hours") * HOUR_MS, now = clock_now_ms();
    int64_t last = atomic_load(&svc->backups.last_ms), failed = atomic_load(&svc->backups.failed_ms);
    if (every_ms == 0 || (last && last > now - every_ms && last <= now) || (failed && failed > now - RETRY_MS))
        return ERR_OK;
    enum err_code code = run(svc, a, every_ms, e);
    atomic_store(&svc->backups.failed_ms, code ? now : 0);
    return code;
}
