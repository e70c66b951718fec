/* The table of operations. Read it as the list of what Cairn can do: what is here is routed, checked,
 * documented and, where `cli` is set, a command. CRUD on every kind is appended at start (crud_ops.c). */
#include "service/operation.h"

#include "service/crud.h"
#include "service/features.h"

#include <string.h>

#define ARGS(a) .args = (a), .n_args = sizeof(a) / sizeof((a)[0])
#define SESSION_ID                                                                                                     \
    {                                                                                                                  \
        "session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the session's id"                      \
    }
#define CONVERSATION_ID                                                                                                \
    {                                                                                                                  \
        "conversation_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL,                   \
            "the conversation's id"                                                                                    \
    }
#define AGENT_NAME                                                                                                     \
    {                                                                                                                  \
        "agent", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the agent's name"                           \
    }
#define PROJECT                                                                                                        \
    {                                                                                                                  \
        "project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the project it belongs to (default)"                 \
    }
enum { MIB = 1 << 20 };

static const struct op_arg session_create_args[] = {
    PROJECT,
    {"title", ARG_TEXT, ARG_IN_BODY, 0, 0, 500, NULL, NULL, "what the session is about"},
    {"description", ARG_TEXT, ARG_IN_BODY, 0, 0, 10000, NULL, NULL, "longer than a title"},
    {"user_id", ARG_TEXT, ARG_IN_BODY, 0, 0, 200, NULL, NULL, "whose session it is"},
    {"privacy_level", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, "\"TEAM\"", "PUBLIC|TEAM|PRIVATE|EPHEMERAL", "who may read it"},
    {"user_preferences", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL,
     "memory_retention_days, context_depth, auto_summarize and any others"},
    {"initial_context", ARG_JSON, ARG_IN_BODY, 0, 0, MIB, NULL, NULL, "text or JSON to remember from the start"},
    {"tags", ARG_ARRAY, ARG_IN_BODY, 0, 0, 16384, NULL, NULL, "words to find it by"},
};
static const struct op_arg session_list_args[] = {
    {"status", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, NULL, "active|archived|expired", "only sessions in this state"},
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only sessions of this project"},
    {"user_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this user's sessions"},
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "how many at most"},
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 400, NULL, NULL, "next_cursor of the page before"},
};
static const struct op_arg session_get_args[] = {
    {"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the session's id"},
};
static const struct op_arg session_args[] = {SESSION_ID};
static const struct op_arg preferences_args[] = {
    SESSION_ID,
    {"user_preferences", ARG_OBJECT, ARG_IN_BODY, 0, 0, 65536, NULL, NULL,
     "what to change; or give the members themselves as the body"},
    {"memory_retention_days", ARG_INT, ARG_IN_BODY, 0, 1, 36500, NULL, NULL, "days until the session is archived"},
    {"context_depth", ARG_INT, ARG_IN_BODY, 0, 0, 100, NULL, NULL, "conversations to look back"},
    {"auto_summarize", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "summarise by itself"},
};
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
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 20, NULL, NULL, "next_cursor of the page before"},
};
static const struct op_arg window_args[] = {
    CONVERSATION_ID,
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "20", NULL, "messages at most"},
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
static const struct op_arg context_args[] = {
    SESSION_ID,
    {"directive", ARG_TEXT, ARG_IN_QUERY, 0, 0, 100000, NULL, NULL, "what is about to be done"},
    {"max_turns", ARG_INT, ARG_IN_QUERY, 0, 1, 100, "10", NULL, "relevant turns at most"},
    {"max_tokens", ARG_INT, ARG_IN_QUERY, 0, 1, 1e6, NULL, NULL, "budget for the relevant turns"},
};
static const struct op_arg context_search_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 100000, NULL, NULL, "what to find"},
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the session to search"},
    {"max_results", ARG_INT, ARG_IN_BODY, 0, 1, 100, "10", NULL, "results at most"},
    {"relevance_threshold", ARG_REAL, ARG_IN_BODY, 0, 0, 1, NULL, NULL, "leave out results that score less"},
    {"time_range", ARG_OBJECT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "{start, end}: only turns of that time"},
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
    {"explain", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "say what made each score"},
};
static const struct op_arg agent_state_args[] = {SESSION_ID, AGENT_NAME};
static const struct op_arg agent_state_put_args[] = {
    SESSION_ID,
    AGENT_NAME,
    {"state_updates", ARG_OBJECT, ARG_IN_BODY, ARG_REQUIRED, 0, MIB, NULL, NULL,
     "merged into the state, member by member; new_learned_pattern is appended to learned_patterns"},
    {"update_reason", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "why"},
};
static const struct op_arg stats_args[] = {
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this project"},
};
static const struct op_arg backup_args[] = {
    {"path", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL, 1, 4000, NULL, NULL,
     "file to write on the server's machine; it must not exist yet"},
};

