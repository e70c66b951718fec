/* Between endpoint.c and endpoint_answer.c, and for tests. */
#ifndef CAIRN_DOORS_PROXY_ENDPOINT_INT_H
#define CAIRN_DOORS_PROXY_ENDPOINT_INT_H

#include "base/err.h"
#include "base/str.h"

struct endpoint_answer {
    float *out; /* [n × dimensions]; where these are not known yet, room for ENCODER_DIMENSIONS_MAX and n == 1 */
    size_t dimensions; /* 0: not known yet; then set */
    int64_t tokens;    /* as the endpoint counts them, 0: it does not say */
};
/* Reads {"data":[{"index","embedding":[…]}…],"usage":{"prompt_tokens"}}: n vectors, each once, of the same length, of
 * finite numbers, made as long as 1. ERR_UNAVAILABLE where it is anything else. */
enum err_code endpoint_read(struct str text, size_t n, struct endpoint_answer *a, struct err *e);

#endif
