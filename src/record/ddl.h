/* DDL from the table of kinds, for both SQL dialects. */
#ifndef CAIRN_RECORD_DDL_H
#define CAIRN_RECORD_DDL_H

#include "base/buf.h"
#include "record/kind.h"

enum sql_dialect { SQL_SQLITE, SQL_POSTGRES };

/* CREATE TABLE IF NOT EXISTS and CREATE INDEX IF NOT EXISTS statements, each ended by ";\n". */
void ddl_kind(struct buf *out, const struct kind *k, enum sql_dialect d);
void ddl_all(struct buf *out, enum sql_dialect d);
/* "ALTER TABLE … ADD COLUMN …;" for one field (reconciling an older store). */
void ddl_add_column(struct buf *out, const struct kind *k, const struct field *f, enum sql_dialect d);

#endif
