/* File calls with words for people. Each asks the fault injector before it goes to the system; the
 * two questions that cannot answer "I do not know" (file_exists, file_size) do not. */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIR_MODE = 0700, FILE_MODE = 0600, READ_CHUNK = 64 * 1024 };

/* True when a test wants this call to fail; errno then says EIO. */
static bool injected(void)
{
    if (!mem_fail_now())
        return false;
    errno = EIO;
    return true;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A parent that cannot be made may still be there: a read-only /home, say, is no hindrance. */
static bool make_folder(const char *path)
{
    if (mkdir(path, DIR_MODE) == 0)
        return true;
    int why = errno;
    if (is_folder(path))
        return true;
    errno = why == EEXIST ? ENOTDIR : why;
    return false;
}

static enum err_code copy_path(char out[PATH_MAX], const char *path, const char *suffix, struct err *e)
{
    int n = snprintf(out, PATH_MAX, "%s%s", path, suffix);
    if (n > 0 && n < PATH_MAX)
        return ERR_OK;
    errno = n == 0 ? ENOENT : ENAMETOOLONG;
    return err_errno(e, "use the path", path);
}

enum err_code file_mkdirs(const char *path, struct err *e)
{
    char part[PATH_MAX];
    enum err_code rc = copy_path(part, path, "", e);
    if (rc != ERR_OK)
        return rc;
    if (injected())
        return err_errno(e, "make the folder", path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (!make_folder(part))
            return err_errno(e, "make the folder", part);
        *p = '/';
    }
    return make_folder(part) ? ERR_OK : err_errno(e, "make the folder", path);
}

/* Reads to the end whatever fstat said: files grow, and some say 0. One byte past `max` is asked for,
 * to tell "just fits" from "too large". */
static enum err_code read_to_end(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
    size_t got = 0;
    for (;;) {
        size_t want = max - got < READ_CHUNK ? max - got + 1 : READ_CHUNK;
        char *room = buf_room(out, want);
        if (!room)
            return err_nomem(e);
        ssize_t n = injected() ? -1 : read(fd, room, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "read", path);
        if (n == 0)
            return ERR_OK;
        got += (size_t)n;
        if (got > max)
            return err_set(e, ERR_TOO_LARGE, NULL, "%.120s is larger than %zu bytes", path, max);
        buf_added(out, (size_t)n);
    }
}

/* `pipes`: what is no file is taken too; else a pipe in a file's place is told and not waited for, which would be for
 * ever where nobody writes to it. */
static enum err_code open_file(const char *path, int how, bool pipes, int *fd, struct err *e)
{
    struct stat st;
    *fd = injected() ? -1 : open(path, how | (pipes ? 0 : O_NONBLOCK) | O_CLOEXEC, FILE_MODE);
    if (*fd < 0 && errno == ENOENT && !(how & O_CREAT))
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no file %.200s", path);
    if (*fd < 0 && errno != ENXIO) /* that says: a pipe that nobody reads */
        return err_errno(e, "open", path);
    if (*fd >= 0 && (pipes || fstat(*fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return ERR_OK;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return err_set(e, ERR_INVALID, NULL, "%.200s is not a file", path);
}

static enum err_code read_all(const char *path, size_t max, bool pipes, struct buf *out, struct err *e)
{
    int fd;
    enum err_code rc = open_file(path, O_RDONLY, pipes, &fd, e);
    if (rc == ERR_OK) {
        rc = read_to_end(fd, path, max, out, e);
        close(fd);
    }
    return rc;
}

enum err_code file_read_all(const char *path, size_t max, struct buf *out, struct err *e)
{
    return read_all(path, max, false, out, e);
}

enum err_code file_read_given(const char *path, size_t max, struct buf *out, struct err *e)
{
    return read_all(path, max, true, out, e);
}

static enum err_code map_fd(int fd, const char *path, size_t max, struct str *out, struct err *e)
{
    struct stat st;
    if (injected() || fstat(fd, &st) != 0)
        return err_errno(e, "look at", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, NULL, "%.200s is not a file", path);
    if ((uint64_t)st.st_size > max)
        return err_set(e, ERR_TOO_LARGE, NULL, "%.120s is larger than %zu bytes", path, max);
    if (st.st_size == 0)
        return ERR_OK;
    void *p = injected() ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "map", path);
    *out = (struct str){p, (size_t)st.st_size};
    return ERR_OK;
}

enum err_code file_map(const char *path, size_t max, struct str *out, struct err *e)
{
    *out = STR_NONE;
    int fd;
    enum err_code rc = open_file(path, O_RDONLY, false, &fd, e);
    if (rc == ERR_OK) {
        rc = map_fd(fd, path, max, out, e);
        close(fd);
    }
    return rc;
}

void file_unmap(struct str map)
{
    if (map.n > 0)
        munmap((void *)(uintptr_t)map.p, map.n);
}

int file_open_read(const char *path, struct err *e)
{
    int fd;
    open_file(path, O_RDONLY, false, &fd, e);
    return fd;
}

enum err_code file_map_fd(int fd, size_t bytes, struct str *out, struct err *e)
{
    *out = STR_NONE;
    void *p = injected() ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "map a file", NULL);
    *out = (struct str){p, bytes};
    return ERR_OK;
}

enum err_code file_look(int fd, int64_t *size, bool *gone, struct err *e)
{
    struct stat st;
    if (injected() || fstat(fd, &st) != 0)
        return err_errno(e, "look at a file", NULL);
    *size = (int64_t)st.st_size;
    *gone = st.st_nlink == 0;
    return ERR_OK;
}

enum err_code file_cut(int fd, int64_t size, struct err *e)
{
    if (injected() || ftruncate(fd, (off_t)size) != 0)
        return err_errno(e, "cut a file", NULL);
    return ERR_OK;
}

enum err_code file_write_fd(int fd, struct str bytes, struct err *e)
{
    while (bytes.n > 0) {
        ssize_t n = injected() ? -1 : write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "write", NULL);
        bytes = str_skip(bytes, (size_t)n);
    }
    return ERR_OK;
}

enum err_code file_sync(int fd, struct err *e)
{
    if (injected() || fsync(fd) != 0)
        return err_errno(e, "flush to disk", NULL);
    return ERR_OK;
}

/* A rename is durable once its folder is. */
static enum err_code sync_folder_of(const char *path, struct err *e)
{
    char folder[PATH_MAX];
    enum err_code rc = copy_path(folder, path, "", e);
    if (rc != ERR_OK)
        return rc;
    char *slash = strrchr(folder, '/');
    if (!slash)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder] = '\0';
    int fd = injected() ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "open the folder", folder);
    rc = file_sync(fd, e);
    close(fd);
    return rc;
}

