/* Operations: outcomes, and what is known about how a session's memory is used. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg outcome_args[] = {
    CONVERSATION_ID,
    {"agent", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED, 1, 200, NULL, NULL, "whose work it was"},
    {"success", ARG_BOOL, ARG_IN_BODY, ARG_REQUIRED, 0, 0, NULL, NULL, "whether it was a success"},
    {"note", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "anything to remember about it"},
};
static const struct op_arg analytics_args[] = {SESSION_ID, ACCESS_REASON(ARG_IN_QUERY)};

static const struct operation entries[] = {
    {"conversation.outcome", "POST", "/api/v2/conversations/{conversation_id}/outcome", NULL, NULL, ARGS(outcome_args),
     PERM_WRITE, LIMIT_CONVERSATIONS, OP_INLINE | OP_AUDITED, 200, conversation_outcome,
     "Report whether an agent's work in a conversation was a success; each report counts",
     "{conversation_id, session_id, agent, success, successful_outcomes, failed_outcomes, recorded_at}"},
    {"session.analytics", "GET", "/api/v2/sessions/{session_id}/analytics", NULL, NULL, ARGS(analytics_args), PERM_READ,
     LIMIT_ANALYTICS, 0, 200, session_analytics,
     "How a session's memory is used, computed from what happened; null where nothing is known",
     "{session_id, computed_at, memory_usage {conversations, turns, content_bytes, tokens, summaries, events, "
     "patterns, "
     "agent_states, checkpoints, context_loads, first_turn_at, last_turn_at}, interaction_patterns {speakers [{agent, "
     "role, turns, mean_tokens, mean_bytes, response_time_ms {turns, mean, max}, first_turn_at, last_turn_at}], "
     "turns_by_hour [24, UTC], turns_by_day [{day, turns}], mean_tokens, topics [{topic, weight}], outcomes "
     "{successful, failed}}, context_effectiveness {served, looked_at, by_purpose, found_nothing, items, tokens, "
     "items_per_load, tokens_per_load, mean_score, mean_took_ms, distinct_items, recalled_again_share, "
     "followed_by_outcome, followed_by_success_share}}"},
};
const struct operation_table operations_learning = TABLE_OF(entries);
