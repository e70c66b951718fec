/* Finding records other than turns by the words of all their searched fields, across kinds, projects and sessions, and,
 * where a model is loaded, by what they mean (similar.h: the newest of each kind). No index of words of its own: the
 * store narrows the records down, their words are compared one by one with those of the question (as the index would
 * keep them), so deleted and changed records are right at once. Thread-safe. */
#ifndef CAIRN_SEARCH_RECORDS_H
#define CAIRN_SEARCH_RECORDS_H

#include "index/index.h"
#include "search/similar.h"
#include "store/records.h"

struct records_query {
    struct similar *similar; /* NULL: by words alone */
    struct str text;
    const struct kind *const *kinds; /* n_kinds, each with list_searchable; NULL: all such kinds */
    size_t n_kinds;
    struct str project;    /* STR_NONE: all */
    struct scope scope;    /* who asks: only what may be read is found; {0}: everything */
    struct str session_id; /* only records of this session, and of kinds that belong to no session; STR_NONE: all */
    int64_t from, to;      /* created, ms; 0: open */
    int limit;             /* 1 … 1000 */
};
struct records_hit {
    struct record *record;
    double score;    /* 0..1, of both together */
    double near;     /* its cosine, NAN: not known */
    struct str text; /* all its searched fields, at most 64 KiB */
};
struct records_result {
    struct records_hit *hits; /* best first; of equals the newest first */
    size_t n;
    int64_t total_matches;
    struct str *terms; /* the question's words as the index keeps them */
    size_t n_terms;
};
enum err_code records_find(struct store_tx *tx, struct arena *a, const struct records_query *q,
                           struct records_result *out, struct err *e);

#endif
