/* How fast turns become durable, without HTTP: the store's own writer against plain SQLite doing the least
 * that could be called the same (the same row into the same table with its two unique indexes), one transaction
 * a row and groups of a hundred, in the same synchronous mode, in the same run. The measurements take turns in
 * short rounds, so that a machine with other work to do is unfair to none of them. Prints one JSON object.
 * Usage: store_write [--dir DIR] [--seconds S (of each, in all)] [--rounds N] [--normal] */
#include "base/clock.h"
#include "record/ddl.h"
#include "store/turns.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTENT = 400, GROUP = 100, THREADS_MAX = 64 };

struct settings {
    char dir[256];
    double seconds; /* of one round of one measurement */
    int rounds;
    bool normal;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "store_write: %s\n", what);
    exit(1);
}

static void fill(char *out, unsigned seed)
{
    for (int i = 0; i < CONTENT; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = i % 7 == 6 ? ' ' : (char)('a' + (seed >> 24) % 26);
    }
}

/* ---- the plain ceilings ---- */

static void exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        die(sqlite3_errmsg(db));
}

static sqlite3 *open_plain(const struct settings *s, const char *name)
{
    char path[400];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/%s", s->dir, name);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        die("cannot open the plain database");
    exec(db, "PRAGMA journal_mode=WAL");
    exec(db, s->normal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
    struct buf ddl;
    buf_init(&ddl, 0);
    ddl_kind(&ddl, KIND_TURN, SQL_SQLITE);
    buf_char(&ddl, '\0');
    exec(db, ddl.p);
    buf_release(&ddl);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL))
        die(sqlite3_errmsg(db));
    return s;
}

static void text(sqlite3_stmt *s, int i, const char *p, int n)
{
    (void)sqlite3_bind_text(s, i, p, n, SQLITE_STATIC);
}

static void insert_plain(sqlite3_stmt *s, const char *conversation, const char *session, int64_t number)
{
    char id[ID_MAX], content[CONTENT];
    static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    int64_t now = clock_now_ms();
    id_make("turn", id);
    fill(content, (unsigned)number);
    text(s, 1, id, -1);
    text(s, 2, "default", -1);
    (void)sqlite3_bind_int64(s, 3, now);
    text(s, 4, conversation, -1);
    text(s, 5, session, -1);
    (void)sqlite3_bind_int64(s, 6, number);
    text(s, 7, "codey", -1);
    text(s, 8, "assistant", -1);
    (void)sqlite3_bind_int64(s, 9, now);
    (void)sqlite3_bind_int64(s, 10, CONTENT / 4);
    text(s, 11, hash, 64);
    text(s, 12, "{}", 2);
    text(s, 13, content, CONTENT);
    if (sqlite3_step(s) != SQLITE_DONE)
        die("a plain insert failed");
    (void)sqlite3_reset(s);
}

static double run_plain(const struct settings *s, const char *name, int group)
{
    sqlite3 *db = open_plain(s, name);
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    sqlite3_stmt *insert =
        prepare(db, "INSERT INTO turn (id, project, created_at, updated_at, version, conversation_id, session_id,"
                    " turn_number, agent, role, timestamp, token_count, content_hash, metadata, content)"
                    " VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    char conversations[THREADS_MAX][ID_MAX], session[ID_MAX];
    int64_t rows = 0, start = clock_mono_us(), end = start + (int64_t)(s->seconds * 1e6);
    id_make("sess", session);
    for (int i = 0; i < THREADS_MAX; i++)
        id_make("conv", conversations[i]);
    while (clock_mono_us() < end) {
        (void)sqlite3_step(begin);
        (void)sqlite3_reset(begin);
        for (int i = 0; i < group; i++, rows++)
            insert_plain(insert, conversations[rows % THREADS_MAX], session, rows / THREADS_MAX + 1);
        if (sqlite3_step(commit) != SQLITE_DONE)
            die("a plain commit failed");
        (void)sqlite3_reset(commit);
    }
    double rate = (double)rows * 1e6 / (double)(clock_mono_us() - start);
    (void)sqlite3_finalize(begin);
    (void)sqlite3_finalize(commit);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return rate;
}

/* ---- the store ---- */

struct insert_args {
    struct arena *a;
    struct record *r;
};

static enum err_code insert_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct insert_args *i = arg;
    return record_insert(tx, i->a, i->r, e);
}

