/* A turn as the pattern extractors see it: blocks (headings, paragraphs, list items, fenced code) and the sentences
 * in them. Read once per turn and shared by all extractors. Not a Markdown parser: only what tells prose, lists and
 * code apart, as chats are written. All strings live in the arena; nothing is kept. */
#ifndef CAIRN_SERVICE_PATTERNS_TEXT_H
#define CAIRN_SERVICE_PATTERNS_TEXT_H

#include "base/arena.h"
#include "base/err.h"

/* Longer turns are mostly dumps of files and logs: the beginning is looked at. */
enum { PT_BYTES_MAX = 64 * 1024, PT_BLOCKS_MAX = 512, PT_SENTENCES_MAX = 1024 };

enum pt_kind { PT_HEADING, PT_PARAGRAPH, PT_ITEM, PT_TABLE, PT_CODE };

struct pt_block {
    enum pt_kind kind;
    bool numbered;    /* PT_ITEM: "1." rather than "-" */
    struct str text;  /* without marker and ** signs, lines joined by spaces; PT_CODE: the body as it is */
    struct str label; /* PT_CODE: the fence's language, lower case; PT_ITEM: what stood in ** at its start, or NONE */
};

struct pt_sentence {
    struct str text; /* with its closing mark */
    size_t block;
};

struct pattern_text {
    struct arena *arena;
    struct pt_block *blocks;
    size_t n_blocks;
    struct pt_sentence *sentences; /* of all blocks but code and tables, in order */
    size_t n_sentences;
};

/* ERR_NOMEM only: any bytes are some text. What is past the bounds above is left out. */
enum err_code pattern_text_read(struct arena *a, struct str turn, struct pattern_text *out, struct err *e);

/* Where `cue` (lower case) stands in s as whole words, whatever the case in s: offset or -1. */
ptrdiff_t cue_at(struct str s, const char *cue);
/* The first of the cues of a NULL-ended list that stands in s (in the order of the list), NULL when none does.
 * *at (may be NULL) is its offset. */
const char *cue_any(struct str s, const char *const *cues, ptrdiff_t *at);
/* As cue_any, but only at the very beginning of s. */
bool cue_begins(struct str s, const char *const *cues);
/* Whether s begins with a verb that tells somebody to do something ("run the tests"), after "then", "and" and
 * the like. */
bool text_is_instruction(struct str s);
/* The paragraph or heading directly before block i (list items before it are stepped over); STR_NONE: there is none. */
struct str text_lead(const struct pattern_text *t, size_t i);
/* The lead where it says something; where it is a bare word or two ("Steps:"), the turn's first paragraph. */
struct str text_title(const struct pattern_text *t, struct str lead);
bool text_is_question(struct str s);

#endif
