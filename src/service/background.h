/* Work behind the writes: what follows from turns that are durable already (learning, events, patterns), and upkeep
 * every so often (retention, vitality, summaries of conversations that went quiet). One thread of a background
 * service, at the lowest priority; among the processes of a data folder only the one that holds
 * <data>/background.lock. No write and no chat ever waits for it.
 *
 * A follower sees every turn once, in the order of seq, in batches. It thinks first (reads, CPU, perhaps a model), then
 * what it found is written in one job that also moves its mark (kind `progress`): after a crash both are
 * there or neither, so nothing is learnt twice. A batch that fails three times is left out and logged.
 *
 * The tables are in background_table.c: a new follower or task is one line there and one file. */
#ifndef CAIRN_SERVICE_BACKGROUND_H
#define CAIRN_SERVICE_BACKGROUND_H

#include "service/service.h"
#include "store/turns.h"

struct follow_batch {
    struct service *svc;
    struct arena *arena; /* the batch's: plan and all that it holds */
    const struct turn *turns;
    size_t n;
};
struct follower {
    const char *name; /* of its mark: never changed once released */
    /* Leaves *plan NULL when there is nothing to write. Must not write. */
    enum err_code (*think)(const struct follow_batch *b, void **plan, struct err *e);
    /* On the writer's thread, under the rules of store_fn: may run more than once, must be quick. */
    enum err_code (*apply)(struct store_tx *tx, struct arena *a, void *plan, struct err *e);
};
struct upkeep_task {
    const char *name;
    int every_seconds; /* first run: so long after the start */
    enum err_code (*run)(struct service *svc, struct arena *a, struct err *e);
};
const struct follower *background_followers(size_t *n);
const struct upkeep_task *background_tasks(size_t *n);

struct background;
enum err_code background_open(struct service *s, struct background **out, struct err *e);
/* No follower thinks or writes, in this process, until it is let go on: for erasure, so that nothing is learnt from
 * what is going. What was recalled is written down first. Not from a follower or inside a transaction. */
void background_hold(struct service *s);
void background_go_on(void);
void background_close(struct background *b); /* NULL is fine; waits for the batch under way */
void background_wake(struct background *b);  /* after commits; cheap, any thread */
/* Lets every follower see all turns that are stored now, on the caller's thread: for tests and in-process commands.
 * Waits while the thread is at work. */
enum err_code background_catch_up(struct service *s, struct err *e);

#endif
