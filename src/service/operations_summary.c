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
    "{summarized:bool, reason?:text, summary_id?, session_id, conversation_id?, summary?:text, key_topics?:array, "    \
    "key_events? [text], plot_points? [text], character_developments?:object, first_turn?:int, last_turn?:int, "       \
    "conversation_count?:int, method?:text, created_at?:time}"
static const struct operation entries[] = {
    {"conversation.summarize", "POST",
     "/api/v2/conversations/{conversation_id}/summarize /api/v1/conversations/{conversation_id}/summarize", "summarize",
     NULL, ARGS(conversation_args), PERM_WRITE, LIMIT_CONVERSATIONS, 0, 200, conversation_summarize,
     "Sum up a conversation; the summary before stays as history", ANSWER},
    {"session.summarize", "POST", "/api/v2/sessions/{session_id}/summarize", NULL, NULL, ARGS(session_args), PERM_WRITE,
     LIMIT_SESSIONS, 0, 200, session_summarize, "Sum up a session from its conversations' summaries", ANSWER},
};
const struct operation_table operations_summary = TABLE_OF(entries);
