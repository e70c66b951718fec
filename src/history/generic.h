/* Between the files of the format generic. */
#ifndef CAIRN_HISTORY_GENERIC_H
#define CAIRN_HISTORY_GENERIC_H

#include "history/blocks.h"
#include "history/often.h"

struct generic {
    struct history_in *in;
    struct str session; /* where nothing else is named: the file's, with its folder's name */
    struct often often;
    struct blocks blocks;
    int64_t told; /* records, from the file's beginning */
    bool quiet;   /* before in->from: only counted */
};

/* ---- generic_content.c ---- */
/* A message's words into the blocks: a text, or parts as the interfaces of models have them; and its calls of tools. */
void generic_content(struct blocks *b, struct arena *a, const struct json *message, const struct json *content);
struct str generic_metadata(const struct blocks *b, struct arena *a, const struct json *o, struct str id);

#endif
