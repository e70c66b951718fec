/* Messages in a database's table, where the columns may have any of the names that people give them. For the stores
 * whose layouts differ from version to version: what is there is asked, and only what is there is read. */
#ifndef CAIRN_HISTORY_TABLES_H
#define CAIRN_HISTORY_TABLES_H

#include "history/database.h"

/* What a row holds: a value for each of these, NULL in the row where there is no such column. */
enum tables_column {
    TABLES_ID,
    TABLES_ROLE,
    TABLES_CONTENT,
    TABLES_TIME,
    TABLES_SESSION,
    TABLES_TITLE,
    TABLES_MODEL,
    TABLES_COLUMNS
};

struct tables_layout {
    const char *table;
    const char *names[TABLES_COLUMNS][8]; /* tried in order; NULL ends */
};

struct tables_row {
    struct str value[TABLES_COLUMNS]; /* texts as they stand, until the next row */
    int64_t number;
};

typedef enum err_code tables_take(void *arg, const struct tables_row *row, struct err *e);
/* Nothing when there is no such table, or none of its columns is called like a content. In the order of the rows. */
enum err_code tables_read(struct database *d, struct arena *a, const struct tables_layout *l, tables_take *take,
                          void *arg, struct err *e);
/* Of a time as a text, a number in a text, seconds or milliseconds; 0: none. */
int64_t tables_time(struct str value);
/* "user", "assistant", "system" or "tool", whatever people call them; "" when it is none of them. */
struct str tables_role(struct str value);

#endif
