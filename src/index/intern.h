/* The index's inside, divided by file. Not for other rooms.
 *
 * data/index/words.db (SQLite, WAL, synchronous=NORMAL: a power cut may lose the last batches, but never
 * rows without losing the watermark that came with them, because both are in one transaction):
 *   meta          format, taken (the watermark: the highest seq taken in), anchor (id of a turn taken late,
 *                 by which a store that was put back from a backup is noticed)
 *   session       number, id, project, and how many turns and bytes of text it has: the N and the average
 *                 length of BM25, so that the weight of a word is that within the session
 *   conversation, agent   number, name
 *   doc           a turn: seq, session, conversation, turn_number, timestamp, agent, whether it asks
 *   words         FTS5 without content; row = slot | seq | length, see row_make
 *
 * A row number carries the session first, so that a session is one range of every posting list, and the
 * length, so that scoring reads nothing but posting lists.
 *
 * Locks: `feeding` (the writer connection, one batch at a time) before `lock` (pool and flags). */
#ifndef CAIRN_INDEX_INTERN_H
#define CAIRN_INDEX_INTERN_H

#include "index/index.h"
#include "index/tokens.h"
#include "store/turns.h"

#include <pthread.h>
#include <sqlite3.h>

/* ---- words.c: the tokenizer (tokens.h) within SQLite ---- */
enum { WORD_MAX_BYTES = TOKEN_BYTES, WORDS_PER_TEXT = 10000 };
int words_api(sqlite3 *db, fts5_api **out); /* an SQLite code */
/* Makes tokenize='cairn' known: documents are "agent US text"; the agent's words are kept as "@word", stop words
 * are not kept, and what a query quotes is taken as an index form, unchanged. */
enum { WORDS_SEPARATOR = 0x1f };
int words_register(fts5_api *api);

/* ---- db.c: connections ---- */
enum db_stmt {
    DB_META_GET,
    DB_META_SET,
    DB_SESSION_ADD,
    DB_SESSION_FIND,
    DB_SESSION_COUNT,
    DB_SESSION_ALL,
    DB_CONVERSATION_ADD,
    DB_CONVERSATION_FIND,
    DB_AGENT_ADD,
    DB_AGENT_FIND,
    DB_AGENT_NAME,
    DB_DOC_ADD,
    DB_DOC_GET,
    DB_DOC_RANGE,
    DB_WORDS_ADD,
    DB_WORDS_SCAN,
    DB_STMT_COUNT
};
struct db { /* one connection, one thread at a time */
    sqlite3 *db;
    fts5_api *api;
    sqlite3_stmt *stmts[DB_STMT_COUNT]; /* prepared when first used */
    struct arena *scratch;
    unsigned generation; /* of the file it was opened on */
    struct db *next;     /* idle list */
};
enum db_mode { DB_READ, DB_WRITE };
enum err_code db_open(const char *path, enum db_mode mode, struct db **out, struct err *e);
void db_close(struct db *d);
/* Empties a file of any content, damaged or not, and makes the tables anew. */
enum err_code db_reset(const char *path, struct err *e);
sqlite3_stmt *db_stmt(struct db *d, enum db_stmt which, struct err *e); /* reset and unbound; NULL: *e is set */
enum err_code db_exec(struct db *d, const char *sql, struct err *e);
enum err_code db_error(struct db *d, int rc, struct err *e); /* *e from an SQLite code */
int bind_str(sqlite3_stmt *s, int i, struct str v);          /* borrowed until reset */
struct str column_str(sqlite3_stmt *s, int i);               /* borrowed until the next step */
/* A value of meta, 0 when absent. */
enum err_code meta_get(struct db *d, const char *key, int64_t *number, char *text, size_t room, struct err *e);
enum err_code meta_set(struct db *d, const char *key, int64_t number, struct str text, struct err *e);

/* ---- index.c ---- */
struct index {
    struct store *store;
    char *path; /* of words.db */
    bool read_only;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct db *idle;
    size_t n_idle;
    unsigned generation; /* one more with each reset: connections of an older one are closed on release */
    bool woken, stop, damaged;

    pthread_mutex_t feeding;
    struct db *writer;
    int batch;
    enum err_code failing; /* the feeder's last failure that was logged: each is told once */
    bool has_thread;
    pthread_t thread;
};
enum err_code index_acquire(struct index *x, struct db **out, struct err *e);
void index_release(struct index *x, struct db *d, bool broken);
void index_damaged(struct index *x); /* found damage: the feeder makes the index anew */
void index_close_idle(struct index *x);

