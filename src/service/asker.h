/* Asking the upstream's model on Cairn's own behalf (a summary, a cause, the three-turn cycle). The proxy lends the
 * way (doors/proxy/asker.c) to a service whose upstream and model are configured; without it everything works by rules.
 */
#ifndef CAIRN_SERVICE_ASKER_H
#define CAIRN_SERVICE_ASKER_H

#include "base/arena.h"
#include "base/err.h"

struct asker {
    /* Blocks the calling thread for at most timeout_ms: never on an HTTP thread, never inside a transaction.
     * *answer: the model's text, in the arena. ERR_UNAVAILABLE, ERR_TIMEOUT: go on without it. Any thread. */
    enum err_code (*ask)(void *arg, struct arena *a, struct str system, struct str user, int max_tokens, int timeout_ms,
                         struct str *answer, struct err *e);
    void *arg;
};

#endif
