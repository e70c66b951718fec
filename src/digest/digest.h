/* What a stretch of talk comes to, found by rules and without a model: a summary of a few sentences, key topics, key
 * events, what changed for each speaker, turning points. Extractive: every sentence is one that was said, cut to its
 * core and told in the third person ("I went to a support group" becomes "Caroline went to a support group").
 *
 * Deterministic: the same turns give the same digest. Bounded: at most DIGEST_TURNS turns (the newest) and DIGEST_BYTES
 * of text are looked at, so that time and memory are too. English where words matter; other languages get what can
 * be told without: repetition, names, figures, length. It knows neither store nor records.
 *
 * Threads: no state but the arena's. */
#ifndef CAIRN_DIGEST_DIGEST_H
#define CAIRN_DIGEST_DIGEST_H

#include "base/arena.h"
#include "base/err.h"

enum {
    DIGEST_TURNS = 10000,
    DIGEST_BYTES = 4 << 20,  /* of all turns together; longer turns lose their middle */
    DIGEST_CHARACTERS = 200, /* of the summary, in code points */
    DIGEST_TOPICS = 10,
    DIGEST_EVENTS = 5,
    DIGEST_PLOT_POINTS = 5,
    DIGEST_SPEAKERS = 10,    /* those who said most */
    DIGEST_DEVELOPMENTS = 3, /* for each of them */
    DIGEST_EVENT_CHARACTERS = 240
};

struct digest_turn {
    struct str agent; /* who spoke; STR_NONE: nobody in particular */
    struct str role;  /* "user", "assistant", "system", "tool"; STR_NONE counts as user */
    struct str content;
    bool told; /* already in the third person: kept as it is (a summary of summaries) */
};

struct digest_development {
    struct str name;
    struct str *texts;
    size_t n;
};

struct digest {
    struct str text; /* valid UTF-8, at most the characters asked for; n == 0: nothing worth saying was said */
    struct str *topics, *events, *plot_points;
    size_t n_topics, n_events, n_plot_points;
    struct digest_development *developments;
    size_t n_developments;
};

/* `characters`: length of the summary, 0: DIGEST_CHARACTERS. All that *out holds is in the arena. ERR_NOMEM only. */
enum err_code digest_make(struct arena *a, const struct digest_turn *turns, size_t n, size_t characters,
                          struct digest *out, struct err *e);
/* Without white space around it, at most `characters` long: cut at a word, with "…" at its end. Borrowed from s, or in
 * the arena; STR_NONE when out of memory. */
struct str digest_cut(struct arena *a, struct str s, size_t characters);

#endif
