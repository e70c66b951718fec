/* Learning: what each stored turn changes in its agent's state, behind the writes (background.h). In the state:
 *   interaction_history.total_interactions   turns of this agent in this session
 *   preferred_topics           [{topic, weight}], at most 20: in how many turns, fading by half every so many turns
 *                              (setting learning.half_life_turns)
 *   frequent_phrases           [{phrase, count}], at most 20, seen twice at least
 *   content_length_preferences the last 50 turns' lengths in characters
 * Outcomes (outcome.c) add successful_outcomes, failed_outcomes, execution_history and successful_patterns.
 *
 * Only these members are written, merged into the state inside the writing transaction, so what others set meanwhile
 * stays; a member to which somebody gave another type is theirs and left alone. Turns of people and agents teach; those
 * of systems and tools do not. The tallies behind the lists are kept apart from the state (kind agent_learning). */
#ifndef CAIRN_SERVICE_LEARNING_H
#define CAIRN_SERVICE_LEARNING_H

#include "service/background.h"
#include "store/records.h"

enum { LENGTHS_KEPT = 50, TOPICS_SHOWN = 20, PHRASES_SHOWN = 20 };
/* A state larger than this learns no more: what is in it was put there by callers, and is theirs to cut. */
enum { STATE_BYTES_MAX = 512 * 1024 };

enum err_code learning_think(const struct follow_batch *b, void **plan, struct err *e);
enum err_code learning_apply(struct store_tx *tx, struct arena *a, void *plan, struct err *e);

/* In a store_fn: `state` (a whole record) was brought by an import and holds what turns from before `now` have taught:
 * they are not counted again. */
enum err_code learning_restored(struct store_tx *tx, struct arena *a, const struct record *state, int64_t now,
                                struct err *e);
/* In a store_fn: forgets the words that the session's turns have taught (topics, phrases): they were other words than
 * what is stored now. What is said from now on is learnt as ever. */
enum err_code learning_forget(struct store_tx *tx, struct arena *a, const struct record *session, struct err *e);
/* In a store_fn: merges the members of the JSON object `over` into the agent's state; a state that is not there yet is
 * made. Nothing happens when the state would grow past STATE_BYTES_MAX. *after (may be NULL): the state's text. */
enum err_code state_merge(struct store_tx *tx, struct arena *a, const struct record *session, struct str agent,
                          struct str over, struct str *after, struct err *e);

/* The state as a model is shown it: without counts and records of what was, which say nothing to it and would change
 * with every turn. *out is STR_NONE when nothing is left. */
enum err_code state_brief(struct arena *a, struct str state, struct str *out, struct err *e);

#endif
