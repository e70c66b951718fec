/* What one would build without an index of one's own, as the baseline: SQLite's FTS5 (porter, contentless), and beside
 * it all vectors as int8 in memory, scanned one by one. Made from a store that `fill meaning` made. It is given what
 * helps it: a session is one range of rows for both halves, nothing is filtered, and it is asked inside its own
 * process.
 *
 * Usage: rival feed STORE WORDS          makes the FTS5 file WORDS: {"turns","seconds","cpu_seconds","bytes"}
 *        rival vectors POOL TURNS OUT    the turns' vectors, floats one after another
 *        rival ask STORE WORDS POOL MODEL TURNS SESSIONS
 *            For each line of stdin (a session's number, or "all"; tab; a question) the ten best turns by words and
 *            meaning, fused by reciprocal rank, with their texts: one line of microseconds: embedding, words,
 *            vectors, all of it; then the count of results. */
#include "pool.h"

#include "base/clock.h"
#include "embed/embed.h"
#include "index/index.h"

#include <ctype.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { GROUP = 1000, LIST = 100, RESULTS = 10, QUERY_MAX = 4096 };
static const double RANK_OFFSET = 60; /* reciprocal rank fusion's k, as its authors set it */

static void die(const char *what)
{
    (void)fprintf(stderr, "rival: %s\n", what);
    exit(1);
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

/* ---- SQLite ---- */

static sqlite3 *open_db(const char *path, int flags)
{
    sqlite3 *db;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL))
        die(sqlite3_errmsg(db));
    return db;
}

static void exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        die(sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL))
        die(sqlite3_errmsg(db));
    return s;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The same text that the index takes in: who speaks, and what. Groups of a thousand, WAL, no waiting for the disk. */
