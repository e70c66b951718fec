/* Between the files of the format codex. */
#ifndef CAIRN_HISTORY_CODEX_H
#define CAIRN_HISTORY_CODEX_H

#include "history/prompt.h"
#include "history/records.h"

/* A rollout being read. What its first lines say (folder, version, branch) holds for all of it, so a reading that goes
 * on later runs over what is before, without telling it again. */
struct codex {
    struct history_in *in;
    struct buf session, parent, cwd, version, branch, model, thinking, thread;
    unsigned char chain[SHA256_BYTES]; /* over all messages so far: see codex_key */
    int metas;
    int64_t began;                                           /* ms; of lines that have no time of their own */
    enum { CODEX_UNKNOWN, CODEX_ITEMS, CODEX_EVENTS } layer; /* where the words stand */
    bool agent;                                              /* an agent's: nobody typed what it is asked */
    bool quiet;                                              /* before in->from */
};

/* A line: an item, in its envelope or (until 2025) bare. For records_read; arg is a struct codex. */
enum err_code codex_item(void *arg, const struct json *line, const struct history_at *at, struct err *e);
enum err_code codex_skip(struct codex *c, const char *reason, const struct history_at *at, struct err *e);
/* What the first session_meta (the session itself) says; those behind it begin the copy of another session. */
void codex_begin(struct codex *c, const struct json *meta);
/* What the tool puts in a person's place. */
bool codex_injected(struct str text);
/* Whether a message among the items stands at this place or behind it: else it is the events that have the words. */
enum err_code codex_items_ahead(const struct codex *c, const struct history_at *at, bool *found, struct err *e);
void codex_keep(struct buf *b, struct str s); /* unless it is empty */

#endif