/* ---- feed.c ---- */
enum { FEED_BATCH = 1000 };
/* One batch; *n: turns taken, 0: all is in. Takes `feeding`. */
enum err_code feed_batch(struct index *x, int64_t *n, int64_t *taken,
                         struct err *e);                  /* taken: the watermark after it */
enum err_code feed_reset(struct index *x, struct err *e); /* empties the index; takes `feeding` */
void *feed_thread(void *x);
/* turns_last_seq, which says 0 both for none and for a failure, told apart. */
enum err_code stored_last(struct store_tx *tx, struct arena *a, int64_t *out, struct err *e);

bool text_asks(struct str text); /* ends with a question mark */

/* ---- rows.c: row numbers ---- */
enum { ROW_LEN_BITS = 7, ROW_SEQ_BITS = 36, ROW_SLOT_BITS = 20, ROW_SLOTS = 1 << ROW_SLOT_BITS };
/* Sessions beyond a million share slots; what a search returns is checked against doc.session. */
int64_t row_make(int64_t session, int64_t seq, size_t bytes);
int64_t row_seq(int64_t row);
int64_t row_slot(int64_t row);
void row_range(int64_t session, int64_t *from, int64_t *to);
enum { ROW_LENGTHS = 1 << ROW_LEN_BITS };
int row_length(int64_t row);     /* 0 … ROW_LENGTHS-1 */
int row_length_of(size_t bytes); /* the same, from the text's length */
void row_lengths(double *out);   /* bytes for each length code, ROW_LENGTHS of them */

/* ---- collect.c: posting lists ---- */
struct posting {
    int64_t row;
    float tf;
};
struct postings { /* of one term, rows descending */
    struct posting *p;
    size_t n, cap;
    bool complete; /* all rows of the scope are in; else the newest, and some of the others */
    double df;     /* how many rows it has in the scope, estimated when not complete */
};
struct extent {
    int64_t from, to;      /* rows */
    const uint64_t *slots; /* bitmap of ROW_SLOTS bits, NULL: all */
    int64_t turns, bytes;  /* how much there is */
};
enum { COLLECT_FIRST = 3000, COLLECT_TOTAL = 16000, COLLECT_RARE = 1500 };
int collect_register(fts5_api *api);
enum err_code collect_terms(struct db *d, struct arena *a, const struct extent *s, const struct str *terms, size_t n,
                            int64_t deadline_us, struct postings *out, struct err *e);

/* ---- tail.c: what the index has not taken in yet ---- */
struct tail {
    struct turn *turns; /* ascending seq */
    size_t n;
    uint32_t *matched; /* a bit for each term */
    float *tf;         /* n × n_terms */
    int64_t bytes;
};
/* Turns after `taken`, of the query's scope. */
enum err_code tail_load(struct store *s, struct arena *a, const struct index_query *q, int64_t taken, struct tail *out,
                        struct err *e);

/* ---- search.c, places.c: one search ---- */
struct scored {
    double score;
    int64_t row; /* of the index; or -1 - i: the tail's turn i */
    uint32_t matched;
};
struct located {
    struct index_hit hit;
    int64_t agent; /* number; or -1 - i: of the tail's turn i */
};
struct search {
    struct index *x;
    struct db *d; /* NULL: without an index */
    struct arena *scratch;
    const struct index_query *q;
    struct extent scope;
    int64_t session; /* number, 0: all */
    bool empty;      /* the index holds nothing of the scope */
    struct postings terms[INDEX_TERMS_MAX];
    double idf[INDEX_TERMS_MAX];
    double average; /* bytes of a turn */
    struct scored *heap;
    size_t n;
    struct tail tail;
    int64_t *tail_conversation; /* of each turn of the tail; negative: not in the index yet */
    int64_t except;             /* number of except_conversation, 0: none */
};
enum { AROUND_MAX = 8 };
/* Numbers the tail's conversations. */
enum err_code places_prepare(struct search *s, struct err *e);
/* Where a row's turn stands, and whether it is wanted (session, conversation, time). */
enum err_code place_of(struct search *s, const struct scored *o, struct located *out, bool *wanted, struct err *e);
/* Fills out->hits with the best and the turns around them. */
enum err_code places_hand_over(struct search *s, struct arena *a, struct located *best, size_t n,
                               struct index_hits *out, struct err *e);

#endif
