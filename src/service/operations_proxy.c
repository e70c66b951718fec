/* Operations: what the proxy serves: listed here for routing's limits, permissions and docs. See operation_table.h. */
#include "service/operation_table.h"

static const struct op_arg cycle_args[] = {
    {"directive", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, MIB, NULL, NULL,
     "what is to be done"},
    {"session_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL,
     "the session, by id or by a name of your own; without one nothing is remembered"},
    {"conversation_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the conversation it goes on; else a new one"},
    {"model", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL,
     "model of all three turns; else each agent's own, else the setting upstream.model"},
    {"stream", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "answer with events as they come (text/event-stream)"},
    {"use_context", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "true", NULL, "put recalled context into the requests"},
    {"supervisor", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "agent that analyses and reviews"},
    {"executor", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "agent that does the work"},
    {"human", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "who gives the directive"},
    {"max_tokens", ARG_INT, ARG_IN_BODY, 0, 1, 1e7, NULL, NULL, "most tokens of each turn; else each agent's own"},
    {"temperature", ARG_REAL, ARG_IN_BODY, 0, 0, 2, NULL, NULL, "sampling temperature; else each agent's own"},
};

static const struct operation entries[] = {
    {"cycle", "POST", "/api/v2/cycle", NULL, NULL, ARGS(cycle_args), PERM_MEMORY, LIMIT_CHAT, OP_PROXY, 200, NULL,
     "A directive in three turns: the supervisor's analysis, the executor's work, the supervisor's review",
     "{conversation_id, session_id, directive, directive_turn_id, analysis {agent, content, turn_id, …}, work, review, "
     "memory_metadata, usage}; streamed: the events cycle.start, part.start, part.delta, part.end, cycle.end, error"},
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
     "Embeddings: of our own model where it is asked for by name (or as cairn), else by the upstream",
     "the upstream's, or {object, data, model, usage} in the same shape"},
    {"models", "GET", "/v1/models", NULL, NULL, NULL, 0, PERM_READ, LIMIT_NONE, OP_PROXY, 200, NULL,
     "The upstream's models", "the upstream's"},
};
const struct operation_table operations_proxy = TABLE_OF(entries);
