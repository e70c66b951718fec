/* The epoll loop of the proxy's thread. Tasks come over a locked list and an eventfd; timers are a list sorted by
 * time (there are only as many as requests that wait for memory just now). */
#include "doors/proxy/loop.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOP_EVENTS = 64 };

struct loop {
    int epoll, wake;
    pthread_t thread;
    bool running;
    loop_ready *ready;
    void *ready_arg;
    struct loop_timer *timers;
    pthread_mutex_t lock; /* guards what is below */
    struct loop_task *first, *last;
    bool stop;
};

static void poke(struct loop *l)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(l->wake, &one, sizeof one);
    } while (n < 0 && errno == EINTR); /* EAGAIN: it is awake already */
}

enum err_code loop_new(struct loop **out, struct err *e)
{
    struct loop *l = mem_zalloc(sizeof *l);
    if (!l)
        return err_nomem(e);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = l->wake};
    if (l->epoll < 0 || l->wake < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev)) {
        enum err_code code = err_errno(e, "make an event loop", NULL);
        if (l->epoll >= 0)
            close(l->epoll);
        if (l->wake >= 0)
            close(l->wake);
        mem_free(l);
        return code;
    }
    pthread_mutex_init(&l->lock, NULL);
    *out = l;
    return ERR_OK;
}

void loop_on_ready(struct loop *l, loop_ready *fn, void *arg)
{
    l->ready = fn;
    l->ready_arg = arg;
}

static void run_timers(struct loop *l)
{
    int64_t now = clock_mono_us();
    while (l->timers && l->timers->at_us <= now) {
        struct loop_timer *t = l->timers;
        loop_timer_clear(l, t);
        t->fn(t->arg);
    }
}

static int wait_ms(const struct loop *l)
{
    if (!l->timers)
        return -1;
    int64_t us = l->timers->at_us - clock_mono_us();
    if (us <= 0)
        return 0;
    return us > 3600 * INT64_C(1000000) ? 3600000 : (int)((us + 999) / 1000);
}

static struct loop_task *take_task(struct loop *l, unsigned *bits)
{
    pthread_mutex_lock(&l->lock);
    struct loop_task *t = l->first;
    if (t) {
        l->first = t->next;
        if (!l->first)
            l->last = NULL;
        t->next = NULL;
        t->queued = false;
        *bits = t->bits;
        t->bits = 0;
    }
    pthread_mutex_unlock(&l->lock);
    return t;
}

static void run_tasks(struct loop *l)
{
    struct loop_task *t;
    unsigned bits = 0;
    while ((t = take_task(l, &bits)) != NULL)
        t->fn(t->arg, bits);
}

static bool stopping(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool stop = l->stop && !l->first;
    pthread_mutex_unlock(&l->lock);
    return stop;
}

static void take_events(struct loop *l, const struct epoll_event *ev, int n)
{
    for (int i = 0; i < n; i++) {
        if (ev[i].data.fd == l->wake) {
            uint64_t count;
            ssize_t got = read(l->wake, &count, sizeof count);
            (void)got; /* only empties it */
            continue;
        }
        unsigned what = 0;
        if (ev[i].events & EPOLLIN)
            what |= LOOP_READ;
        if (ev[i].events & EPOLLOUT)
            what |= LOOP_WRITE;
        if (ev[i].events & (EPOLLERR | EPOLLHUP))
            what |= LOOP_ERROR;
        l->ready(l->ready_arg, ev[i].data.fd, what);
    }
}

static void *loop_main(void *arg)
{
    struct loop *l = arg;
    struct epoll_event ev[LOOP_EVENTS];
    while (!stopping(l)) {
        int n = epoll_wait(l->epoll, ev, LOOP_EVENTS, wait_ms(l));
        take_events(l, ev, n);
        run_tasks(l);
        run_timers(l);
    }
    return NULL;
}

enum err_code loop_run(struct loop *l, struct err *e)
{
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&l->thread, NULL, loop_main, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set(e, ERR_NOMEM, NULL, "cannot start the proxy's thread");
    l->running = true;
    return ERR_OK;
}

void loop_end(struct loop *l)
{
    if (!l->running)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    poke(l);
    pthread_join(l->thread, NULL);
    l->running = false;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->epoll);
    close(l->wake);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

void loop_post(struct loop *l, struct loop_task *t, unsigned bits)
{
    pthread_mutex_lock(&l->lock);
    bool wake = !l->first;
    t->bits |= bits;
    if (!t->queued) {
        t->queued = true;
        t->next = NULL;
        if (l->last)
            l->last->next = t;
        else
            l->first = t;
        l->last = t;
    }
    pthread_mutex_unlock(&l->lock);
    if (wake)
        poke(l);
}

void loop_unpost(struct loop *l, struct loop_task *t)
{
    pthread_mutex_lock(&l->lock);
    struct loop_task *before = NULL;
    for (struct loop_task *i = l->first; i; before = i, i = i->next) {
        if (i != t)
            continue;
        if (before)
            before->next = t->next;
        else
            l->first = t->next;
        if (l->last == t)
            l->last = before;
        break;
    }
    t->queued = false;
    t->bits = 0;
    pthread_mutex_unlock(&l->lock);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us)
{
    loop_timer_clear(l, t);
    struct loop_timer *before = NULL, *after = l->timers;
    while (after && after->at_us <= at_us) {
        before = after;
        after = after->next;
    }
    t->at_us = at_us;
    t->prev = before;
    t->next = after;
    t->armed = true;
    if (before)
        before->next = t;
    else
        l->timers = t;
    if (after)
        after->prev = t;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    if (!t->armed)
        return;
    if (t->prev)
        t->prev->next = t->next;
    else
        l->timers = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
    t->armed = false;
}

bool loop_watch(struct loop *l, int fd, unsigned events, bool known)
{
    if (!events)
        return epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL) == 0;
    struct epoll_event ev = {.data.fd = fd};
    if (events & LOOP_READ)
        ev.events |= EPOLLIN;
    if (events & LOOP_WRITE)
        ev.events |= EPOLLOUT;
    return epoll_ctl(l->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) == 0;
}
