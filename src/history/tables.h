/* Messages in a database's table, where the columns may have any of the names that people give them. For the stores
 * whose layouts differ from version to version: what is there is asked, and only what is there is read. */
#ifndef CAIRN_HISTORY_TABLES_H
#define CAIRN_HISTORY_TABLES_H

#include "history/database.h"

enum tables_column {
    TABLES_ID,
    TABLES_ROLE,
    TABLES_CONTENT,
    TABLES_TIME,
    TABLES_SESSION,
    TABLES_TITLE,
    TABLES_CWD,
    TABLES_MODEL,
    TABLES_PARENT,
    TABLES_SIDE,   /* an agent's: its id, or a number that is not 0 */
    TABLES_TYPE,   /* what it is, where nobody's role says it */
    TABLES_AGENT,  /* who spoke */
    TABLES_META,   /* JSON */
    TABLES_MORE,   /* words that go with the content */
    TABLES_SOURCE, /* whose words were copied */
    TABLES_BEGAN,  /* when its conversation began */
    TABLES_NUMBER, /* what other tables call it */
    TABLES_COLUMNS
};
enum { TABLES_NAMES = 6 };

struct tables_layout {
    const char *table;
    /* Where the rows' conversations are, and the table's column that holds their `id`; NULL: nowhere. */
    const char *conversations, *conversation_id;
    /* Tried in order, in the table and then, for those that begin with '.', in the conversation. NULL ends. */
    const char *names[TABLES_COLUMNS][TABLES_NAMES];
};

struct tables_row {
    struct str value[TABLES_COLUMNS]; /* texts as they stand, until the next row; STR_NONE: null, or no such column */
    int64_t number;
};

typedef enum err_code tables_take(void *arg, const struct tables_row *row, struct err *e);
/* In the order of the rows; the arena is emptied behind each. Nothing when there is no such table, or none of its
 * columns is called like a content. */
enum err_code tables_read(struct database *d, struct arena *a, const struct tables_layout *l, tables_take *take,
                          void *arg, struct err *e);
/* Of a time as a text ("2026-03-01 09:00:00" is UTC), or a number of seconds or milliseconds; 0: none. */
int64_t tables_time(struct str value);
/* The row's own session; where it names none the database is the session. */
struct str tables_session(const struct history_in *in, struct str named);
/* "user", "assistant", "system" or "tool", whatever people call them; "" when it is none of them. */
struct str tables_role(struct str value);

#endif
