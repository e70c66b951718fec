/* The formats there are, each in its own file. For formats.c and for tests of one format. */
#ifndef CAIRN_HISTORY_FORMATS_H
#define CAIRN_HISTORY_FORMATS_H

#include "history/format.h"

extern const struct history_format history_claude;
extern const struct history_format history_chatgpt;
extern const struct history_format history_claude_ai;
extern const struct history_format history_codex;
extern const struct history_format history_gemini;
extern const struct history_format history_opencode;
extern const struct history_format history_cursor;
extern const struct history_format history_memory_context;
extern const struct history_format history_ccc;
extern const struct history_format history_weaver;
extern const struct history_format history_generic;

#endif
