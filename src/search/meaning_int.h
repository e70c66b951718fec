/* Meaning's inside, divided by file. Not for other rooms. */
#ifndef CAIRN_SEARCH_MEANING_INT_H
#define CAIRN_SEARCH_MEANING_INT_H

#include "search/meaning.h"

#include <pthread.h>

/* `lock` guards the flags; embedder and vectors are set once, before `loaded`, by the thread. */
struct meaning {
    struct store *store;
    char *dir, *model;
    bool read_only;

    struct embedder *embedder;
    struct vectors *vectors;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool loading, loaded, woken, stop;
    bool has_thread;
    pthread_t thread;
    enum err_code failing; /* the last failure that was logged: each is told once */
};

/* ---- meaning.c ---- */
enum err_code meaning_load(struct meaning *m, struct err *e);
bool meaning_stopping(struct meaning *m);
bool meaning_loaded(struct meaning *m);

/* ---- meaning_feed.c: from turns to vectors ---- */
void *meaning_thread(void *m);
/* One batch; *n: turns taken, 0: all is in. ERR_BUSY: another process makes the vectors. */
enum err_code meaning_batch(struct meaning *m, size_t *n, struct err *e);

#endif
