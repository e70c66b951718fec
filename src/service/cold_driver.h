/* Where cold storage keeps its archives, as a driver: a folder (cold_folder.c), or a bucket of an S3-compatible server,
 * which a program with libcurl lends (doors/s3). A driver keeps bytes under names and knows nothing of what they are.
 *
 * Names are of the letters that ids have, digits, '.', '-', '_' and '/' between their parts. A driver may be asked by
 * any thread; all calls block. What it is asked to keep is there for good when put says so. */
#ifndef CAIRN_SERVICE_COLD_DRIVER_H
#define CAIRN_SERVICE_COLD_DRIVER_H

#include "base/arena.h"
#include "base/err.h"

typedef enum err_code cold_object_fn(void *arg, struct str name, int64_t bytes, struct err *e);

struct cold_driver {
    /* All of it or nothing, in the place of what had that name. */
    enum err_code (*put)(struct cold_driver *d, struct str name, struct str bytes, struct err *e);
    /* Appends to `out`. ERR_NOT_FOUND: there is nothing of that name; ERR_TOO_LARGE: it is longer than `most`. */
    enum err_code (*get)(struct cold_driver *d, struct str name, size_t most, struct buf *out, struct err *e);
    /* fn for every name that begins with `prefix` ("" or whole parts, each with its '/'), in no order; names live as
     * long as the call. It may put and remove. */
    enum err_code (*list)(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg, struct err *e);
    /* With every older version of it. Absent is fine. */
    enum err_code (*remove)(struct cold_driver *d, struct str name, struct err *e);
    void (*stop)(struct cold_driver *d); /* whoever waits in a call gives up soon; NULL: none waits for long */
    void (*close)(struct cold_driver *d);
};

/* A folder, which need not exist yet. */
enum err_code cold_folder_open(const char *path, struct cold_driver **out, struct err *e);

/* A bucket. The strings live as long as the call. */
struct cold_bucket {
    const char *endpoint, *region, *bucket;
    const char *prefix; /* before every name; "": none */
    const char *key_id, *key;
    const char *token; /* of a session; NULL: none */
    bool path_style;   /* the bucket is the path's first part, not the host's name */
    int timeout_ms;    /* for a request */
};
typedef enum err_code cold_dial(const struct cold_bucket *at, struct cold_driver **out, struct err *e);

#endif
