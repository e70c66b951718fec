/* What the audit's files in the store share with the writer and with one another. See audit.h. */
#ifndef CAIRN_STORE_AUDIT_INT_H
#define CAIRN_STORE_AUDIT_INT_H

#include "store/audit.h"
#include "store/internal.h"

#define AUDIT_META_HEAD "audit_head"
#define AUDIT_META_SALT "audit_salt"
#define AUDIT_META_INDEXED "audit_indexed" /* the last row that is filed under the records it names */

/* Before a group is committed: writes down the head when the group has added rows. */
enum err_code audit_seal(struct store_tx *tx, struct err *e);
/* The row under the statement's cursor, whose columns are AUDIT_COLUMNS. Its texts live until the next step. */
struct audit_row audit_read_row(struct query *q);
/* Up to which row all are filed (AUDIT_META_INDEXED). */
enum err_code audit_indexed(struct store_tx *tx, int64_t *seq, struct err *e);
/* Under what a record's rows are filed. */
int64_t audit_key(struct str record);

#endif
