/* Between the files of the formats ccc and chronicle-weaver. */
#ifndef CAIRN_HISTORY_STORES_H
#define CAIRN_HISTORY_STORES_H

#include "history/blocks.h"
#include "history/often.h"
#include "history/table_records.h"
#include "history/tables.h"

struct store {
    struct history_in *in;
    struct database *db;
    const struct tables_layout *layout;
    const char *agent;
    bool copies;                   /* CCC: ids are those of the tool whose words were copied */
    bool tools, results, thoughts; /* CCC: these tables can be asked for what belongs to a message */
    struct blocks blocks;
    int64_t records;
};

/* ---- ccc.c ---- */
void ccc_begin(struct store *s);
/* What other tables hold of a message, into the blocks: thoughts, calls of tools; where it has no words of its own,
 * what tools answered (*results). */
enum err_code ccc_beside(struct store *s, struct str number, bool *results, struct err *e);
/* What was made of messages: decisions, mistakes …: stored, and left out of recall. */
enum err_code ccc_records(struct store *s, struct err *e);

/* ---- weaver.c ---- */
/* All tables but messages. *number counts the rows. */
enum err_code weaver_records(struct history_in *in, struct database *d, int64_t *number, struct err *e);

#endif
