/* Operations: summing up. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

#define FORCE                                                                                                          \
    {                                                                                                                  \
        "force", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "also when there are fewer than five turns"            \
    }
static const struct op_arg conversation_args[] = {CONVERSATION_ID, FORCE};
static const struct op_arg session_args[] = {SESSION_ID, FORCE};

#define ANSWER                                                                                                         \
    "{summarized, summary_id, summary, key_topics, key_events, character_developments, plot_points, method, "          \
    "created_at}, or {summarized: false, reason}"
static const struct operation entries[] = {
    {"conversation.summarize", "POST",
     "/api/v2/conversations/{conversation_id}/summarize /api/v1/conversations/{conversation_id}/summarize", "summarize",
     NULL, ARGS(conversation_args), PERM_WRITE, LIMIT_CONVERSATIONS, 0, 200, conversation_summarize,
     "Sum up a conversation; the summary before stays as history", ANSWER},
    {"session.summarize", "POST", "/api/v2/sessions/{session_id}/summarize", NULL, NULL, ARGS(session_args), PERM_WRITE,
     LIMIT_SESSIONS, 0, 200, session_summarize, "Sum up a session from its conversations' summaries", ANSWER},
};
const struct operation_table operations_summary = TABLE_OF(entries);
