/* All fixed SQL of the store: X(name, what it does in words for error messages, SQL). Prepared once per
 * connection, on first use. What follows from the table of kinds is made in record_sql.c. Times are
 * integer milliseconds in every dialect; parameters are ?1, ?2 … in the order of binding. */
#ifndef CAIRN_STORE_STATEMENTS_H
#define CAIRN_STORE_STATEMENTS_H

#define TURN_COLUMNS                                                                                                   \
    "t.seq, t.turn_number, t.timestamp, t.token_count, t.id, t.conversation_id, t.session_id, t.project, t.agent,"     \
    " t.role, t.content, t.metadata"

#define TURN_METADATA "opened(t.metadata, t.id, 'turn', 'metadata')"
/* Bytes that sealing has added (store/sealing.h). */
#define SEALED_MORE_OF_CONTENT                                                                                         \
    "(CASE WHEN typeof(t.content) = 'blob' AND substr(t.content, 1, 3) = x'ca125e' THEN 52 ELSE 0 END)"

#define PATTERN_COLUMNS                                                                                                \
    "p.seq, p.project, s.privacy_level, p.pattern_type, opened(p.terms, p.id, 'pattern', 'terms'), p.last_used, "      \
    "p.created_at, p.deprecated,"                                                                                      \
    " p.quality_score, p.success_rate"

/* The last turn of a conversation that may go in the next step: a thousand more, but none that was not summed up. */
#define TURNS_REMOVABLE                                                                                                \
    "CASE WHEN coalesce(summarized_turn, 0) < coalesce(turns_removed, 0) + 1000 THEN coalesce(summarized_turn, 0)"     \
    " ELSE coalesce(turns_removed, 0) + 1000 END"

#define AUDIT_COLUMNS                                                                                                  \
    "a.seq, a.id, a.created_at, a.updated_at, a.version, a.deleted_at, a.project, a.actor, a.action, a.record_kind,"   \
    " a.record_id, a.session, a.reason, a.outcome, a.request_id, a.door, a.peer, a.details, a.hash"
/* ?1 before which seq, ?2 actor, ?3 action, ?4 outcome, ?5 and ?6 time, ?7 enum audit_scope with ?8 */
#define AUDIT_WHERE                                                                                                    \
    " WHERE a.seq < ?1 AND (?2 IS NULL OR a.actor = ?2) AND (?3 IS NULL OR a.action = ?3)"                             \
    " AND (?4 IS NULL OR a.outcome = ?4) AND a.created_at >= ?5 AND a.created_at < ?6"                                 \
    " AND (?7 = 0 OR (?7 = 1 AND a.project NOT LIKE '%/%' AND a.project <> '*')"                                       \
    " OR (?7 = 2 AND substr(a.project, 1, length(?8)) = ?8) OR (?7 = 3 AND a.project = ?8))"

