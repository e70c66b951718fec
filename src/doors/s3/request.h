/* One request to a bucket, on the calling thread, over connections that are kept: signed, bounded in time and size, and
 * tried again where the server or the way to it is to blame. */
#ifndef CAIRN_DOORS_S3_REQUEST_H
#define CAIRN_DOORS_S3_REQUEST_H

#include "base/buf.h"
#include "base/err.h"
#include "doors/proxy/post.h"

#include <stdatomic.h>

/* The bucket; its strings are owned by s3.c. */
struct s3_at {
    const char *origin; /* "https://host:port" */
    const char *host;   /* as the header says it */
    const char *base;   /* encoded, before every object's name: "/", "/bucket/" … */
    const char *region, *key_id, *key, *token;
    long timeout_ms;
    atomic_bool stop;
    struct post_idle idle;
};
struct s3_request {
    const char *method;
    struct str name;  /* of the object, "": of the bucket */
    struct str query; /* encoded, in order */
    struct str body;
    size_t most; /* of the answer */
};
struct s3_reply {
    long status;
    struct buf body; /* released by whoever asked */
    char code[60];   /* the server's word for an error */
    bool versioned;  /* it names the object's version: what is deleted is only put by */
};
/* ERR_OK for every 2xx, and the reply too for what the server has refused (status). Of other errors status is 0. */
enum err_code s3_ask(struct s3_at *at, const struct s3_request *q, struct s3_reply *out, struct err *e);

#endif
