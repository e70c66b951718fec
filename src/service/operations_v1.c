/* Operations of the v1 API that are more than CRUD. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

#define RECORD_ID                                                                                                      \
    {                                                                                                                  \
        "id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "its id"                       \
    }

static const struct op_arg session_save_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_BODY, 0, 37, 37, NULL, NULL,
     "a known id updates that session; left out, one is made"},
    PROJECT,
    {"submodule_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the project under its v1 name"},
    {"submodule_name", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "names the project where it has no record yet"},
    {"title", ARG_TEXT, ARG_IN_BODY, 0, 0, 500, NULL, NULL, "what the session is about"},
    {"description", ARG_TEXT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL, "longer than a title"},
    {"user_id", ARG_TEXT, ARG_IN_BODY, 0, 0, 200, NULL, NULL, "whose session it is"},
    {"privacy_level", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL, "PUBLIC|TEAM|PRIVATE|EPHEMERAL",
     "who may read it, and what of it is masked (privacy.default_level)"},
    {"status", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL, "active|archived|expired", "where it is in its life (active)"},
    {"user_preferences", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL, "merged into those there are"},
    {"summary", ARG_TEXT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL, "its summary"},
    {"tags", ARG_ARRAY, ARG_IN_BODY, 0, 0, 16384, NULL, NULL, "words to find it by"},
    {"timestamp", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "when it was made (now)"},
    {"conversation_json", ARG_JSON, ARG_IN_BODY, 0, 0, 64.0 * MIB, NULL, NULL,
     "messages, or conversations with messages, to be stored as conversations and turns"},
};
static const struct op_arg delete_args[] = {
    RECORD_ID,
    {"gdpr_request", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "also ask for its erasure: it is erased for good after erasure.days"},
};
#define FIND_ARGS                                                                                                      \
    {"q", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 8000, NULL, NULL, "words to find"},     \
        {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this project"},                               \
        {"submodule_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "the same under its v1 name"},                 \
    {                                                                                                                  \
        "limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "20", NULL, "results at most"                                      \
    }
static const struct op_arg find_args[] = {FIND_ARGS, ACCESS_REASON(ARG_IN_QUERY), MASK(ARG_IN_QUERY)};
static const struct op_arg find_all_args[] = {
    FIND_ARGS,
    ACCESS_REASON(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
    {"kind", ARG_TEXT, ARG_IN_QUERY, 0, 1, 400, NULL, NULL,
     "only these kinds of records, by name, separated by commas"},
};
static const struct op_arg id_args[] = {RECORD_ID};
static const struct op_arg window_args[] = {CONVERSATION_ID};

#define FOUND                                                                                                          \
    "[{kind:text, id, score:real, title:text?, snippet:text?, project:text?, submodule_id, timestamp, session_id?, "   \
    "conversation_id?, record?:object}]"

static const struct operation entries[] = {
    {"session.save", "POST", "/api/v1/sessions", NULL, NULL, ARGS(session_save_args), PERM_WRITE, LIMIT_SESSIONS,
     OP_INLINE | OP_ANY_BODY | OP_ADDS, 201, session_save,
     "Save a session with its conversations (a known session_id is updated)", "session"},
    {"session.delete", "DELETE", "/api/v1/sessions/{id}", NULL, NULL, ARGS(delete_args), PERM_WRITE, LIMIT_SESSIONS,
     OP_INLINE, 200, session_remove,
     "Delete a session and all that belongs to it (soft: out of every list and search at once)",
     "{id, session_id, deleted:bool, conversations_deleted:int, turns_deleted:int, erasure_requested:bool, "
     "erasure_id?, due_at?}"},
    {"conversation.archive", "POST", "/api/v1/conversations/{id}/archive", NULL, NULL, ARGS(id_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE, 200, conversation_archive, "Archive a conversation", "conversation"},
    {"conversation.delete", "DELETE", "/api/v1/conversations/{id}", NULL, NULL, ARGS(delete_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE, 200, conversation_remove,
     "Delete a conversation with its turns (soft: out of every list and search at once)",
     "{id, conversation_id, deleted:bool, turns_deleted:int, erasure_requested:bool, erasure_id?, due_at?}"},
    {"conversation.window.clear", "DELETE", "/api/v2/conversations/{conversation_id}/window", NULL, NULL,
     ARGS(window_args), PERM_WRITE, LIMIT_CONVERSATIONS, OP_INLINE, 200, conversation_window_clear,
     "Begin a new short-term window; deletes nothing", "{conversation_id, cleared:bool, window_start:int, updated_at}"},
    {"prop.used", "POST", "/api/v1/props/{id}/used", NULL, NULL, ARGS(id_args), PERM_WRITE, LIMIT_NONE, OP_INLINE, 200,
     prop_used, "Count a use of a prop", "prop"},
    {"find", "GET", "/api/v1/search", "find", NULL, ARGS(find_all_args), PERM_READ, LIMIT_CONTEXT, OP_LIST_V1, 200,
     find_all, "Find records of every kind, and turns, by words and meaning", FOUND},
    {"find.sessions", "GET", "/api/v1/search/sessions", NULL, NULL, ARGS(find_args), PERM_READ, LIMIT_CONTEXT,
     OP_LIST_V1, 200, find_sessions, "Find sessions by words and meaning, and by what was said in them", FOUND},
    {"find.patterns", "GET", "/api/v1/search/patterns", NULL, NULL, ARGS(find_args), PERM_READ, LIMIT_CONTEXT,
     OP_LIST_V1, 200, find_patterns, "Find patterns by words and meaning", FOUND},
};
const struct operation_table operations_v1 = TABLE_OF(entries);
