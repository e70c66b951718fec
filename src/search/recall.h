/* Recall: the turns that matter for a question, ranked, with scores, within a budget: by words (BM25) and meaning of
 * the turn, of its neighbours and of its conversation, the speaker and date named in the question. Thread-safe. */
#ifndef CAIRN_SEARCH_RECALL_H
#define CAIRN_SEARCH_RECALL_H

#include "index/index.h"
#include "search/meaning.h"
#include "store/gate.h"
#include "store/turns.h"

struct weights; /* search/intern.h */
struct recall_query {
    struct meaning *meaning;           /* NULL: by words alone */
    struct str text;                   /* question or directive */
    struct str session_id;             /* STR_NONE: across all sessions of `project` */
    struct str project;                /* STR_NONE: all projects */
    const struct store_reader *reader; /* for whom turns are masked as they are read (store/gate.h); NULL: nobody */
    struct scope scope;                /* who asks: across sessions only what may be read is found; {0}: everything */
    struct str except_conversation;    /* leave this conversation's turns out; STR_NONE: none */
    int64_t from, to;                  /* ms, 0: open */
    int64_t now;                       /* ms; 0: the clock's */
    double threshold;                  /* least score 0..1, 0: none */
    int max_results;                   /* 1 … 100 */
    int64_t max_tokens;                /* budget over all results, 0: none */
    int64_t deadline_us;               /* clock_mono_us, 0: none */
    const struct weights *weights;     /* NULL: those of weights.c; others only to measure what each is worth */
};
struct recall_hit {
    struct turn turn;
    double score;                  /* 0..1 */
    struct str conversation_title; /* directive of its conversation, or STR_NONE */
    struct str why;                /* JSON object: what made the score (explain.c) */
    size_t folded;                 /* turns that say the same and were left out for it */
    struct str corrects;           /* id of the earlier turn that this one corrects, or STR_NONE */
    struct str corrected_by;       /* id of the later turn that corrects this one, or STR_NONE */
};
struct recall_result {
    struct recall_hit *hits; /* best first */
    size_t n;
    int64_t total_matches;
    struct recall_conversation {
        struct str id, title;
        struct str summary; /* its context_summary, or STR_NONE */
        double score;       /* 0..1 */
        int64_t created_at;
    } * conversations; /* best first, at most 10 */
    size_t n_conversations;
};
enum err_code recall_run(struct store *s, struct index *x, struct arena *a, const struct recall_query *q,
                         struct recall_result *out, struct err *e);
/* About 200 characters of `text` around the words of the question, in the arena. */
struct str recall_snippet(struct arena *a, struct str text, const struct index_term *terms, size_t n);

#endif
