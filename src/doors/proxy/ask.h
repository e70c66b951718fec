/* What a request asks of memory: the session it names and the members that go with it (contract §2), checked. */
#ifndef CAIRN_DOORS_PROXY_ASK_H
#define CAIRN_DOORS_PROXY_ASK_H

#include "base/err.h"
#include "base/json.h"
#include "service/chat_memory.h"

struct ask {
    bool named; /* a session is: without one nothing else is looked at */
    struct str session, conversation, agent;
    struct chat_options options;
};

/* The members of a request's body that are ours, NULL at the end. */
extern const char *const ask_members[];

/* False when the body surely names no session, so that it need not be parsed. */
bool ask_might_name(struct str body);
/* Reads them from a body (an object). `header`: X-Cairn-Session; the body's session_id goes before it.
 * ERR_INVALID names the field. */
enum err_code ask_read(const struct json *body, struct str header, struct ask *out, struct err *e);

#endif