static void add_conversation(struct store *s, char *out)
{
    struct arena *a = arena_new();
    struct record *session = record_new(a, KIND_SESSION), *conversation = record_new(a, KIND_CONVERSATION);
    if (store_write(s, insert_job, &(struct insert_args){a, session}, NULL))
        die("cannot add a session");
    record_set(conversation, "session_id", V_TEXT(session->id));
    if (store_write(s, insert_job, &(struct insert_args){a, conversation}, NULL))
        die("cannot add a conversation");
    memcpy(out, conversation->id.p, conversation->id.n + 1);
    arena_free(a);
}

/* One client: it has one turn under way at a time, as an HTTP request would. */
struct client {
    struct store_job job; /* first */
    struct store *store;
    struct turn_new turn;
    struct turn_added added;
    char conversation[ID_MAX], hash[65], content[CONTENT];
    int64_t end_us, rows;
    unsigned seed;
    atomic_bool over;
};

static enum err_code append_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct client *c = arg;
    return turn_append(tx, &c->turn, &c->added, e);
}

static void next_turn(struct client *c)
{
    fill(c->content, ++c->seed);
    id_sha256((struct str){c->content, CONTENT}, c->hash);
    c->turn = (struct turn_new){.conversation_id = str_of(c->conversation),
                                .agent = STR("codey"),
                                .role = STR("assistant"),
                                .content = {c->content, CONTENT},
                                .token_count = CONTENT / 4,
                                .content_hash = {c->hash, 64}};
}

static void *run_client(void *arg)
{
    struct client *c = arg;
    while (clock_mono_us() < c->end_us) {
        next_turn(c);
        struct err e = {0};
        if (store_write(c->store, append_job, c, &e))
            die(e.message);
        c->rows++;
    }
    return NULL;
}

static double run_store(const struct settings *s, const char *name, int threads)
{
    char dir[400];
    struct store *store;
    struct err e = {0};
    static struct client clients[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    (void)snprintf(dir, sizeof dir, "%s/%s", s->dir, name);
    if (store_open(&(struct store_options){.dir = dir, .sync_normal = s->normal}, &store, &e))
        die(e.message);
    memset(clients, 0, sizeof clients);
    for (int i = 0; i < threads; i++)
        add_conversation(store, clients[i].conversation);
    int64_t start = clock_mono_us(), rows = 0;
    for (int i = 0; i < threads; i++) {
        clients[i].store = store;
        clients[i].seed = (unsigned)i * 100000;
        clients[i].end_us = start + (int64_t)(s->seconds * 1e6);
        if (pthread_create(&ids[i], NULL, run_client, &clients[i]))
            die("cannot start a thread");
    }
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL);
        rows += clients[i].rows;
    }
    double rate = (double)rows * 1e6 / (double)(clock_mono_us() - start);
    store_close(store);
    return rate;
}

/* Clients without threads of their own: each answer brings the next turn, from the writer's thread. This is the
 * writer alone, without the cost of waking 64 threads. */
static void resubmit(struct store_job *job)
{
    struct client *c = (struct client *)job;
    if (job->code)
        die(job->err.message);
    c->rows++;
    if (clock_mono_us() >= c->end_us) {
        c->over = true;
        return;
    }
    store_submit(c->store, job);
}

static double run_async(const struct settings *s, const char *name, int n)
{
    char dir[400];
    struct store *store;
    struct err e = {0};
    static struct client clients[THREADS_MAX * 2];
    (void)snprintf(dir, sizeof dir, "%s/%s", s->dir, name);
    if (store_open(&(struct store_options){.dir = dir, .sync_normal = s->normal}, &store, &e))
        die(e.message);
    memset(clients, 0, sizeof clients);
    for (int i = 0; i < n; i++)
        add_conversation(store, clients[i].conversation);
    int64_t start = clock_mono_us(), rows = 0;
    for (int i = 0; i < n; i++) {
        struct client *c = &clients[i];
        c->store = store;
        c->end_us = start + (int64_t)(s->seconds * 1e6);
        c->job = (struct store_job){.fn = append_job, .arg = c, .done = resubmit};
        next_turn(c);
    }
    for (int i = 0; i < n; i++)
        store_submit(store, &clients[i].job);
    for (int i = 0; i < n; i++)
        while (!clients[i].over)
            (void)usleep(1000);
    for (int i = 0; i < n; i++)
        rows += clients[i].rows;
    double rate = (double)rows * 1e6 / (double)(clock_mono_us() - start);
    store_close(store);
    return rate;
}

