/* Looking for copies of the database. See plain_files.h. A file is known by its first bytes. */
#include "service/plain_files.h"

#include "base/file.h"
#include "config/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1000, HEAD = 16 };
_Static_assert((int)HEAD == (int)SEAL_ID, "a sealed database begins with the keyring's id");

struct look {
    const unsigned char *id; /* the keyring's, NULL: only plain ones are looked for */
    bool plain;
    struct json_out *w; /* NULL: only counted */
    int64_t n;
};

static bool wanted(const struct look *l, const char *path)
{
    char head[HEAD];
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool read_it = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, head, HEAD) == HEAD;
    close(fd);
    if (!read_it)
        return false;
    return l->plain ? memcmp(head, "SQLite format 3", HEAD) == 0 : l->id && memcmp(head, l->id, HEAD) == 0;
}

/* The database itself is opened nowhere else in this process: closing it here would give up SQLite's locks on it. */
static bool in_use(const char *name)
{
    return strcmp(name, "store.db") == 0;
}

static enum err_code look_in(struct look *l, struct arena *a, const char *folder, struct err *e)
{
    DIR *d = opendir(folder);
    if (!d)
        return ERR_OK; /* there is none */
    for (struct dirent *f; (f = readdir(d)) && l->n < FILES_MAX;) {
        struct str path = arena_fmt(a, "%s/%s", folder, f->d_name);
        if (!path.p || in_use(f->d_name) || !wanted(l, path.p))
            continue;
        l->n++;
        if (l->w)
            jw_str(l->w, path);
    }
    closedir(d);
    return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static enum err_code look(const struct service *s, struct arena *a, struct look *l, struct err *e)
{
    const char *dir = store_dir(s->store), *own = config_text(s->options.config, "backup.folder");
    const struct keyring *k = store_keyring(s->store);
    const char *backups = arena_fmt(a, "%s/backups", dir).p;
    l->id = k ? keyring_id(k) : NULL;
    if (!backups)
        return err_nomem(e);
    enum err_code code = look_in(l, a, dir, e);
    if (!code)
        code = look_in(l, a, backups, e);
    if (!code && own && own[0] == '/' && strcmp(own, backups) != 0 && strcmp(own, dir) != 0)
        code = look_in(l, a, own, e);
    else if (!code && own && own[0] != '/' && strcmp(own, "backups") != 0)
        code = look_in(l, a, arena_fmt(a, "%s/%s", dir, own).p, e);
    return code;
}

enum err_code plain_files_list(const struct service *s, struct arena *a, bool plain, struct json_out *w, struct err *e)
{
    struct look l = {.plain = plain, .w = w};
    return look(s, a, &l, e);
}

enum err_code plain_files_count(const struct service *s, struct arena *a, bool plain, int64_t *n, struct err *e)
{
    struct look l = {.plain = plain};
    enum err_code code = look(s, a, &l, e);
    *n = l.n;
    return code;
}
