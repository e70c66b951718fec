/* Operations: outcomes, and what is known about how a session's memory is used. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg outcome_args[] = {
    CONVERSATION_ID,
    {"agent", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED, 1, 200, NULL, NULL, "whose work it was"},
    {"success", ARG_BOOL, ARG_IN_BODY, ARG_REQUIRED, 0, 0, NULL, NULL, "whether it was a success"},
    {"note", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "anything to remember about it"},
};
static const struct op_arg analytics_args[] = {SESSION_ID, ACCESS_REASON(ARG_IN_QUERY), MASK(ARG_IN_QUERY)};

static const struct operation entries[] = {
    {"conversation.outcome", "POST", "/api/v2/conversations/{conversation_id}/outcome", NULL, NULL, ARGS(outcome_args),
     PERM_WRITE, LIMIT_CONVERSATIONS, OP_INLINE, 200, conversation_outcome,
     "Report whether an agent's work in a conversation was a success; each report counts",
     "{conversation_id, session_id, agent:text, success:bool, successful_outcomes:int, failed_outcomes:int, "
     "recorded_at}"},
    {"session.analytics", "GET", "/api/v2/sessions/{session_id}/analytics", NULL, NULL, ARGS(analytics_args), PERM_READ,
     LIMIT_ANALYTICS, 0, 200, session_analytics,
     "How a session's memory is used, computed from what happened; null where nothing is known",
     "{session_id, computed_at, memory_usage {conversations:int, turns:int, content_bytes:int, tokens:int, "
     "summaries:int, events:int, patterns:int, agent_states:int, checkpoints:int, context_loads:int, "
     "first_turn_at:time?, last_turn_at:time?}, interaction_patterns {speakers [{agent:text?, role:text?, turns:int, "
     "mean_tokens:real, mean_bytes:real, response_time_ms:any, first_turn_at:time?, last_turn_at:time?}], "
     "turns_by_hour:[int], turns_by_day [{day:text, turns:int}], mean_tokens:real?, topics [{topic:text, "
     "weight:real}], "
     "outcomes {successful:int, failed:int}}, context_effectiveness {served:int, looked_at:int, by_purpose "
     "{context:int, "
     "search:int, recall:int, proxy:int, directive:int}, found_nothing:int, items:int, tokens:int, "
     "items_per_load:real?, "
     "tokens_per_load:real?, mean_score:real?, mean_took_ms:real?, distinct_items:int, recalled_again_share:real?, "
     "followed_by_outcome:int, followed_by_success_share:real?}}"},
};
const struct operation_table operations_learning = TABLE_OF(entries);
