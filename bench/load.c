/* The load generator of the write and recall benchmarks: keep-alive connections over epoll on one thread, each sending
 * its next ready-made request when the last one is answered (closed loop). Only answers that say what they should are
 * counted. Not a general HTTP client: it wants Content-Length, and stops when a connection is closed.
 *
 * Usage: load turns PORT SECONDS FILE     one client a line of FILE, which is the path it POSTs turns to; an answer
 *                                         counts when it is 201 and has "stored":true
 *        load once PORT CLIENTS FILE      each line of FILE (path, tab, body) once; an answer counts when it is 200
 * Prints one JSON object. Ends by itself: GRACE seconds after its time, or after LONGEST seconds. */
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 1024, REQUESTS = 16384, READ_MAX = 256 * 1024, GRACE = 15, LONGEST = 900, SECONDS_MAX = 900 };

struct request {
    char *p;
    size_t n;
};

struct client {
    int fd;
    struct request *own; /* turns: its share of the requests */
    size_t n_own, next;
    const struct request *now; /* NULL: idle */
    size_t sent;
    int64_t began_us;
    char *in;
    size_t have;   /* bytes of the answer in `in` */
    size_t needed; /* bytes of the whole answer, 0: its head is not there yet */
    size_t passed; /* bytes of the answer that were counted and let go */
};

struct run {
    bool turns;
    int port, epoll;
    struct client clients[CLIENTS_MAX];
    size_t n_clients;
    struct request *requests;
    size_t n_requests, next; /* once: the next one to send */
    int64_t start_us, until_us, last_us;
    uint32_t *times; /* µs of each answer that counted */
    size_t n_times, cap_times;
    size_t refused; /* answers that did not count */
    char first_refused[300];
    uint32_t per_second[SECONDS_MAX + 1];
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static void *take(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

/* ---- requests ---- */

static struct request request_make(const char *path, size_t path_n, const char *body, size_t n)
{
    struct request r = {.p = take(malloc(path_n + n + 256))};
    int head = snprintf(r.p, path_n + 256,
                        "POST %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        (int)path_n, path, n);
    memcpy(r.p + head, body, n);
    r.n = (size_t)head + n;
    return r;
}

/* The generator's texts need no JSON escapes. */
static void turns_prepare(struct client *c, const char *path, size_t first, size_t n, const struct words *w)
{
    char text[WORDS_TEXT_MAX], body[WORDS_TEXT_MAX + 128];
    c->own = take(calloc(n, sizeof *c->own));
    c->n_own = n;
    for (size_t i = 0; i < n; i++) {
        (void)words_prose(w, first + i, text);
        int size = snprintf(body, sizeof body, "{\"agent\":\"%s\",\"content\":\"%s\"}", words_name(i), text);
        c->own[i] = request_make(path, strlen(path), body, (size_t)size);
    }
}

static void turns_load(struct run *run, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    char *paths[CLIENTS_MAX];
    struct words *w = take(words_new(1));
    for (ssize_t n; run->n_clients < CLIENTS_MAX && (n = getline(&line, &cap, f)) > 0;) {
        line[strcspn(line, "\r\n")] = '\0';
        paths[run->n_clients++] = take(strdup(line));
    }
    for (size_t i = 0; i < run->n_clients; i++) {
        size_t share = REQUESTS / run->n_clients;
        turns_prepare(&run->clients[i], paths[i], i * share, share, w);
        free(paths[i]);
    }
    words_free(w);
    free(line);
}

static void once_load(struct run *run, FILE *f)
{
    char *line = NULL;
    size_t cap = 0, room = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        line[strcspn(line, "\r\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (!tab)
            die("a line without a tab");
        if (run->n_requests == room) {
            room = room ? room * 2 : 256;
            run->requests = take(realloc(run->requests, room * sizeof *run->requests));
        }
        run->requests[run->n_requests++] = request_make(line, (size_t)(tab - line), tab + 1, strlen(tab + 1));
    }
    free(line);
}

/* ---- answers ---- */

static void count_answer(struct run *run, struct client *c, bool fine)
{
    int64_t now = now_us();
    run->last_us = now;
    if (!fine) {
        if (run->refused++ == 0)
            (void)snprintf(run->first_refused, sizeof run->first_refused, "%.*s", (int)(c->have < 290 ? c->have : 290),
                           c->in);
        return;
    }
    if (run->n_times == run->cap_times) {
        run->cap_times = run->cap_times ? run->cap_times * 2 : 65536;
        run->times = take(realloc(run->times, run->cap_times * sizeof *run->times));
    }
    run->times[run->n_times++] = (uint32_t)(now - c->began_us);
    int64_t second = (now - run->start_us) / 1000000;
    if (second <= SECONDS_MAX)
        run->per_second[second]++;
}

/* Finds the end of the head and the length of the body. */
static void read_head(struct client *c)
{
    const char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!end)
        return;
    const char *line = c->in;
    while (line < end && strncasecmp(line, "content-length:", 15) != 0) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        line = eol ? eol + 1 : end;
    }
    if (line >= end)
        die("an answer without Content-Length");
    c->needed = (size_t)(end - c->in) + 4 + (size_t)strtoul(line + 15, NULL, 10);
}

/* True when the whole answer has come. Bodies that do not fit are counted, not kept. */
static bool read_answer(struct client *c)
{
    for (;;) {
        if (c->have == READ_MAX) {
            c->passed += c->have - READ_MAX / 2;
            c->have = READ_MAX / 2;
        }
        ssize_t n = recv(c->fd, c->in + c->have, READ_MAX - c->have, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (n <= 0) {
            errno = 0;
            die("the server closed a connection");
        }
        c->have += (size_t)n;
        if (c->needed == 0)
            read_head(c);
        if (c->needed && c->have + c->passed >= c->needed)
            return true;
    }
}

static bool answer_fine(const struct run *run, const struct client *c)
{
    if (!run->turns)
        return memcmp(c->in, "HTTP/1.1 200 ", 13) == 0;
    return memcmp(c->in, "HTTP/1.1 201 ", 13) == 0 && memmem(c->in, c->have, "\"stored\":true", 13) != NULL;
}

/* ---- sending ---- */

static void send_rest(struct client *c)
{
    while (c->sent < c->now->n) {
        ssize_t n = send(c->fd, c->now->p + c->sent, c->now->n - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return; /* EPOLLOUT comes */
        if (n < 0 && errno != EINTR)
            die("cannot send");
        c->sent += n > 0 ? (size_t)n : 0;
    }
}

/* False when there is nothing more to send. */
static bool begin(struct run *run, struct client *c)
{
    c->now = NULL;
    if (now_us() >= run->until_us)
        return false;
    if (run->turns)
        c->now = &c->own[c->next++ % c->n_own];
    else if (run->next < run->n_requests)
        c->now = &run->requests[run->next++];
    if (!c->now)
        return false;
    c->sent = c->have = c->needed = c->passed = 0;
    c->began_us = now_us();
    send_rest(c);
    return true;
}

static void connect_all(struct run *run)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)run->port)};
    int on = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < run->n_clients; i++) {
        struct client *c = &run->clients[i];
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
        c->in = take(malloc(READ_MAX));
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0)
            die("cannot connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
            die("epoll");
    }
}

