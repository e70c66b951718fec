/* Connections to data/index/words.db: opening, the tables, prepared statements, and making a damaged file
 * anew. Not the pool (index.c). */
#include "index/intern.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { FORMAT = 4, BUSY_MS = 10000, PATH_ROOM = 4096 };

static const char SCHEMA[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, number INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE session(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project TEXT NOT NULL,"
    " turns INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX session_project ON session(project);"
    "CREATE TABLE conversation(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
    "CREATE TABLE agent(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE doc(seq INTEGER PRIMARY KEY, session INTEGER NOT NULL, conversation INTEGER NOT NULL,"
    " turn_number INTEGER NOT NULL, timestamp INTEGER NOT NULL, agent INTEGER NOT NULL, asks INTEGER NOT NULL);"
    /* with all that is asked of the turns around a hit: a search reads a thousand of them */
    "CREATE INDEX doc_place ON doc(conversation, turn_number, timestamp, agent, asks);"
    "CREATE VIRTUAL TABLE words USING fts5(body, content='', columnsize=0, tokenize='cairn');"
    "PRAGMA user_version=4;";

static const char *const SQL[DB_STMT_COUNT] = {
    [DB_META_GET] = "SELECT number, text FROM meta WHERE key = ?1",
    [DB_META_SET] = "INSERT OR REPLACE INTO meta(key, number, text) VALUES (?1, ?2, ?3)",
    [DB_SESSION_ADD] = "INSERT OR IGNORE INTO session(id, project) VALUES (?1, ?2)",
    [DB_SESSION_FIND] = "SELECT no, turns, bytes FROM session WHERE id = ?1",
    [DB_SESSION_COUNT] = "UPDATE session SET turns = turns + ?2, bytes = bytes + ?3 WHERE no = ?1",
    [DB_SESSION_ALL] = "SELECT no, turns, bytes, id, project FROM session WHERE ?1 IS NULL OR project = ?1",
    [DB_CONVERSATION_ADD] = "INSERT OR IGNORE INTO conversation(id) VALUES (?1)",
    [DB_CONVERSATION_FIND] = "SELECT no FROM conversation WHERE id = ?1",
    [DB_AGENT_ADD] = "INSERT OR IGNORE INTO agent(name) VALUES (?1)",
    [DB_AGENT_FIND] = "SELECT no FROM agent WHERE name = ?1",
    [DB_AGENT_NAME] = "SELECT name FROM agent WHERE no = ?1",
    [DB_DOC_ADD] = "INSERT OR REPLACE INTO doc(seq, session, conversation, turn_number, timestamp, agent, asks)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [DB_DOC_GET] = "SELECT session, conversation, turn_number, timestamp, agent, asks FROM doc WHERE seq = ?1",
    [DB_DOC_RANGE] = "SELECT seq, turn_number, timestamp, agent, asks FROM doc"
                     " WHERE conversation = ?1 AND turn_number BETWEEN ?2 AND ?3 ORDER BY turn_number",
    [DB_WORDS_ADD] = "INSERT INTO words(rowid, body) VALUES (?1, ?2)",
    /* collect() is never true but to stop: the loop stays inside one sqlite3_step */
    [DB_WORDS_SCAN] = "SELECT 1 FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 AND collect(words, ?4)"
                      " ORDER BY rowid DESC",
};

enum err_code db_error(struct db *d, int rc, struct err *e)
{
    const char *words = d && d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_NOMEM:
        return err_nomem(e);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_BUSY, NULL, "the index is locked by another process");
    case SQLITE_INTERRUPT:
        return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    case SQLITE_FULL:
        return err_set(e, ERR_DISK_FULL, NULL, "no space left for the index");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return err_set(e, ERR_READ_ONLY, NULL, "cannot open the index for this: %s", words);
    case SQLITE_IOERR:
        return err_set(e, ERR_IO, NULL, "cannot read or write the index: %s", words);
    default: /* CORRUPT, NOTADB, and ERROR: a table or an FTS5 structure is not what we made */
        return err_set(e, ERR_CORRUPT, NULL, "the index is damaged: %s", words);
    }
}

enum err_code db_exec(struct db *d, const char *sql, struct err *e)
{
    return db_error(d, sqlite3_exec(d->db, sql, NULL, NULL, NULL), e);
}

sqlite3_stmt *db_stmt(struct db *d, enum db_stmt which, struct err *e)
{
    if (d->stmts[which]) {
        sqlite3_reset(d->stmts[which]);
        sqlite3_clear_bindings(d->stmts[which]);
        return d->stmts[which];
    }
    if (mem_fail_now()) {
        err_nomem(e);
        return NULL;
    }
    int rc = sqlite3_prepare_v3(d->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, &d->stmts[which], NULL);
    if (rc)
        db_error(d, rc, e);
    return d->stmts[which];
}

