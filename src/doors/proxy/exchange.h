/* One request on its way through the proxy: read, remembered, forwarded, answered, stored. Shared by its files:
 *   exchange.c           life and stages
 *   exchange_memory.c    the jobs on worker threads: reading the body, chat_begin, chat_delta, chat_end
 *   exchange_upstream.c  the request to the upstream and the relay of its answer
 *   exchange_v2.c        memory_metadata at the end of a /v2 answer
 *
 *   READING ──> RECALLING ──> FORWARDED ──> OVER
 *      └───────────┴──(no memory, late, or an error)──┘
 *
 * Threads: everything happens on the loop's thread, but for the jobs, of which one at a time runs on a worker. A job
 * touches only the fields marked so; the loop leaves those alone until the job's event has come. */
#ifndef CAIRN_DOORS_PROXY_EXCHANGE_H
#define CAIRN_DOORS_PROXY_EXCHANGE_H

#include "base/id.h"
#include "doors/proxy/answer.h"
#include "doors/proxy/ask.h"
#include "doors/proxy/gate.h"
#include "doors/proxy/loop.h"
#include "doors/proxy/placed.h"
#include "doors/proxy/proxy.h"
#include "doors/proxy/upstream.h"
#include "doors/proxy/wire.h"
#include "doors/proxy/workers.h"

#include <pthread.h>
#include <stdatomic.h>

struct exchange;

struct proxy_route {
    const char *method, *path;
    const struct wire *wire; /* NULL: no memory on this route */
    bool v2, anthropic;
    bool cycle;      /* served by cycle.h */
    bool embeddings; /* by embeddings.h, where they are ours */
};

struct proxy {
    struct proxy_options o;
    struct str base; /* the upstream's address, STR_NONE: none */
    int64_t deadline_us;
    struct loop *loop;
    struct upstream *upstream;
    struct workers *workers;
    struct placed *placed;
    bool stuck; /* an answer could not be stored in time: nobody waits for one until one is stored (the loop's) */
    struct http_route *routes;
    struct route_arg *route_args;
    pthread_mutex_t lock; /* guards what is below */
    pthread_cond_t none;
    struct exchange *exchanges;
    struct cycle *cycles;
    bool stopping;
};

enum stage { STAGE_READING, STAGE_RECALLING, STAGE_FORWARDED, STAGE_OVER };
enum memory_stage {
    MEMORY_OFF,     /* no session named */
    MEMORY_READING, /* job: the body */
    MEMORY_WAITING, /* for the answer of this session that is being stored just now */
    MEMORY_BEGINNING /* job: chat_begin */,
    MEMORY_OPEN,   /* the chat takes the answer; job now and then: chat_delta */
    MEMORY_ENDING, /* job: chat_end, then waiting for `stored` */
    MEMORY_DONE
};

enum exchange_event {
    EVENT_START = 1 << 0,
    EVENT_READ = 1 << 1,
    EVENT_BEGUN = 1 << 2,
    EVENT_DELTA = 1 << 3,
    EVENT_STORED = 1 << 4,
    EVENT_WRITABLE = 1 << 5,
    EVENT_GONE = 1 << 6,   /* the client left */
    EVENT_BROKEN = 1 << 7, /* out of memory: the answer breaks off */
    EVENT_STOP = 1 << 8
};

struct exchange {
    struct proxy *p;
    const struct proxy_route *route;
    struct http_request *r; /* NULL once it is answered */
    struct arena *arena;    /* the loop's (and before that the handler's) */
    struct exchange *next, *prev;
    struct loop_task task;
    struct loop_timer timer; /* memory's deadline, then the wait for `stored` */
    enum stage stage;
    int64_t started_us;

    /* the answer */
    struct upstream_call *call;
    struct http_stream *stream;
    struct answer *answer; /* NULL: not read. The job's from MEMORY_ENDING on */
    int status;
    struct buf backlog; /* bytes that the client's window had no room for */
    bool upstream_done, upstream_ok;
    bool broken;      /* out of memory: the answer must not seem whole */
    const char *note; /* X-Cairn-Memory */

