/* Watches a stream go by for the line "data: [DONE]", and keeps it back: bytes before it pass at once, also when the
 * line comes in pieces. */
#ifndef CAIRN_DOORS_PROXY_GATE_H
#define CAIRN_DOORS_PROXY_GATE_H

#include "base/buf.h"

struct gate {
    char held[16]; /* the part of the line that came so far */
    size_t n;
    bool inside; /* within another line */
    bool closed; /* the line came: held has it */
};

/* Appends what may pass to `out`, returns how many bytes were looked at: all, or up to the end of the line's text. */
size_t gate_pass(struct gate *g, struct str bytes, struct buf *out);
/* What is kept back, to be sent on. */
struct str gate_held(const struct gate *g);

#endif
