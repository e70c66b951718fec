/* Operations: status, health and backup. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg stats_args[] = {
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this project"},
};
static const struct op_arg backup_args[] = {
    {"path", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL, 1, 4000, NULL, NULL,
     "file to write on the server's machine; it must not exist yet"},
};

static const struct operation entries[] = {
    {"status", "GET", "/api/v2/status", "status", NULL, NULL, 0, PERM_READ, LIMIT_NONE, 0, 200, status_get,
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
};
const struct operation_table operations_admin = TABLE_OF(entries);
