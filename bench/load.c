/* The load generator of the benchmarks: keep-alive connections over epoll on one thread, each sending its next
 * ready-made request when the last one is answered (closed loop). Only answers that say what they should are counted.
 * Not a general HTTP client: it knows Content-Length and chunks, and stops when a connection is closed.
 *
 * Usage: load turns PORT SECONDS FILE     one client a line of FILE, which is the path it POSTs turns to; an answer
 *                                         counts when it is 201 and has "stored":true
 *        load once PORT CLIENTS FILE      each line of FILE (path, tab, body) once; an answer counts when it is 200
 *        load each PORT CLIENTS FILE      each line of FILE (sort, method, path, body and a header line that may be
 *                                         empty, with tabs between) once; an answer counts when it is 2xx
 *        load mixed PORT CLIENTS FILE SECONDS   the same lines again and again in their order, for so long
 * Prints one JSON object; `each` and `mixed` tell of every sort by itself in "sorts". Ends by itself: GRACE seconds
 * after its time, or after LONGEST seconds. */
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
enum { SORTS_MAX = 256, SORT_NAME = 64, FIELDS = 5 };

enum mode { TURNS, ONCE, EACH, MIXED };

struct request {
    char *p;
    size_t n;
    uint16_t sort;
};
struct answered {
    uint32_t us;
    uint16_t sort;
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
    bool chunked;  /* its end is known by the last chunk, which is empty */
    size_t passed; /* bytes of the answer that were counted and let go */
};

