/* Meaning: what turns texts into vectors (encoder.h), the vectors of all turns by it, and the thread that makes them.
 * Recall works without: where there is no model, or it is still being loaded, or an endpoint does not answer, or a turn
 * has no vector yet, words decide alone.
 *
 * Threads: a struct meaning is shared. The model is opened by the thread that makes vectors, so that opening
 * waits for nothing; questions are embedded on their caller's thread. */
#ifndef CAIRN_SEARCH_MEANING_H
#define CAIRN_SEARCH_MEANING_H

#include "index/vectors.h"
#include "search/encoder.h"
#include "store/store.h"

struct meaning;

struct meaning_options {
    struct store *store; /* borrowed, must outlive it; NULL is fine with on_demand */
    const char *dir;     /* data folder */
    /* One of three: an endpoint, the model's folder or file, or a packed model in memory (borrowed). */
    struct endpoint endpoint;      /* url NULL: none; its `stop` is set here */
    encoder_dial *dial;            /* how endpoints are asked; NULL: this program cannot */
    const struct store_gate *gate; /* what an endpoint is given passes it; NULL: it is given all as it is */
    const char *model;
    struct str packed;
    int query_ms;   /* how long a question waits for an endpoint at most, 0: 200 */
    int threads;    /* that make vectors, 0: 1 */
    bool read_only; /* uses the vectors that are there, makes none */
    bool on_demand; /* no thread and no new vectors: the model is opened when it is first waited for, and a packed
                     * one, which takes milliseconds, for the first question */
};
enum err_code meaning_open(const struct meaning_options *o, struct meaning **out, struct err *e);
void meaning_close(struct meaning *m); /* NULL is fine */
void meaning_wake(struct meaning *m);  /* there is something new in the store */

/* Brings the files of vectors into the form, sealed or plain, that the store's keys say now; m may be NULL. Nobody else
 * may have the data folder open. To be called again when it failed. */
enum err_code meaning_convert(struct meaning *m, const struct store *store, struct err *e);
/* Writes the vectors' files in the data folder `dir` without the turns that the store does not have any more. ERR_BUSY
 * while another process writes them, meaning_wait's errors where the model cannot be had. Where there is none (m ==
 * NULL) nobody keeps them up: then they are removed, and made again when there is a model. */
enum err_code meaning_purge(struct meaning *m, const char *dir, struct err *e);

struct meaning_state {
    bool loading, loaded, remote;
    char id[EMBED_ID_MAX];
    size_t dimensions;
    int64_t vectors, lag; /* how many there are, how many turns wait */
    double rate;          /* vectors made a second, lately; 0: none were */
    char problem[200];    /* what is in the way now, "" when nothing is */
};
void meaning_state(struct meaning *m, struct meaning_state *out); /* NULL: no model at all */

/* ---- questions (meaning_ask.c) ---- */
/* What a question means, and the turns nearest to that. */
struct sense {
    const float *vector;     /* NULL: no meaning */
    struct vector_hit *hits; /* best first */
    size_t n;
};
/* The vector of `text` and the `best` nearest turns of the scope, in the arena. Without a model, and where an endpoint
 * is late (by the scope's deadline, or query_ms) or fails, an empty sense. m may be NULL. */
enum err_code meaning_find(struct meaning *m, struct arena *a, struct str text, const struct vector_query *scope,
                           struct sense *out, struct err *e);
/* The cosine of each turn, NAN where it has no vector. */
enum err_code meaning_of(struct meaning *m, struct arena *a, const struct sense *s, const int64_t *seqs, size_t n,
                         float *out, struct err *e);

/* ---- texts that are no turns (meaning_texts.c) ---- */
bool meaning_ready(struct meaning *m); /* a model is there now; NULL: false */
/* Waits for the model, opening it where it is opened on demand. ERR_UNAVAILABLE: none is there, with why. */
enum err_code meaning_wait(struct meaning *m, int ms, struct err *e);
/* Of the model that is there; 0 and "" before. m may be NULL. */
size_t meaning_dimensions(struct meaning *m);
struct str meaning_name(struct meaning *m); /* "all-MiniLM-L6-v2" */
/* Vectors, out[n × meaning_dimensions], on the caller's thread; kept nowhere. ERR_UNAVAILABLE when no model is there
 * now; else as encoder.h says. */
enum err_code meaning_encode(struct meaning *m, const struct encoder_task *task, float *out, struct err *e);
/* The same of short texts, by whoever can do without: an endpoint is waited for and left alone as for a question. */
enum err_code meaning_vectors(struct meaning *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                              struct err *e);

#endif