static const struct operation table[] = {
    {"session.create", "POST", "/api/v2/sessions", NULL, NULL, ARGS(session_create_args), PERM_WRITE, LIMIT_SESSIONS,
     OP_INLINE | OP_AUDITED, 201, session_create, "Begin a session; its default agents get their states",
     "{session_id, created_at, token, status}"},
    {"session.list", "GET", "/api/v2/sessions", NULL, NULL, ARGS(session_list_args), PERM_READ, LIMIT_SESSIONS, 0, 200,
     session_list, "List sessions, newest first", "{sessions, next_cursor, total}"},
    {"session.get", "GET", "/api/v2/sessions/{id}", NULL, NULL, ARGS(session_get_args), PERM_READ, LIMIT_SESSIONS,
     OP_INLINE, 200, session_get, "Show a session with its counts", "session with conversation_count, total_turns"},
    {"session.preferences", "PUT", "/api/v2/sessions/{session_id}/preferences", NULL, NULL, ARGS(preferences_args),
     PERM_WRITE, LIMIT_SESSIONS, OP_INLINE | OP_ANY_BODY, 200, session_preferences,
     "Merge into a session's preferences", "{session_id, updated_preferences, updated_at}"},
    {"session.archive", "POST", "/api/v2/sessions/{session_id}/archive", NULL, NULL, ARGS(session_args), PERM_WRITE,
     LIMIT_SESSIONS, OP_INLINE | OP_AUDITED, 200, session_archive, "Archive a session and its conversations",
     "{status, archived_at, conversations_archived}"},
    {"conversation.create", "POST", "/api/v2/conversations", NULL, NULL, ARGS(conversation_create_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, 0, 201, conversation_create, "Begin a conversation; answers with what is relevant to it",
     "{conversation_id, session_id, directive, created_at, status, relevant_context}"},
    {"conversation.get", "GET", "/api/v2/conversations/{conversation_id}", NULL, NULL, ARGS(conversation_get_args),
     PERM_READ, LIMIT_CONVERSATIONS, 0, 200, conversation_get, "Show a conversation with its turns, in order",
     "conversation with {turns, next_cursor}"},
    {"conversation.window", "GET", "/api/v2/conversations/{conversation_id}/window", NULL, NULL, ARGS(window_args),
     PERM_READ, LIMIT_CONVERSATIONS, 0, 200, conversation_window, "The last messages, in OpenAI's message format",
     "{conversation_id, messages}"},
    {"turn.add", "POST", "/api/v2/conversations/{conversation_id}/turns", NULL, NULL, ARGS(turn_add_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE, 201, turn_add, "Store a turn, durably before the answer",
     "{turn_id, turn_number, timestamp, stored}"},
    {"turn.remember", "POST", "/api/v2/remember", "remember", NULL, ARGS(remember_args), PERM_WRITE,
     LIMIT_CONVERSATIONS, OP_INLINE, 201, turn_remember, "Remember a text, making session and conversation as needed",
     "{turn_id, conversation_id, session_id, turn_number, timestamp, stored}"},
    {"context.get", "GET", "/api/v2/sessions/{session_id}/context", NULL, NULL, ARGS(context_args), PERM_READ,
     LIMIT_CONTEXT, 0, 200, context_get, "What a session knows, for a directive",
     "{session_id, context_summary, key_topics, agent_states, recent_conversations, relevant_conversations, "
     "relevant_turns, characters, props, previous_conversations, current_conversation_summary, total_conversations}"},
    {"context.search", "POST", "/api/v2/sessions/{session_id}/context/search", "search", NULL,
     ARGS(context_search_args), PERM_READ, LIMIT_CONTEXT, 0, 200, context_search, "Search a session's turns",
     "{results [{conversation_id, turn_id, relevance_score, snippet, context, timestamp}], total_matches, "
     "search_time_ms}"},
    {"context.summary", "PUT", "/api/v2/sessions/{session_id}/context/summary", NULL, NULL, ARGS(context_summary_args),
     PERM_WRITE, LIMIT_CONTEXT, OP_INLINE, 200, context_summary_put,
     "Set a session's summary; the one before stays as history", "{session_id, summary_id, archived, updated_at}"},
    {"recall", "POST", "/api/v2/recall", "recall", NULL, ARGS(recall_args), PERM_READ, LIMIT_CONTEXT, 0, 200,
     recall_call, "Recall what matters for a question, across all that may be read",
     "{results [{kind, id, score, content, conversation_id, session_id, agent, role, timestamp, source}], "
     "total_matches, took_ms}"},
    {"agent_state.show", "GET", "/api/v2/sessions/{session_id}/agents/{agent}/state", NULL, NULL,
     ARGS(agent_state_args), PERM_READ, LIMIT_CONTEXT, 0, 200, agent_state_get, "An agent's state in a session",
     "{session_id, agent, state, updated_at}"},
    {"agent_state.merge", "PUT", "/api/v2/sessions/{session_id}/agents/{agent}/state", NULL, NULL,
     ARGS(agent_state_put_args), PERM_WRITE, LIMIT_CONTEXT, OP_INLINE, 200, agent_state_put,
     "Merge into an agent's state", "{session_id, agent, state, updated_fields, updated_at}"},
    {"status", "GET", "/api/v2/status", NULL, NULL, NULL, 0, PERM_READ, LIMIT_NONE, 0, 200, status_get,
     "State of the memory service", "{service, version, status, uptime_seconds, counts, index}"},
    {"stats", "GET", "/api/v1/stats", "stats", NULL, ARGS(stats_args), PERM_READ, LIMIT_NONE, 0, 200, stats_get,
     "Counts per kind, and messages of this week",
     "{conversations, active_conversations, total_messages, characters, active_characters, prop_items, "
     "agent_configs, enabled_agents, messages_this_week, kinds}"},
    {"health.memory", "GET", "/health/memory", NULL, NULL, NULL, 0, PERM_NONE, LIMIT_NONE, 0, 200, health_memory,
     "Health of store, index and memory, with a performance snapshot",
     "{status, database, memory_service, encryption, index, embedding_model, upstream, performance}"},
    {"backup", "POST", "/api/v2/backup", NULL, NULL, ARGS(backup_args), PERM_ADMIN, LIMIT_NONE, OP_AUDITED, 201,
     backup_make, "Copy the store to a file while it runs, and verify the copy", "{path, bytes, verified, seconds}"},
    {"chat.completions", "POST", "/v1/chat/completions", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200,
     NULL, "Chat through the upstream, with memory where a session is named", "the upstream's"},
    {"chat.completions.v2", "POST", "/v2/chat/completions", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200,
     NULL, "The same, with memory_options, answering with memory_metadata", "the upstream's, and memory_metadata"},
    {"completions", "POST", "/v1/completions", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200, NULL,
     "Completions through the upstream", "the upstream's"},
    {"responses", "POST", "/v1/responses", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200, NULL,
     "Responses through the upstream", "the upstream's"},
    {"messages", "POST", "/v1/messages", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200, NULL,
     "Anthropic's messages through the upstream", "the upstream's"},
    {"embeddings", "POST", "/v1/embeddings", NULL, NULL, NULL, 0, PERM_MEMORY, LIMIT_NONE, OP_PROXY, 200, NULL,
     "Embeddings, by the upstream", "the upstream's"},
    {"models", "GET", "/v1/models", NULL, NULL, NULL, 0, PERM_READ, LIMIT_NONE, OP_PROXY, 200, NULL,
     "The upstream's models", "the upstream's"},
};
enum { TABLE = sizeof table / sizeof table[0] };

/* The whole table, built once at start and read-only from then on: a fact of the process. */
static struct {
    struct arena *arena;
    struct operation *all;
    size_t n;
} built;

static bool declared(const char *name)
{
    for (size_t i = 0; i < TABLE; i++) {
        if (strcmp(table[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool append_crud(const struct kind *k)
{
    struct operation ops[CRUD_OPS];
    int n = crud_operations(built.arena, k, ops);
    for (int i = 0; i < n; i++) {
        if (!declared(ops[i].name)) /* a hand-written one takes its place */
            built.all[built.n++] = ops[i];
    }
    return n >= 0;
}

enum err_code operations_init(struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    if (built.arena)
        return ERR_OK;
    built.arena = arena_new();
    if (built.arena)
        built.all = arena_array(built.arena, struct operation, TABLE + n_kinds * CRUD_OPS);
    bool ok = built.all != NULL;
    if (ok) {
        memcpy(built.all, table, sizeof table);
        built.n = TABLE;
    }
    for (size_t i = 0; ok && i < n_kinds; i++)
        ok = append_crud(&kinds[i]);
    if (ok)
        return ERR_OK;
    operations_free();
    return err_nomem(e);
}

void operations_free(void)
{
    if (built.arena)
        arena_free(built.arena);
    built.arena = NULL;
    built.all = NULL;
    built.n = 0;
}

const struct operation *operations_all(size_t *n)
{
    *n = built.n;
    return built.all;
}

const struct operation *operation_find(const char *name)
{
    for (size_t i = 0; i < built.n; i++) {
        if (strcmp(built.all[i].name, name) == 0)
            return &built.all[i];
    }
    return NULL;
}
