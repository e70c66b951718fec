/* Between the files of the format memory-context. */
#ifndef CAIRN_HISTORY_MEMORY_CONTEXT_H
#define CAIRN_HISTORY_MEMORY_CONTEXT_H

#include "history/format.h"

/* The same words have the same key, wherever in the store they stand; in one conversation the second time has another.
 */
struct str memory_context_key(struct arena *a, struct str text, size_t time);

/* memory_context_text.c: a conversation as the terminal showed it */
enum err_code memory_context_read_text(struct history_in *in, struct err *e);

#endif
