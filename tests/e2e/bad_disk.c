/* Preloaded into a server under test to make its store slow or broken. While the file $BAD_DISK exists and holds a
 * number, taking or giving back a file lock (which the store does for each transaction) takes so many milliseconds;
 * when it says "fail", reading and writing at a place of a file (which only the store does) fails. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -1: fail, else milliseconds. */
static int badness(void)
{
    const char *path = getenv("BAD_DISK");
    char text[16] = "";
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f)
        return 0;
    if (!fgets(text, sizeof text, f))
        text[0] = 0;
    fclose(f);
    return strncmp(text, "fail", 4) ? atoi(text) : -1;
}

static int lock_call(int fd, int cmd, void *arg)
{
    int ms = cmd == F_SETLK || cmd == F_SETLKW ? badness() : 0;
    if (ms > 0)
        usleep((useconds_t)ms * 1000);
    return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

int fcntl(int fd, int cmd, ...)
{
    va_list ap;
    va_start(ap, cmd);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    return lock_call(fd, cmd, arg);
}

int fcntl64(int fd, int cmd, ...)
{
    va_list ap;
    va_start(ap, cmd);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    return lock_call(fd, cmd, arg);
}

static int broken(void)
{
    if (badness() >= 0)
        return 0;
    errno = EIO;
    return 1;
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    return broken() ? -1 : (ssize_t)syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return pread64(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return broken() ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}
