/* One request of our own with JSON in it, over libcurl's easy interface, on the calling thread. What such a request may
 * do is laid down here for all of them: HTTP alone, no redirects (the key would go along), no proxy to this machine. */
#ifndef CAIRN_DOORS_PROXY_POST_H
#define CAIRN_DOORS_PROXY_POST_H

#include "base/buf.h"

#include <curl/curl.h>
#include <stdatomic.h>

struct post {
    CURL *easy;                 /* its owner's, as everything here */
    struct curl_slist *headers; /* filled by post_prepare */
    struct buf body, answer;    /* `answer` takes no more than its own bound */
    const atomic_bool *stop;    /* true: given up within a second; NULL: never */
};
struct post_to {
    const char *url, *key; /* whole; "Authorization: Bearer …", NULL: none */
    long connect_ms, timeout_ms;
};
/* Everything but running it; the strings and `p` must stay until then. False: out of memory. */
bool post_prepare(struct post *p, const struct post_to *to);

#endif