    /* memory */
    enum memory_stage memory;
    bool job;      /* one is running */
    bool ended;    /* the answer is over (or there will be none): chat_end is next */
    bool complete; /* and whole */
    bool recalled; /* the block was put in */
    int64_t ended_us;
    size_t delta_given; /* bytes of the answer's text that chat_delta has had */
    struct str session; /* as the request names it */
    char conversation_id[ID_MAX * 5], turn_id[ID_MAX];
    int turns; /* in the block */
    struct str relevant;
    bool agent_state;

    /* the job's */
    struct work work;
    struct arena *job_arena;
    struct str raw; /* a copy of the body; also read by the loop once EVENT_READ came */
    struct str header_session;
    struct str request_id;
    struct audit_from from;
    const struct caller *caller; /* who asks; what is recalled and stored is within their rights */
    const struct json *body;
    struct ask ask;
    struct wire_request wire;
    struct str block; /* what goes in: put there before, or recalled now */
    int block_turns;
    struct str fallback; /* what goes in when memory is late; also read by the loop once EVENT_READ came */
    int fallback_turns;
    bool allowed; /* by the circuit breaker */
    struct buf with_block;
    struct chat *chat;
    struct chat_context context;
    enum err_code code;
    struct err err;
    struct buf delta;
    atomic_int stored; /* 1: durable. An int: compilers read neighbouring bools as one word */

    /* /v2 */
    bool holds; /* a plain answer is kept back until its metadata is known */
    bool gated; /* a stream is watched for its end */
    bool waits; /* for `stored`, with the last piece kept back */
    struct gate gate;
    struct buf after; /* what came after the gate closed */
    struct http_header *held_headers;
    size_t n_held_headers;

    struct buf without; /* the body without our members, when no block came in time */
};

/* proxy.c */
extern const char proxy_no_upstream[]; /* what to do about it, in words */

/* exchange.c */
void exchange_start(struct proxy *p, const struct proxy_route *route, struct http_request *r);
void exchange_post(struct exchange *x, enum exchange_event event); /* any thread */
void exchange_break(struct exchange *x);                           /* out of memory: the answer breaks off, soon */
void exchange_maybe_free(struct exchange *x);
/* Answers with an error of the proxy's own; the reply is over then. */
void exchange_fail(struct exchange *x, int status, const char *code, const char *message);

/* exchange_memory.c */
void memory_read(struct exchange *x); /* submits the job */
void memory_on_read(struct exchange *x);
void memory_on_begun(struct exchange *x);
void memory_on_delta(struct exchange *x);
void memory_on_stored(struct exchange *x);
void memory_late(struct exchange *x); /* the deadline passed */
void memory_pump(struct exchange *x); /* gives the chat what is new */
/* No more of the answer comes. */
void memory_end(struct exchange *x, bool complete);
bool memory_over(const struct exchange *x);
/* The body without our members and with the block (out of memory: the buffer has failed). */
void memory_strip(struct exchange *x, struct arena *a, struct str block, struct buf *out);

/* exchange_upstream.c */
void exchange_send(struct exchange *x, struct str body);
void exchange_begin_reply(struct exchange *x, const struct http_header *h, size_t n, int64_t length);
void exchange_flush(struct exchange *x); /* there is room again */
void exchange_relay(struct exchange *x, struct str bytes);
void exchange_finish(struct exchange *x); /* ends the reply when nothing is left to write */

/* exchange_v2.c */
void v2_head(struct exchange *x, struct http_header *headers, size_t n, bool streamed);
void v2_let_go(struct exchange *x);                 /* of a plain answer that is too large to be held */
void v2_data(struct exchange *x, struct str bytes); /* of a gated stream */
void v2_done(struct exchange *x);                   /* the upstream is done, well */
void v2_finish(struct exchange *x);                 /* stored, or waited for long enough */

#endif
