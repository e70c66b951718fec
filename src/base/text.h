/* Text: UTF-8 checks, cutting at character borders, rough token counts. */
#ifndef CAIRN_BASE_TEXT_H
#define CAIRN_BASE_TEXT_H

#include "base/str.h"

bool text_utf8_valid(struct str s);
/* Bytes of the valid character that s begins with; 0 when there is none. */
size_t text_char_len(struct str s);
struct str text_cut(struct str s, size_t max_bytes); /* at most max_bytes, never inside a character */
size_t text_chars(struct str s);                     /* code points */
/* Tokens as a language model would roughly count them: a quarter of the bytes, rounded up. */
int64_t text_tokens(struct str s);

#endif