struct run {
    enum mode mode;
    int port, epoll;
    struct client clients[CLIENTS_MAX];
    size_t n_clients;
    struct request *requests;
    size_t n_requests, next; /* once: the next one to send */
    int64_t start_us, until_us, last_us;
    struct answered *times; /* each answer that counted */
    size_t n_times, cap_times;
    char sorts[SORTS_MAX][SORT_NAME];
    size_t n_sorts, refused_of[SORTS_MAX];
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

/* `more`: a header line without its end, or "". */
static struct request request_make(const char *method, const char *path, const char *body, const char *more)
{
    size_t n = strlen(body), room = strlen(path) + strlen(more) + 256;
    struct request r = {.p = take(malloc(room + n))};
    int head =
        snprintf(r.p, room, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s", method, path, more, *more ? "\r\n" : "");
    head += n || strcmp(method, "POST") == 0
                ? snprintf(r.p + head, room - (size_t)head,
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n)
                : snprintf(r.p + head, room - (size_t)head, "\r\n");
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
        (void)snprintf(body, sizeof body, "{\"agent\":\"%s\",\"content\":\"%s\"}", words_name(i), text);
        c->own[i] = request_make("POST", path, body, "");
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

static void add_request(struct run *run, struct request r)
{
    if ((run->n_requests & (run->n_requests - 1)) == 0)
        run->requests = take(realloc(run->requests, (run->n_requests ? 2 * run->n_requests : 1) * sizeof r));
    run->requests[run->n_requests++] = r;
}

static void once_load(struct run *run, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        line[strcspn(line, "\r\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (!tab)
            die("a line without a tab");
        *tab = '\0';
        add_request(run, request_make("POST", line, tab + 1, ""));
    }
    free(line);
}

static uint16_t sort_of(struct run *run, const char *name)
{
    size_t i = 0;
    while (i < run->n_sorts && strcmp(run->sorts[i], name) != 0)
        i++;
    if (i == SORTS_MAX)
        die("too many sorts of requests");
    if (i == run->n_sorts)
        (void)snprintf(run->sorts[run->n_sorts++], SORT_NAME, "%s", name);
    return (uint16_t)i;
}

static void sorts_load(struct run *run, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        char *field[FIELDS] = {line}, *rest = line;
        line[strcspn(line, "\r\n")] = '\0';
        for (int i = 0; i < FIELDS; i++)
            if (!(field[i] = strsep(&rest, "\t")))
                die("a line without five fields");
        struct request r = request_make(field[1], field[2], field[3], field[4]);
        r.sort = sort_of(run, field[0]);
        add_request(run, r);
    }
    free(line);
}

/* ---- answers ---- */

static void count_answer(struct run *run, struct client *c, bool fine)
{
    int64_t now = now_us();
    run->last_us = now;
    if (!fine) {
        run->refused_of[c->now->sort]++;
        if (run->refused++ == 0)
            (void)snprintf(run->first_refused, sizeof run->first_refused, "%.*s", (int)(c->have < 290 ? c->have : 290),
                           c->in);
        return;
    }
    if (run->n_times == run->cap_times) {
        run->cap_times = run->cap_times ? run->cap_times * 2 : 65536;
        run->times = take(realloc(run->times, run->cap_times * sizeof *run->times));
    }
    run->times[run->n_times++] = (struct answered){.us = (uint32_t)(now - c->began_us), .sort = c->now->sort};
    int64_t second = (now - run->start_us) / 1000000;
    if (second <= SECONDS_MAX)
        run->per_second[second]++;
}

/* The value of a header, NULL where it is not there. */
static const char *header(const struct client *c, const char *end, const char *name)
{
    const char *line = c->in;
    while (line < end && strncasecmp(line, name, strlen(name)) != 0) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        line = eol ? eol + 1 : end;
    }
    return line < end ? line + strlen(name) : NULL;
}

/* Finds the end of the head and the length of the body. */
static void read_head(struct client *c)
{
    const char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!end)
        return;
    const char *length = header(c, end, "content-length:");
    c->needed = (size_t)(end - c->in) + 4;
    c->chunked = !length && header(c, end, "transfer-encoding: chunked");
    if (length)
        c->needed += (size_t)strtoul(length, NULL, 10);
    else if (!c->chunked && memcmp(c->in, "HTTP/1.1 204 ", 13) != 0)
        die("an answer without Content-Length");
}

/* A chunk's text never holds the end of the last chunk by chance: what is streamed here is JSON lines and Markdown. */
static bool is_whole(const struct client *c)
{
    if (c->chunked)
        return c->have >= 7 && memcmp(c->in + c->have - 7, "\r\n0\r\n\r\n", 7) == 0;
    return c->needed && c->have + c->passed >= c->needed;
}

/* True when the whole answer has come. Bodies that do not fit are counted, not kept. */
static bool read_answer(struct client *c)
{
    for (;;) {
        if (c->have == READ_MAX) { /* the first half is kept, for the head, and the last bytes, for the last chunk */
            c->passed += READ_MAX / 2 - 16;
            memmove(c->in + READ_MAX / 2, c->in + READ_MAX - 16, 16);
            c->have = READ_MAX / 2 + 16;
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
        if (is_whole(c))
            return true;
    }
}

static bool answer_fine(const struct run *run, const struct client *c)
{
    if (run->mode == EACH || run->mode == MIXED)
        return memcmp(c->in, "HTTP/1.1 2", 10) == 0;
    if (run->mode == ONCE)
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
    if (run->mode == TURNS)
        c->now = &c->own[c->next++ % c->n_own];
    else if (run->mode == MIXED)
        c->now = &run->requests[run->next++ % run->n_requests];
    else if (run->next < run->n_requests)
        c->now = &run->requests[run->next++];
    if (!c->now)
        return false;
    c->sent = c->have = c->needed = c->passed = 0;
    c->chunked = false;
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
    uint32_t x = ((const struct answered *)a)->us, y = ((const struct answered *)b)->us;
    return (x > y) - (x < y);
}

static int by_sort(const void *a, const void *b)
{
    uint16_t x = ((const struct answered *)a)->sort, y = ((const struct answered *)b)->sort;
    return x == y ? by_time(a, b) : (x > y) - (x < y);
}

/* Of answers in the order of their times. */
static double quantile(const struct answered *times, size_t n, double q)
{
    return n ? times[(size_t)(q * (double)(n - 1))].us / 1000.0 : 0;
}

static void print_times(const struct answered *times, size_t n)
{
    printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", quantile(times, n, 0.5),
           quantile(times, n, 0.9), quantile(times, n, 0.99), quantile(times, n, 1));
}

static void report_sorts(struct run *run)
{
    size_t at = 0;
    qsort(run->times, run->n_times, sizeof *run->times, by_sort);
    printf(",\"sorts\":{");
    for (size_t i = 0; i < run->n_sorts; i++) {
        size_t n = 0;
        while (at + n < run->n_times && run->times[at + n].sort == i)
            n++;
        printf("%s\"%s\":{\"counted\":%zu,\"refused\":%zu,", i ? "," : "", run->sorts[i], n, run->refused_of[i]);
        print_times(run->times + at, n);
        printf("}");
        at += n;
    }
    printf("}");
}

static void report(struct run *run)
{
    double seconds = (double)(run->last_us - run->start_us) / 1e6;
    qsort(run->times, run->n_times, sizeof *run->times, by_time);
    printf("{\"clients\":%zu,\"seconds\":%.3f,\"counted\":%zu,\"refused\":%zu,\"rate\":%.1f,", run->n_clients, seconds,
           run->n_times, run->refused, seconds > 0 ? (double)run->n_times / seconds : 0);
    print_times(run->times, run->n_times);
    printf(",\"per_second\":[");
    for (int i = 0; i < (int)seconds && i < SECONDS_MAX; i++)
        printf("%s%u", i ? "," : "", run->per_second[i]);
    printf("]");
    if (run->n_sorts)
        report_sorts(run);
    puts("}");
    if (run->refused)
        fprintf(stderr, "load: %zu answers were not what was asked for; the first:\n%s\n", run->refused,
                run->first_refused);
}

static bool mode_of(const char *name, enum mode *mode)
{
    static const char *const NAMES[] = {[TURNS] = "turns", [ONCE] = "once", [EACH] = "each", [MIXED] = "mixed"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0) {
            *mode = (enum mode)i;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    static struct run run;
    FILE *f = argc >= 5 ? fopen(argv[4], "r") : NULL;
    if (!f || !mode_of(argv[1], &run.mode) || argc != (run.mode == MIXED ? 6 : 5))
        die("usage: load turns PORT SECONDS FILE | load once|each PORT CLIENTS FILE | load mixed PORT CLIENTS FILE "
            "SECONDS");
    run.port = atoi(argv[2]);
    int number = atoi(argv[3]), seconds = run.mode == MIXED ? atoi(argv[5]) : run.mode == TURNS ? number : LONGEST;
    if (number < 1 || seconds < 1 || seconds > SECONDS_MAX || (run.mode != TURNS && number > CLIENTS_MAX))
        die("a number is out of range");
    if (run.mode == TURNS)
        turns_load(&run, f);
    else if (run.mode == ONCE)
        once_load(&run, f);
    else
        sorts_load(&run, f);
    run.n_clients = run.mode == TURNS ? run.n_clients : (size_t)number;
    fclose(f);
    if (run.n_clients == 0 || (run.mode != TURNS && run.n_requests == 0))
        die("nothing to send");
    connect_all(&run);
    go(&run, seconds * 1000000LL);
    report(&run);
    return run.refused || run.n_times == 0;
}