#define STATEMENTS(X)                                                                                                  \
    /* ---- turn_append ---- */                                                                                        \
    X(TURN_KNOWN, "look for the turn", "SELECT seq, conversation_id, turn_number, timestamp FROM turn WHERE id = ?1")  \
    X(CONVERSATION_HEAD, "find the conversation",                                                                      \
      "SELECT c.seq, c.turn_count, c.last_turn_at, c.project, c.session_id, s.seq, s.status, s.last_active,"           \
      " s.privacy_level, s.key_slot"                                                                                   \
      " FROM conversation c LEFT JOIN session s ON s.id = c.session_id AND s.deleted_at IS NULL"                       \
      " WHERE c.id = ?1 AND c.deleted_at IS NULL")                                                                     \
    X(CONVERSATION_COUNTED, "count the turn",                                                                          \
      "UPDATE conversation SET turn_count = ?2, last_turn_at = ?3, content_bytes = coalesce(content_bytes, 0) + ?4,"   \
      " stored_at = ?5 WHERE seq = ?1")                                                                                \
    X(TURN_INSERT, "store the turn",                                                                                   \
      "INSERT INTO turn (id, project, created_at, updated_at, version, conversation_id, session_id, turn_number,"      \
      " agent, role, timestamp, token_count, content_hash, metadata, content)"                                         \
      " VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                                       \
    X(SESSION_ACTIVE_SEQ, "mark the session as active",                                                                \
      "UPDATE session SET last_active = ?2 WHERE seq = ?1 AND (last_active IS NULL OR last_active < ?2)")              \
    X(SESSION_ACTIVE_ID, "mark the session as active",                                                                 \
      "UPDATE session SET last_active = ?2 WHERE id = ?1 AND (last_active IS NULL OR last_active < ?3)")               \
    X(SLOTS_LACKING, "look for sessions without a key",                                                                \
      "SELECT seq FROM session WHERE key_slot IS NULL ORDER BY seq LIMIT ?1")                                          \
    X(SLOTS_AFTER, "look at the sessions' keys",                                                                       \
      "SELECT seq, key_slot, id FROM session WHERE seq > ?1 AND key_slot IS NOT NULL AND deleted_at IS NULL ORDER BY " \
      "seq LIMIT ?2")                                                                                                  \
    X(SLOT_SET, "give a session its key", "UPDATE session SET key_slot = ?2 WHERE seq = ?1")                           \
    X(SLOTS_DROP, "take the sessions' keys", "UPDATE session SET key_slot = NULL WHERE key_slot IS NOT NULL")          \
    X(DICTIONARIES_DROP, "remove dictionaries", "DELETE FROM pack_dictionary")                                         \
    X(SLOT_LAST, "look for the last session's key", "SELECT max(key_slot) FROM session")                               \
    /* ---- reading turns ---- */                                                                                      \
    X(TURNS_PAGE, "read turns",                                                                                        \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.conversation_id = ?1 AND t.turn_number >= ?2"                       \
      " AND t.turn_number < ?3 AND t.deleted_at IS NULL ORDER BY t.turn_number")                                       \
    X(TURNS_LAST, "read the last turns",                                                                               \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.conversation_id = ?1 AND t.turn_number > ?2"                        \
      " AND t.deleted_at IS NULL ORDER BY t.turn_number DESC LIMIT ?3")                                                \
    X(TURN_BY_SEQ, "read a turn", "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq = ?1 AND t.deleted_at IS NULL")     \
    X(TURN_BY_ID, "read a turn", "SELECT " TURN_COLUMNS " FROM turn t WHERE t.id = ?1 AND t.deleted_at IS NULL")       \
    X(TURNS_AFTER, "read new turns",                                                                                   \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq > ?1 AND t.deleted_at IS NULL ORDER BY t.seq LIMIT ?2")         \
    X(TURNS_NEWEST, "read new turns",                                                                                  \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq > ?1 AND t.deleted_at IS NULL ORDER BY t.seq DESC LIMIT ?2")    \
    X(TURNS_AFTER_IN, "read new turns",                                                                                \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq > ?1 AND t.session_id = ?3"                                     \
      " AND t.deleted_at IS NULL ORDER BY t.seq LIMIT ?2")                                                             \
    X(TURNS_NEWEST_IN, "read new turns",                                                                               \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq > ?1 AND t.session_id = ?3"                                     \
      " AND t.deleted_at IS NULL ORDER BY t.seq DESC LIMIT ?2")                                                        \
    /* The inner query reads only the index (conversation_id, turn_number), which holds seq too. */                    \
    X(TURNS_AFTER_VIA, "read new turns",                                                                               \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq IN (SELECT x.seq FROM conversation c JOIN turn x"               \
      " ON x.conversation_id = c.id WHERE c.session_id = ?3 AND x.seq > ?1 ORDER BY x.seq LIMIT ?2)"                   \
      " AND t.deleted_at IS NULL ORDER BY t.seq")                                                                      \
    X(TURNS_NEWEST_VIA, "read new turns",                                                                              \
      "SELECT " TURN_COLUMNS " FROM turn t WHERE t.seq IN (SELECT x.seq FROM conversation c JOIN turn x"               \
      " ON x.conversation_id = c.id WHERE c.session_id = ?3 AND x.seq > ?1 ORDER BY x.seq DESC LIMIT ?2)"              \
      " AND t.deleted_at IS NULL ORDER BY t.seq DESC")                                                                 \
    X(TURNS_LAST_SEQ, "find the last turn", "SELECT max(seq) FROM turn")                                               \
    X(TURN_ALIVE, "look for turns", "SELECT 1 FROM turn WHERE seq = ?1 AND deleted_at IS NULL")                        \
    X(TURN_MARKS, "read turns",                                                                                        \
      "SELECT role, opened(content_hash, id, 'turn', 'content_hash') FROM turn WHERE conversation_id = ?1 AND "        \
      "turn_number BETWEEN ?2 AND ?3"                                                                                  \
      " AND deleted_at IS NULL ORDER BY turn_number")                                                                  \
    /* ---- packing ---- */                                                                                            \
    X(CONTENTS_AFTER, "read turns to pack",                                                                            \
      "SELECT seq, content, id FROM turn WHERE seq > ?1 AND created_at < ?2 AND deleted_at IS NULL ORDER BY seq "      \
      "LIMIT ?3")                                                                                                      \
    X(CONTENT_AT, "read a turn", "SELECT content FROM turn WHERE seq = ?1 AND deleted_at IS NULL")                     \
    X(CONTENT_SET, "pack a turn", "UPDATE turn SET content = ?2 WHERE seq = ?1 AND deleted_at IS NULL")                \
    X(PACKED_AFTER, "read packed turns",                                                                               \
      "SELECT seq, content, id FROM turn WHERE seq > ?1 AND typeof(content) = 'blob' ORDER BY seq LIMIT ?2")           \
    X(PACK_PLACE, "find where packing has come to",                                                                    \
      "SELECT CAST(value AS INTEGER) FROM store_meta WHERE key = 'pack_place'")                                        \
    X(PACK_PLACE_SET, "note where packing has come to",                                                                \
      "INSERT INTO store_meta (key, value) VALUES ('pack_place', ?1)"                                                  \
      " ON CONFLICT (key) DO UPDATE SET value = excluded.value")                                                       \
    X(DICTIONARY, "read a dictionary", "SELECT bytes FROM pack_dictionary WHERE id = ?1")                              \
    X(DICTIONARY_NEWEST, "read the dictionary",                                                                        \
      "SELECT bytes, turns FROM pack_dictionary WHERE turns > 0 ORDER BY turns DESC LIMIT 1")                          \
    X(DICTIONARY_ADD, "store a dictionary",                                                                            \
      "INSERT INTO pack_dictionary (id, turns, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING")                \
    /* ---- usage ---- */                                                                                              \
    X(USAGE_COUNTS, "count what belongs to the session",                                                               \
      "SELECT count(*), coalesce(sum(turn_count), 0),"                                                                 \
      " (SELECT count(*) FROM summary WHERE session_id = ?1 AND deleted_at IS NULL),"                                  \
      " (SELECT count(*) FROM event WHERE session_id = ?1 AND deleted_at IS NULL),"                                    \
      " (SELECT count(*) FROM pattern WHERE source_session_id = ?1 AND deleted_at IS NULL),"                           \
      " (SELECT count(*) FROM agent_state WHERE session_id = ?1 AND deleted_at IS NULL),"                              \
      " (SELECT count(*) FROM checkpoint WHERE session_id = ?1 AND deleted_at IS NULL),"                               \
      " (SELECT count(*) FROM context_load WHERE session_id = ?1 AND deleted_at IS NULL)"                              \
      " FROM conversation WHERE session_id = ?1 AND deleted_at IS NULL")                                               \
    /* Most turns have no metadata worth parsing. Contents may be text or (packed) bytes. */                           \
    X(USAGE_TURNS, "add up the session's turns",                                                                       \
      "SELECT s.agent, s.role, s.timestamp, s.token_count, s.bytes, s.ms IS NOT NULL, s.ms FROM (SELECT t.agent,"      \
      " t.role, t.timestamp, t.token_count, length(CAST(t.content AS BLOB)) - " SEALED_MORE_OF_CONTENT " AS bytes,"    \
      " CASE WHEN " TURN_METADATA " LIKE '%response_time_ms%'"                                                         \
      " AND json_type(" TURN_METADATA ", '$.response_time_ms') IN ('integer', 'real')"                                 \
      " THEN json_extract(" TURN_METADATA ", '$.response_time_ms') END AS ms"                                          \
      " FROM conversation c JOIN turn t ON t.conversation_id = c.id"                                                   \
      " WHERE c.session_id = ?1 AND c.deleted_at IS NULL AND t.deleted_at IS NULL) s")                                 \
    /* The inner counts walk an index alone; the newest that is too many is looked up only where there are too many.   \
     */                                                                                                                \
    X(LOADS_OVER, "look for context loads to delete",                                                                  \
      "SELECT o.session_id, (SELECT x.seq FROM context_load x WHERE x.session_id IS o.session_id"                      \
      " ORDER BY x.seq DESC LIMIT 1 OFFSET ?1) FROM (SELECT session_id, count(*) AS n FROM context_load"               \
      " GROUP BY session_id) o WHERE o.n > ?1 LIMIT ?2")                                                               \
    X(LOADS_DELETE, "delete context loads",                                                                            \
      "DELETE FROM context_load WHERE seq IN (SELECT seq FROM context_load WHERE session_id IS ?1 AND seq <= ?2"       \
      " ORDER BY seq LIMIT ?3) AND seq < (SELECT max(seq) FROM context_load)")                                         \
    /* ---- erasure ---- */                                                                                            \
    X(TOMBSTONE_ERASED, "note what was erased",                                                                        \
      "UPDATE tombstone SET erased_at = ?4, version = version + 1 WHERE erasure_id = ?1 AND erased_kind = ?2"          \
      " AND erased_seq = ?3 AND erased_at IS NULL")                                                                    \
    X(TOMBSTONE_COUNTS, "count what was erased",                                                                       \
      "SELECT erased_kind, count(*) FROM tombstone WHERE erasure_id = ?1 AND erased_at IS NOT NULL"                    \
      " GROUP BY erased_kind ORDER BY erased_kind")                                                                    \
    X(TOMBSTONE_IDS, "read what was erased",                                                                           \
      "SELECT erased_kind, erased_id FROM tombstone WHERE erasure_id = ?1 AND erased_at IS NOT NULL ORDER BY seq")     \
    X(TOMBSTONE_SAMPLE, "look for turns that a dictionary was trained from",                                           \
      "SELECT 1 FROM tombstone WHERE erasure_id = ?1 AND erased_kind = 'turn' AND erased_seq <= ?2"                    \
      " AND (erased_seq - 1) % ?3 = 0 LIMIT 1")                                                                        \
    X(DICTIONARIES, "read the dictionaries", "SELECT id, turns FROM pack_dictionary ORDER BY id")                      \
    X(DICTIONARY_RETIRE, "put a dictionary by", "UPDATE pack_dictionary SET turns = 0 WHERE id = ?1")                  \
    X(DICTIONARY_REMOVE, "remove a dictionary", "DELETE FROM pack_dictionary WHERE id = ?1")                           \
    X(DICTIONARY_USED, "look for the dictionary", "SELECT 1 FROM pack_dictionary WHERE id = ?1 AND turns > 0")         \
    X(CONTENT_UNPACK, "unpack a turn", "UPDATE turn SET content = ?2 WHERE seq = ?1 AND typeof(content) = 'blob'")     \
    X(SCRUBBED, "note that the file was cleaned",                                                                      \
      "INSERT INTO store_meta (key, value) VALUES ('scrubbed', 1)"                                                     \
      " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1")                                           \
    /* ---- conversations and sessions ---- */                                                                         \
    X(CONVERSATION_TAILS, "read the session's conversations",                                                          \
      "SELECT c.id, c.turn_count, t.role, opened(t.content_hash, t.id, 'turn', 'content_hash') FROM (SELECT id, "      \
      "turn_count, last_turn_at, created_at, seq"                                                                      \
      " FROM conversation WHERE session_id = ?1 AND deleted_at IS NULL"                                                \
      " ORDER BY coalesce(last_turn_at, created_at) DESC, seq DESC LIMIT ?2) c"                                        \
      " LEFT JOIN turn t ON t.conversation_id = c.id AND t.turn_number = c.turn_count AND t.deleted_at IS NULL"        \
      " ORDER BY coalesce(c.last_turn_at, c.created_at) DESC, c.seq DESC")                                             \
    X(SESSION_COUNTS, "count the session's turns",                                                                     \
      "SELECT count(*), coalesce(sum(turn_count), 0) FROM conversation WHERE session_id = ?1 AND deleted_at IS NULL")  \
    X(SESSION_BYTES, "count the session's bytes",                                                                      \
      "SELECT coalesce(sum(content_bytes), 0) FROM conversation WHERE deleted_at IS NULL"                              \
      " AND session_id = coalesce(?1, (SELECT session_id FROM conversation WHERE id = ?2))")                           \
    X(SESSIONS_ACTIVE, "count the user's sessions",                                                                    \
      "SELECT count(*) FROM (SELECT 1 FROM session WHERE user_id = ?1 AND status = 'active'"                           \
      " AND deleted_at IS NULL LIMIT ?2) AS s")                                                                        \
    X(SESSION_ALIAS, "find the session by its name",                                                                   \
      "SELECT seq FROM session WHERE alias = ?1 AND project = ?2 AND deleted_at IS NULL ORDER BY seq LIMIT 1")         \
    X(CONVERSATIONS_ARCHIVE, "archive the session's conversations",                                                    \
      "UPDATE conversation SET status = 'archived', archived_with_session = 1, updated_at = ?2, version = version + 1" \
      " WHERE session_id = ?1 AND status = 'active' AND deleted_at IS NULL")                                           \
    X(CONVERSATIONS_RESTORE, "restore the session's conversations",                                                    \
      "UPDATE conversation SET status = 'active', archived_with_session = 0, updated_at = ?2, version = version + 1"   \
      " WHERE session_id = ?1 AND archived_with_session = 1 AND status = 'archived' AND deleted_at IS NULL")           \
    /* ---- retention: ?1 after which seq, ?2 idle since (ms), ?3 how many ---- */                                     \
    X(AGED_ACTIVE, "look for idle sessions",                                                                           \
      "SELECT seq FROM session WHERE seq > ?1 AND status = 'active' AND coalesce(last_active, updated_at) <= ?2"       \
      " AND deleted_at IS NULL ORDER BY seq LIMIT ?3")                                                                 \
    X(AGED_ARCHIVED, "look for sessions archived long ago",                                                            \
      "SELECT seq FROM session WHERE seq > ?1 AND status = 'archived' AND coalesce(last_active, 0) <= ?2"              \
      " AND updated_at <= ?2 AND deleted_at IS NULL ORDER BY seq LIMIT ?3")                                            \
    X(AGED_EXPIRED, "look for expired sessions",                                                                       \
      "SELECT s.seq FROM session s WHERE s.seq > ?1 AND s.status = 'expired' AND s.updated_at <= ?2"                   \
      " AND s.deleted_at IS NULL AND EXISTS (SELECT 1 FROM conversation c WHERE c.session_id = s.id"                   \
      " AND c.deleted_at IS NULL) ORDER BY s.seq LIMIT ?3")                                                            \
    /* Idle by the time of arrival (stored_at) too: what was imported yesterday is not old. One whose turns are half   \
     * gone is gone on with, though its new summary has just touched it. */                                            \
    X(AGED_CONVERSATION, "look for idle conversations",                                                                \
      "SELECT c.seq FROM conversation c JOIN session s ON s.id = c.session_id WHERE c.seq > ?1"                        \
      " AND c.turn_count > coalesce(c.turns_removed, 0) AND c.deleted_at IS NULL AND s.deleted_at IS NULL"             \
      " AND s.status <> 'expired' AND c.last_turn_at <= ?2 AND (coalesce(c.stored_at, c.updated_at) <= ?2"             \
      " OR (c.turns_removed > 0 AND c.turns_removed < c.summarized_turn)) ORDER BY c.seq LIMIT ?3")                    \
    X(TURNS_REMOVED, "remove turns",                                                                                   \
      "UPDATE conversation SET turns_removed = " TURNS_REMOVABLE ", content_bytes = CASE WHEN turn_count ="            \
      " " TURNS_REMOVABLE " THEN 0 ELSE content_bytes END, version = version + 1"                                      \
      " WHERE id = ?1 AND summarized_turn > coalesce(turns_removed, 0) AND deleted_at IS NULL")                        \
    /* ---- what retention let go, put back ---- */                                                                    \
    X(TURN_TRACE, "look for the turn",                                                                                 \
      "SELECT seq, conversation_id, session_id, project, turn_number, deleted_at IS NULL AND version > 0"              \
      " FROM turn WHERE id = ?1")                                                                                      \
    X(TURN_NUMBERED, "look for the turn's number",                                                                     \
      "SELECT seq, id FROM turn WHERE conversation_id = ?1 AND turn_number = ?2")                                      \
    X(TURN_ERASED, "look whether the turn was erased",                                                                 \
      "SELECT 1 FROM tombstone t JOIN erasure e ON e.id = t.erasure_id WHERE t.erased_id = ?1"                         \
      " AND t.erased_kind = 'turn' AND e.scope <> 'aged' LIMIT 1")                                                     \
    X(TURN_RETIRE, "free the turn's number",                                                                           \
      "UPDATE turn SET id = 'gone_' || seq, conversation_id = 'gone_' || seq, turn_number = 1, version = 0"            \
      " WHERE seq = ?1")                                                                                               \
    X(TURN_DROP, "remove the turn's old row", "DELETE FROM turn WHERE seq = ?1")                                       \
    X(TURNS_BACK, "note the restored turns",                                                                           \
      "UPDATE conversation SET turns_removed = min(coalesce(turns_removed, 0), ?2),"                                   \
      " summarized_turn = min(coalesce(summarized_turn, 0), ?2), content_bytes = coalesce(content_bytes, 0) + ?3,"     \
      " stored_at = ?4, version = version + 1 WHERE id = ?1 AND deleted_at IS NULL")                                   \
    X(TURNS_LEFT, "count what is left",                                                                                \
      "SELECT summarized_turn - coalesce(turns_removed, 0) FROM conversation WHERE id = ?1 AND deleted_at IS NULL")    \
    X(CONVERSATIONS_SUMMED, "mark the conversations as summed up",                                                     \
      "UPDATE conversation SET summarized_turn = turn_count, version = version + 1 WHERE session_id = ?1"              \
      " AND turn_count > coalesce(summarized_turn, 0) AND deleted_at IS NULL")                                         \
    /* ---- patterns ---- */                                                                                           \
    X(MASK_DUE, "look for sessions to mask anew",                                                                      \
      "SELECT seq, id, privacy_level FROM session WHERE mask_due = 1 ORDER BY seq LIMIT 1")                            \
    X(TURN_VERSION, "look for changed turns", "SELECT version FROM turn WHERE seq = ?1")                               \
    X(MASK_SET, "note that a session is to be masked anew",                                                            \
      "UPDATE session SET mask_due = 1 WHERE id = ?1 AND coalesce(mask_due, 0) = 0")                                   \
    X(MASK_DONE, "note that a session is masked anew",                                                                 \
      "UPDATE session SET mask_due = 0 WHERE seq = ?1 AND privacy_level = ?2")                                         \
    X(PATTERNS_SCAN, "look through the patterns",                                                                      \
      "SELECT " PATTERN_COLUMNS " FROM pattern p LEFT JOIN session s ON s.id = p.source_session_id"                    \
      " WHERE p.deleted_at IS NULL ORDER BY p.seq DESC LIMIT ?1")                                                      \
    X(PATTERNS_ALIKE, "look for patterns alike",                                                                       \
      "SELECT " PATTERN_COLUMNS " FROM pattern p LEFT JOIN session s ON s.id = p.source_session_id"                    \
      " WHERE p.deleted_at IS NULL AND p.pattern_type = ?1 AND p.project = ?2 ORDER BY p.seq DESC LIMIT ?3")           \
    /* ---- who may read what ---- */                                                                                  \
    X(SESSION_LEVELS, "find who may read the sessions",                                                                \
      "SELECT id, project, privacy_level FROM session WHERE privacy_level IN ('PUBLIC', 'PRIVATE', 'EPHEMERAL')")      \
    X(SESSION_NEXT_PROJECT, "find the projects", "SELECT min(project) FROM session WHERE project > ?1")                \
    X(CONVERSATIONS_DUE, "look for conversations to sum up",                                                           \
      "SELECT c.seq, c.id, c.session_id FROM conversation c JOIN session s ON s.id = c.session_id"                     \
      " WHERE c.seq > ?1 AND c.last_turn_at <= ?2 AND c.turn_count >= ?3"                                              \
      " AND c.turn_count > coalesce(c.summarized_turn, 0) AND c.deleted_at IS NULL AND s.deleted_at IS NULL"           \
      " AND s.status <> 'expired' ORDER BY c.seq LIMIT ?4")                                                            \
    /* ---- the store itself ---- */                                                                                   \
    X(MIGRATION_NEWEST, "read the schema's version", "SELECT max(version) FROM schema_migration")                      \
    X(MIGRATION_ADD, "note the migration",                                                                             \
      "INSERT INTO schema_migration (version, name, applied_at) VALUES (?1, ?2, ?3)")                                  \
    X(MIGRATION_REMOVE, "note the migration", "DELETE FROM schema_migration WHERE version = ?1")                       \
    X(META_GET, "read the store's own settings", "SELECT value FROM store_meta WHERE key = ?1")                        \
    X(META_SET, "keep the store's own settings",                                                                       \
      "INSERT INTO store_meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")    \
    /* ---- what imports have met ---- */                                                                              \
    X(MET_ADD, "note what was met", "INSERT INTO import_key (key) VALUES (?1) ON CONFLICT DO NOTHING")                 \
    X(MET_HAS, "look for what was met", "SELECT 1 FROM import_key WHERE key = ?1")                                     \
    X(MET_ANY, "look for what was met", "SELECT 1 FROM import_key LIMIT 1")                                            \
    X(SAID_ADD, "note what was said",                                                                                  \
      "INSERT INTO import_said (words, time, turn, how) VALUES (?1, ?2, ?3, ?4)"                                       \
      " ON CONFLICT DO NOTHING")                                                                                       \
    X(SAID_REMOVE, "note what was said", "DELETE FROM import_said WHERE words = ?1 AND time = ?2 AND turn = ?3")       \
    X(SAID_EVER, "look for what was said",                                                                             \
      "SELECT time, turn, how FROM import_said WHERE words = ?1 ORDER BY time, turn LIMIT ?2")                         \
    X(SAID_WHEN, "look for what was said",                                                                             \
      "SELECT time, turn, how FROM import_said WHERE words = ?1 AND time = 0"                                          \
      " UNION ALL SELECT time, turn, how FROM import_said WHERE words = ?1 AND time BETWEEN ?3 AND ?4 LIMIT ?2")       \
    X(TURN_PLACE, "look for the turn",                                                                                 \
      "SELECT seq, conversation_id, turn_number, timestamp FROM turn WHERE seq = ?1 AND deleted_at IS NULL")           \
    X(TURN_PLACE_OF, "look for the turn",                                                                              \
      "SELECT seq, conversation_id, turn_number, timestamp FROM turn WHERE id = ?1 AND deleted_at IS NULL")            \
    X(PLACE_ADD, "note where a turn is told",                                                                          \
      "INSERT INTO import_place (conversation, turn, after, line)"                                                     \
      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")                                                               \
    X(PLACE_HAS, "look where a turn is told", "SELECT 1 FROM import_place WHERE conversation = ?1 AND turn = ?2")      \
    X(PLACE_MOVED, "note where a turn is told", "UPDATE import_place SET turn = ?2 WHERE turn = ?1")                   \
    X(PLACES, "look where turns are told",                                                                             \
      "SELECT p.turn, p.after, p.line FROM import_place p JOIN turn t ON t.seq = p.turn AND t.deleted_at IS NULL"      \
      " WHERE p.conversation = ?1 AND p.line >= 0 ORDER BY p.after, p.line, p.turn LIMIT ?2")                          \
    /* ---- the audit log ---- */                                                                                      \
    X(AUDIT_LAST, "read the audit log", "SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1")                 \
    X(AUDIT_LAST_CUT, "read the audit log",                                                                            \
      "SELECT details FROM audit_entry WHERE action = 'audit.cut' ORDER BY seq DESC LIMIT 1")                          \
    X(AUDIT_INSERT, "write to the audit log",                                                                          \
      "INSERT INTO audit_entry (seq, id, project, created_at, updated_at, version, actor, action, record_kind,"        \
      " record_id, session, reason, outcome, request_id, door, peer, details, hash)"                                   \
      " VALUES (?1, '', ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")                         \
    X(AUDIT_LIST, "read the audit log",                                                                                \
      "SELECT " AUDIT_COLUMNS " FROM audit_entry a" AUDIT_WHERE " ORDER BY a.seq DESC")                                \
    X(AUDIT_LIST_OF, "read the audit log",                                                                             \
      "SELECT " AUDIT_COLUMNS " FROM audit_entry a" AUDIT_WHERE " AND a.seq IN (SELECT seq FROM audit_mention"         \
      " WHERE record = ?9 UNION ALL SELECT seq FROM audit_entry WHERE seq > ?10) ORDER BY a.seq DESC")                 \
    X(AUDIT_WALK, "read the audit log",                                                                                \
      "SELECT " AUDIT_COLUMNS " FROM audit_entry a WHERE a.seq > ?1 ORDER BY a.seq LIMIT ?2")                          \
    X(AUDIT_MENTION, "file the audit log",                                                                             \
      "INSERT INTO audit_mention (record, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING")                                \
    X(AUDIT_CUT, "cut the audit log", "DELETE FROM audit_entry WHERE seq <= ?1")                                       \
    X(AUDIT_MENTION_CUT, "cut the audit log", "DELETE FROM audit_mention WHERE seq <= ?1")                             \
    /* ---- store_check: each row is one problem in words ---- */                                                      \
    X(CHECK_TURN_ORPHANS, "check the turns",                                                                           \
      "SELECT 'turn ' || t.id || ' belongs to conversation ' || t.conversation_id || ', which does not exist'"         \
      " FROM turn t LEFT JOIN conversation c ON c.id = t.conversation_id"                                              \
      " WHERE c.id IS NULL AND t.deleted_at IS NULL LIMIT 100")                                                        \
    X(CHECK_CONVERSATION_ORPHANS, "check the conversations",                                                           \
      "SELECT 'conversation ' || c.id || ' belongs to session ' || c.session_id || ', which does not exist'"           \
      " FROM conversation c LEFT JOIN session s ON s.id = c.session_id"                                                \
      " WHERE s.id IS NULL AND c.deleted_at IS NULL LIMIT 100")                                                        \
    /* Of a deleted conversation erasure may have taken some already. */                                               \
    X(CHECK_TURN_NUMBERS, "check the turn numbers",                                                                    \
      "SELECT 'conversation ' || conversation_id || ' has ' || count(*) || ' turns numbered ' || min(turn_number) ||"  \
      " ' to ' || max(turn_number) FROM turn GROUP BY conversation_id"                                                 \
      " HAVING (min(turn_number) <> 1 OR max(turn_number) <> count(*)"                                                 \
      " OR count(DISTINCT turn_number) <> count(*)) AND NOT EXISTS (SELECT 1 FROM conversation c"                      \
      " WHERE c.id = conversation_id AND c.deleted_at IS NOT NULL) LIMIT 100")                                         \
    X(CHECK_TURN_COUNTS, "check the turn counts",                                                                      \
      "SELECT 'conversation ' || c.id || ' counts ' || c.turn_count || ' turns but has ' || (SELECT count(*) FROM"     \
      " turn t WHERE t.conversation_id = c.id) FROM conversation c WHERE c.deleted_at IS NULL AND c.turn_count <>"     \
      " (SELECT count(*) FROM turn t WHERE t.conversation_id = c.id) LIMIT 100")                                       \
    X(CHECK_TURN_SESSIONS, "check the turns' sessions",                                                                \
      "SELECT 'turn ' || t.id || ' names another session than its conversation ' || t.conversation_id"                 \
      " FROM turn t JOIN conversation c ON c.id = t.conversation_id WHERE t.session_id <> c.session_id LIMIT 100")

enum statement {
#define X(id, what, sql) STMT_##id,
    STATEMENTS(X)
#undef X
        STMT_COUNT
};

#endif
