/* What must be unpacked or copied before it can be read: into a temporary file without a name, which takes disk and no
 * memory, and is gone with its descriptor whatever happens. */
#ifndef CAIRN_HISTORY_SPOOL_H
#define CAIRN_HISTORY_SPOOL_H

#include "history/format.h"

/* More than this is no history but a bomb: `times` what is packed, and `least` at any rate, over all that a file holds.
 */
enum { SPOOL_TIMES = 200, SPOOL_LEAST = 1 << 30, SPOOL_STEP = 64 << 20 /* asked in between whether to go on */ };

/* For writing and pread, in $TMPDIR or /tmp. -1 with *e set. */
int spool_open(struct err *e);
/* Counts what was written; ERR_TOO_LARGE when it is a bomb, or what the sink says when all is to end. */
enum err_code spool_wrote(struct history_in *in, int64_t *written, size_t n, struct err *e);
/* What in->fd holds, unpacked. *whole false: it ends too early or is damaged; what came before is there. */
enum err_code spool_unzstd(struct history_in *in, int to, bool *whole, struct err *e);
/* `in` as one that reads the spool from its beginning. */
struct history_in spool_in(const struct history_in *in, int fd);

#endif
