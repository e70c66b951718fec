/* Between the files of the format gemini. */
#ifndef CAIRN_HISTORY_GEMINI_H
#define CAIRN_HISTORY_GEMINI_H

#include "history/blocks.h"
#include "history/often.h"

/* A session's file being read. */
struct gemini {
    struct history_in *in;
    struct buf session, cwd, title;
    struct str project; /* its folder's name; STR_NONE: a hash */
    struct str thread;  /* a subagent's; STR_NONE: the person's own */
    struct blocks blocks;
    struct often often;
};

void gemini_header(struct gemini *g, const struct json *o);        /* who and where, as far as it is said here */
void gemini_content(struct gemini *g, const struct json *content); /* a text, or parts, into the blocks */
enum err_code gemini_message(struct gemini *g, const struct json *m, const struct history_at *at, struct err *e);

/* ---- gemini_beside.c ---- */
/* saved: a conversation that was saved by a name; else prompts. */
enum err_code gemini_read_beside(struct gemini *g, bool saved, struct err *e);
/* The folder that was worked in, where the tool has left its path. */
void gemini_find_folder(struct gemini *g);
/* A key of words that have no id: of who said them, and how often before in this file; STR_NONE: out of memory. */
struct str gemini_words_key(struct gemini *g, struct str role, struct str text);

/* ---- gemini_log.c ---- */
enum err_code gemini_read_log(struct gemini *g, struct err *e);

#endif
