/* Rows of the audit log as JSON, out and in again: what lists show, and the lines of an exported chain, which can be
 * checked wherever they are (service/audit_json.c, cairn audit verify --file). */
#ifndef CAIRN_SERVICE_AUDIT_JSON_H
#define CAIRN_SERVICE_AUDIT_JSON_H

#include "base/json.h"
#include "base/json_write.h"
#include "store/audit.h"

/* The members of a row. `project` as its reader is shown it. */
void audit_json_members(struct json_out *w, const struct audit_row *r, struct str project);
/* An exported line: the row, exactly, with the hash before it. */
void audit_json_line(struct json_out *w, const struct audit_row *r, const char *prev_hash);
/* What ends an export: how many rows there were, and the last hash. */
void audit_json_end(struct json_out *w, int64_t rows, const char *head);
/* How a check ended, as an answer. */
void audit_verdict_write(struct json_out *w, const struct audit_checker *k);

/* One line read back. */
struct audit_line {
    struct audit_row row;
    struct str prev_hash;
    bool end; /* it is the last line: `rows` and `head` */
    int64_t rows;
    struct str head;
};
/* False: it is no line of an export. Strings live as long as text and arena. */
bool audit_json_read(struct arena *a, struct str text, struct audit_line *out);

#endif
