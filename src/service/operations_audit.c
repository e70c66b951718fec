/* Operations: the audit log. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg list_args[] = {
    {"record_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL,
     "only rows that name this record: who read or changed it"},
    {"session_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only rows of this session"},
    {"actor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only what this caller did: a token's id, local, cairn"},
    {"action", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only this operation (turn.add)"},
    {"outcome", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, NULL, "ok|denied|failed", "only what ended so"},
    {"since", ARG_TIME, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "only at or after this time"},
    {"until", ARG_TIME, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "only before this time"},
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "rows at most"},
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 20, NULL, NULL, "next_cursor of the page before"},
};
static const struct op_arg verify_args[] = {
    {"expect", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL,
     "a head that was written down before: it must be in the chain"},
};

static const struct operation entries[] = {
    {"audit.list", "GET", "/api/v2/audit", "audit list", NULL, ARGS(list_args), PERM_ADMIN, LIMIT_NONE, 0, 200,
     audit_list_rows, "Who did what to which records, newest first",
     "{entries [{id:int, timestamp, project:text, actor:text, action:text, outcome:text, record_kind:text, "
     "record_id:text, session_id:text, reason:text, request_id:text, door:text, peer:text, details:object, "
     "hash:text}], "
     "next_cursor}"},
    {"audit.verify", "GET", "/api/v2/audit/verify", "audit verify", NULL, ARGS(verify_args), PERM_ADMIN, LIMIT_NONE,
     OP_LONG, 200, audit_verify, "Check the audit log's chain of hashes (the store's operator)",
     "{ok:bool, rows:int, first:int, last:int, head:text, broken? :int, problem? :text}"},
    {"audit.export", "GET", "/api/v2/audit/export", "audit export", NULL, NULL, 0, PERM_ADMIN, LIMIT_NONE,
     OP_TEXT | OP_STREAM, 200, audit_export, "Write out the whole audit log (the store's operator)",
     "application/x-ndjson: a row a line, with the hash before it and its own; the last line tells rows and head"},
};
const struct operation_table operations_audit = TABLE_OF(entries);
