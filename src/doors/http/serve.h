/* A whole server in one call: opens the service, starts the proxy and the HTTP door, says where it is, waits for
 * SIGINT or SIGTERM, and stops in order (drain, flush, close). Used by `cairn serve`.
 *
 * Everything left NULL or 0 takes its default. Strings are borrowed until serve_run returns. The environment is
 * the command line's business: nothing is read from it here. */
#ifndef CAIRN_DOORS_HTTP_SERVE_H
#define CAIRN_DOORS_HTTP_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct config;

struct serve_options {
    const struct config *config; /* every other setting by name (config/config.h); NULL: defaults */
    const char *listen;          /* NULL: "127.0.0.1:5111"; port 0: any free one */
    const char *dir;             /* data folder; required */
    const char *upstream_url;    /* NULL: no model behind us, chat routes answer 503 */
    const char *upstream_key;    /* NULL: the caller's own Authorization is passed on */
    const char *unix_socket;     /* NULL: "<dir>/cairn.sock"; "": none */
    int workers;                 /* 0: 8 */
    int max_connections;         /* 0: 4096 */
    int slow_seconds;            /* 0: 30 */
    int drain_ms;                /* how long running requests may finish at the end, 0: 10000 */
    int connect_timeout_ms;      /* upstream, 0: 30000 */
    int total_timeout_ms;        /* upstream, 0: 600000 */
    int memory_deadline_ms;      /* 0: 250 */
    int64_t memory_max_tokens;   /* 0: 1500 */
    bool sync_normal;            /* faster, less durable writes; off: each acknowledged write survives a power cut */
    bool quiet;                  /* do not print the three lines */
    void (*ready)(int port, void *arg); /* called once the server answers; may be NULL */
    void *ready_arg;
};

/* Runs until a signal; a second signal exits at once with status 130. Returns the exit status: 0 after an orderly
 * stop, else err_exit_status() of what went wrong (said on stderr). Call it from the main thread, with no other
 * thread running: it blocks the two signals for all threads it starts. */
int serve_run(const struct serve_options *o);

#endif
