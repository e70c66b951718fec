/* Editing JSON text byte for byte: a few spans go, a few pieces of text come in, every other byte stays as it is. */
#ifndef CAIRN_DOORS_PROXY_SPLICE_H
#define CAIRN_DOORS_PROXY_SPLICE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

enum { SPLICE_MAX = 64 };

struct splice {
    struct str text;
    size_t n;
    struct splice_edit {
        size_t at, remove; /* offsets in text */
        struct str insert;
    } edits[SPLICE_MAX]; /* any order; spans removed must not overlap */
    bool failed;         /* too many edits, or a span that is not in the text */
};

void splice_init(struct splice *s, struct str text);
/* `where` points into the text. The inserted text is borrowed until splice_write. */
void splice_insert(struct splice *s, const char *where, struct str insert);
/* Takes members out of an object parsed from the text, each with one comma. */
void splice_remove_members(struct splice *s, const struct json *object, const char *const *names);
void splice_write(struct splice *s, struct buf *out); /* fails the buffer when the splice failed */

#endif
