/* The chat proxy: forwards OpenAI- and Anthropic-shaped requests to the upstream, byte for byte, and adds memory
 * when the request names a session (contract §2). */
#ifndef CAIRN_DOORS_PROXY_PROXY_H
#define CAIRN_DOORS_PROXY_PROXY_H

#include "doors/http/http.h"

struct proxy;

struct proxy_options {
    struct service *svc;
    const char *upstream_url; /* "https://host/v1" or "http://127.0.0.1:9000"; NULL: none, requests get 503 */
    const char *upstream_key; /* NULL: the caller's own Authorization is passed on */
    int connect_timeout_ms;   /* 0: 30000 */
    int total_timeout_ms;     /* 0: 600000 */
    int max_active;           /* upstream requests at once, 0: 256 */
};
enum err_code proxy_start(const struct proxy_options *o, struct proxy **out, struct err *e);
/* The proxy's routes, borrowed until proxy_stop. */
const struct http_route *proxy_routes(struct proxy *p, size_t *n);
/* Cancels what is under way (turns that came are stored as incomplete) and stops. */
void proxy_stop(struct proxy *p);

#endif
