/* Meaning: an embedding model, the vectors of all turns by it, and the thread that makes them. Recall works without:
 * where there is no model, or it is still being loaded, or a turn has no vector yet, words decide alone.
 *
 * Threads: a struct meaning is shared. The model is loaded by the thread that makes vectors, at the lowest priority,
 * so that opening waits for nothing; queries are embedded on their caller's thread. */
#ifndef CAIRN_SEARCH_MEANING_H
#define CAIRN_SEARCH_MEANING_H

#include "embed/embed.h"
#include "index/vectors.h"
#include "store/store.h"

struct meaning;

struct meaning_options {
    struct store *store; /* borrowed, must outlive it */
    const char *dir;     /* data folder */
    const char *model;   /* the model's folder */
    bool read_only;      /* uses the vectors that are there, makes none */
};
enum err_code meaning_open(const struct meaning_options *o, struct meaning **out, struct err *e);
void meaning_close(struct meaning *m); /* NULL is fine */
void meaning_wake(struct meaning *m);  /* there is something new in the store */

struct meaning_state {
    bool loading, loaded;
    char id[EMBED_ID_MAX];
    size_t dimensions;
    int64_t vectors, lag; /* how many there are, how many turns wait */
};
void meaning_state(struct meaning *m, struct meaning_state *out);

/* The length of its vectors; 0: no model, or not loaded yet. m may be NULL. */
size_t meaning_dimensions(struct meaning *m);
/* Vectors of other short texts than turns, out[n × dimensions]; kept nowhere. ERR_UNAVAILABLE without a model. */
enum err_code meaning_vectors(struct meaning *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                              struct err *e);

/* What a question means, and the turns nearest to that. */
struct sense {
    const float *vector;     /* NULL: no meaning */
    struct vector_hit *hits; /* best first */
    size_t n;
};
/* The vector of `text` and the `best` nearest turns of the scope, in the arena. Without a model, an empty sense.
 * m may be NULL. */
enum err_code meaning_find(struct meaning *m, struct arena *a, struct str text, const struct vector_query *scope,
                           struct sense *out, struct err *e);
/* The cosine of each turn, NAN where it has no vector. */
enum err_code meaning_of(struct meaning *m, struct arena *a, const struct sense *s, const int64_t *seqs, size_t n,
                         float *out, struct err *e);

#endif
