/* The three-turn cycle (contract §3, `POST /api/v2/cycle`): a directive, the supervisor's analysis, the executor's
 * work, the supervisor's review; three requests to the upstream, one after another. Shared by its files: cycle.c life:
 * events, from part to part cycle_memory.c    the jobs on worker threads: reading the body; for each part chat_begin,
 * chat_delta, chat_end cycle_upstream.c  the request of one part, and what comes back cycle_tell.c      what the caller
 * hears: one JSON answer, or events cycle_prompt.c    what the model is asked (pure)
 *
 *                 ┌──────────── next part ─────────────┐
 *                 v                                    │
 *   READING ──> RECALLING ──> ASKING ──> STORING ──────┴──> OVER
 *      └────────────┴───────────┴────(error, or the client left)─┘
 *
 * Two things go on side by side. The talk follows the states above. Memory works through the parts in the same order,
 * one job at a time, and may lag behind: the talk waits for it only so long (`late`), and memory then catches up with
 * what was said. Each part is one chat (service/chat_memory.h) that also carries the turns before it, with their ids:
 * whichever write succeeds first, all turns are there once and in order.
 *
 * Threads: as for exchange.h: all on the loop's thread but for the jobs, which touch only the fields marked so. What
 * a part says (text, metadata) does not change once it has ended, so jobs read it. */
#ifndef CAIRN_DOORS_PROXY_CYCLE_H
#define CAIRN_DOORS_PROXY_CYCLE_H

#include "doors/proxy/cycle_prompt.h"
#include "doors/proxy/exchange.h"

enum cycle_state { CYCLE_READING, CYCLE_RECALLING, CYCLE_ASKING, CYCLE_STORING, CYCLE_OVER };

/* What memory has done for a part. */
enum cycle_memory { PART_NOT_BEGUN, PART_BEGINNING /* job */, PART_OPEN, PART_ENDING /* job */, PART_DONE };

enum { CYCLE_ERROR_MAX = 16 << 10 };

struct cycle_turn {
    bool reached; /* the talk came here */
    bool ended;   /* nothing more comes */
    bool whole;   /* and all of it came */
    int64_t started_us;
    struct buf body; /* of the request, until the upstream is done */
    int status;      /* of the upstream, 0: none yet */
    bool streamed;
    struct answer *answer;     /* NULL: none that can be read */
    struct buf error;          /* the upstream's own words, cut */
    struct str text, metadata; /* in the cycle's arena, once ended */
    size_t told;               /* bytes of the text that the client has as part.delta */
    /* memory */
    enum cycle_memory memory;
    size_t delta_given;
    char id[ID_MAX];   /* of its turn; "" until there is a chat */
    atomic_int stored; /* 1: durable */
    /* the jobs' until EVENT_BEGUN */
    struct chat *chat;
    struct chat_context context;
    enum err_code code;
    struct err err;
};

struct cycle {
    struct proxy *p;
    struct http_request *r; /* NULL once the answer is begun */
    struct arena *arena;    /* the loop's */
    struct cycle *next, *prev;
    struct loop_task task;
    struct loop_timer timer;
    enum cycle_state state;
    enum cycle_part part; /* the talk's */
    struct cycle_turn turns[CYCLE_PARTS];
    int64_t started_us;
    struct http_header *up; /* headers of all requests to the upstream */
    size_t n_up;
    const char *url;
    struct upstream_call *call;

    /* the answer */
    bool finished; /* the last event is written */
    struct http_stream *stream;
    struct buf backlog; /* what the client's window had no room for */
    bool paused;        /* the upstream is, because of it */
    bool broken;        /* out of memory */
    const char *note;   /* X-Cairn-Memory */
    int failed_status;  /* 0: no part failed */
    struct err failure;
    int64_t retry_after;

    /* memory */
    bool remembers; /* a session is named, and memory has not refused */
    bool late;      /* memory lags: it is waited for no longer */
    bool allowed;   /* by the circuit breaker */
    enum cycle_part memory_part;
    struct str conversation_id, session_id, relevant; /* in the arena; STR_NONE while not known */
    int context_used;                                 /* turns in the first part's block */
    bool agent_state;
    bool job; /* one is running */

    /* the jobs' */
    struct work work;
    struct arena *job_arena;
    struct cycle_request request; /* copies */
    const struct caller *caller;
    struct str request_id;
    struct audit_from from;
    struct cycle_plan plan; /* also the loop's once EVENT_READ came */
    struct chat_ids ids;
    char directive_id[ID_MAX];
    enum err_code code;
    struct err err;
    struct buf delta;
};

/* cycle.c */
/* The request is answered later, also where no upstream is configured: what is wrong with it is told first. */
void cycle_start(struct proxy *p, struct http_request *r);
void cycle_post(struct cycle *c, enum exchange_event event); /* any thread */
void cycle_break(struct cycle *c);                           /* out of memory: the answer breaks off, soon */
void cycle_maybe_free(struct cycle *c);
/* The talk's part has ended: it is stored, and then comes the next. */
void cycle_store_part(struct cycle *c);
/* The talk's part failed: what came is stored and told, and nothing more is asked. */
void cycle_fail(struct cycle *c, int status, const char *code, const char *message);
void cycle_stop_all(struct proxy *p); /* under p->lock */
struct cycle_turn *cycle_turn(struct cycle *c);

/* cycle_memory.c */
void cycle_read_body(struct cycle *c); /* submits the job */
/* Does what is next for memory, if it can. */
void cycle_remember(struct cycle *c);
bool cycle_memory_over(const struct cycle *c);

/* cycle_upstream.c */
bool cycle_prepare(struct cycle *c); /* headers and address; false: out of memory */
void cycle_ask(struct cycle *c);     /* the talk's part */
/* Nothing more comes of the talk's part: keeps what there is. */
void cycle_end_part(struct cycle *c, bool whole);

/* cycle_tell.c */
void cycle_tell_start(struct cycle *c);
void cycle_tell_part(struct cycle *c);
void cycle_tell_delta(struct cycle *c);
void cycle_tell_stored(struct cycle *c);
/* All that there is: after the last part, or after one that failed. The answer is over. */
void cycle_tell_end(struct cycle *c);
void cycle_flush(struct cycle *c); /* there is room again */

#endif
