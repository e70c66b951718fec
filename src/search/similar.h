/* Similar: how near short texts are in meaning, as a cosine: events, patterns, people, things, titles. Vectors are kept
 * in memory by the hash of their text, the ones used longest ago making room, so that what is compared again and again
 * is embedded once. Not here: turns (meaning.h), and what a cosine is worth beside words (the callers').
 *
 * Records are compared through vectors that are kept by kind: of the newest SIMILAR_RECORDS of each kind that somebody
 * asks for, made in the background once it was asked for, brought up to date when asked again, and given up when nobody
 * asked for a quarter of an hour. What may be read is not known here: callers give the seqs that may.
 *
 * Everything here is a help and no condition: without a model, out of memory or out of time the answer is "not known"
 * (NAN), and words decide alone.
 *
 * Thread-safe. A call embeds what is missing on its own thread, in small batches, and begins none after its deadline.
 */
#ifndef CAIRN_SEARCH_SIMILAR_H
#define CAIRN_SEARCH_SIMILAR_H

#include "base/arena.h"
#include "record/kind.h"
#include "search/meaning.h"

struct similar;

enum {
    SIMILAR_TEXT_BYTES = 1000,   /* of a text: about what one window of a model holds */
    SIMILAR_KEPT = 4096,         /* vectors of texts, 1.7 MB at 384 dimensions when all are there */
    SIMILAR_RECORDS = 10240,     /* of a kind, the newest */
    SIMILAR_RECORDS_ALL = 24576, /* of all kinds, 11 MB when all are there */
};

/* Both are borrowed and must outlive it. store NULL: no records, and no thread of its own. */
enum err_code similar_open(struct meaning *m, struct store *store, struct similar **out, struct err *e);
void similar_close(struct similar *s); /* NULL is fine; no call may be under way */

/* How near each of texts[n] is to `to`: -1..1 into out[n], NAN where it is not known. `use`: what `to` is, a question
 * or a text like the others. deadline_us: clock_mono_us, 0: none; the first texts get their vectors first. s may be
 * NULL. False: none is known. */
bool similar_texts(struct similar *s, struct arena *a, struct str to, enum embed_use use, const struct str *texts,
                   size_t n, int64_t deadline_us, float *out);

/* The same for records of a kind and a question; seqs[n] descending. A call that brings vectors up to date waits for
 * that until its deadline where it will be quick. */
bool similar_records(struct similar *s, struct arena *a, const struct kind *k, struct str question, const int64_t *seqs,
                     size_t n, int64_t deadline_us, float *out);

/* A cosine as evidence: 0 at `low` and less, 1 at `high` and more, even between; 0 for NAN. */
double similar_share(double cosine, double low, double high);
/* Two sources of evidence, each 0..1, that make each other surer: 1 - (1 - x)(1 - y). */
double similar_both(double x, double y);

#endif
