/* Cairn's own questions to the upstream's model: the way that the service borrows as `struct asker` (service/asker.h).
 * One plain chat/completions request each, on the calling thread, with a deadline and a bound on the answer. Not part
 * of the proxy's streams, and no memory is added. The key goes into the request's header and nowhere else. */
#ifndef CAIRN_DOORS_PROXY_ASKER_H
#define CAIRN_DOORS_PROXY_ASKER_H

#include "service/service.h"

struct model_asker;

struct asker_options {
    struct service *svc;
    const char *upstream_url; /* NULL: nobody to ask */
    const char *upstream_key; /* NULL: asked without one */
    const char *model;        /* NULL: nobody to ask */
    int connect_timeout_ms;   /* 0: 30000 */
};
/* Lends itself to the service; *out is NULL where there is nobody to ask. The strings are borrowed until asker_free. */
enum err_code asker_open(const struct asker_options *o, struct model_asker **out, struct err *e);
/* From now on every question fails, those under way within a second: before the threads that ask are waited for. */
void asker_stop(struct model_asker *m);
/* When nobody can ask any more: after service_close. NULL is fine, in both. */
void asker_free(struct model_asker *m);

#endif
