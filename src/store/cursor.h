/* Cursors of lists: where a page ended, as opaque text that is refused when it was tampered with. */
#ifndef CAIRN_STORE_CURSOR_H
#define CAIRN_STORE_CURSOR_H

#include "record/record.h"

enum { ORDER_MAX = 4 };

/* One column a list is ordered by; the last is always seq. */
struct order_column {
    struct str name;
    bool descending;
    enum field_type type;
    bool never_null;
};
/* The columns of the kind's default order and seq; returns how many (at most ORDER_MAX). */
size_t order_columns(const struct kind *k, struct order_column *out);
/* A record's value in such a column. */
struct value order_value(const struct record *r, const struct order_column *c);

/* The cursor after record r, in the arena; STR_NONE when out of memory. */
struct str cursor_make(struct arena *a, const struct record *r);
/* The values of the kind's order columns. ERR_INVALID, field "cursor". */
enum err_code cursor_read(struct arena *a, const struct kind *k, struct str cursor, struct value *out, struct err *e);

#endif