static void feed(const char *store, const char *words)
{
    sqlite3 *from = open_db(store, SQLITE_OPEN_READONLY);
    sqlite3 *to = open_db(words, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int64_t n = 0, start = clock_mono_us();
    double cpu = cpu_seconds();
    exec(to, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
             "CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61')");
    sqlite3_stmt *read = prepare(from, "SELECT seq, agent || ' ' || content FROM turn ORDER BY seq");
    sqlite3_stmt *add = prepare(to, "INSERT INTO words(rowid, text) VALUES(?1, ?2)");
    exec(to, "BEGIN");
    while (sqlite3_step(read) == SQLITE_ROW) {
        (void)sqlite3_bind_int64(add, 1, sqlite3_column_int64(read, 0));
        (void)sqlite3_bind_text(add, 2, (const char *)sqlite3_column_text(read, 1), sqlite3_column_bytes(read, 1),
                                SQLITE_STATIC);
        if (sqlite3_step(add) != SQLITE_DONE)
            die(sqlite3_errmsg(to));
        (void)sqlite3_reset(add);
        if (++n % GROUP == 0)
            exec(to, "COMMIT; BEGIN");
    }
    exec(to, "COMMIT");
    (void)sqlite3_finalize(add);
    (void)sqlite3_finalize(read);
    (void)sqlite3_close(from);
    (void)sqlite3_close(to); /* the last one empties the WAL into the file */
    struct stat st;
    if (stat(words, &st))
        die("the file is gone");
    printf("{\"turns\":%lld,\"seconds\":%.4f,\"cpu_seconds\":%.4f,\"bytes\":%lld}\n", (long long)n,
           (double)(clock_mono_us() - start) / 1e6, cpu_seconds() - cpu, (long long)st.st_size);
}

static void write_vectors(const char *pool, long long turns, const char *out)
{
    struct pool *p = pool_open(pool);
    size_t d = pool_dimensions(p);
    float *v = need(calloc(d, sizeof *v));
    FILE *f = need(fopen(out, "wb"));
    for (long long i = 0; i < turns; i++) {
        pool_vector(p, (uint64_t)i, v);
        if (fwrite(v, sizeof *v, d, f) != d)
            die("the vectors cannot be written");
    }
    if (fclose(f))
        die("the vectors cannot be written");
    free(v);
    pool_close(p);
}

/* ---- asking ---- */

struct scored {
    int64_t turn; /* its number from 0 */
    double score;
};
struct rival {
    sqlite3 *store, *words;
    sqlite3_stmt *search, *read;
    struct embedder *embedder;
    int64_t turns, sessions;
    size_t d;
    int8_t *codes;
    float *scales;
};
struct range {
    int64_t from, to; /* turns, `to` not one of them */
};

static void load_vectors(struct rival *r, const char *pool)
{
    struct pool *p = pool_open(pool);
    r->d = pool_dimensions(p);
    float *v = need(calloc(r->d, sizeof *v));
    r->codes = need(malloc((size_t)r->turns * r->d));
    r->scales = need(malloc((size_t)r->turns * sizeof *r->scales));
    for (int64_t i = 0; i < r->turns; i++) {
        float most = 0;
        pool_vector(p, (uint64_t)i, v);
        for (size_t j = 0; j < r->d; j++)
            most = fmaxf(most, fabsf(v[j]));
        for (size_t j = 0; j < r->d; j++)
            r->codes[(size_t)i * r->d + j] = (int8_t)lrintf(v[j] / most * 127);
        r->scales[i] = most / 127;
    }
    free(v);
    pool_close(p);
}

/* Keeps the LIST best, best first; small enough for insertion. */
static size_t keep(struct scored *list, size_t n, int64_t turn, double score)
{
    if (n == LIST && score <= list[LIST - 1].score)
        return n;
    size_t at = n < LIST ? n++ : LIST - 1;
    for (; at > 0 && list[at - 1].score < score; at--)
        list[at] = list[at - 1];
    list[at] = (struct scored){turn, score};
    return n;
}

static size_t scan(const struct rival *r, const float *query, struct range in, struct scored *out)
{
    int16_t q[4096];
    float most = 0;
    size_t n = 0, d = r->d < 4096 ? r->d : 4096;
    for (size_t j = 0; j < d; j++)
        most = fmaxf(most, fabsf(query[j]));
    for (size_t j = 0; j < d; j++)
        q[j] = (int16_t)lrintf(query[j] / most * 127);
    for (int64_t i = in.from; i < in.to; i++) {
        const int8_t *c = r->codes + (size_t)i * d;
        int32_t sum = 0;
        for (size_t j = 0; j < d; j++)
            sum += q[j] * c[j];
        n = keep(out, n, i, (double)sum * r->scales[i]);
    }
    return n;
}

/* "a" OR "b" …, without stop words; false: none is left. */
static bool words_query(const char *question, char *out)
{
    size_t n = 0;
    for (const char *p = question; *p && n + 64 < QUERY_MAX;) {
        size_t len = 0;
        while (isalnum((unsigned char)p[len]) || (p[len] & 0x80))
            len++;
        if (len > 0 && len < 40 && !index_stop_word((struct str){p, len}))
            n += (size_t)snprintf(out + n, QUERY_MAX - n, "%s\"%.*s\"", n ? " OR " : "", (int)len, p);
        p += len ? len : 1;
    }
    return n > 0;
}

static size_t find_words(struct rival *r, const char *question, struct range in, struct scored *out)
{
    char query[QUERY_MAX];
    size_t n = 0;
    if (!words_query(question, query))
        return 0;
    (void)sqlite3_bind_text(r->search, 1, query, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(r->search, 2, in.from + 1); /* rows count from 1 */
    (void)sqlite3_bind_int64(r->search, 3, in.to);
    while (n < LIST && sqlite3_step(r->search) == SQLITE_ROW)
        out[n++] = (struct scored){sqlite3_column_int64(r->search, 0) - 1, 0};
    (void)sqlite3_reset(r->search);
    return n;
}

static size_t fuse(const struct scored *a, size_t n_a, const struct scored *b, size_t n_b, struct scored *out)
{
    size_t n = 0;
    struct scored all[2 * LIST];
    for (size_t i = 0; i < n_a; i++)
        all[n++] = (struct scored){a[i].turn, 1 / (RANK_OFFSET + 1 + (double)i)};
    for (size_t i = 0; i < n_b; i++) {
        size_t at = 0;
        while (at < n_a && a[at].turn != b[i].turn)
            at++;
        if (at == n_a)
            all[at = n++] = (struct scored){b[i].turn, 0};
        all[at].score += 1 / (RANK_OFFSET + 1 + (double)i);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept = keep(out, kept, all[i].turn, all[i].score);
    return kept < RESULTS ? kept : RESULTS;
}

static size_t read_texts(struct rival *r, const struct scored *best, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        (void)sqlite3_bind_int64(r->read, 1, best[i].turn + 1);
        if (sqlite3_step(r->read) != SQLITE_ROW)
            die("a turn is not in the store");
        bytes += (size_t)sqlite3_column_bytes(r->read, 0);
        (void)sqlite3_reset(r->read);
    }
    return bytes;
}

static void answer(struct rival *r, const char *where, const char *question)
{
    struct scored words[LIST], near[LIST], best[LIST];
    float v[4096];
    struct err e = {0};
    struct str text = {question, strlen(question)};
    int64_t each = r->turns / r->sessions, k = strcmp(where, "all") ? strtoll(where, NULL, 10) : -1;
    struct range in = k >= 0 ? (struct range){k * each, (k + 1) * each} : (struct range){0, r->turns};
    if (in.to > r->turns)
        die("there is no such session");
    int64_t start = clock_mono_us();
    if (embed_texts(r->embedder, &text, 1, EMBED_QUERY, v, &e))
        die(e.message);
    int64_t embedded = clock_mono_us();
    size_t n_words = find_words(r, question, in, words);
    int64_t searched = clock_mono_us();
    size_t n_near = scan(r, v, in, near);
    int64_t scanned = clock_mono_us();
    size_t n = fuse(words, n_words, near, n_near, best);
    if (n > 0 && read_texts(r, best, n) == 0)
        die("the turns have no text");
    printf("%lld %lld %lld %lld %zu\n", (long long)(embedded - start), (long long)(searched - embedded),
           (long long)(scanned - searched), (long long)(clock_mono_us() - start), n);
    (void)fflush(stdout);
}

static void ask(char **argv)
{
    struct err e = {0};
    char line[QUERY_MAX];
    struct rival r = {.store = open_db(argv[2], SQLITE_OPEN_READONLY),
                      .words = open_db(argv[3], SQLITE_OPEN_READONLY),
                      .turns = strtoll(argv[6], NULL, 10),
                      .sessions = strtoll(argv[7], NULL, 10)};
    exec(r.words, "PRAGMA mmap_size=4000000000");
    r.read = prepare(r.store, "SELECT content FROM turn WHERE seq = ?1");
    r.search = prepare(r.words,
                       "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY bm25(words) "
                       "LIMIT 100");
    if (embed_open(argv[5], NULL, &r.embedder, &e))
        die(e.message);
    load_vectors(&r, argv[4]);
    if (embed_dimensions(r.embedder) != r.d || r.d > 4096)
        die("the pool's vectors are not of this model");
    puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *tab = strchr(line, '\t');
        if (!tab)
            die("a line has no tab");
        *tab++ = '\0';
        tab[strcspn(tab, "\n")] = '\0';
        answer(&r, line, tab);
    }
    (void)sqlite3_finalize(r.search);
    (void)sqlite3_finalize(r.read);
    (void)sqlite3_close(r.store);
    (void)sqlite3_close(r.words);
    embed_close(r.embedder);
    free(r.codes);
    free(r.scales);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "feed") == 0)
        feed(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "vectors") == 0)
        write_vectors(argv[2], strtoll(argv[3], NULL, 10), argv[4]);
    else if (argc == 8 && strcmp(argv[1], "ask") == 0 && strtoll(argv[6], NULL, 10) > 0 &&
             strtoll(argv[7], NULL, 10) > 0)
        ask(argv);
    else
        die("usage: rival feed STORE WORDS | rival vectors POOL TURNS OUT | rival ask STORE WORDS POOL MODEL TURNS "
            "SESSIONS");
    return 0;
}
