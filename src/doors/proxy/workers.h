/* A small pool of threads for what may block: reading requests, recall, storing. The proxy has its own (not the HTTP
 * server's), because answers are still stored after the server has closed. Threads start when they are needed. */
#ifndef CAIRN_DOORS_PROXY_WORKERS_H
#define CAIRN_DOORS_PROXY_WORKERS_H

#include "base/err.h"

#include <stdbool.h>

struct workers;

/* One job. Part of its owner, so that handing it over cannot fail; the owner keeps it until fn was called. */
struct work {
    void (*fn)(void *arg);
    void *arg;
    struct work *next; /* the pool's */
};

enum err_code workers_start(int max, struct workers **out, struct err *e);
void workers_run(struct workers *w, struct work *job); /* any thread */
void workers_stop(struct workers *w);                  /* after all jobs; NULL is fine */

#endif
