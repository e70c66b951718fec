/* Operations: forgetting, and its receipts. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg forget_args[] = {
    {"session", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL,
     "the id of a session that is to be forgotten, with all in it"},
    {"conversation", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the id of a conversation, with all in it"},
    {"turn", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the id of a turn"},
    {"record", ARG_TEXT, ARG_IN_BODY, 0, 1, 60, NULL, NULL, "the kind of any other record; its id follows"},
    {"id", ARG_TEXT, ARG_IN_BODY, ARG_POSITIONAL, 1, 200, NULL, NULL, "the id of that record"},
    {"value", ARG_TEXT, ARG_IN_BODY, 0, 4, 1000, NULL, NULL,
     "a person's address, number or name: every record that mentions it, and sessions whose user_id it is"},
    {"masked", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "with value: also records that hold its mask (j***@example.com), which may be another person's"},
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "a project, with all that belongs to it"},
    {"now", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "erase for good at once; else that happens after erasure.days, and until then it is only out of sight"},
    {"dry_run", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "only count what would go"},
    {"reason", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "why, for the receipt"},
};
static const struct op_arg person_args[] = {
    {"value", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 4, 1000, NULL, NULL,
     "their address, number or name: in any case of letters, as it was written"},
    {"masked", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "also records that hold its mask (j***@example.com), which may be another person's"},
};
static const struct op_arg cold_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the session's id"},
};
static const struct op_arg verify_args[] = {
    {"receipt", ARG_OBJECT, ARG_IN_BODY, ARG_REQUIRED, 0, 1.0 * MIB, NULL, NULL, "the receipt, as it was given"},
};

static const struct operation entries[] = {
    {"forget", "POST", "/api/v2/erasures", "forget", NULL, ARGS(forget_args), PERM_ADMIN, LIMIT_NONE, 0, 200, forget,
     "Forget a session, a conversation, a turn, a record, a person or a project, for good",
     "{dry_run:bool, erasure_id?, scope:text, state?:text, due_at?, records:object, records_total:int, "
     "texts_changed?:int, records_with_its_mask?:int, "
     "turns_in_cold_storage?:int, "
     "sessions? [text], receipt?:object}"},
    {"person.export", "GET", "/api/v2/people/export", "person", NULL, ARGS(person_args), PERM_ADMIN, LIMIT_ANALYTICS,
     OP_TEXT | OP_STREAM, 200, person_export,
     "Write out all that is held about a person: every record that mentions a value, its sources, its audit",
     "application/json: the export, streamed"},
    {"cold.list", "GET", "/api/v2/cold", "cold list", NULL, NULL, 0, PERM_ADMIN, LIMIT_NONE, 0, 200, cold_list,
     "List the archives in cold storage",
     "{enabled:bool, archives [{session_id, conversation_id, first:int, last:int, bytes:int, sha256:text}], "
     "bytes:int}"},
    {"cold.verify", "POST", "/api/v2/cold/verify", "cold verify", NULL, NULL, 0, PERM_ADMIN, LIMIT_NONE, 0, 200,
     cold_verify, "Read all archives in cold storage and check them",
     "{enabled:bool, damaged [{session_id, conversation_id, first:int, last:int, bytes:int, sha256:text, "
     "problem:text}], "
     "archives:int}"},
    {"cold.read", "GET", "/api/v2/cold/{session_id}", "cold read", NULL, ARGS(cold_args), PERM_ADMIN, LIMIT_ANALYTICS,
     OP_TEXT | OP_STREAM, 200, cold_read_out, "Write out a session's turns from cold storage, as JSON Lines",
     "application/x-ndjson: the export, streamed: of each archive its head, then its turns"},
    {"cold.restore", "POST", "/api/v2/cold/{session_id}/restore", "cold restore", NULL, ARGS(cold_args), PERM_ADMIN,
     LIMIT_ANALYTICS, OP_ADDS, 200, cold_restore,
     "Put a session's turns from cold storage back into their conversations; those that were erased stay away",
     "{session_id, archives:int, restored:int, known:int, erased:int, refused:int, without_conversation:int}"},
    {"receipt.verify", "POST", "/api/v2/erasures/verify", NULL, NULL, ARGS(verify_args), PERM_READ, LIMIT_NONE, 0, 200,
     receipt_check_call, "Check the signature of an erasure's receipt",
     "{genuine:bool, of_this_store:bool, problem?:text}"},
};
const struct operation_table operations_erasure = TABLE_OF(entries);
