/* For the files that declare operations (operations_*.c): one file a group, each with its entries and their arguments.
 * operations.c lists the groups. An entry's members are explained in operation.h. */
#ifndef CAIRN_SERVICE_OPERATION_TABLE_H
#define CAIRN_SERVICE_OPERATION_TABLE_H

#include "service/operation.h"

struct operation_table {
    const struct operation *entries;
    size_t n;
};
#define TABLE_OF(a)                                                                                                    \
    {                                                                                                                  \
        (a), sizeof(a) / sizeof((a)[0])                                                                                \
    }

/* Arguments that many operations take. */
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
/* Reads may say why, for the audit. */
#define ACCESS_REASON(where)                                                                                           \
    {                                                                                                                  \
        "access_reason", ARG_TEXT, (where), 0, 0, 1000, NULL, NULL, "why, when records of other projects are read"     \
    }
/* Reads may ask for stricter masks than what is stored has. */
#define MASK(where)                                                                                                    \
    {                                                                                                                  \
        "mask", ARG_ENUM, (where), 0, 0, 0, NULL, "PUBLIC|TEAM|PRIVATE",                                               \
            "mask what is shown as for this level, where that is stricter"                                             \
    }
enum { MIB = 1 << 20 };

/* One a line: the list grows. */
extern const struct operation_table operations_sessions;
extern const struct operation_table operations_context;
extern const struct operation_table operations_summary;
extern const struct operation_table operations_causes;
extern const struct operation_table operations_patterns;
extern const struct operation_table operations_export;
extern const struct operation_table operations_learning;
extern const struct operation_table operations_admin;
extern const struct operation_table operations_audit;
extern const struct operation_table operations_maintenance;
extern const struct operation_table operations_redact;
extern const struct operation_table operations_encryption;
extern const struct operation_table operations_erasure;
extern const struct operation_table operations_auth;
extern const struct operation_table operations_v1;
extern const struct operation_table operations_embed;
extern const struct operation_table operations_proxy;

#endif
