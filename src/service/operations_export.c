/* Operations: exports, and reading them in again. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

/* clang-format off */
#define EXPORT_ARGS(where) \
    {"format", ARG_ENUM, where, 0, 0, 0, "\"json\"", "json|jsonl|markdown|md|claude-code", "json and jsonl can be imported again; claude-code is a transcript that it opens"}, \
    {"include_metadata", ARG_BOOL, where, 0, 0, 0, "true", NULL, "with turns' and conversations' metadata"}, \
    {"include_agent_states", ARG_BOOL, where, 0, 0, 0, "true", NULL, "with the agents' states"}, \
    {"time_range", ARG_OBJECT, where, 0, 0, 1000, NULL, NULL, "{start, end}: only turns of that time"}
/* clang-format on */

static const struct op_arg create_args[] = {SESSION_ID, EXPORT_ARGS(ARG_IN_BODY)};
static const struct op_arg read_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the session's id"},
    EXPORT_ARGS(ARG_IN_QUERY),
    MASK(ARG_IN_QUERY),
};
static const struct op_arg transcript_args[] = {
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL,
     "the session's id, or the one that its tool gave it"},
    MASK(ARG_IN_QUERY),
};
static const struct op_arg download_args[] = {
    {"export_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the export's id"},
    MASK(ARG_IN_QUERY),
};
static const struct op_arg import_args[] = {
    {"records", ARG_ARRAY, ARG_IN_BODY, ARG_REQUIRED, 0, 8.0 * MIB, NULL, NULL,
     "records of an export, in its order: lines of jsonl, at most 1,000 a call"},
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "put them into this project instead of their own"},
};

static const struct op_arg source_args[] = {
    {"turn_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the turn's id"},
};

static const struct operation entries[] = {
    {"session.export", "POST", "/api/v2/sessions/{session_id}/export", NULL, NULL, ARGS(create_args), PERM_READ,
     LIMIT_ANALYTICS, 0, 201, export_create, "Make an export of a session, to be downloaded",
     "{export_id, status:text, format:text, download_url:text, created_at}"},
    {"export.download", "GET", "/api/v2/exports/{export_id}/download", NULL, NULL, ARGS(download_args), PERM_READ,
     LIMIT_ANALYTICS, OP_TEXT | OP_STREAM, 200, export_download, "Download an export",
     "application/json application/x-ndjson text/markdown: the export, streamed"},
    {"session.export_now", "GET", "/api/v2/sessions/{session_id}/export", "export", NULL, ARGS(read_args), PERM_READ,
     LIMIT_ANALYTICS, OP_TEXT | OP_STREAM, 200, export_read, "Write out all that is held about a session",
     "application/json application/x-ndjson text/markdown: the export, streamed"},
    {"session.transcript", "GET", "/api/v2/sessions/{session_id}/transcript", "restore-session", NULL,
     ARGS(transcript_args), PERM_READ, LIMIT_ANALYTICS, OP_TEXT | OP_STREAM, 200, transcript_read,
     "Write a session back as a transcript that Claude Code opens", "application/x-ndjson: the transcript, streamed"},
    {"records.import", "POST", "/api/v2/import", NULL, NULL, ARGS(import_args), PERM_WRITE, LIMIT_NONE, OP_ADDS, 200,
     records_import, "Take in records of an export; what is there already is left as it is",
     "{imported:int, known:int, refused [{record:int, kind:text, id, reason:text}], refused_count:int}"},
    {"turn.source", "GET", "/api/v2/turns/{turn_id}/source", NULL, NULL, ARGS(source_args), PERM_READ, LIMIT_NONE, 0,
     200, turn_source, "Which file and line of an agent's history a turn was imported from",
     "{turn_id, imported:bool, origin?:text, path?:text, entry?:text, line?:int, byte_offset?:int, bytes?:int, "
     "content_hash:text}"},
};
const struct operation_table operations_export = TABLE_OF(entries);
