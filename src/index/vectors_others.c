/* The files that other models left: found by their names beside ours, removed where nobody writes to them. A program
 * that still searches one keeps what it has mapped. */
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
    return str_starts(str_of(name), "vectors-") && str_ends(str_of(name), ".bin") && strcmp(name, own) != 0;
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

size_t vectors_remove_others(struct vectors *v)
{
    char path[PATH_MAX];
    const char *slash = strrchr(v->path, '/');
    size_t removed = 0, dir = (size_t)(slash - v->path);
    snprintf(path, sizeof path, "%.*s", (int)dir, v->path);
    DIR *d = v->read_only ? NULL : opendir(path);
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;) {
        if (!is_other(f->d_name, slash + 1))
            continue;
        int n = snprintf(path, sizeof path, "%.*s/%s", (int)dir, v->path, f->d_name);
        removed += n > 0 && (size_t)n < sizeof path && remove_free(path);
    }
    if (d)
        closedir(d);
    return removed;
}
