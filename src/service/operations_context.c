/* Operations: context, recall and agents' states. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg context_args[] = {
    SESSION_ID,
    {"directive", ARG_TEXT, ARG_IN_QUERY, 0, 0, 8000, NULL, NULL, "what is about to be done"},
    {"max_turns", ARG_INT, ARG_IN_QUERY, 0, 1, 100, "10", NULL, "relevant turns at most"},
    {"max_tokens", ARG_INT, ARG_IN_QUERY, 0, 1, 1e6, NULL, NULL, "budget for the relevant turns"},
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
};
static const struct op_arg context_search_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 100000, NULL, NULL, "what to find"},
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the session to search"},
    {"max_results", ARG_INT, ARG_IN_BODY, 0, 1, 100, "10", NULL, "results at most"},
    {"relevance_threshold", ARG_REAL, ARG_IN_BODY, 0, 0, 1, NULL, NULL, "leave out results that score less"},
    {"time_range", ARG_OBJECT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "{start, end}: only turns of that time"},
    {"as_of", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "only what was known at this time"},
    ACCESS_REASON(ARG_IN_BODY),
    MASK(ARG_IN_BODY),
};
static const struct op_arg context_summary_args[] = {
    SESSION_ID,
    {"context_summary", ARG_TEXT, ARG_IN_BODY, 0, 1, 100000, NULL, NULL, "the new summary"},
    {"summary", ARG_TEXT, ARG_IN_BODY, 0, 1, 100000, NULL, NULL, "the same under a shorter name"},
    {"key_topics", ARG_ARRAY, ARG_IN_BODY, 0, 0, 16384, NULL, NULL, "what it is about"},
};
static const struct op_arg recall_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 100000, NULL, NULL,
     "what you want to know"},
    {"session_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "only this session"},
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "only this project"},
    {"kinds", ARG_ARRAY, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "kinds of record wanted ([\"turn\"])"},
    {"max_results", ARG_INT, ARG_IN_BODY, 0, 1, 100, "10", NULL, "results at most"},
    {"max_tokens", ARG_INT, ARG_IN_BODY, 0, 1, 1e6, NULL, NULL, "budget over all results"},
    {"as_of", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "only what was known at this time"},
    ACCESS_REASON(ARG_IN_BODY),
    MASK(ARG_IN_BODY),
    {"explain", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "say what made each score, in `why`: words, meaning, neighbours and conversation add up, 1 being a turn with "
     "every "
     "word asked for and nothing else; speaker, date, answer, asking, role, recency, repeated, crowded and corrected "
     "then each "
     "multiply by 1 + their value"},
};
static const struct op_arg agent_state_args[] = {SESSION_ID, AGENT_NAME};
static const struct op_arg agent_state_put_args[] = {
    SESSION_ID,
    AGENT_NAME,
    {"state_updates", ARG_OBJECT, ARG_IN_BODY, ARG_REQUIRED, 0, MIB, NULL, NULL,
     "merged into the state, member by member; new_learned_pattern is appended to learned_patterns"},
    {"update_reason", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "why"},
};

#define OTHERS "[{conversation_id, directive:text?, summary:text?, relevance_score:real, created_at}]"
static const struct operation entries[] = {
    {"context.get", "GET", "/api/v2/sessions/{session_id}/context", NULL, NULL, ARGS(context_args), PERM_READ,
     LIMIT_CONTEXT, OP_CACHED, 200, context_get, "What a session knows, for a directive",
     "{session_id, context_summary:text?, key_topics:array, agent_states:object, recent_conversations " OTHERS
     ", relevant_conversations " OTHERS ", relevant_turns [{turn_id, conversation_id, turn_number:int, agent:text?, "
     "role:text, content:text, timestamp, relevance_score:real, injection?:object}], characters [character], props "
     "[prop], "
     "previous_conversations " OTHERS ", current_conversation_summary:text?, total_conversations:int}"},
    {"context.search", "POST", "/api/v2/sessions/{session_id}/context/search", "search", NULL,
     ARGS(context_search_args), PERM_READ, LIMIT_CONTEXT, 0, 200, context_search, "Search a session's turns",
     "{results [{conversation_id, turn_id, relevance_score:real, snippet:text, context:text?, timestamp, agent:text?, "
     "role:text, turn_number:int, corrects?:text, corrected_by?:text, folded?:int, injection?:object}], "
     "total_matches:int, "
     "search_time_ms:real}"},
    {"context.summary", "PUT", "/api/v2/sessions/{session_id}/context/summary", NULL, NULL, ARGS(context_summary_args),
     PERM_WRITE, LIMIT_CONTEXT, OP_INLINE | OP_ADDS, 200, context_summary_put,
     "Set a session's summary; the one before stays as history",
     "{session_id, summary_id, context_summary:text, archived_previous:bool, updated_at}"},
    {"recall", "POST", "/api/v2/recall", "recall", NULL, ARGS(recall_args), PERM_READ, LIMIT_CONTEXT, 0, 200,
     recall_call, "Recall what matters for a question, across all that may be read",
     "{results [{kind:text, id, score:real, content:text, conversation_id?, session_id?, project:text?, agent?:text?, "
     "role?:text?, timestamp, source:object, injection?:object, why?:object}], total_matches:int, took_ms:real}"},
    {"agent_state.show", "GET", "/api/v2/sessions/{session_id}/agents/{agent}/state", NULL, NULL,
     ARGS(agent_state_args), PERM_READ, LIMIT_CONTEXT, 0, 200, agent_state_get, "An agent's state in a session",
     "{session_id, agent:text, state:object, updated_at}"},
    {"agent_state.merge", "PUT", "/api/v2/sessions/{session_id}/agents/{agent}/state", NULL, NULL,
     ARGS(agent_state_put_args), PERM_WRITE, LIMIT_CONTEXT, OP_INLINE | OP_ADDS, 200, agent_state_put,
     "Merge into an agent's state", "{session_id, agent:text, state:object, updated_fields [text], updated_at}"},
};
const struct operation_table operations_context = TABLE_OF(entries);
