/* Making and keeping summaries of conversations and sessions: by rules (digest), or by the upstream's model where the
 * service has one to ask. Who wants them: the operations (summarize.c) and upkeep (summary_upkeep.c). */
#ifndef CAIRN_SERVICE_SUMMARY_H
#define CAIRN_SERVICE_SUMMARY_H

#include "base/id.h"
#include "digest/digest.h"
#include "service/service.h"
#include "store/records.h"

enum { SUMMARY_TURNS_LEAST = 5 }; /* shorter conversations are summed up only when forced */

struct summary {
    struct str session_id, conversation_id; /* conversation_id STR_NONE: of the session */
    struct str project;
    struct digest digest;          /* text.n == 0: there is nothing to tell */
    const char *method;            /* "extractive", "model" */
    int64_t first_turn, last_turn; /* of a conversation */
    int64_t conversations;         /* that a session's covers */
    int64_t now;
    char id[ID_MAX];
};

/* Read on a snapshot of their own, then thought about without one: may take as long as the model does
 * (summaries.model_seconds), so neither inside a transaction nor on an HTTP thread. Nothing is written. */
enum err_code summary_of_conversation(struct service *s, struct arena *a, const struct record *conversation,
                                      struct summary *out, struct err *e);
/* From its conversations' summaries, the newest 200; those of at least five turns (any with `force`) that have none
 * are summed up in passing. */
enum err_code summary_of_session(struct service *s, struct arena *a, const struct record *session, bool force,
                                 struct summary *out, struct err *e);
/* Writes the record and the conversation's context_summary or the session's summary; the earlier ones stay as history.
 */
enum err_code summary_store(struct store_tx *tx, struct arena *a, const struct summary *s, struct err *e);
/* key_topics, key_events, plot_points, character_developments, what it covers and method, as members of an object. */
void summary_write_members(struct json_out *w, const struct summary *s);
/* The newest of a conversation, or with `conversation` STR_NONE of the session itself; NULL when there is none. */
enum err_code summary_newest(struct store_tx *tx, struct arena *a, struct str session, struct str conversation,
                             struct record **out, struct err *e);

/* ---- summary_model.c ---- */
/* Asks the service's model and puts its checked answer into *d, in which what it left out stays. False: no model, or
 * no answer of use. */
bool summary_ask(struct service *s, struct arena *a, const struct digest_turn *turns, size_t n, struct digest *d);

#endif
