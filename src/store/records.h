/* Generic CRUD on any kind, derived from its table entry. All take a tx; those that write only work
 * inside a store_fn. Results live in the given arena. */
#ifndef CAIRN_STORE_RECORDS_H
#define CAIRN_STORE_RECORDS_H

#include "record/record.h"
#include "store/scope.h"

/* Inserts r; fills r->seq, and id, project, times, version where they are unset. ERR_CONFLICT when the id exists. */
enum err_code record_insert(struct store_tx *tx, struct arena *a, struct record *r, struct err *e);
/* The ERR_NOT_FOUND that record_get gives, for what may not be read either. */
enum err_code record_missing(const struct kind *k, struct str id, struct err *e);
/* By id (KIND_KEYED: within `project`, falling back to the organisation's own for KIND_ORG).
 * project STR_NONE: any. ERR_NOT_FOUND: "no <kind> with <id_name> <id>". Deleted ones are not found. */
enum err_code record_get(struct store_tx *tx, struct arena *a, const struct kind *k, struct str id, struct str project,
                         struct record **out, struct err *e);
enum err_code record_by_seq(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq,
                            struct record **out, struct err *e);
/* Sets the given (not UNSET) values of `patch` on the stored record with seq; version + 1, updated_at now. */
enum err_code record_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                            struct err *e);
/* Soft deletion: out of every list and search at once. */
enum err_code record_delete(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq, struct err *e);

struct list_filter {
    const char *field; /* a field name, "project" or "id" */
    struct value equals;
};
struct list_query {
    const struct kind *kind;
    const struct list_filter *filters;
    size_t n_filters;
    struct scope scope;               /* who asks: only what may be read is listed and counted; {0}: everything */
    int64_t created_from, created_to; /* ms, 0: open */
    struct str find; /* only records with this text in a name, title or description, or in the id that a
                        caller gave; in any case of ASCII letters. STR_NONE: all. See list_findable */
    /* Only records in whose searched fields (or given id) one of these beginnings of words occurs, n_words of them, at
     * most 24; in any case of ASCII letters, and within words too. Texts beyond ASCII pass as well, since only a
     * tokenizer can judge them: this narrows a walk down, it does not decide. */
    const struct str *words;
    size_t n_words;
    struct str tag;    /* only records that carry this tag, as a tag record or among their own `tags` */
    int limit;         /* 1 … 1000 */
    struct str cursor; /* from a former page's next_cursor, or STR_NONE */
    bool count;        /* also count all that match */
};
struct list_page {
    struct record **rows;
    size_t n;
    struct str next_cursor; /* STR_NONE: this was the last page */
    int64_t total;          /* when asked for */
};
/* Whether `find` has fields to look into: short texts that are searched for words. */
bool list_findable(const struct kind *k);
enum err_code record_list(struct store_tx *tx, struct arena *a, const struct list_query *q, struct list_page *out,
                          struct err *e);
/* How many a list with these filters and this scope would have. */
enum err_code record_list_count(struct store_tx *tx, struct arena *a, const struct list_query *q, int64_t *out,
                                struct err *e);
/* Whether `words` has fields to look into. */
bool list_searchable(const struct kind *k);
/* Calls fn for each record that matches q, newest first, at most q->limit of them (1 … 1,000,000; cursor and count play
 * no part), one at a time: the record lives only during the call. Ends with fn's code when that is not ERR_OK. */
typedef enum err_code record_fn(void *arg, const struct record *r, struct err *e);
enum err_code record_walk(struct store_tx *tx, const struct list_query *q, record_fn *fn, void *arg, struct err *e);
/* The seqs of what such a walk would meet, newest first, in the arena; no record is read. */
enum err_code record_seqs(struct store_tx *tx, struct arena *a, const struct list_query *q, int64_t **out, size_t *n,
                          struct err *e);
enum err_code record_count(struct store_tx *tx, const struct kind *k, struct str project, int64_t *out, struct err *e);
/* Records of k that are not deleted whose field has this value, with seq > after, ascending, at most limit (1 to
 * 1,000): for walking through all that belongs to something. The field should be indexed. */
enum err_code records_of(struct store_tx *tx, struct arena *a, const struct kind *k, const char *field,
                         struct str value, int64_t after, int limit, struct record ***rows, size_t *n, struct err *e);
/* Records of k with seq > after, ascending, alive or deleted, at most limit: what the index feeds on. */
enum err_code record_after(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t after, int limit,
                           struct record ***rows, size_t *n, struct err *e);

#endif
