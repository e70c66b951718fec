/* Embedder: text to vectors, by any BERT model in sentence-transformers' layout (all-MiniLM-L6-v2, bge-small,
 * e5-small, gte-small …), on the CPU, without a library for it.
 *
 * Thread rule: an embedder is constant once opened; any number of threads may use it at once. A call runs on the
 * caller's thread alone and takes a scratch from the embedder's pool, so memory grows with the number of threads that
 * embed at the same time (about 5 MB each for MiniLM). No call waits for another, so that a query on a thread of its
 * own has its answer at once while another thread embeds a batch; a batch goes through in passes of about 128 tokens
 * (or one window), and whoever wants to pause it between passes makes smaller calls: they cost nothing more.
 *
 * The model's files are not trusted: whatever they hold, opening gives a model or an error. In floats the weights' file
 * must not be cut short while the embedder is open (the table of word embeddings is read from the mapped file); in int8
 * nothing of the folder is needed any more. */
#ifndef CAIRN_EMBED_EMBED_H
#define CAIRN_EMBED_EMBED_H

#include "base/err.h"
#include "base/str.h"

enum {
    EMBED_ID_MAX = 96,      /* bytes of a model's id, NUL included */
    EMBED_WINDOWS_MAX = 64, /* what follows in a longer text is not read */
};

enum embed_use { EMBED_DOCUMENT, EMBED_QUERY };
enum embed_precision { EMBED_INT8, EMBED_FLOAT };

struct embed_options {
    enum embed_precision precision;
    /* Put before every query and every document ("query: ", "passage: "). p == NULL: as the model's own
     * config_sentence_transformers.json says, else nothing. At most 1,024 bytes. */
    struct str query_prefix, document_prefix;
};

struct embedder;

/* Loads the model in `folder`. `options` may be NULL: int8, the model's prefixes. ERR_NOT_FOUND when there is no model
 * there; ERR_INVALID with what is wrong in which file; ERR_NOMEM. */
enum err_code embed_open(const char *folder, const struct embed_options *options, struct embedder **out, struct err *e);
/* A quantised model in one file of our own, about 23 MB for MiniLM, to be carried in the program: opening it takes
 * milliseconds, and it gives the very vectors that the folder gives in int8, under the same id. embed_pack writes it
 * from a folder, whole or not at all. embed_open_packed opens such bytes, which must stay as they are until embed_close
 * (aligned to 64 they are used where they lie, else copied). Not trusted: ERR_CORRUPT when they are no packed model, of
 * another version, cut short or changed. `options` as above, but for the precision, which must be int8; prefixes that
 * are not given are the folder's. */
enum err_code embed_pack(const char *folder, const char *file, struct err *e);
enum err_code embed_open_packed(struct str bytes, const struct embed_options *options, struct embedder **out,
                                struct err *e);
void embed_close(struct embedder *m); /* NULL is fine; no call may be under way */

size_t embed_dimensions(const struct embedder *m);
size_t embed_max_tokens(const struct embedder *m); /* of a window, [CLS] and [SEP] counted */
/* "<folder's name>@<16 hex digits>": the digits stand for weights, vocabulary, pooling and prefixes. Vectors may be
 * compared when the part after '@' is the same; it is so for both precisions. Lives as long as the embedder. */
const char *embed_model_id(const struct embedder *m);
const char *embed_kernels(const struct embedder *m); /* "avx512-vnni", "avx-vnni", "avx2" or "portable" */

/* Token ids of the text as it would be embedded, prefix, [CLS] and [SEP] included, not cut into windows. Writes the
 * first `cap` of them and sets *n to how many there are (at most what EMBED_WINDOWS_MAX windows hold). */
enum err_code embed_tokenize(const struct embedder *m, struct str text, enum embed_use use, int32_t *ids, size_t cap,
                             size_t *n, struct err *e);

/* One vector for each text: out[n × dimensions], of length 1 if the model normalises (all named above do).
 *
 * A text of more than a window is embedded in windows that overlap by a quarter, the last one moved back so that it is
 * full, each with the prefix; its vector is the mean of the windows' vectors, normalised again.
 *
 * Short texts share passes; order and neighbours change nothing. An empty text has a vector too. Texts should be
 * UTF-8; other bytes are left out. On failure `out` holds nothing of use. */
enum err_code embed_texts(const struct embedder *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                          struct err *e);

#endif
