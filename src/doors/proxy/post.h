/* One request of our own, over libcurl's easy interface, on the calling thread. What such a request may do is laid down
 * here for all of them: HTTP alone, no redirects (the key would go along), no proxy to this machine. Most have JSON in
 * them (post_prepare). */
#ifndef CAIRN_DOORS_PROXY_POST_H
#define CAIRN_DOORS_PROXY_POST_H

#include "base/buf.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

/* Where an answer goes, which must stay until it is there. */
struct post_sink {
    struct buf *answer;      /* takes no more than its own bound */
    const atomic_bool *stop; /* true: given up within a second; NULL: never */
};
/* Address, bounds and what is not done. False: out of memory. */
bool post_rules(CURL *h, const char *url, long connect_ms, long timeout_ms, struct post_sink *sink);

/* Handles that are at rest, with their connections; any thread may take one. */
enum { POST_IDLE = 4 };
struct post_idle {
    pthread_mutex_t lock;
    CURL *easy[POST_IDLE];
    size_t n;
};
void post_idle_init(struct post_idle *p);
CURL *post_idle_take(struct post_idle *p);            /* NULL: out of memory */
void post_idle_give(struct post_idle *p, CURL *easy); /* without its options; NULL is fine */
void post_idle_release(struct post_idle *p);

struct post {
    CURL *easy;                 /* its owner's, as everything here */
    struct curl_slist *headers; /* filled by post_prepare */
    struct buf body, answer;    /* `answer` takes no more than its own bound */
    const atomic_bool *stop;    /* as of post_sink */
    struct post_sink sink;      /* filled by post_prepare */
};
struct post_to {
    const char *url, *key; /* whole; "Authorization: Bearer …", NULL: none */
    long connect_ms, timeout_ms;
};
/* Everything but running it; the strings and `p` must stay until then. False: out of memory. */
bool post_prepare(struct post *p, const struct post_to *to);

#endif
