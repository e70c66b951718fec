/* Between the files of the format opencode: sessions, messages and parts are the same JSON in its database and, until
 * 2026, in files of their own. */
#ifndef CAIRN_HISTORY_OPENCODE_H
#define CAIRN_HISTORY_OPENCODE_H

#include "history/blocks.h"

/* Who and where a message is. */
struct opencode_place {
    struct str session, parent; /* parent: of the session, which is a subagent's then */
    struct str id;              /* the message's */
    struct str cwd;             /* the session's */
    int64_t created;            /* 0: the message says it */
    struct history_at at;
};

void opencode_part(struct blocks *b, const struct json *part);
/* The message, of which the parts are in the blocks already. */
enum err_code opencode_message(struct history_in *in, const struct opencode_place *p, const struct json *data,
                               struct blocks *b, struct err *e);
/* Whether it is likely that the message is still being written. */
bool opencode_unfinished(const struct history_in *in, const struct json *data);

enum err_code opencode_read_database(struct history_in *in, struct err *e); /* opencode_database.c */
enum err_code opencode_read_message(struct history_in *in, struct err *e);  /* opencode_files.c */
enum err_code opencode_read_session(struct history_in *in, struct err *e);

#endif
