/* A message put together from its parts: paragraphs of text, thoughts apart, and tools, which leave in the text what
 * was asked of them, and what they answered in the metadata. */
#ifndef CAIRN_HISTORY_BLOCKS_H
#define CAIRN_HISTORY_BLOCKS_H

#include "base/json_write.h"
#include "history/format.h"

enum { BLOCKS_CALLS = 64 };
enum { BLOCKS_RESULT_MOST = 1 << 16 }; /* of a tool's answer; the rest is cut */

struct blocks {
    struct buf text, thinking, tools;
    struct {
        struct str id; /* borrowed from what was given */
        size_t from;   /* where it begins in the text */
    } calls[BLOCKS_CALLS];
    size_t n_calls;
};

void blocks_init(struct blocks *b);
void blocks_clear(struct blocks *b); /* for the next message */
void blocks_free(struct blocks *b);
void blocks_text(struct blocks *b, struct str text);
void blocks_thought(struct blocks *b, struct str text);
/* input: any value, a string as it is; NULL: none. result may be STR_NONE. */
void blocks_tool(struct blocks *b, struct str name, struct str id, const struct json *input, struct str result);
/* The members "thinking" and "tools", where there are any. */
void blocks_metadata(const struct blocks *b, struct json_out *w);
/* Where the words before the first tool end. */
size_t blocks_words(const struct blocks *b);
bool blocks_failed(const struct blocks *b);

#endif
