/* Operations: events and what caused them. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg causal_args[] = {
    SESSION_ID,
    {"query", ARG_TEXT, ARG_IN_QUERY, 0, 0, 10000, NULL, NULL, "what is to be explained; without it, what came last"},
};

static const struct operation entries[] = {
    {"causal.get", "GET", "/api/v2/sessions/{session_id}/causal", NULL, NULL, ARGS(causal_args), PERM_READ,
     LIMIT_CONTEXT, 0, 200, causal_get, "Why something happened in a session, told from its root cause",
     "{session_id, query, causal_narrative, traditional_summary, agent_insights [{agent, contributions, events}], "
     "chain "
     "[{event_id, effect_text, event_type, cause_id, relationship_text, agent, occurred_at, vitality, place}], events "
     "[{…, relevance_score}], total_events}"},
    {"event.create", "POST", "/api/v1/events", NULL, NULL, NULL, 0, PERM_WRITE, LIMIT_NONE, OP_AUDITED | OP_RECORD_BODY,
     201, event_create, "Save an event; what caused it is judged where cause_id is not given", "event"},
};
const struct operation_table operations_causes = TABLE_OF(entries);
