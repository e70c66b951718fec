/* What changed between two texts, line by line, as people read it: "-" before what went, "+" before what came, "@@"
 * where. Bounded: texts that differ in very much are shown as one change. */
#ifndef CAIRN_HISTORY_DIFF_H
#define CAIRN_HISTORY_DIFF_H

#include "base/buf.h"

enum { DIFF_EDITS_MOST = 512 }; /* more than so many lines that differ are one change */

/* Nothing is added when they are the same. False: out of memory. */
bool diff_lines(struct str before, struct str after, struct buf *out);

#endif
