/* The baseline of the durable writes: plain SQLite inserting the same rows with nothing around it. The rows are made
 * beforehand; only binding, stepping and committing are timed.
 *
 * Usage: sqlite_ceiling FILE turn|row GROUP SECONDS FULL|NORMAL
 *   turn  the turn table as the server declares it, with its unique indexes
 *   row   the same columns in a table without any index but its key
 * GROUP rows a transaction. Prints one JSON object. FILE must not exist. */
#include "words.h"

#include "base/buf.h"
#include "base/id.h"
#include "record/ddl.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POOL = 8192, CONVERSATIONS = 64 };

struct content {
    char text[WORDS_TEXT_MAX], hash[65];
    int n;
};

struct ceiling {
    sqlite3 *db;
    sqlite3_stmt *insert;
    struct content *pool;
    char conversations[CONVERSATIONS][ID_MAX], session[ID_MAX];
    int64_t rows, commits;
};

static void die(const char *what, sqlite3 *db)
{
    fprintf(stderr, "sqlite_ceiling: %s%s%s\n", what, db ? ": " : "", db ? sqlite3_errmsg(db) : "");
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql, db);
}

/* The server's own statements; for `row` only the first of them, which makes the table. */
static void make_table(struct ceiling *c, bool indexes)
{
    struct buf sql;
    buf_init(&sql, 0);
    ddl_kind(&sql, KIND_TURN, SQL_SQLITE);
    buf_char(&sql, '\0');
    if (sql.failed)
        die("out of memory", NULL);
    char *end = indexes ? NULL : strstr(sql.p, ");\n");
    if (end)
        end[2] = '\0';
    run(c->db, sql.p);
    buf_release(&sql);
}

static void make_rows(struct ceiling *c)
{
    struct words *w = words_new(1);
    c->pool = calloc(POOL, sizeof *c->pool);
    if (!w || !c->pool)
        die("out of memory", NULL);
    for (uint64_t i = 0; i < POOL; i++) {
        c->pool[i].n = (int)words_prose(w, i, c->pool[i].text);
        id_sha256((struct str){c->pool[i].text, (size_t)c->pool[i].n}, c->pool[i].hash);
    }
    for (int i = 0; i < CONVERSATIONS; i++)
        id_make("conv", c->conversations[i]);
    id_make("sess", c->session);
    words_free(w);
}

static void open_database(struct ceiling *c, const char *path, bool indexes, const char *sync)
{
    char pragmas[200];
    static const char insert[] =
        "INSERT INTO turn (id, project, created_at, updated_at, version, conversation_id, session_id, turn_number, "
        "agent,"
        " role, timestamp, token_count, content_hash, metadata, content)"
        " VALUES (?1, 'default', ?2, ?2, 1, ?3, ?4, ?5, ?6, 'assistant', ?2, ?7, ?8, '{}', ?9)";
    if (access(path, F_OK) == 0)
        die("the file exists", NULL);
    if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) ||
        sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        die("open", c->db);
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA cache_size=-16384;",
                   sync);
    run(c->db, pragmas);
    make_table(c, indexes);
    if (sqlite3_prepare_v3(c->db, insert, -1, SQLITE_PREPARE_PERSISTENT, &c->insert, NULL))
        die("prepare", c->db);
}

static void add_row(struct ceiling *c)
{
    char id[ID_MAX];
    const struct content *t = &c->pool[c->rows % POOL];
    int64_t ms = 1700000000000 + c->rows;
    sqlite3_stmt *s = c->insert;
    /* Ascending, as the server's ids are. */
    int n = snprintf(id, sizeof id, "turn_%012llx%020llx", (unsigned long long)ms, (unsigned long long)c->rows * 7919);
    sqlite3_bind_text(s, 1, id, n, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, ms);
    sqlite3_bind_text(s, 3, c->conversations[c->rows % CONVERSATIONS], -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, c->session, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 5, c->rows / CONVERSATIONS + 1);
    sqlite3_bind_text(s, 6, words_name((uint64_t)c->rows), -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 7, t->n / 4);
    sqlite3_bind_text(s, 8, t->hash, 64, SQLITE_STATIC);
    sqlite3_bind_text(s, 9, t->text, t->n, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        die("insert", c->db);
    sqlite3_reset(s);
    c->rows++;
}

int main(int argc, char **argv)
{
    static struct ceiling c;
    int group = argc == 6 ? atoi(argv[3]) : 0;
    double seconds = argc == 6 ? atof(argv[4]) : 0;
    if (group < 1 || seconds <= 0 || seconds > 900)
        die("usage: sqlite_ceiling FILE turn|row GROUP SECONDS FULL|NORMAL", NULL);
    open_database(&c, argv[1], strcmp(argv[2], "turn") == 0, strcmp(argv[5], "NORMAL") == 0 ? "NORMAL" : "FULL");
    make_rows(&c);
    sqlite3_stmt *begin, *commit;
    if (sqlite3_prepare_v3(c.db, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT, &begin, NULL) ||
        sqlite3_prepare_v3(c.db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &commit, NULL))
        die("prepare", c.db);
    double start = now(), took = 0;
    while (took < seconds) {
        if (sqlite3_step(begin) != SQLITE_DONE)
            die("begin", c.db);
        sqlite3_reset(begin);
        for (int i = 0; i < group; i++)
            add_row(&c);
        if (sqlite3_step(commit) != SQLITE_DONE)
            die("commit", c.db);
        sqlite3_reset(commit);
        c.commits++;
        took = now() - start;
    }
    printf("{\"rows\":%lld,\"commits\":%lld,\"seconds\":%.3f,\"rate\":%.1f}\n", (long long)c.rows, (long long)c.commits,
           took, (double)c.rows / took);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(c.insert);
    sqlite3_close(c.db);
    free(c.pool);
    return 0;
}
