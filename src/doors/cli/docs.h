/* The reference pages under docs/, written from the tables: one function a page. Markdown as GitHub reads it. */
#ifndef CAIRN_DOORS_CLI_DOCS_H
#define CAIRN_DOORS_CLI_DOCS_H

#include "doors/cli/command.h"

void docs_operations(struct cli *c);
void docs_records(struct cli *c);
void docs_configuration(struct cli *c);

/* Text of the tables as Markdown: what would be a mark there is escaped. */
void docs_text(struct buf *out, const char *text);
/* "1 to 100", "a, b or c", "1 to 200 bytes"; nothing where there is no bound. */
void docs_range(struct buf *out, bool number, const char *choices, double min, double max);
/* "# Title" and that the page is generated. */
void docs_head(struct buf *out, const char *title, const char *about);

#endif
