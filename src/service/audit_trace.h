/* What one call or deed touches, collected while it works. Part of struct op_call, so it knows nothing of it. */
#ifndef CAIRN_SERVICE_AUDIT_TRACE_H
#define CAIRN_SERVICE_AUDIT_TRACE_H

#include "base/arena.h"
#include "record/record.h"

enum { AUDIT_IDS = 100, AUDIT_COUNTS = 8 };

/* By which door something came, and from where. */
struct audit_from {
    const char *door; /* "http", "unix", "proxy", "cli", "library"; NULL: "internal" */
    struct str peer;  /* an address, "uid 1000"; STR_NONE: not known */
};

struct audit_touched {
    const struct kind *kind;
    struct str id;
};
struct audit_trace {
    struct audit_touched first;
    struct audit_touched *more; /* AUDIT_IDS, made with the second record */
    size_t n_more;
    int64_t total; /* records touched, the unnamed too */
    struct str session, project;
    struct {
        const char *name;
        int64_t n;
    } counts[AUDIT_COUNTS];
    size_t n_counts;
    bool written; /* its row is in the transaction */
    /* A kept answer's: the row's own texts, made when the answer was (audit_kept). */
    const struct audit_subject *kept;
};

/* Strings are copied into the arena; NULL: they are borrowed. */
void audit_trace_add(struct audit_trace *t, struct arena *a, const struct kind *k, struct str id);
/* It comes first: the row is about it. */
void audit_trace_main(struct audit_trace *t, struct arena *a, const struct kind *k, struct str id);
void audit_trace_record(struct audit_trace *t, struct arena *a, const struct record *r);
void audit_trace_count(struct audit_trace *t, const char *name, int64_t n);

/* What a row says of the records. */
struct audit_subject {
    struct str record_kind, record_id, session, project, details;
};

#endif
