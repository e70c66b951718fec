/* What the audit's files share. See audit.h. */
#ifndef CAIRN_SERVICE_AUDIT_INT_H
#define CAIRN_SERVICE_AUDIT_INT_H

#include "service/audit.h"
#include "service/audit_queue.h"

struct audit {
    struct store *store;
    struct audit_queue *queue;
    unsigned char salt[AUDIT_SALT];
};

/* What a trace says, in the arena. False: out of memory. */
bool audit_subject_make(const struct audit *a, struct arena *arena, const struct audit_trace *t,
                        struct audit_subject *out);
/* The row of an operation's call that ended so. */
enum err_code audit_row_of_call(struct op_call *c, enum err_code code, struct audit_row *out, struct err *e);

#endif
