/* Between the files of the format codex. */
#ifndef CAIRN_HISTORY_CODEX_H
#define CAIRN_HISTORY_CODEX_H

#include "history/prompt.h"
#include "history/records.h"

/* A rollout being read. What its first lines say (folder, version, branch) holds for all of it, so a reading that goes
 * on later runs over what is before, without telling it again. */
struct codex {
    struct history_in *in;
    struct buf session, parent, cwd, version, branch, model, thinking;
    unsigned char chain[SHA256_BYTES]; /* over all messages so far: see codex_key */
    struct prompts prompts;
    int metas;
    bool quiet; /* before in->from */
};

/* A line: an item, in its envelope or (until 2025) bare. For records_read; arg is a struct codex. */
enum err_code codex_item(void *arg, const struct json *line, const struct history_at *at, struct err *e);
enum err_code codex_skip(struct codex *c, const char *reason, const struct history_at *at, struct err *e);
void codex_keep(struct buf *b, struct str s); /* unless it is empty */

#endif
