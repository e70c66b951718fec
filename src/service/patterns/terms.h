/* How alike patterns are: by the stems of their words, weighed by how rare each stem is among the patterns at hand
 * (idf). Stems are kept as hashes in the pattern's hidden field `terms`, so that thousands of patterns are compared
 * without reading their texts again.
 *
 * The kept form is the stems' 32-bit FNV-1a hashes as 8 lower-case hex digits each, ascending, without separators, at
 * most PATTERN_TERMS_MAX of them. Two words in four thousand million share a hash: a chance find, no harm. */
#ifndef CAIRN_SERVICE_PATTERNS_TERMS_H
#define CAIRN_SERVICE_PATTERNS_TERMS_H

#include "base/arena.h"
#include "base/err.h"
#include "store/patterns.h"

/* Patterns as alike as this are one pattern. */
#define PATTERN_ALIKE 0.7

enum { PATTERN_TERMS_MAX = 400, QUERY_TERMS_MAX = 64, PATTERN_TERM_CHARS = 8 };

/* The kept form of a text's stems; "" for a text without words. */
enum err_code pattern_terms(struct arena *a, struct str text, struct str *out, struct err *e);

/* Which row is most like `terms`: cosine of the sets of stems, weighed by idf among the rows, 0 … 1.
 * *best NULL when there are no rows. Rows without terms are passed over. */
enum err_code patterns_nearest(struct arena *a, struct str terms, const struct pattern_row *rows, size_t n,
                               const struct pattern_row **best, double *similarity, struct err *e);

/* For each row, the share of the query's weight whose stems it has, 0 … 1, into out[n]. At most QUERY_TERMS_MAX stems
 * of the query count. */
enum err_code patterns_coverage(struct arena *a, struct str query_terms, const struct pattern_row *rows, size_t n,
                                double *out, struct err *e);

#endif
