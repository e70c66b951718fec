/* What the three-turn cycle (contract §3) needs to know before its first turn: what is asked, by whom it is done, and
 * with which models. The flow itself, and all requests to the upstream, are the proxy's (doors/proxy/cycle.h); turns
 * are stored through chat_memory.h. */
#ifndef CAIRN_SERVICE_CYCLE_H
#define CAIRN_SERVICE_CYCLE_H

#include "service/service.h"

/* The agents of a cycle. The supervisor has the first and the last of the three turns. */
enum cycle_role { CYCLE_SUPERVISOR, CYCLE_EXECUTOR, CYCLE_ROLES };

struct cycle_agent {
    struct str name;
    struct str system_prompt; /* of its record; STR_NONE: none */
    struct str model;         /* never empty */
    double temperature;       /* < 0: the upstream's own default */
    int64_t max_tokens;       /* 0: the upstream's own default */
};

struct cycle_plan {
    struct str directive, human;
    struct str session; /* as it was named; STR_NONE: nothing is remembered */
    struct str conversation;
    struct cycle_agent agents[CYCLE_ROLES];
    bool use_context, stream;
    bool unread; /* the store could not be asked: agents' records, or whose conversation it is, are not known */
};

/* A request as it came. */
struct cycle_request {
    struct str body, query; /* the query raw: it may hold nothing */
    struct str session;     /* named outside of the body, or STR_NONE */
    bool stream;            /* what holds where the body does not say */
};

/* Reads and checks the body of `POST /api/v2/cycle`. The plan borrows the request's strings and the arena.
 * ERR_INVALID names the field (also of an agent that is disabled, and where no model is known); ERR_NOT_FOUND,
 * ERR_FORBIDDEN, ERR_GONE of a conversation named without its session. A store that fails or is late is no error: the
 * cycle goes on without (plan->unread). Blocks for a few milliseconds; any thread. */
enum err_code cycle_read(struct service *s, struct arena *a, const struct caller *who, const struct cycle_request *req,
                         int64_t deadline_us, struct cycle_plan *out, struct err *e);

#endif
