/* The form of a journal's lines: JSON, or in a sealed store "=" and the base64 of it, sealed line by line with the
 * store's key. A plain line is none where the store demands sealed ones. */
#ifndef CAIRN_SERVICE_JOURNAL_LINE_H
#define CAIRN_SERVICE_JOURNAL_LINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct keyring;

/* Appends the line with its ends: what a failed write may have left before it is a line of its own. */
void journal_line_put(struct buf *out, struct keyring *k, struct str json);
/* The JSON of a line, in the arena or the line itself; STR_NONE where there is none that may be used. */
struct str journal_line_take(struct arena *a, struct keyring *k, struct str line);
/* Puts a file in place of the one at `path` that holds its lines in the form wanted now; torn ones go. */
enum err_code journal_file_convert(struct keyring *k, const char *path, struct err *e);

#endif
