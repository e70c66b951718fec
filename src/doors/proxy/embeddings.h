/* POST /v1/embeddings: answered here when the model asked for is ours ("cairn", or the name or id of the embedding
 * model that is loaded), or when there is no upstream to ask; else forwarded, byte for byte. */
#ifndef CAIRN_DOORS_PROXY_EMBEDDINGS_H
#define CAIRN_DOORS_PROXY_EMBEDDINGS_H

#include "doors/proxy/exchange.h"

/* Called on an HTTP thread; answers later, from a worker's. */
void embeddings_start(struct proxy *p, const struct proxy_route *route, struct http_request *r);

#endif
