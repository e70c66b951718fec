/* Operations: maintenance. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg maintenance_args[] = {
    {"vacuum", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "give freed room back to the disk; writes wait for it, reads do not"},
    {"cleanup_days", ARG_INT, ARG_IN_BODY, 0, 1, 36500, NULL, NULL,
     "run retention now, with these days in place of the settings"},
    {"vitality", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "write down how far events have faded"},
    {"pack", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "compress the texts of older turns now"},
    {"dry_run", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "only say what would be done"},
};

static const struct operation entries[] = {
    {"maintenance", "POST", "/api/v2/maintenance", "maintenance", NULL, ARGS(maintenance_args), PERM_ADMIN, LIMIT_NONE,
     0, 200, maintenance, "Clean up, write down vitality, pack and vacuum, one at a time",
     "{dry_run:bool, cleanup? {days:int, sessions_archived:int, sessions_expired:int, conversations_summarized:int, "
     "turns_removed:int, failed:int, more:bool}, vitality? {events_seen:int, events_written:int, events_archived:int}, "
     "pack? {turns_seen:int, turns_packed:int, bytes_before:int, bytes_after:int, more:bool}, "
     "vacuum? {bytes_before:int, bytes_after:int, seconds:real}, seconds:real}"},
};
const struct operation_table operations_maintenance = TABLE_OF(entries);
