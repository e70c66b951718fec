/* Operations: events and what caused them. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg causal_args[] = {
    SESSION_ID,
    {"query", ARG_TEXT, ARG_IN_QUERY, 0, 0, 8000, NULL, NULL, "what is to be explained; without it, what came last"},
    MASK(ARG_IN_QUERY),
};

#define TOLD                                                                                                           \
    "event_id, effect_text:text, event_type:text?, cause_id, relationship_text:text?, conversation_id, turn_id, "      \
    "agent:text?, occurred_at, vitality:real"
static const struct operation entries[] = {
    {"causal.get", "GET", "/api/v2/sessions/{session_id}/causal", NULL, NULL, ARGS(causal_args), PERM_READ,
     LIMIT_CONTEXT, 0, 200, causal_get, "Why something happened in a session, told from its root cause",
     "{session_id, query:text?, causal_narrative:text?, traditional_summary:text?, agent_insights [{agent:text?, "
     "contributions [{event_id, event_type:text?, effect_text:text, place:text}], events:int}], chain [{" TOLD
     ", place:text}], events [{" TOLD ", relevance_score:real}], total_events:int}"},
    {"event.create", "POST", "/api/v1/events", NULL, NULL, NULL, 0, PERM_WRITE, LIMIT_NONE, OP_RECORD_BODY, 201,
     event_create, "Save an event; what caused it is judged where cause_id is not given", "event"},
};
const struct operation_table operations_causes = TABLE_OF(entries);
