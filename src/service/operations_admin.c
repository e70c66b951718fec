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
    {"status", "GET", "/api/v2/status", "status", NULL, NULL, 0, PERM_READ, LIMIT_NONE, OP_UNAUDITED, 200, status_get,
     "State of the memory service",
     "{service:text, version:text, status:text, uptime_seconds:int, counts:object, index {lag:int}}"},
    {"stats", "GET", "/api/v1/stats", "stats", NULL, ARGS(stats_args), PERM_READ, LIMIT_NONE, OP_UNAUDITED, 200,
     stats_get, "Counts per kind, and messages of this week",
     "{conversations:int, active_conversations:int, total_messages:int, characters:int, active_characters:int, "
     "prop_items:int, agent_configs:int, enabled_agents:int, messages_this_week:int, kinds:object}"},
    {"health.memory", "GET", "/health/memory", NULL, NULL, NULL, 0, PERM_NONE, LIMIT_NONE, 0, 200, health_memory,
     "Health of store, index and memory, with a performance snapshot",
     "{status:text, database:object, memory_service:object, encryption:object, index:object, embedding_model:object, "
     "privacy {stored_masked:bool, advice:text?}, "
     "backups:object, ephemeral {sessions:int, bytes:int}, upstream:object, performance {store {count:int, "
     "p50_ms:real, p99_ms:real}, recall {count:int, "
     "p50_ms:real, "
     "p99_ms:real}}}"},
    {"backup", "POST", "/api/v2/backup", NULL, NULL, ARGS(backup_args), PERM_ADMIN, LIMIT_NONE, 0, 201, backup_make,
     "Copy the store to a file while it runs, and verify the copy",
     "{path:text, bytes:int, verified:bool, seconds:real}"},
};
const struct operation_table operations_admin = TABLE_OF(entries);
