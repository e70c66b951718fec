/* An encoder: whatever turns texts into vectors. The embedder in this process (encoder.c) is one; an embeddings
 * endpoint elsewhere is another, which a door with an HTTP client lends (doors/proxy/endpoint.h), so that the library
 * needs none. Only what both can do is here.
 *
 * Thread rule: constant once opened; any number of threads may use one at once. */
#ifndef CAIRN_SEARCH_ENCODER_H
#define CAIRN_SEARCH_ENCODER_H

#include "embed/embed.h"

#include <stdatomic.h>

enum { ENCODER_DIMENSIONS_MAX = 4096, ENCODER_NAME_MAX = EMBED_ID_MAX - 18 };

struct encoder;

struct encoder_task {
    const struct str *texts; /* UTF-8 */
    size_t n;
    enum embed_use use;
    int timeout_ms;  /* an endpoint's answer is waited for so long; 0: as long as it is by its own settings */
    int64_t *tokens; /* NULL, or how many the texts were, 0 where nobody knows */
};

struct encoder {
    /* "<name>@<16 hex digits>": vectors may be compared when the digits are the same. */
    char id[EMBED_ID_MAX];
    size_t dimensions;
    size_t slice_texts, slice_bytes; /* documents that are best given at once */
    bool remote;                     /* may be late, may fail, may come back */
    const char *how;                 /* for the log: kernels, or the address. Lives as long as the encoder */
    /* out[n × dimensions], each of length 1 (or all zeros: nothing could be had for this text, and never will).
     * Of an embedder: ERR_NOMEM, ERR_CORRUPT. Of an endpoint also ERR_UNAVAILABLE, ERR_TIMEOUT; ERR_LIMIT with
     * retry_after_ms; ERR_DENIED: the key is not taken. */
    enum err_code (*encode)(const struct encoder *c, const struct encoder_task *task, float *out, struct err *e);
    void (*close)(struct encoder *c);
};

/* The embedder of a model: a folder, or a file that embed_pack made, or (path == NULL) the bytes of such a file, which
 * are borrowed until encoder_close. Errors as embed_open's. */
enum err_code encoder_open(const char *path, struct str packed, struct encoder **out, struct err *e);
bool encoder_is_packed(const char *path);         /* so that opening takes milliseconds; NULL: yes, it is in memory */
void encoder_close(struct encoder *c);            /* NULL is fine */
struct str encoder_name(const struct encoder *c); /* the id before '@' */

/* An endpoint that speaks OpenAI's embeddings. */
struct endpoint {
    const char *url, *model; /* copied by dial */
    const char *key;         /* NULL: none. Shown nowhere */
    int timeout_ms;          /* for an answer to a batch of documents */
    const atomic_bool *stop; /* true: give up at once, whatever is under way */
};
/* Asks the endpoint for a first vector, which tells how many dimensions it has. Errors as encode's, and ERR_INVALID. */
typedef enum err_code encoder_dial(const struct endpoint *at, struct encoder **out, struct err *e);

#endif
