/* Reads an event stream (text/event-stream) as it comes, in whatever pieces: LF, CRLF or CR line ends, comments,
 * data over several lines, a byte order mark. Only reads: the bytes themselves are relayed by others. */
#ifndef CAIRN_DOORS_PROXY_SSE_H
#define CAIRN_DOORS_PROXY_SSE_H

#include "base/buf.h"

enum { SSE_NAME_MAX = 64 };

struct sse {
    struct buf line, data;
    char name[SSE_NAME_MAX]; /* of the event being read */
    size_t name_n;
    size_t skip;    /* bytes of the byte order mark seen at the very start */
    bool started;   /* past the start */
    bool has_data;  /* a data field came, maybe an empty one */
    bool after_cr;  /* the last byte was CR: an LF now belongs to it */
    bool too_large; /* the event being read passed the bound: it is dropped */
    bool dropped;   /* some event was */
};

typedef void sse_event(void *arg, struct str name, struct str data); /* borrowed for the call */

/* Events of more than `max` bytes are dropped. */
void sse_init(struct sse *s, size_t max);
void sse_release(struct sse *s);
void sse_feed(struct sse *s, struct str bytes, sse_event *fn, void *arg);
/* The stream is over: an event whose last empty line is missing counts too, as clients take it. */
void sse_finish(struct sse *s, sse_event *fn, void *arg);

#endif
