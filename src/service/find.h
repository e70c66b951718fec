/* Records and turns found together, for search (find.c) and for recall of other kinds than turns (recall.c). */
#ifndef CAIRN_SERVICE_FIND_H
#define CAIRN_SERVICE_FIND_H

#include "search/recall.h"
#include "search/records.h"
#include "service/operation.h"

enum { FIND_KINDS_MAX = 32 };
struct find_kinds {
    const struct kind *list[FIND_KINDS_MAX];
    size_t n;
    bool all;   /* every kind that can be searched */
    bool turns; /* turns too, which recall finds */
};
/* A kind by its name, singular or plural. ERR_INVALID names `field`. */
enum err_code find_kinds_add(struct find_kinds *k, struct str name, const char *field, struct err *e);
/* Records of those kinds on a snapshot of their own; q's kinds are set from k. Nothing where k holds none. */
enum err_code find_records(struct op_call *c, const struct find_kinds *k, struct records_query *q,
                           struct records_result *out, struct err *e);

/* One of both, best first. Borrowed from the results. */
struct found {
    double score;
    const struct recall_hit *turn;    /* or NULL */
    const struct records_hit *record; /* or NULL */
    size_t place;                     /* of equals the first stays first */
};
enum err_code find_together(struct op_call *c, const struct records_result *records, const struct recall_result *turns,
                            struct found **out, size_t *n, struct err *e);
/* What a person would call the record; STR_NONE: it has no name. */
struct str find_title(const struct record *r);

#endif
