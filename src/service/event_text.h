/* Events in prose: which sentences of a turn tell that something happened, and what sort of thing. By rules: a table
 * of English words and phrases (event_text.c); no model. What is asked, wished, planned for the next minute or only
 * imagined is no event. Thread-safe. */
#ifndef CAIRN_SERVICE_EVENT_TEXT_H
#define CAIRN_SERVICE_EVENT_TEXT_H

#include "base/arena.h"

/* In the order of the choices of the kind `event`'s event_type. */
enum event_type {
    EVENT_NONE,
    EVENT_PROBLEM,    /* something failed, broke, got lost, does not do what it should */
    EVENT_FINDING,    /* somebody understood why */
    EVENT_DECISION,   /* somebody chose */
    EVENT_CHANGE,     /* somebody made something different */
    EVENT_RESULT,     /* it works, passes, is done */
    EVENT_OCCURRENCE, /* anything else that happened */
    EVENT_TYPES
};
const char *event_type_name(enum event_type t);      /* "problem" …; EVENT_NONE: "occurrence" */
enum event_type event_type_named(struct str name);   /* EVENT_NONE: unknown */
enum event_type event_type_of(struct str statement); /* EVENT_NONE: tells of nothing that happened */

enum { EVENT_TEXT_MAX = 400, EVENTS_PER_TURN_MAX = 20 };
struct event_found {
    struct str text; /* one sentence without list marks and emphasis, at most EVENT_TEXT_MAX bytes, in the arena */
    enum event_type type;
};
/* The events of a turn in their order, the most telling ones where there are more than `max` (at most
 * EVENTS_PER_TURN_MAX). Code blocks, tables and quotes are left out; what follows the first 64 KiB or 400 sentences is
 * not read. Out of memory: finds less. */
size_t events_find(struct arena *a, struct str content, size_t max, struct event_found *out);

/* A word that tells the type of an event and little of its matter ("failed", "added"): such words make two events
 * alike only a little. `word` in lower case. */
bool event_word_is_common(struct str word);

#endif
