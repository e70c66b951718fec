/* Operations: what the proxy serves: listed here for routing's limits, permissions and docs. See operation_table.h. */
#include "service/operation_table.h"

static const struct operation entries[] = {
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
const struct operation_table operations_proxy = TABLE_OF(entries);
