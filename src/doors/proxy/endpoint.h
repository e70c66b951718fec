/* An embeddings endpoint as an encoder (search/encoder.h): OpenAI's POST /v1/embeddings, over libcurl's easy interface.
 * Not part of the proxy's streams. The key goes into the request's header and nowhere else, and neither it nor the
 * address is in an error's words.
 *
 * What a request may end in: ERR_UNAVAILABLE (not reached, broken off, 5xx, an answer that is none), ERR_TIMEOUT,
 * ERR_LIMIT (429, with the time that Retry-After gives), ERR_DENIED (401, 403), ERR_INVALID (the text is refused; of
 * documents only where not even a short one is taken), ERR_NOMEM. */
#ifndef CAIRN_DOORS_PROXY_ENDPOINT_H
#define CAIRN_DOORS_PROXY_ENDPOINT_H

#include "search/encoder.h"

encoder_dial endpoint_dial;

#endif
