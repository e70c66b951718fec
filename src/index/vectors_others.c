/* The files that other models left: found by their names, removed where nobody writes to them. A program that still
 * searches one keeps what it has mapped. */
#include "index/vectors_int.h"

#include "base/file.h"

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
static bool remove_free(const char *bin)
{
    static const char *const ENDS[] = {".tail", ".new", ".bin", ".lock"};
    char path[PATH_MAX];
    int fd = with_end(path, bin, ".lock") ? file_open_write(path, NULL) : -1;
    if (fd < 0)
        return false;
    bool gone = flock(fd, LOCK_EX | LOCK_NB) == 0;
    for (size_t i = 0; gone && i < sizeof ENDS / sizeof *ENDS; i++)
        gone = with_end(path, bin, ENDS[i]) && file_remove(path, NULL) == ERR_OK;
    close(fd);
    return gone;
}

/* own: the name of the one that stays, NULL: none does. */
static size_t remove_in(const char *folder, const char *own)
{
    char path[PATH_MAX];
    size_t removed = 0;
    DIR *d = opendir(folder);
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;) {
        if (!is_other(f->d_name, own))
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        removed += n > 0 && (size_t)n < sizeof path && remove_free(path);
    }
    if (d)
        closedir(d);
    return removed;
}

size_t vectors_remove_others(struct vectors *v)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(v->path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - v->path), v->path);
    return v->read_only ? 0 : remove_in(folder, slash + 1);
}

size_t vectors_remove_all(const char *dir)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s/index", dir);
    return n > 0 && (size_t)n < sizeof folder ? remove_in(folder, NULL) : 0;
}
