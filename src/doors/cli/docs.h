/* The reference pages under docs/, written from the tables: one function a page. Markdown as GitHub reads it. */
#ifndef CAIRN_DOORS_CLI_DOCS_H
#define CAIRN_DOORS_CLI_DOCS_H

#include "doors/cli/command.h"

void docs_operations(struct cli *c);
void docs_records(struct cli *c);
void docs_configuration(struct cli *c);
void docs_example(struct cli *c); /* not Markdown but a cairn.toml */

/* Goes through the settings by section, in the order in which sections first come, whatever lies between their
 * settings: `section` gets the first setting of each. */
void docs_by_section(struct cli *c, void (*section)(struct cli *c, const struct setting *first),
                     void (*setting)(struct cli *c, const struct setting *s));

/* Text of the tables as Markdown: what would be a mark there is escaped. */
void docs_text(struct buf *out, const char *text);
/* "1 to 100", "a, b or c", "1 to 200 bytes"; nothing where there is no bound. */
void docs_range(struct buf *out, bool number, const char *choices, double min, double max);
/* "# Title" and that the page is generated. */
void docs_head(struct buf *out, const char *title, const char *about);

#endif
