/* The elements of one long array of a JSON document, one after another, in bounded memory: exports hold years of
 * conversations in one file. Only where an element begins and ends is looked at; what it is, its parser says. */
#ifndef CAIRN_HISTORY_ITEMS_H
#define CAIRN_HISTORY_ITEMS_H

#include "history/format.h"

enum {
    ITEMS_BUFFER = 1 << 16,
    ITEMS_MOST = 4 << 20 /* what is longer is given without its text, to be read in parts */
};

struct item {
    struct str text; /* until the next call, as the key */
    struct str key;  /* of a member; STR_NONE: of an element */
    int64_t offset, bytes;
    bool too_large; /* no text */
};

struct items;
/* Of a document that is an array its elements, of one that is an object the elements of its member (when that is an
 * array, or the members of it when it is an object and `keyed`), else the object itself. NULL: out of memory. */
struct items *items_new(const struct history_in *in, const char *member, bool keyed);
void items_free(struct items *x);
/* *found false: there is no more. A document that ends too early gives what there is of its last element. */
enum err_code items_next(struct items *x, struct item *out, bool *found, struct err *e);
/* The text of one member of a document that is an object, as it stands there; empty when there is none, or when it is
 * longer than may be. */
enum err_code items_member(const struct history_in *in, const char *member, struct buf *out, struct err *e);
/* A part of a file as a document of its own; its places are those in the file. */
struct history_in items_part(const struct history_in *in, const struct item *part);

#endif
