/* A tool's SQLite database, read while the tool may be using it, and without a trace: SQLite is given files that can
 * only be read, of the descriptors that are open anyway. It makes no file beside the source, takes no lock that others
 * see, and copies nothing: what stands in the write-ahead log is seen, through an index of it in memory.
 *
 * The price: whoever writes does not wait for us. A database that was checkpointed while it was read may have been seen
 * half old, half new; database_close tells that, and it is read again another time. Only database*.c include sqlite3.h.
 */
#ifndef CAIRN_HISTORY_DATABASE_H
#define CAIRN_HISTORY_DATABASE_H

#include "history/format.h"

struct database;
struct rows;

/* in->fd, with the log of its name beside it. ERR_CORRUPT: it is no database. */
enum err_code database_open(const struct history_in *in, struct database **out, struct err *e);
/* ERR_BUSY when it was written to in the meantime. NULL is fine. */
enum err_code database_close(struct database *d, struct err *e);
bool database_has(struct database *d, const char *table, const char *column); /* column NULL: the table at all */

/* A statement with texts for its ?1, ?2 …; at most 4. */
enum err_code database_query(struct database *d, const char *sql, const struct str *args, size_t n, struct rows **out,
                             struct err *e);
/* ERR_TOO_LARGE: a value is beyond what may be read. */
enum err_code rows_next(struct rows *r, bool *found, struct err *e);
/* Of the row, until the next: a text's or a blob's bytes, STR_NONE for null. */
struct str rows_text(struct rows *r, int column);
int64_t rows_int(struct rows *r, int column);
void rows_free(struct rows *r); /* NULL is fine */

#endif
