/* Rows of a database's table as records of one of Cairn's kinds: which column is which field, and of what type. Columns
 * that are not there are left out, and what a field cannot hold is made to fit or left out: another memory's rows were
 * checked by nobody. */
#ifndef CAIRN_HISTORY_TABLE_RECORDS_H
#define CAIRN_HISTORY_TABLE_RECORDS_H

#include "history/database.h"

enum table_type {
    TABLE_TEXT,   /* of which `most` bytes are kept */
    TABLE_ARRAY,  /* JSON; anything else becomes its one element. This and the next three: left out beyond `most` bytes
                   */
    TABLE_OBJECT, /* JSON; anything else becomes its member "value" */
    TABLE_JSON,   /* any value; what is no JSON is a text */
    TABLE_LIST,   /* a text, parted by commas, as an array */
    TABLE_INT,
    TABLE_REAL, /* both: between 0 and `most`, where that is not 0 */
    TABLE_BOOL,
    TABLE_TIME
};
struct table_field {
    const char *column, *field;
    enum table_type type;
    size_t most;
};
struct table_records {
    const char *table, *kind;
    const char *time;         /* the column that says when; NULL: none */
    const char *conversation; /* the column with the id of the conversation that a row belongs to; NULL: to none */
    bool history;             /* a changed row is another record, not a later state of the same */
    const struct table_field *fields;
    size_t n;
};

/* A conversation that has nothing but a number is called by it and by the time it began, as numbers are the same in
 * every database. In the arena. */
struct str table_session(struct arena *a, struct str number, struct str began);
/* In the order of the rows; those without the first field say nothing. *number counts the others. Nothing when there is
 * no such table. */
enum err_code table_records_read(struct history_in *in, struct database *d, const struct table_records *t,
                                 int64_t *number, struct err *e);

#endif
