/* Context loads: the trace of what was recalled, for whom, with which scores (kind context_load). Whoever answers a
 * recall packs what it gave and notes it; the background thread writes it, in batches. Noting takes about a microsecond
 * and never waits for the store: a bounded queue takes the note, and what does not fit is dropped and counted
 * (cairn_context_loads_dropped_total). A trace is kept by servers only; a command that opens the store itself leaves
 * none. */
#ifndef CAIRN_SERVICE_CONTEXT_LOAD_H
#define CAIRN_SERVICE_CONTEXT_LOAD_H

#include "search/recall.h"
#include "service/operation.h"
#include "service/service.h"

enum { LOAD_ITEMS_MAX = 100, LOAD_QUERY_BYTES = 1000, LOAD_QUEUE = 4096 };

enum load_purpose { LOAD_RECALL, LOAD_CONTEXT, LOAD_SEARCH, LOAD_PROXY, LOAD_DIRECTIVE };

struct load_item {
    const struct kind *kind;
    struct str id;
    double score; /* 0..1; below 0: it was given without being scored (the window of a conversation) */
};
struct context_load {
    enum load_purpose purpose;
    struct str session_id;      /* STR_NONE: across sessions */
    struct str conversation_id; /* STR_NONE: not known */
    struct str project;         /* full name; counts where there is no session */
    struct str query;           /* STR_NONE: nothing was asked */
    const struct load_item *items;
    size_t n;
    int64_t tokens; /* of all items */
};

/* As bytes without pointers, in the arena, for the queue and for kept answers (which never leave the process).
 * STR_NONE when out of memory: then no trace is left. */
struct str context_load_pack(struct arena *a, const struct context_load *l);

/* Takes the hits of a recall as items, and their tokens. Out of memory: none. */
void context_load_hits(struct arena *a, struct context_load *l, const struct recall_result *r);

struct context_loads;
struct context_loads *context_loads_new(void);    /* NULL: out of memory */
void context_loads_free(struct context_loads *q); /* NULL is fine; what was not written is forgotten */
/* Queues a copy. q NULL or nothing packed: does nothing. Any thread. */
void context_load_note(struct context_loads *q, struct str reader, struct str packed, int64_t took_us);
/* Packs, keeps it for the answer (call->load) and notes it. `start`: clock_mono_us() when the call began. */
void context_load_served(struct op_call *call, const struct context_load *l, int64_t start_us);

/* Writes what is queued, at most LOAD_QUEUE notes; waits for the store. What cannot be written is dropped. For the
 * background thread. */
void context_loads_write(struct service *svc);
/* The upkeep task: of each session only the newest are kept (setting learning.context_loads_kept). */
enum err_code context_loads_trim(struct service *svc, struct arena *a, struct err *e);

#endif
