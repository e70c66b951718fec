/* A splitter for each thread, made when the thread first splits a text and kept until the thread ends. Why: FTS5 hands
 * its tokenizers only to a connection, and opening one (in memory) and preparing a statement on it costs more than
 * splitting fifty turns. Why not one for all: the porter tokenizer works in a buffer of its own. Not for the index's
 * own connections, which carry their splitters themselves (db.c). */
#include "index/intern.h"

#include "base/mem.h"

struct own {
    sqlite3 *db;
    struct splitter split;
};

static _Thread_local struct own *kept; /* the thread's; `leaving` only knows when the thread ends */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t leaving;
static bool noticed; /* `leaving` is there: written once, before any thread reads it */

static void drop(void *arg)
{
    struct own *o = arg;
    kept = NULL;
    splitter_close(&o->split);
    (void)sqlite3_close(o->db);
    mem_free(o);
}

static void make_key(void)
{
    noticed = pthread_key_create(&leaving, drop) == 0;
}

/* Unloading the library takes drop() away from threads that still run; what they hold is then lost. */
__attribute__((destructor)) static void delete_key(void)
{
    if (noticed)
        (void)pthread_key_delete(leaving);
}

/* Without lookaside, which is 48 KB a connection and serves statements, of which there is one. */
static int set_up(struct own *o)
{
    fts5_api *api = NULL;
    int rc = sqlite3_open_v2(":memory:", &o->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc ? rc : sqlite3_db_config(o->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    rc = rc ? rc : words_api(o->db, &api);
    return rc ? rc : splitter_open(api, &o->split);
}

int splitter_own(const struct splitter **out)
{
    if (!kept) {
        (void)pthread_once(&once, make_key);
        struct own *o = mem_zalloc(sizeof *o);
        int rc = o && noticed ? set_up(o) : SQLITE_NOMEM;
        if (!rc && pthread_setspecific(leaving, o))
            rc = SQLITE_NOMEM;
        if (rc) {
            if (o)
                drop(o);
            return rc;
        }
        kept = o;
    }
    *out = &kept->split;
    return SQLITE_OK;
}
