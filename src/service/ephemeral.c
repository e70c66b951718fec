/* The service that ephemeral sessions live in: opening it, and what ends in it. See ephemeral.h; ephemeral_route.c
 * tells which calls are its. */
#include "service/ephemeral.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "service/ephemeral_int.h"
#include "store/records.h"
#include "store/retention.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IDLE_PAGE = 100 };

/* The heap holds pieces of them too (requests, answers, SQLite's pages), so the process as a whole leaves no core from
 * now on: a limit of one byte stops cores that are piped to a program as well, and the filter leaves memory out of one
 * that a debugger makes. */
static void leave_no_core(void)
{
    const struct rlimit none = {1, 1};
    (void)setrlimit(RLIMIT_CORE, &none);
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "0", 1) != 1)
        log_event(LOG_WARN, "coredump_filter_not_set");
    close(fd);
}

static enum err_code open_inner(struct service *home, struct service **out, struct err *e)
{
    const struct service_options o = {.home = home, .config = home->options.config};
    leave_no_core();
    enum err_code code = service_open(&o, out, e);
    if (!code)
        log_event(LOG_INFO, "ephemeral_opened");
    return code;
}

enum err_code ephemeral_open(struct service *home, struct service **out, struct err *e)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&home->ephemeral_lock);
    *out = atomic_load(&home->ephemeral);
    if (!*out && !home->options.keeps_ephemeral)
        code = err_set(e, ERR_INVALID, "privacy_level",
                       "an EPHEMERAL session lives in the memory of a running server: start cairn serve first");
    else if (!*out)
        code = open_inner(home, out, e);
    if (!code)
        atomic_store(&home->ephemeral, *out);
    pthread_mutex_unlock(&home->ephemeral_lock);
    return code;
}

void ephemeral_close(struct service *home)
{
    service_close(atomic_exchange(&home->ephemeral, NULL));
}

/* ---- what ends ---- */

struct ending {
    int64_t seqs[IDLE_PAGE];
    size_t n;
    struct arena *a;
};

/* Looked at again inside the transaction: one may have been used meanwhile. */
static enum err_code end_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct ending *d = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < d->n && !code; i++) {
        struct record *r;
        struct dropped gone;
        struct err why = {0};
        code = record_by_seq(tx, d->a, KIND_SESSION, d->seqs[i], &r, &why);
        if (code == ERR_NOT_FOUND)
            code = ERR_OK;
        else if (!code)
            code = session_delete(tx, r->id, &gone, e);
        else if (e)
            *e = why;
    }
    return code;
}

static enum err_code find_idle(struct service *s, int64_t since, struct ending *d, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = aged(tx, AGED_ACTIVE, 0, since, d->seqs, IDLE_PAGE, &d->n, e);
    store_read_end(tx);
    return code;
}

enum err_code ephemeral_task(struct service *home, struct arena *a, struct err *e)
{
    struct service *s = atomic_load(&home->ephemeral);
    int64_t minutes = config_int(home->options.config, "privacy.ephemeral_minutes");
    if (!s || minutes == 0)
        return ERR_OK;
    struct ending d = {.a = a};
    enum err_code code = find_idle(s, clock_now_ms() - minutes * 60000, &d, e);
    if (code || d.n == 0)
        return code;
    code = store_write(s->store, end_on, &d, e);
    if (!code)
        log_event(LOG_INFO, "ephemeral_ended", L_INT("sessions", (int64_t)d.n));
    if (!code)
        wiper_due(s->wiper);
    return code;
}

void ephemeral_stats(struct service *home, struct ephemeral_stats *out)
{
    struct service *s = atomic_load(&home->ephemeral);
    struct store_tx *tx;
    *out = (struct ephemeral_stats){0};
    if (!s || store_read_begin(s->store, &tx, NULL))
        return;
    (void)record_count(tx, KIND_SESSION, STR_NONE, &out->sessions, NULL);
    store_read_end(tx);
    out->bytes = store_bytes(s->store);
}