int bind_str(sqlite3_stmt *s, int i, struct str v)
{
    return sqlite3_bind_text64(s, i, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct str column_str(sqlite3_stmt *s, int i)
{
    const char *p = (const char *)sqlite3_column_text(s, i);
    return (struct str){p, (size_t)sqlite3_column_bytes(s, i)};
}

enum err_code meta_get(struct db *d, const char *key, int64_t *number, char *text, size_t room, struct err *e)
{
    sqlite3_stmt *s = db_stmt(d, DB_META_GET, e);
    *number = 0;
    if (room)
        text[0] = '\0';
    if (!s)
        return e->code;
    bind_str(s, 1, str_of(key));
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        *number = sqlite3_column_int64(s, 0);
        struct str t = column_str(s, 1);
        if (room)
            snprintf(text, room, "%.*s", STR_ARG(t));
    }
    sqlite3_reset(s);
    return db_error(d, rc, e);
}

enum err_code meta_set(struct db *d, const char *key, int64_t number, struct str text, struct err *e)
{
    sqlite3_stmt *s = db_stmt(d, DB_META_SET, e);
    if (!s)
        return e->code;
    bind_str(s, 1, str_of(key));
    sqlite3_bind_int64(s, 2, number);
    bind_str(s, 3, text);
    int rc = sqlite3_step(s);
    sqlite3_reset(s);
    return db_error(d, rc, e);
}

/* ---- opening ---- */
/* The tables, unless they are there; ERR_CORRUPT when the file is of another format. */
static enum err_code make_tables(struct db *d, enum db_mode mode, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(d->db, "PRAGMA user_version", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int format = rc == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
    sqlite3_finalize(s);
    if (rc != SQLITE_ROW)
        return db_error(d, rc ? rc : SQLITE_ERROR, e);
    if (format == FORMAT)
        return ERR_OK;
    if (format == 0 && mode == DB_READ) /* another thread or process has just begun to make it: no damage */
        return err_set(e, ERR_IO, NULL, "the index is only being made");
    if (format != 0)
        return err_set(e, ERR_CORRUPT, NULL, "the index is of another format (%d)", format);
    return db_exec(d, SCHEMA, e);
}

static enum err_code set_up(struct db *d, enum db_mode mode, struct err *e)
{
    int rc = words_api(d->db, &d->api);
    rc = rc ? rc : words_register(d->api);
    rc = rc ? rc : collect_register(d->api);
    if (rc)
        return db_error(d, rc, e);
    sqlite3_busy_timeout(d->db, BUSY_MS);
    if (mode == DB_READ)
        return db_exec(d, "PRAGMA cache_size=-4096", e) ? e->code : make_tables(d, mode, e);
    enum err_code code = db_exec(d,
                                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192;"
                                 "BEGIN IMMEDIATE",
                                 e);
    if (code)
        return code;
    code = make_tables(d, mode, e);
    if (code) {
        db_exec(d, "ROLLBACK", NULL);
        return code;
    }
    return db_exec(d, "COMMIT", e);
}

/* Where no WAL index can be made (a read-only or full disk) a file whose log has all gone into it can be read as it
 * is. */
static bool open_as_it_is(struct db *d, const char *path)
{
    char name[PATH_ROOM + 32], *p = name;
    static const char *const ENDS[] = {"-wal", "-shm"};
    static const int64_t MOST[] = {0, 4095}; /* the second: what a full disk leaves of a WAL index */
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", path, ENDS[i]);
        if (file_size(name) > MOST[i])
            return false;
    }
    p += sprintf(p, "file:");
    for (; *path && p < name + PATH_ROOM; path++)
        p += strchr("?#%", *path) ? sprintf(p, "%%%02x", (unsigned)*path) : sprintf(p, "%c", *path);
    strcpy(p, "?immutable=1");
    sqlite3_close(d->db);
    d->db = NULL;
    return !*path && sqlite3_open_v2(name, &d->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                                     NULL) == SQLITE_OK;
}

enum err_code db_open(const char *path, enum db_mode mode, struct db **out, struct err *e)
{
    struct err own = {0}; /* so that the code is known even when the caller wants no words */
    int flags =
        SQLITE_OPEN_NOMUTEX | (mode == DB_READ ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    struct db *d = mem_zalloc(sizeof *d);
    *out = NULL;
    if (!d || !(d->scratch = arena_new())) {
        mem_free(d);
        return err_nomem(e);
    }
    int rc = sqlite3_open_v2(path, &d->db, flags, NULL);
    if (rc)
        db_error(d, rc, &own);
    else
        set_up(d, mode, &own);
    if (mode == DB_READ && (own.code == ERR_READ_ONLY || own.code == ERR_DISK_FULL || own.code == ERR_IO) &&
        file_exists(path)) {
        if (open_as_it_is(d, path)) {
            err_clear(&own);
            set_up(d, mode, &own);
        }
    }
    if (own.code) {
        db_close(d);
        return err_set(e, own.code, NULL, "%s", own.message);
    }
    *out = d;
    return ERR_OK;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    for (int i = 0; i < DB_STMT_COUNT; i++)
        sqlite3_finalize(d->stmts[i]);
    sqlite3_close(d->db);
    arena_free(d->scratch);
    mem_free(d);
}

/* ---- making anew ---- */
static enum err_code remove_files(const char *path, struct err *e)
{
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    char name[PATH_ROOM];
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        if (snprintf(name, sizeof name, "%s%s", path, ENDS[i]) >= (int)sizeof name)
            return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
        enum err_code code = file_remove(name, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

/* SQLite's own way to empty a file whatever is in it, under its locks, so that other processes that have it open
 * see an empty database and not a vanished one. */
static int empty_in_place(sqlite3 *db)
{
    sqlite3_busy_timeout(db, BUSY_MS);
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    return rc;
}

enum err_code db_reset(const char *path, struct err *e)
{
    sqlite3 *db = NULL;
    struct db *d = NULL;
    struct err first = {0};
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = empty_in_place(db);
    sqlite3_close(db);
    if (rc == SQLITE_OK && db_open(path, DB_WRITE, &d, &first) == ERR_OK) {
        db_close(d);
        return ERR_OK;
    }
    if (rc == SQLITE_BUSY || first.code == ERR_BUSY || first.code == ERR_NOMEM)
        return err_set(e, first.code ? first.code : ERR_BUSY, NULL, "the index cannot be made anew now: it is in use");
    enum err_code code = remove_files(path, e);
    if (code == ERR_OK)
        code = db_open(path, DB_WRITE, &d, e);
    db_close(d);
    return code;
}
