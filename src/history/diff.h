/* What changed between two texts, line by line, as people read it: "-" before what went, "+" before what came, "@@"
 * where. Bounded: texts that differ in very much are shown as one change. */
#ifndef CAIRN_HISTORY_DIFF_H
#define CAIRN_HISTORY_DIFF_H

#include "base/buf.h"

/* More than so many lines that differ, or that there are between the first and the last that does, are one change. */
enum { DIFF_EDITS_MOST = 512, DIFF_LINES_MOST = 1 << 17 };

/* Nothing is added when they are the same. False: out of memory. */
bool diff_lines(struct str before, struct str after, struct buf *out);

#endif
