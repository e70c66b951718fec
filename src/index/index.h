/* The index: finds the turns whose words match. Derived wholly from the store, kept in files of its own
 * below data/index, fed behind the commit, mended from the store when lost or damaged. Nothing outside this
 * room knows how it is kept.
 *
 * A document is one turn, named by its seq. A search sees every committed turn: it takes in itself what is missing, or,
 * while the index is far behind, looks into the newest INDEX_TAIL_MAX of the missing turns (of the session asked for).
 *
 * Several processes may have one data folder open: one of them keeps the files, the others read them, and each has what
 * is newer in memory.
 *
 * Threads: a struct index is shared. Searches wait neither for feeding nor for merging. */
#ifndef CAIRN_INDEX_INDEX_H
#define CAIRN_INDEX_INDEX_H

#include "store/scope.h"

enum { INDEX_TERMS_MAX = 24, INDEX_TAIL_MAX = 5000, INDEX_WORDS_MAX = 10000 };

struct index;

struct index_options {
    struct store *store; /* borrowed, must outlive the index */
    const char *dir;     /* data folder; NULL: no files, all is in memory, taken in by searches */
    bool read_only;      /* search only; never feeds */
    bool alone;          /* no requests wait for this process: its thread has no lower priority than others */
};

/* Opens or creates; what is missing or damaged is made anew. Starts the index's thread unless read_only. */
enum err_code index_open(const struct index_options *o, struct index **out, struct err *e);
void index_close(struct index *x);
void index_wake(struct index *x); /* there is something new in the store */
/* Takes in everything committed before the call, and writes it to files when this process keeps them. */
enum err_code index_flush(struct index *x, struct err *e);
/* Throws the index away and makes it from the store, by the process that keeps it. */
enum err_code index_rebuild(struct index *x, void (*progress)(void *, int64_t done, int64_t total), void *arg,
                            struct err *e);
/* Brings every file into the form, sealed or plain, that the store's keys say now. When it returns there is none of the
 * other form any more; killed in between, or failed, it is to be called again. The keeper only: ERR_BUSY. */
enum err_code index_convert(struct index *x, struct err *e);
/* Writes its files without the turns that the store does not have any more: what was deleted is then nowhere in them.
 * Waits for the process that keeps the index, when that is another one (ERR_BUSY: it does not answer). */
enum err_code index_purge(struct index *x, struct err *e);
int64_t index_lag(struct index *x);                        /* turns not taken in yet */
enum err_code index_check(struct index *x, struct err *e); /* ERR_CORRUPT when damaged */

/* ---- words ---- */
struct index_term {
    struct str text; /* as the index keeps it (folded, stemmed) */
    struct str word; /* as it stood in the text, ASCII letters in lower case */
};
/* The words of a text in order, one form for each, stop words left out when asked (the index never keeps them, so a
 * search for one finds nothing). At most INDEX_WORDS_MAX. */
enum err_code index_terms(struct arena *a, struct str text, bool drop_stop_words, struct index_term **out, size_t *n,
                          struct err *e);
/* Whether the index leaves the word out because it says nothing ("the"), in any case of ASCII letters. */
bool index_stop_word(struct str word);
struct index_words {
    struct index_term *terms;
    size_t n;
};
/* As index_terms for each of n texts, into out[n]. */
enum err_code index_terms_of(struct arena *a, const struct str *texts, size_t n, bool drop_stop_words,
                             struct index_words *out, struct err *e);

/* What to search for when `text` is asked: its distinct words (of more than INDEX_TERMS_MAX the longest, which are the
 * rare ones), and in the room that is left the other forms under which the index knows them (tokens.h). */
struct index_question {
    struct str terms[INDEX_TERMS_MAX];
    double weights[INDEX_TERMS_MAX]; /* words 1, other forms less: what they find, a word has mostly found already */
    size_t n;
};
enum err_code index_question(struct arena *a, struct str text, struct index_question *out, struct err *e);

/* Texts that are in no index, matched one by one with the index's own words: for records, which are few. A matcher
 * belongs to one thread at a time. */
struct index_matcher;
enum err_code index_matcher_new(const struct str *terms, size_t n_terms, struct index_matcher **out, struct err *e);
void index_matcher_free(struct index_matcher *m); /* NULL is fine */
/* counts[n_terms]: how often each term occurs; *words: how many words there are, stop words left out. Terms are
 * borrowed from index_matcher_new; texts past 64 KiB are judged by their first 64 KiB. */
enum err_code index_match(struct index_matcher *m, struct str text, uint32_t *counts, size_t *words, struct err *e);

/* ---- search ---- */
struct index_query {
    const struct str *terms; /* index forms, distinct, at most INDEX_TERMS_MAX */
    size_t n_terms;
    const double *weights;          /* n_terms: how much each counts; NULL: all 1 */
    struct str session_id;          /* STR_NONE: all sessions of `project` */
    struct str project;             /* STR_NONE: all projects */
    const struct scope_view *view;  /* across sessions: only those that may be read; NULL: all */
    struct str except_conversation; /* leave this conversation's turns out; STR_NONE: none */
    int64_t from, to;               /* turn time in ms, 0: open */
    int limit;                      /* hits wanted, best first */
    const int64_t *also;            /* seqs of turns that are to be among the hits, though words did not find them */
    size_t n_also;
    int around;          /* also the turns up to this many before and after each hit (0 … 8) */
    int64_t deadline_us; /* clock_mono_us, 0: none */
};
enum index_role { INDEX_ROLE_OTHER, INDEX_ROLE_USER, INDEX_ROLE_ASSISTANT, INDEX_ROLE_SYSTEM, INDEX_ROLE_TOOL };
struct index_hit {
    int64_t seq;
    int64_t conversation; /* a number that stands for the conversation within the index */
    int64_t turn_number;
    int64_t timestamp;
    double score;     /* BM25, higher is better */
    uint32_t matched; /* bit i: terms[i] occurs */
    uint32_t speaker; /* bit i: terms[i] is a word of the name of the agent who speaks */
    bool asks;        /* the turn ends with a question mark */
    enum index_role role;
};
struct index_hits {
    struct index_hit *hits; /* n hits, best first (those asked for by `also` last), then n_around turns around them
                               (score 0, matched 0) */
    size_t n, n_around;
    int64_t matches; /* how many matched, at least */
    double *idf;     /* n_terms: the weight of each term (within the scope asked for) */
};
/* A term may also be "@name": turns whose agent's name has that word (as index_terms gives it). ERR_TIMEOUT when the
 * deadline passes. Hits are exactly those that scoring every turn would give, the best first (equals: the newest
 * first); words that occur in very many turns cost little, because most of their turns need not be looked at. `matches`
 * is then a lower bound. Deleted turns count for the weight of words until a merge, but are not among the best. A
 * damaged index is not an error: what is left is searched, and the store for the rest. */
enum err_code index_search(struct index *x, struct arena *a, const struct index_query *q, struct index_hits *out,
                           struct err *e);

#endif
