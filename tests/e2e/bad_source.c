/* Preloaded into an import: the disk that the source is on goes bad. From the $BAD_AT-th reading call on that is of a
 * file below the folder $BAD_SOURCE, each fails with the number $BAD_ERRNO (EIO of a disk, ESTALE of a network's). */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static int broken(int fd)
{
    const char *root = getenv("BAD_SOURCE"), *at = getenv("BAD_AT"), *number = getenv("BAD_ERRNO");
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = root && at && number ? readlink(name, path, sizeof path - 1) : -1;
    if (n < 0)
        return 0;
    path[n] = 0;
    if (strncmp(path, root, strlen(root)) || atomic_fetch_add(&calls, 1) < atol(at))
        return 0;
    errno = atoi(number);
    return 1;
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    return broken(fd) ? -1 : (ssize_t)syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return pread64(fd, p, n, at);
}

ssize_t read(int fd, void *p, size_t n)
{
    return broken(fd) ? -1 : (ssize_t)syscall(SYS_read, fd, p, n);
}
