/* Aligned tables: as wide as the text in a pipe, cut to the terminal's width on one. */
#ifndef CAIRN_DOORS_CLI_TABLE_H
#define CAIRN_DOORS_CLI_TABLE_H

#include "doors/cli/screen.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct column {
    struct str title;
    enum ink ink;
    bool right;   /* numbers */
    bool may_cut; /* free text: cut first when the terminal is narrow */
};

struct table {
    struct arena *arena;
    struct column columns[TABLE_COLUMNS_MAX];
    size_t n_columns;
    struct str *cells; /* row after row */
    size_t n_rows, rows_max;
};

/* NULL when out of memory. */
struct table *table_new(struct arena *a, size_t rows_max);
void table_column(struct table *t, struct column c); /* past the maximum: ignored */
/* A new row of empty cells to fill (n_columns clean texts); NULL when it is full. */
struct str *table_row(struct table *t);
void table_print(const struct table *t, const struct screen *s, struct buf *out);

#endif
