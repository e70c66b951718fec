/* Operations: masking what is stored already. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg redact_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "only what belongs to this session"},
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL,
     "only this project; where a session is named, that alone counts"},
    {"dry_run", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "only say how much would be masked"},
    {"cursor", ARG_TEXT, ARG_IN_BODY, 0, 1, 60, NULL, NULL,
     "next_cursor of the call before: it works some seconds a call"},
};

static const struct operation entries[] = {
    {"redact.stored", "POST", "/api/v2/redact", NULL, NULL, ARGS(redact_args), PERM_ADMIN, LIMIT_NONE, OP_LONG, 200,
     redact_stored, "Mask what is stored already, with index, vectors and what files have left of it",
     "{dry_run:bool, looked:int, masked:int, by_kind:object, by_type:object, next_cursor:text?}"},
};
const struct operation_table operations_redact = TABLE_OF(entries);
