/* What the v1 API says of a record beyond its fields: a project is called submodule there, sessions have a
 * timestamp and counts, conversations a message_count. Used wherever v1 writes a record. */
#ifndef CAIRN_SERVICE_V1_H
#define CAIRN_SERVICE_V1_H

#include "service/operation.h"
#include "store/turns.h"

/* Read within a transaction, written outside of one. Strings in the arena it was read into. */
struct v1_extra {
    struct session_counts counts;     /* sessions */
    struct str project, project_name; /* STR_NONE: the project has no record, or no name */
};
/* Fills *x for r. Called row by row with the same *x, it looks up the project's name only when the project changes. */
enum err_code v1_read(struct store_tx *tx, struct arena *a, const struct record *r, struct v1_extra *x, struct err *e);
/* The members of v1_write's object, without the braces. */
void v1_write_members(struct op_call *c, const struct record *r, const struct v1_extra *x);
/* The whole object, projects named as the caller knows them. */
void v1_write(struct op_call *c, const struct record *r, const struct v1_extra *x);
/* The project a call names, as `project` or as `submodule_id`; STR_NONE: neither. */
struct str v1_project(const struct op_call *c);

#endif
