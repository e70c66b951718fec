/* For the static analyser only (tools/tidy puts it before every source): it sees one file at a time, so it cannot
 * know that these never give back ERR_OK, and would follow paths that do not exist. */
#include "base/err.h"

#define err_set(e, code, ...) ((void)err_set(e, code, __VA_ARGS__), (code))
#define err_named(e, code, ...) ((void)err_named(e, code, __VA_ARGS__), (code))
#define err_errno(e, ...) ((void)err_errno(e, __VA_ARGS__), ERR_IO)
#define err_nomem(e) ((void)err_nomem(e), ERR_NOMEM)
