/* The functions of the operations in operations.c, by the file that holds them. */
#ifndef CAIRN_SERVICE_FEATURES_H
#define CAIRN_SERVICE_FEATURES_H

#include "service/operation.h"

/* session.c */
op_fn session_create, session_list, session_get, session_preferences;
/* session_archive.c */
op_fn session_archive, session_restore;
/* maintenance.c */
op_fn maintenance;
op_fn redact_stored;
/* the audit log */
op_fn audit_list_rows, audit_verify, audit_export;
/* conversation.c */
op_fn conversation_create, conversation_get, conversation_window;
/* session_v1.c */
op_fn session_save, session_remove;
/* conversation_end.c */
op_fn conversation_archive, conversation_remove, conversation_window_clear;
/* patterns/write.c, patterns/read.c */
op_fn pattern_create, pattern_update, pattern_used, pattern_deprecate;
op_fn pattern_search, pattern_recommend, pattern_versions;
/* tag.c, prop.c */
op_fn tag_create, prop_used;
/* find.c */
op_fn find_all, find_sessions, find_patterns;
/* turn.c */
op_fn turn_add, turn_remember;
/* history/origin.c */
op_fn turn_source;
/* context.c */
op_fn context_get, context_summary_put;
/* summarize.c */
op_fn conversation_summarize, session_summarize;
/* recall.c */
op_fn recall_call, context_search;
/* agent_state.c */
op_fn agent_state_get, agent_state_put;
/* status.c */
op_fn status_get, stats_get, health_memory;
/* token.c */
op_fn auth_token, auth_list, auth_revoke;
/* embeddings.c */
op_fn embeddings_make;
/* causal.c */
op_fn causal_get;
/* events.c */
op_fn event_create;
/* backup.c */
op_fn backup_make;

/* export_ops.c */
op_fn export_create, export_read, transcript_read, export_download;
/* outcome.c, analytics.c */
op_fn conversation_outcome, session_analytics;
/* encryption.c */
op_fn encryption_encrypt, encryption_decrypt, encryption_rekey_op;
/* forget.c */
op_fn forget, receipt_check_call;
/* cold_ops.c, cold_restore.c */
op_fn cold_list, cold_verify, cold_read_out, cold_restore;
/* person.c */
op_fn person_export;
/* import.c */
op_fn records_import;

#endif
