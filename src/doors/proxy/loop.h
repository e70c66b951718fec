/* The proxy's own thread: an epoll loop with posted tasks and timers. All that happens to an exchange after its
 * request came happens here, one thing at a time, so that its state needs no lock.
 *
 * Threads: loop_post from any thread; all else only on the loop's thread (or before loop_run). */
#ifndef CAIRN_DOORS_PROXY_LOOP_H
#define CAIRN_DOORS_PROXY_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Something to do soon on the loop's thread. Part of its owner, so that posting cannot fail. Posted again before it
 * ran, it runs once, with the bits of both. Bits and place in the queue change under one lock: an owner may free the
 * task as soon as it ran with the last bit that it waited for. */
struct loop_task {
    void (*fn)(void *arg, unsigned bits);
    void *arg;
    unsigned bits;          /* the loop's */
    struct loop_task *next; /* the loop's */
    bool queued;            /* the loop's */
};

struct loop_timer {
    void (*fn)(void *arg);
    void *arg;
    int64_t at_us;                  /* the loop's */
    struct loop_timer *next, *prev; /* the loop's */
    bool armed;                     /* the loop's */
};

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 };
typedef void loop_ready(void *arg, int fd, unsigned events);

enum err_code loop_new(struct loop **out, struct err *e);
/* Who hears of watched descriptors. */
void loop_on_ready(struct loop *l, loop_ready *fn, void *arg);
enum err_code loop_run(struct loop *l, struct err *e); /* starts the thread */
void loop_end(struct loop *l);                         /* ends the thread after the tasks posted so far */
void loop_free(struct loop *l);                        /* after loop_end; NULL is fine */

void loop_post(struct loop *l, struct loop_task *t, unsigned bits);
/* Takes a posted task back; its owner may then be freed. */
void loop_unpost(struct loop *l, struct loop_task *t);
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us); /* clock_mono_us; set again: moved */
void loop_timer_clear(struct loop *l, struct loop_timer *t);
/* events 0: no longer. False when the system refuses. */
bool loop_watch(struct loop *l, int fd, unsigned events, bool known);

#endif
