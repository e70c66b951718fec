/* Between the files of the format memory-context. */
#ifndef CAIRN_HISTORY_MEMORY_CONTEXT_H
#define CAIRN_HISTORY_MEMORY_CONTEXT_H

#include "history/often.h"

/* Of words, whoever said them: by this the store of hashes knows a message. */
struct str memory_context_hash(struct arena *a, struct str text);
/* A message of a conversation: its session, who said it, and the n-th time these words came in it. STR_NONE when out of
 * memory. */
struct str memory_context_key(struct often *c, struct arena *a, struct str session, struct str role, struct str text);
/* After such a message was told: it is what the store of hashes holds. */
enum err_code memory_context_told(struct history_in *in, struct str text, struct err *e);

/* The time that a file's name says; 0: none. */
int64_t memory_context_time(struct str name);

/* memory_context_db.c */
enum err_code memory_context_read_database(struct history_in *in, struct err *e);
/* memory_context_text.c: a conversation as the terminal showed it */
enum err_code memory_context_read_text(struct history_in *in, struct err *e);

#endif
