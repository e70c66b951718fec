/* Between the files of the format gemini. */
#ifndef CAIRN_HISTORY_GEMINI_H
#define CAIRN_HISTORY_GEMINI_H

#include "history/blocks.h"

/* A session's file being read. */
struct gemini {
    struct history_in *in;
    struct buf session, cwd;
    struct str thread; /* a subagent's; STR_NONE: the person's own */
    struct blocks blocks;
};

void gemini_header(struct gemini *g, const struct json *o); /* who and where, as far as it is said here */
enum err_code gemini_message(struct gemini *g, const struct json *m, const struct history_at *at, struct err *e);

/* ---- gemini_log.c ---- */
enum err_code gemini_read_log(struct gemini *g, struct err *e);

#endif