/* ---- reading one record ---- */

static double run_reads(const struct settings *s, const char *name)
{
    char dir[400], conversation[ID_MAX];
    struct store *store;
    struct err e = {0};
    (void)snprintf(dir, sizeof dir, "%s/%s", s->dir, name);
    if (store_open(&(struct store_options){.dir = dir, .sync_normal = s->normal}, &store, &e))
        die(e.message);
    add_conversation(store, conversation);
    struct arena *a = arena_new();
    int64_t n = 0, start = clock_mono_us(), end = start + (int64_t)(s->seconds * 1e6);
    for (; clock_mono_us() < end; n++) {
        struct store_tx *tx;
        struct record *r;
        if (store_read_begin(store, &tx, NULL) ||
            record_get(tx, a, KIND_CONVERSATION, str_of(conversation), STR_NONE, &r, NULL))
            die("a record could not be read");
        store_read_end(tx);
        arena_reset(a);
    }
    double us = (double)(clock_mono_us() - start) / (double)n;
    arena_free(a);
    store_close(store);
    return us;
}

enum { SINGLE, GROUPS, ONE, EIGHT, MANY, ASYNC, MEASUREMENTS };

static double measure(const struct settings *s, int which, int round)
{
    char name[40];
    (void)snprintf(name, sizeof name, "m%d-%d", which, round);
    switch (which) {
    case SINGLE:
        return run_plain(s, name, 1);
    case GROUPS:
        return run_plain(s, name, GROUP);
    case ONE:
        return run_store(s, name, 1);
    case EIGHT:
        return run_store(s, name, 8);
    case MANY:
        return run_store(s, name, 64);
    default:
        return run_async(s, name, 100);
    }
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return v[n / 2];
}

static void report(const struct settings *s)
{
    static double rates[MEASUREMENTS][100], many[100], async[100];
    for (int round = 0; round < s->rounds; round++) {
        for (int m = 0; m < MEASUREMENTS; m++)
            rates[m][round] = measure(s, m, round);
        many[round] = rates[MANY][round] / rates[GROUPS][round];
        async[round] = rates[ASYNC][round] / rates[GROUPS][round];
    }
    double read_us = run_reads(s, "reads");
    (void)printf("{\"synchronous\":\"%s\",\"rounds\":%d,\"plain_single\":%.0f,\"plain_groups_of_100\":%.0f,"
                 "\"threads_1\":%.0f,\"threads_8\":%.0f,\"threads_64\":%.0f,\"async_100\":%.0f,"
                 "\"threads_64_of_ceiling\":%.2f,\"async_of_ceiling\":%.2f,\"get_us\":%.1f}\n",
                 s->normal ? "NORMAL" : "FULL", s->rounds, median(rates[SINGLE], s->rounds),
                 median(rates[GROUPS], s->rounds), median(rates[ONE], s->rounds), median(rates[EIGHT], s->rounds),
                 median(rates[MANY], s->rounds), median(rates[ASYNC], s->rounds), median(many, s->rounds),
                 median(async, s->rounds), read_us);
}

int main(int argc, char **argv)
{
    struct settings s = {.seconds = 3, .rounds = 5};
    const char *base = "/tmp";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--normal"))
            s.normal = true;
        else if (!strcmp(argv[i], "--dir") && i + 1 < argc)
            base = argv[++i];
        else if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
            s.seconds = strtod(argv[++i], NULL);
        else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
            s.rounds = (int)strtol(argv[++i], NULL, 10);
        else
            die("usage: store_write [--dir DIR] [--seconds S] [--rounds N] [--normal]");
    }
    if (s.rounds < 1 || s.rounds > 100)
        die("--rounds must be 1 to 100");
    s.seconds /= s.rounds;
    (void)snprintf(s.dir, sizeof s.dir, "%s/cairn-bench-XXXXXX", base);
    if (!mkdtemp(s.dir))
        die("cannot make a folder");
    report(&s);
    char command[400];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s.dir);
    return system(command);
}
