/* Operations: sessions, conversations and turns. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg session_create_args[] = {
    PROJECT,
    {"title", ARG_TEXT, ARG_IN_BODY, 0, 0, 500, NULL, NULL, "what the session is about"},
    {"description", ARG_TEXT, ARG_IN_BODY, 0, 0, 10000, NULL, NULL, "longer than a title"},
    {"user_id", ARG_TEXT, ARG_IN_BODY, 0, 0, 200, NULL, NULL, "whose session it is"},
    {"privacy_level", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL, "PUBLIC|TEAM|PRIVATE|EPHEMERAL",
     "who may read it, and what of it is masked (privacy.default_level)"},
    {"user_preferences", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL,
     "memory_retention_days, context_depth, auto_summarize and any others"},
    {"initial_context", ARG_JSON, ARG_IN_BODY, 0, 0, MIB, NULL, NULL, "text or JSON to remember from the start"},
    {"tags", ARG_ARRAY, ARG_IN_BODY, 0, 0, 16384, NULL, NULL, "words to find it by"},
};
static const struct op_arg session_list_args[] = {
    {"status", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, NULL, "active|archived|expired", "only sessions in this state"},
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only sessions of this project"},
    {"user_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this user's sessions"},
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "how many at most"},
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 400, NULL, NULL, "next_cursor of the page before"},
};
static const struct op_arg session_get_args[] = {
    {"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the session's id"},
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
};
static const struct op_arg preferences_args[] = {
    SESSION_ID,
    {"user_preferences", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL,
     "what to change; or give the members themselves as the body"},
    {"memory_retention_days", ARG_INT, ARG_IN_BODY, 0, 1, 36500, NULL, NULL, "days until the session is archived"},
    {"context_depth", ARG_INT, ARG_IN_BODY, 0, 0, 100, NULL, NULL, "conversations to look back"},
    {"auto_summarize", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "summarise by itself"},
};
static const struct op_arg session_args[] = {SESSION_ID};
static const struct op_arg conversation_create_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED, 1, 200, NULL, NULL, "the session it belongs to"},
    {"directive", ARG_TEXT, ARG_IN_BODY, 0, 0, 100000, NULL, NULL, "what it is about"},
    {"title", ARG_TEXT, ARG_IN_BODY, 0, 0, 100000, NULL, NULL, "the same under its other name"},
    {"metadata", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL, "anything else"},
    {"use_context", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "true", NULL, "answer with relevant earlier conversations"},
    {"context_depth", ARG_INT, ARG_IN_BODY, 0, 0, 50, "5", NULL, "how many of them at most"},
};
static const struct op_arg conversation_get_args[] = {
    CONVERSATION_ID,
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "100", NULL, "turns at most"},
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 20, NULL, NULL, "next_cursor of the page before"},
};
static const struct op_arg window_args[] = {
    CONVERSATION_ID,
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "20", NULL, "messages at most"},
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
};
static const struct op_arg turn_add_args[] = {
    CONVERSATION_ID,
    {"agent", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "who speaks; the role where not given"},
    {"role", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL, "user|assistant|system|tool",
     "what the speaker is; assistant when an agent is named, else user"},
    {"content", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED, 1, 4.0 * MIB, NULL, NULL, "what was said"},
    {"timestamp", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "when it was said (now)"},
    {"token_count", ARG_INT, ARG_IN_BODY, 0, 0, 1e9, NULL, NULL, "tokens of the content, where known"},
    {"metadata", ARG_OBJECT, ARG_IN_BODY, 0, 0, MIB, NULL, NULL, "model, temperature, response_time_ms …"},
};
static const struct op_arg remember_args[] = {
    {"text", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 4.0 * MIB, NULL, NULL,
     "what to remember (- reads standard input)"},
    {"session", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, "\"notes\"", NULL, "a session's id, or a name of your own for one"},
    {"conversation_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "append to this conversation"},
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the project (default)"},
    {"agent", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "who says it (the role)"},
    {"role", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, "\"user\"", "user|assistant|system|tool", "what the speaker is"},
    {"timestamp", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "when it was said (now)"},
    {"metadata", ARG_OBJECT, ARG_IN_BODY, 0, 0, MIB, NULL, NULL, "anything else, as JSON"},
};

static const struct operation entries[] = {
    {"session.create", "POST", "/api/v2/sessions", NULL, NULL, ARGS(session_create_args), PERM_WRITE, LIMIT_SESSIONS,
     OP_INLINE | OP_ADDS, 201, session_create, "Begin a session; its default agents get their states",
     "{session_id, created_at, token:text?, status:text}"},
    {"session.list", "GET", "/api/v2/sessions", NULL, NULL, ARGS(session_list_args), PERM_READ, LIMIT_SESSIONS, 0, 200,
     session_list, "List sessions, newest first",
     "{sessions [session with {conversation_count:int, total_turns:int}], next_cursor, total:int}"},
    {"session.get", "GET", "/api/v2/sessions/{id}", NULL, NULL, ARGS(session_get_args), PERM_READ, LIMIT_SESSIONS,
     OP_INLINE | OP_CACHED | OP_SHOWS_ACTIVE, 200, session_get, "Show a session with its counts",
     "session with {conversation_count:int, total_turns:int}"},
    {"session.preferences", "PUT", "/api/v2/sessions/{session_id}/preferences", NULL, NULL, ARGS(preferences_args),
     PERM_WRITE, LIMIT_SESSIONS, OP_INLINE | OP_ANY_BODY, 200, session_preferences,
     "Merge into a session's preferences", "{session_id, updated_preferences:object, updated_at}"},
    {"session.archive", "POST", "/api/v2/sessions/{session_id}/archive /api/v1/sessions/{session_id}/archive",
     "session archive", NULL, ARGS(session_args), PERM_WRITE, LIMIT_SESSIONS, 0, 200, session_archive,
     "Archive a session and its conversations, with a checkpoint of its state",
     "{session_id, status:text, archived_at, conversations_archived:int, checkpoint_id:text?}"},
    {"session.restore", "POST", "/api/v2/sessions/{session_id}/restore /api/v1/sessions/{session_id}/restore",
     "session restore", NULL, ARGS(session_args), PERM_WRITE, LIMIT_SESSIONS, OP_INLINE, 200, session_restore,
     "Make an archived session active again, with the conversations that were archived with it",
     "{session_id, status:text, restored_at, conversations_restored:int}"},
    {"conversation.create", "POST", "/api/v2/conversations", NULL, NULL, ARGS(conversation_create_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_ADDS, 201, conversation_create,
     "Begin a conversation; answers with what is relevant to it",
     "{conversation_id, session_id, directive:text?, created_at, status:text, relevant_context [{conversation_id, "
     "relevance_score:real, summary:text?}]}"},
    {"conversation.get", "GET", "/api/v2/conversations/{conversation_id}", NULL, NULL, ARGS(conversation_get_args),
     PERM_READ, LIMIT_CONVERSATIONS, 0, 200, conversation_get, "Show a conversation with its turns, in order",
     "conversation with {turns [{turn_id, turn_number:int, agent:text?, role:text, content:text, timestamp, "
     "token_count:int?, metadata:object}], next_cursor}"},
    {"conversation.window", "GET", "/api/v2/conversations/{conversation_id}/window", NULL, NULL, ARGS(window_args),
     PERM_READ, LIMIT_CONVERSATIONS, 0, 200, conversation_window, "The last messages, in OpenAI's message format",
     "{conversation_id, messages [{role:text, content:text}]}"},
    {"turn.add", "POST", "/api/v2/conversations/{conversation_id}/turns", NULL, NULL, ARGS(turn_add_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE | OP_ADDS, 201, turn_add, "Store a turn, durably before the answer",
     "{turn_id, turn_number:int, timestamp, stored:bool}"},
    {"turn.remember", "POST", "/api/v2/remember", "remember", NULL, ARGS(remember_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE | OP_ADDS, 201, turn_remember,
     "Remember a text, making session and conversation as needed",
     "{turn_id, conversation_id, session_id, turn_number:int, timestamp, stored:bool}"},
};
const struct operation_table operations_sessions = TABLE_OF(entries);
