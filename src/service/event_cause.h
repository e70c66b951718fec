/* What caused an event: its candidates among the session's earlier events, and the choice among them by rules. The
 * rules are deterministic and rather leave an event without a cause than give it a wrong one. Asking a model instead,
 * storing and following turns: events.c. Thread-safe. */
#ifndef CAIRN_SERVICE_EVENT_CAUSE_H
#define CAIRN_SERVICE_EVENT_CAUSE_H

#include "base/err.h"
#include "service/event_text.h"

/* What an event is compared by; made once for each. */
struct event_words;
enum err_code event_words_of(struct arena *a, struct str text, struct event_words **out, struct err *e);

size_t event_words_count(const struct event_words *w); /* distinct stems */
/* What the text says its cause is ("someone took my bicycle"), STR_NONE: it names none. Borrowed from the text. */
struct str event_named_cause(const struct event_words *w);

/* How near the known events are to an effect in meaning (event_meaning.h), 0..1 on the scale of event_similarity: one
 * for each known event. */
struct event_near {
    const double *whole; /* to all that the effect says */
    const double *named; /* to what it names as its cause; 0 where it names none */
};

struct event_known {
    struct str id, text;
    enum event_type type;
    int64_t at; /* ms: when it happened */
    const struct event_words *words;
    const struct event_near *near; /* of an effect; NULL: it is judged by words alone */
};

/* Bounds of the candidates (settings events.*). */
struct event_bounds {
    size_t recent, candidates; /* among the last so many events; at most so many of them (EVENT_CANDIDATES_MAX) */
    int64_t window_ms;         /* not older than this */
    double similarity;         /* 0..1, at least */
};
enum { EVENT_RECENT_MAX = 200, EVENT_CANDIDATES_MAX = 20 };
extern const struct event_bounds EVENT_BOUNDS; /* 50, 5, 24 hours, 0.5 */

struct event_candidate {
    size_t which; /* of `known` */
    double similarity;
};
/* The candidates for `effect` among known[n] (oldest first), most similar first, into out[EVENT_CANDIDATES_MAX]. */
size_t event_candidates(const struct event_known *known, size_t n, const struct event_known *effect,
                        const struct event_bounds *b, struct event_candidate *out);

/* How alike two events are, 0..1: the root of the share that their common words have in the weight of the shorter
 * one's. A word weighs by how few of the `n` known events have it. */
double event_similarity(const struct event_known *known, size_t n, const struct event_words *x,
                        const struct event_words *y);

/* The rule: which of the candidates is the cause, and how it led to the effect, in words; false: none, or not sure. */
bool event_cause_by_rule(struct arena *a, const struct event_known *known, size_t n, const struct event_known *effect,
                         const struct event_candidate *candidates, size_t n_candidates, size_t *which, struct str *how);

#endif
