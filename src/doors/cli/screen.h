/* What stands at the other end of stdout, and how text must look to be safe and aligned there. */
#ifndef CAIRN_DOORS_CLI_SCREEN_H
#define CAIRN_DOORS_CLI_SCREEN_H

#include "base/arena.h"
#include "base/buf.h"

struct screen {
    bool terminal;
    bool colour; /* a terminal that takes it, and NO_COLOR is not set */
    int width;   /* columns; 0: no bound (a pipe or a file) */
};
void screen_detect(struct screen *s, int fd);

enum ink { INK_PLAIN, INK_TITLE, INK_FAINT, INK_ID, INK_GOOD, INK_BAD };
/* Adds text in that ink; without colour just the text. It must be clean. */
void screen_ink(const struct screen *s, struct buf *out, enum ink ink, struct str text);

/* Stored text made safe to show: what a terminal would obey (control characters, bidirectional overrides)
 * is written out as \x1b or \u202e, invalid UTF-8 becomes U+FFFD. White space becomes single spaces. */
struct str clean_line(struct arena *a, struct str text);
/* As clean_line, but line ends stay, each line after the first indented. */
void clean_block(struct buf *out, struct str text, int indent);
/* Columns a clean text takes: wide characters two, combining ones none. */
size_t clean_width(struct str text);
/* At most `columns` columns of it, with an ellipsis when something was cut. */
struct str clean_fit(struct arena *a, struct str text, size_t columns);

#endif
