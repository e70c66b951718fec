/* Aligned tables. Widths are measured in columns, not bytes; on a terminal the widest cells that may be cut
 * are cut until the row fits. The last column is never padded, so lines carry no trailing spaces. */
#include "doors/cli/table.h"

enum { GAP = 2, CUT_LEAST = 8, PIPE_PAD_MOST = 60 };

struct table *table_new(struct arena *a, size_t rows_max)
{
    struct table *t = arena_alloc(a, sizeof *t);
    if (t)
        *t = (struct table){.arena = a, .rows_max = rows_max};
    return t;
}

void table_column(struct table *t, struct column c)
{
    if (t->n_columns < TABLE_COLUMNS_MAX && !t->cells)
        t->columns[t->n_columns++] = c;
}

struct str *table_row(struct table *t)
{
    if (!t->cells)
        t->cells = arena_calloc(t->arena, t->rows_max * t->n_columns, sizeof *t->cells);
    if (!t->cells || t->n_rows == t->rows_max)
        return NULL;
    return &t->cells[t->n_rows++ * t->n_columns];
}

/* The widest cell of each column, titles included. */
static void measure(const struct table *t, size_t *widths)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        widths[c] = clean_width(t->columns[c].title);
        for (size_t r = 0; r < t->n_rows; r++) {
            size_t w = clean_width(t->cells[r * t->n_columns + c]);
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
}

/* Takes columns off the widest cuttable column until everything fits, or nothing can be cut any more. */
static void squeeze(const struct table *t, size_t *widths, size_t room)
{
    size_t total = GAP * (t->n_columns - 1);
    for (size_t c = 0; c < t->n_columns; c++) {
        if (t->columns[c].may_cut && widths[c] > room)
            widths[c] = room;
        total += widths[c];
    }
    while (total > room) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++) {
            if (t->columns[c].may_cut && widths[c] > CUT_LEAST &&
                (widest == t->n_columns || widths[c] > widths[widest]))
                widest = c;
        }
        if (widest == t->n_columns)
            return;
        widths[widest]--;
        total--;
    }
}

/* Padding is counted from the width of the text alone: ink takes no column. */
static void put_cell(const struct table *t, const struct screen *s, struct buf *out, size_t c, struct str text,
                     size_t width, enum ink ink)
{
    if (s->width > 0)
        text = clean_fit(t->arena, text, width);
    size_t w = clean_width(text);
    size_t pad = w < width ? width - w : 0;
    bool last = c + 1 == t->n_columns;
    if (c > 0)
        buf_fmt(out, "%*s", GAP, "");
    if (t->columns[c].right)
        buf_fmt(out, "%*s", (int)pad, "");
    screen_ink(s, out, ink, text);
    if (!t->columns[c].right && !last)
        buf_fmt(out, "%*s", (int)pad, "");
}

/* Spaces at the end of a line (empty cells before the end) are taken back. */
static void end_line(struct buf *out)
{
    while (out->n > 0 && out->p[out->n - 1] == ' ')
        out->n--;
    buf_char(out, '\n');
}

void table_print(const struct table *t, const struct screen *s, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    if (t->n_columns == 0)
        return;
    measure(t, widths);
    if (s->width > 0)
        squeeze(t, widths, (size_t)s->width);
    else {
        for (size_t c = 0; c < t->n_columns; c++)
            widths[c] = widths[c] > PIPE_PAD_MOST ? PIPE_PAD_MOST : widths[c];
    }
    for (size_t c = 0; c < t->n_columns; c++)
        put_cell(t, s, out, c, t->columns[c].title, widths[c], INK_TITLE);
    end_line(out);
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++)
            put_cell(t, s, out, c, t->cells[r * t->n_columns + c], widths[c], t->columns[c].ink);
        end_line(out);
    }
}
