/* Answers for people (render.c, render_hits.c). Everything goes into c->out; stored text is cleaned on the way. */
#ifndef CAIRN_DOORS_CLI_RENDER_H
#define CAIRN_DOORS_CLI_RENDER_H

#include "doors/cli/command.h"
#include "doors/cli/table.h"

/* The operation's answer for a person, or as it is with --json. */
enum err_code render_answer(struct cli *c, const struct operation *op, const struct answer *a, struct err *e);
void render_hits(struct cli *c, const struct json *answer);
void render_conversation(struct cli *c, const struct json *answer);
void render_record(struct cli *c, const struct json *o);
/* A time of the API shortened for a terminal, as it is in a pipe; STR_NONE stays. */
struct str render_time(struct cli *c, struct str t);
/* A member as text: strings cleaned, numbers and JSON as they are, null as "". */
struct str render_cell(struct cli *c, const struct json *v);
/* The first of the names (separated by '|') that `o` has with a value. */
const struct json *render_first(const struct json *o, const char *names);
/* Nothing to show: null, "", [] or {}. */
bool render_empty(const struct json *v);
/* Gives the table the columns that say most about these rows (an array of objects, not empty) and fit the screen
 * (render_columns.c). A column's title is its member's name. */
void columns_pick(struct cli *c, struct table *t, const struct json *rows);

#endif