enum err_code file_write_atomic(const char *path, struct str bytes, struct err *e)
{
    char temporary[PATH_MAX];
    enum err_code rc = copy_path(temporary, path, ".XXXXXX", e);
    if (rc != ERR_OK)
        return rc;
    int fd = injected() ? -1 : mkostemp(temporary, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return err_errno(e, "write", path);
    rc = file_write_fd(fd, bytes, e);
    if (rc == ERR_OK)
        rc = file_sync(fd, e);
    if (close(fd) != 0 && rc == ERR_OK)
        rc = err_errno(e, "write", path);
    if (rc == ERR_OK && (injected() || rename(temporary, path) != 0))
        rc = err_errno(e, "write", path);
    if (rc != ERR_OK) {
        unlink(temporary);
        return rc;
    }
    return sync_folder_of(path, e);
}

enum err_code file_replace(const char *from, const char *to, struct err *e)
{
    if (injected() || rename(from, to) != 0)
        return err_errno(e, "write", to);
    return sync_folder_of(to, e);
}

int file_open_write(const char *path, struct err *e)
{
    int fd;
    open_file(path, O_RDWR | O_CREAT, false, &fd, e);
    return fd;
}

enum err_code file_write_at(int fd, int64_t at, struct str bytes, struct err *e)
{
    while (bytes.n > 0) {
        ssize_t n = injected() ? -1 : pwrite(fd, bytes.p, bytes.n, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "write", NULL);
        bytes = str_skip(bytes, (size_t)n);
        at += n;
    }
    return ERR_OK;
}

enum err_code file_read_at(int fd, int64_t at, void *out, size_t n, size_t *got, struct err *e)
{
    *got = 0;
    while (*got < n) {
        ssize_t r = injected() ? -1 : pread(fd, (char *)out + *got, n - *got, (off_t)(at + (int64_t)*got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_errno(e, "read", NULL);
        if (r == 0)
            return ERR_OK;
        *got += (size_t)r;
    }
    return ERR_OK;
}

int file_open_append(const char *path, struct err *e)
{
    int fd;
    open_file(path, O_WRONLY | O_APPEND | O_CREAT, false, &fd, e);
    return fd;
}

enum err_code file_remove(const char *path, struct err *e)
{
    if (injected() || (unlink(path) != 0 && errno != ENOENT))
        return err_errno(e, "remove", path);
    return ERR_OK;
}
