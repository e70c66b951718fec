/* Between database.c and database_files.c. */
#ifndef CAIRN_HISTORY_DATABASE_INT_H
#define CAIRN_HISTORY_DATABASE_INT_H

#include "history/database.h"

#include <sqlite3.h>

enum { DATABASE_HEAD = 100, DATABASE_LOG_HEAD = 32, DATABASE_NAME = 48 };

/* The files that SQLite may see: the database, and its log. */
struct database_files {
    sqlite3_vfs vfs;
    char name[DATABASE_NAME];
    int fd, log;            /* log -1: there is none */
    int64_t size, log_size; /* as they were when the reading began */
};

enum err_code database_files_open(struct database_files *f, struct err *e);
void database_files_close(struct database_files *f);

#endif