static void go(struct run *run, int64_t most_us)
{
    struct epoll_event events[256];
    size_t busy = 0;
    run->start_us = now_us();
    run->until_us = run->start_us + most_us;
    for (size_t i = 0; i < run->n_clients; i++)
        busy += begin(run, &run->clients[i]);
    while (busy > 0) {
        if (now_us() > run->until_us + GRACE * 1000000LL) {
            errno = 0;
            die("answers did not come");
        }
        int n = epoll_wait(run->epoll, events, 256, 500);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (!c->now)
                continue;
            send_rest(c);
            if (!(events[i].events & ~(uint32_t)EPOLLOUT) || !read_answer(c))
                continue;
            count_answer(run, c, answer_fine(run, c));
            busy -= !begin(run, c);
        }
    }
}

/* ---- the report ---- */

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct run *run, double q)
{
    return run->n_times ? run->times[(size_t)(q * (double)(run->n_times - 1))] / 1000.0 : 0;
}

static void report(struct run *run)
{
    double seconds = (double)(run->last_us - run->start_us) / 1e6;
    qsort(run->times, run->n_times, sizeof *run->times, by_time);
    printf("{\"clients\":%zu,\"seconds\":%.3f,\"counted\":%zu,\"refused\":%zu,\"rate\":%.1f,", run->n_clients, seconds,
           run->n_times, run->refused, seconds > 0 ? (double)run->n_times / seconds : 0);
    printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"per_second\":[", quantile(run, 0.5),
           quantile(run, 0.9), quantile(run, 0.99), quantile(run, 1));
    for (int i = 0; i < (int)seconds && i < SECONDS_MAX; i++)
        printf("%s%u", i ? "," : "", run->per_second[i]);
    puts("]}");
    if (run->refused)
        fprintf(stderr, "load: %zu answers were not what was asked for; the first:\n%s\n", run->refused,
                run->first_refused);
}

int main(int argc, char **argv)
{
    static struct run run;
    FILE *f = argc == 5 ? fopen(argv[4], "r") : NULL;
    if (!f || (strcmp(argv[1], "turns") != 0 && strcmp(argv[1], "once") != 0))
        die("usage: load turns PORT SECONDS FILE | load once PORT CLIENTS FILE");
    run.turns = strcmp(argv[1], "turns") == 0;
    run.port = atoi(argv[2]);
    int number = atoi(argv[3]);
    if (number < 1 || number > (run.turns ? SECONDS_MAX : CLIENTS_MAX))
        die("the third argument is out of range");
    if (run.turns)
        turns_load(&run, f);
    else
        once_load(&run, f);
    run.n_clients = run.turns ? run.n_clients : (size_t)number;
    fclose(f);
    if (run.n_clients == 0)
        die("no clients");
    connect_all(&run);
    go(&run, (run.turns ? number : LONGEST) * 1000000LL);
    report(&run);
    return run.refused || run.n_times == 0;
}
