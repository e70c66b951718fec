/* Listening sockets: a TCP address, and a Unix socket in the data folder.
 *
 * Where callers are not asked who they are (auth is off) only loopback addresses are taken. A Unix socket that a dead
 * process left behind is replaced; a live server's is left alone. Who may decide that is settled by a lock on the
 * folder, held for the moment of binding. */
#include "base/file.h"
#include "base/log.h"
#include "doors/http/http_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* "host:port", "[v6]:port" or "port" into host (NUL-terminated) and port. */
static bool address_split(const char *address, char *host, size_t size, int64_t *port)
{
    struct str all = str_of(address), h = STR("127.0.0.1"), p = all;
    const char *colon = strrchr(address, ':');
    if (colon) {
        h = str_take(all, (size_t)(colon - address));
        p = str_skip(all, h.n + 1);
        if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
            h = (struct str){h.p + 1, h.n - 2};
    }
    if (h.n == 0 || h.n >= size || !str_int(p, port) || *port < 0 || *port > 65535)
        return false;
    memcpy(host, h.p, h.n);
    host[h.n] = 0;
    return true;
}

static enum err_code address_parse(const char *address, union address *out, socklen_t *size, bool *loopback,
                                   struct err *e)
{
    char host[64];
    int64_t port;
    if (!address || !address_split(address, host, sizeof(host), &port))
        return err_set(e, ERR_INVALID, "listen", "listen takes HOST:PORT such as 127.0.0.1:5111, not \"%s\"",
                       address ? address : "");
    memset(out, 0, sizeof(*out));
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof(host), "127.0.0.1");
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        *size = sizeof(out->v4);
        *loopback = (ntohl(out->v4.sin_addr.s_addr) >> 24) == 127;
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        *size = sizeof(out->v6);
        *loopback = IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr);
        return ERR_OK;
    }
    return err_set(e, ERR_INVALID, "listen", "\"%s\" is not an address: give numbers such as 127.0.0.1, or localhost",
                   host);
}

bool listen_is_loopback(const char *address)
{
    union address at;
    socklen_t size;
    bool loopback = false;
    return address_parse(address, &at, &size, &loopback, NULL) == ERR_OK && loopback;
}

enum err_code listen_tcp(const char *address, bool anywhere, struct listener *out, int *port, struct err *e)
{
    union address at;
    socklen_t size = 0;
    out->fd = -1;
    out->path[0] = 0;
    bool loopback = false;
    enum err_code code = address_parse(address, &at, &size, &loopback, e);
    if (code == ERR_OK && !loopback && !anywhere)
        code = err_set(e, ERR_INVALID, "listen",
                       "\"%.60s\" is not a loopback address, and auth is off: whoever can reach the server could read "
                       "everything; turn auth on (CAIRN_AUTH=true) and make tokens (cairn auth token)",
                       address);
    if (code != ERR_OK)
        return code;
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, "open a socket for", address);
    int on = 1;
    /* So that a server can start again while connections of the one before are still in TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted sockets inherit it */
    if (bind(fd, &at.any, size) != 0 || listen(fd, BACKLOG) != 0 || getsockname(fd, &at.any, &size) != 0) {
        if (errno == EADDRINUSE)
            code = err_set(e, ERR_UNAVAILABLE, "listen",
                           "%s is in use, perhaps by another cairn serve; choose another with --listen", address);
        else
            code = err_errno(e, "listen on", address);
        close(fd);
        return code;
    }
    *port = ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
    out->fd = fd;
    return ERR_OK;
}

/* ---- the Unix socket ---- */

/* True when a server answers there. */
static bool unix_alive(const union address *at)
{
    /* A full backlog is a sign of life too. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool alive = connect(fd, &at->any, sizeof(at->un)) == 0 || errno == EAGAIN || errno == EINPROGRESS;
    close(fd);
    return alive;
}

/* A lock on the socket's folder, so that two servers starting at once do not take each other's socket for a dead
 * one's. -1 when it cannot be had within half a second; then we go on without. */
static int folder_lock(const char *path)
{
    char dir[sizeof(((struct listener *)NULL)->path)];
    snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = 0;
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < 50; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static enum err_code unix_bind(const char *path, const union address *at, struct listener *out, struct err *e)
{
    struct stat st;
    if (unix_alive(at))
        return err_set(e, ERR_CONFLICT, "unix_socket", "another server answers on %s", path);
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return err_set(e, ERR_CONFLICT, "unix_socket", "%s exists and is not a socket", path);
    enum err_code code = file_remove(path, e);
    if (code != ERR_OK)
        return code;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, "open a socket for", path);
    /* Linux gives the file the descriptor's mode: private from its first moment. */
    if (fchmod(fd, 0600) != 0 || bind(fd, &at->any, sizeof(at->un)) != 0 || listen(fd, BACKLOG) != 0 ||
        lstat(path, &st) != 0) {
        code = err_errno(e, "listen on", path);
        close(fd);
        return code;
    }
    out->fd = fd;
    out->dev = (uint64_t)st.st_dev;
    out->ino = (uint64_t)st.st_ino;
    snprintf(out->path, sizeof(out->path), "%s", path);
    return ERR_OK;
}

enum err_code listen_unix(const char *path, struct listener *out, struct err *e)
{
    union address at = {.un.sun_family = AF_UNIX};
    out->fd = -1;
    out->path[0] = 0;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(at.un.sun_path) || n >= sizeof(out->path))
        return err_set(e, ERR_INVALID, "unix_socket", "a Unix socket's path has 1 to %zu bytes",
                       sizeof(at.un.sun_path) - 1);
    memcpy(at.un.sun_path, path, n + 1);
    int lock = folder_lock(path);
    enum err_code code = unix_bind(path, &at, out, e);
    if (lock >= 0)
        close(lock);
    return code;
}

void listen_stop(struct listener *l)
{
    struct stat st;
    /* Only our own file: another server may have taken its place. */
    if (l->fd >= 0 && l->path[0] && lstat(l->path, &st) == 0 && (uint64_t)st.st_dev == l->dev &&
        (uint64_t)st.st_ino == l->ino)
        file_remove(l->path, NULL);
    if (l->fd >= 0)
        shutdown(l->fd, SHUT_RDWR);
}

void listen_close(struct listener *l)
{
    listen_stop(l);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
