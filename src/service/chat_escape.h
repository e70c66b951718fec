/* Stored text within the recalled block: written so that it can neither close the block nor pass for a part of it. */
#ifndef CAIRN_SERVICE_CHAT_ESCAPE_H
#define CAIRN_SERVICE_CHAT_ESCAPE_H

#include "base/buf.h"

#define CHAT_BLOCK_TAG "recalled_memory"

/* Appends the text; what is escaped once is not changed again. What reads as a tag of the block or as a sign of a chat
 * template loses its opening bracket ("[" instead, in any spelling: case, spaces, entities, characters that are not
 * seen or look alike); a line that begins like an entry
 * ("[3] …") is told from one by a backslash. */
void chat_escape(struct buf *b, struct str text);
/* The same on one line: for titles and names within an entry's head. */
void chat_escape_line(struct buf *b, struct str text);

#endif
