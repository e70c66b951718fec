/* The table of kinds. What: every record type with its fields, bounds, defaults and help, once. Why: tables,
 * validation, JSON, CRUD, routes and documentation all derive from it, so a new kind is one more entry
 * here and nothing else. Not here: any code that works on kinds (kind.c, record.c, ddl.c).
 *
 * An entry is self-contained: FIELDS(…) makes its array in place. A field is
 *   {name, type, flags, min, max, default as JSON, choices, help}.
 * Conventions: a read-only or fixed field only where Cairn itself must keep it true; help is one clause.
 * What the privacy gate may not touch says so (FIELD_EXACT): ids, names by which callers find things, hashes.
 * Turns are the hot path: no SQL index but the two unique ones, and the content comes last so that
 * reading the small columns never walks through it. */
#include "record/kind.h"

#define FIELDS(...)                                                                                                    \
    .fields = (const struct field[]){__VA_ARGS__},                                                                     \
    .n_fields = sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field)

/* Free text that a person or a model wrote. */
enum { PROSE = FIELD_SEARCHED };
enum { KB = 1024, MB = 1024 * 1024, NAME_MAX_LEN = 200, ID_LEN = 64 };

/* Kinds that code refers to by name stand first, at fixed places; the rest just follow. */
enum {
    AT_PROJECT,
    AT_SESSION,
    AT_CONVERSATION,
    AT_TURN,
    AT_AGENT,
    AT_AGENT_STATE,
    AT_SUMMARY,
    AT_CONTEXT_LOAD,
    AT_AGENT_LEARNING,
    AT_PROGRESS,
    AT_TOKEN,
    AT_EXPORT,
    AT_EVENT,
    AT_CHECKPOINT,
    AT_ERASURE,
    AT_TOMBSTONE,
    AT_IMPORT_FILE,
    AT_IMPORT_RUN
};

/* clang-format off */
static const struct kind table[] = {
[AT_PROJECT] = {
    .name = "project", .plural = "projects", .id_name = "slug", .flags = KIND_KEYED | KIND_ORG, .order = "id",
    .help = "A body of work whose records belong together",
    FIELDS(
        {"name", FIELD_TEXT, FIELD_SEARCHED, 0, NAME_MAX_LEN, NULL, NULL, "Name shown to people"},
        {"git_url", FIELD_TEXT, FIELD_FILTER, 0, 2 * KB, NULL, NULL, "Address of its repository"},
        {"last_sync_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was last synced"},
        {"sync_status", FIELD_ENUM, FIELD_FILTER, 0, 0, "\"active\"", "active|paused|offline", "Whether it is synced"})},

[AT_SESSION] = {
    .name = "session", .plural = "sessions", .id_prefix = "sess", .id_name = "session_id",
    .order = "created_at DESC", .help = "One user's stretch of work, holding conversations",
    FIELDS(
        {"user_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Whose session it is"},
        {"title", FIELD_TEXT, PROSE, 0, 500, NULL, NULL, "Short name"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "What it is about"},
        {"privacy_level", FIELD_ENUM, FIELD_INDEXED, 0, 0, "\"TEAM\"", "PUBLIC|TEAM|PRIVATE|EPHEMERAL", "Who may read it; EPHEMERAL: kept in memory only, never written"},
        {"status", FIELD_ENUM, FIELD_INDEXED, 0, 0, "\"active\"", "active|archived|expired", "Where it is in its life"},
        {"user_preferences", FIELD_OBJECT, 0, 0, 64 * KB,
            "{\"memory_retention_days\":30,\"context_depth\":10,\"auto_summarize\":true}", NULL, "The user's settings"},
        {"summary", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "Its current summary"},
        {"tags", FIELD_ARRAY, FIELD_SEARCHED, 0, 16 * KB, "[]", NULL, "Labels"},
        {"last_active", FIELD_TIME, FIELD_READ_ONLY, 0, 0, NULL, NULL, "Last write, recall or chat in it"},
        {"alias", FIELD_TEXT, FIELD_INDEXED | FIELD_HIDDEN | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "The caller's own name for it"},
        {"mask_due", FIELD_BOOL, FIELD_READ_ONLY | FIELD_HIDDEN, 0, 0, "false", NULL, "Its level became stricter: what is stored is to be masked anew"},
        {"erasure_requested_at", FIELD_TIME, FIELD_HIDDEN, 0, 0, NULL, NULL, "When its erasure was asked for"},
        {"key_slot", FIELD_INT, FIELD_READ_ONLY | FIELD_INDEXED | FIELD_HIDDEN, 0, 9e15, NULL, NULL, "Its key's place in the keyring"})},

[AT_CONVERSATION] = {
    .name = "conversation", .plural = "conversations", .id_prefix = "conv", .id_name = "conversation_id",
    .flags = KIND_NO_CRUD, .order = "created_at DESC", .shown = "status=active",
    .help = "A directive and the turns that follow it",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Its session"},
        {"status", FIELD_ENUM, FIELD_FILTER, 0, 0, "\"active\"", "active|completed|archived", "Where it is in its life"},
        {"turn_count", FIELD_INT, FIELD_READ_ONLY, 0, 9e15, "0", NULL, "Turns stored in it"},
        {"last_turn_at", FIELD_TIME, FIELD_READ_ONLY, 0, 0, NULL, NULL, "Time of its last turn"},
        {"content_bytes", FIELD_INT, FIELD_READ_ONLY, 0, 9e15, "0", NULL, "Bytes of its turns' texts"},
        {"summarized_turn", FIELD_INT, FIELD_READ_ONLY | FIELD_HIDDEN, 0, 9e15, "0", NULL, "Its summary ends with this turn"},
        {"turns_removed", FIELD_INT, FIELD_READ_ONLY, 0, 9e15, "0", NULL, "Turns up to this one were removed by retention, after they were summed up"},
        {"stored_at", FIELD_TIME, FIELD_READ_ONLY | FIELD_HIDDEN, 0, 0, NULL, NULL, "When its last turn was stored"},
        {"archived_with_session", FIELD_BOOL, FIELD_READ_ONLY | FIELD_HIDDEN, 0, 0, "false", NULL, "Comes back when its session is restored"},
        {"window_start", FIELD_INT, FIELD_READ_ONLY, 0, 9e15, "0", NULL, "The short-term window begins after this turn"},
        {"directive", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "What was asked for, or its title"},
        {"context_summary", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "Its current summary"},
        {"metadata", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Anything else about it"})},

[AT_TURN] = {
    .name = "turn", .plural = "turns", .id_prefix = "turn", .id_name = "turn_id", .flags = KIND_NO_CRUD,
    .unique = "conversation_id, turn_number", .order = "seq DESC", .help = "One message of a conversation",
    FIELDS(
        {"conversation_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Its conversation"},
        {"session_id", FIELD_TEXT, FIELD_READ_ONLY | FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Its conversation's session"},
        {"turn_number", FIELD_INT, FIELD_READ_ONLY, 0, 9e15, NULL, NULL, "1, 2, 3 … within its conversation, without a gap"},
        {"agent", FIELD_TEXT, FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Who spoke: an agent's or a person's name"},
        {"role", FIELD_ENUM, FIELD_FIXED | FIELD_FILTER, 0, 0, "\"user\"", "user|assistant|system|tool", "Part played in the chat"},
        {"timestamp", FIELD_TIME, FIELD_FIXED, 0, 0, NULL, NULL, "When it was said"},
        {"token_count", FIELD_INT, 0, 0, 1e9, NULL, NULL, "Its length in tokens"},
        {"content_hash", FIELD_TEXT, FIELD_READ_ONLY | FIELD_EXACT | FIELD_SEALED, 0, 64, NULL, NULL, "SHA-256 of the raw content, in hex"},
        {"metadata", FIELD_OBJECT, 0, 0, 4 * MB, "{}", NULL, "Model, temperature, response_time_ms …"},
        {"content", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | PROSE, 0, 16 * MB, NULL, NULL, "What was said"})},

[AT_AGENT] = {
    .name = "agent", .plural = "agents", .id_name = "name", .flags = KIND_KEYED | KIND_ORG, .order = "id",
    .help = "Who takes part in conversations, and how it is run",
    FIELDS(
        {"display_name", FIELD_TEXT, FIELD_SEARCHED, 0, NAME_MAX_LEN, NULL, NULL, "Name shown to people"},
        {"system_prompt", FIELD_TEXT, PROSE, 0, 256 * KB, NULL, NULL, "Its standing instructions"},
        {"enabled", FIELD_BOOL, FIELD_FILTER, 0, 0, "true", NULL, "Whether it may be used"},
        {"llm_provider", FIELD_TEXT, FIELD_FILTER, 0, NAME_MAX_LEN, NULL, NULL, "Who runs its model"},
        {"model", FIELD_TEXT, FIELD_FILTER, 0, NAME_MAX_LEN, NULL, NULL, "Its model"},
        {"temperature", FIELD_REAL, 0, 0, 2, "0.7", NULL, "Sampling temperature"},
        {"max_tokens", FIELD_INT, 0, 1, 10000000, "2048", NULL, "Most tokens of one answer"},
        {"capabilities", FIELD_ARRAY, 0, 0, 64 * KB, "[]", NULL, "What it can do"},
        {"metadata", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Anything else about it"})},

[AT_AGENT_STATE] = {
    .name = "agent_state", .plural = "agent_states", .id_prefix = "ast", .id_name = "agent_state_id",
    .flags = KIND_NO_CRUD, .unique = "session_id, agent", .order = "agent",
    .help = "What an agent has become in a session",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Its session"},
        {"agent", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "The agent's name"},
        {"state", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Traits, learned patterns, expertise, history"})},

[AT_SUMMARY] = {
    .name = "summary", .plural = "summaries", .id_prefix = "sum", .id_name = "summary_id",
    .order = "created_at DESC", .help = "A summary of a session or a conversation; earlier ones stay as history",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The session it sums up"},
        {"conversation_id", FIELD_TEXT, FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The conversation it sums up"},
        {"text", FIELD_TEXT, FIELD_REQUIRED | PROSE, 1, 256 * KB, NULL, NULL, "The summary"},
        {"key_topics", FIELD_ARRAY, FIELD_SEARCHED, 0, 64 * KB, "[]", NULL, "Main topics"},
        {"key_events", FIELD_ARRAY, 0, 0, 64 * KB, "[]", NULL, "Main events"},
        {"character_developments", FIELD_JSON, 0, 0, 256 * KB, "{}", NULL, "What changed for each character"},
        {"plot_points", FIELD_ARRAY, 0, 0, 64 * KB, "[]", NULL, "Turning points"},
        {"first_turn", FIELD_INT, 0, 0, 9e15, NULL, NULL, "First turn it covers"},
        {"last_turn", FIELD_INT, 0, 0, 9e15, NULL, NULL, "Last turn it covers"},
        {"conversation_count", FIELD_INT, 0, 0, 9e15, NULL, NULL, "Conversations it covers"},
        {"method", FIELD_ENUM, FIELD_FILTER, 0, 0, "\"given\"", "given|extractive|model",
            "Who made it: a caller, rules, or the upstream's model"})},

[AT_CONTEXT_LOAD] = {
    .name = "context_load", .plural = "context_loads", .id_prefix = "ctx", .id_name = "context_load_id",
    .flags = KIND_NO_CRUD | KIND_TRACE, .order = "seq DESC", .help = "What was recalled, for whom, with which scores",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The session that asked"},
        {"conversation_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The conversation that asked"},
        {"purpose", FIELD_ENUM, FIELD_FILTER, 0, 0, "\"recall\"", "recall|context|search|proxy|directive", "What it was for"},
        {"reader", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Who asked"},
        {"query", FIELD_TEXT, 0, 0, 64 * KB, NULL, NULL, "What was asked"},
        {"items", FIELD_ARRAY, FIELD_EXACT, 0, MB, "[]", NULL, "Each recalled record with its score"},
        {"tokens", FIELD_INT, 0, 0, 9e15, "0", NULL, "Tokens of what was given"},
        {"took_ms", FIELD_REAL, 0, 0, 1e9, NULL, NULL, "Time it took"})},

[AT_AGENT_LEARNING] = {
    .name = "agent_learning", .plural = "agent_learnings", .id_prefix = "lrn", .id_name = "agent_learning_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .unique = "session_id, agent",
    .help = "The counting behind what an agent's state has learnt",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "The session"},
        {"agent", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "The agent's name"},
        {"since", FIELD_TIME, 0, 0, 0, NULL, NULL, "Turns from before then are in the state already"},
        {"counts", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Tallies of topics and phrases"})},

[AT_PROGRESS] = {
    .name = "progress", .plural = "progress_marks", .id_name = "name",
    .flags = KIND_KEYED | KIND_ORG | KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .help = "How far background work has come",
    FIELDS(
        {"position", FIELD_INT, 0, 0, 9e15, "0", NULL, "The last turn (seq) that was seen"})},

[AT_TOKEN] = {
    .name = "token", .plural = "tokens", .id_prefix = "tok", .id_name = "token_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC, .help = "A caller's token that was given out: what it permits, never the token",
    FIELDS(
        {"org", FIELD_TEXT, FIELD_INDEXED | FIELD_FIXED | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "The organisation it is for"},
        {"permissions", FIELD_TEXT, FIELD_FIXED | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "read, write, memory, admin, with commas"},
        {"algorithm", FIELD_TEXT, FIELD_FIXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "What it was signed with"},
        {"expires_at", FIELD_TIME, FIELD_FIXED, 0, 0, NULL, NULL, "When it ends by itself"},
        {"revoked", FIELD_BOOL, FIELD_INDEXED, 0, 0, "false", NULL, "Whether it was taken back"},
        {"revoked_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was taken back"},
        {"made_by", FIELD_TEXT, FIELD_FIXED | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "The token that asked for it, or local"},
        {"note", FIELD_TEXT, FIELD_FIXED, 0, 500, NULL, NULL, "What it is for"})},
[AT_EXPORT] = {
    .name = "export", .plural = "exports", .id_prefix = "exp", .id_name = "export_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .help = "What an export is to hold; it is written when it is read",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "The session"},
        {"format", FIELD_ENUM, FIELD_REQUIRED, 0, 0, NULL, "json|jsonl|markdown", "How it is written"},
        {"include_metadata", FIELD_BOOL, 0, 0, 0, "true", NULL, "Whether metadata are in it"},
        {"include_agent_states", FIELD_BOOL, 0, 0, 0, "true", NULL, "Whether agents' states are in it"},
        {"start_time", FIELD_TIME, 0, 0, 0, NULL, NULL, "Only turns from then on"},
        {"end_time", FIELD_TIME, 0, 0, 0, NULL, NULL, "Only turns before then"},
        {"upto", FIELD_INT, 0, 0, 9e15, "0", NULL, "The last turn (seq) that is in it"})},

[AT_EVENT] = {
    .name = "event", .plural = "events", .id_prefix = "evt", .id_name = "event_id",
    .order = "created_at DESC", .shown = "status=active", .help = "Something that happened, linked to what caused it",
    FIELDS(
        {"session_id", FIELD_TEXT, FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Its session"},
        {"conversation_id", FIELD_TEXT, FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Its conversation"},
        {"effect_text", FIELD_TEXT, FIELD_REQUIRED | PROSE, 1, 64 * KB, NULL, NULL, "What happened"},
        {"cause_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The event that caused it"},
        {"relationship_text", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "How the cause led to it"},
        {"turn_id", FIELD_TEXT, FIELD_FIXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The turn that told of it"},
        {"agent", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Who told of it"},
        {"event_type", FIELD_ENUM, FIELD_FILTER, 0, 0, NULL, "problem|finding|decision|change|result|occurrence",
            "What sort of thing happened"},
        {"occurred_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it happened"},
        {"vitality", FIELD_REAL, 0, 0, 1, "1.0", NULL, "How alive the memory was at vitality_at; it fades from then on"},
        {"vitality_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was last raised or written down"},
        {"status", FIELD_ENUM, FIELD_FILTER, 0, 0, "\"active\"", "active|archived", "Archived: faded, out of lists and recall"})},

[AT_CHECKPOINT] = {
    .name = "checkpoint", .plural = "checkpoints", .id_prefix = "chk", .id_name = "checkpoint_id",
    .flags = KIND_IMMUTABLE, .order = "created_at DESC", .help = "A state of the work, kept as it was",
    FIELDS(
        {"title", FIELD_TEXT, FIELD_REQUIRED | PROSE, 1, 500, NULL, NULL, "Short name"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "What it holds"},
        {"content", FIELD_TEXT, PROSE, 0, 16 * MB, NULL, NULL, "The state itself"},
        {"session_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Session it was taken in"},
        {"git_commit", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, 64, NULL, NULL, "Commit it belongs to"},
        {"metadata", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Anything else about it"})},

[AT_ERASURE] = {
    .name = "erasure", .plural = "erasures", .id_prefix = "ers", .id_name = "erasure_id",
    .flags = KIND_NO_CRUD | KIND_NO_SYNC | KIND_TRACE, .order = "seq DESC",
    .help = "A request to erase, and the receipt of what went; never what was in it",
    FIELDS(
        {"scope", FIELD_ENUM, FIELD_REQUIRED | FIELD_FILTER, 0, 0, NULL,
            "session|conversation|turn|record|project|value|aged", "What was to be erased"},
        {"target_kind", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The kind of record"},
        {"target_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Its id; none where a value was asked for"},
        {"state", FIELD_ENUM, FIELD_INDEXED, 0, 0, "\"requested\"", "requested|erasing|erased", "How far it has come"},
        {"requested_by", FIELD_TEXT, FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Who asked for it"},
        {"reason", FIELD_TEXT, 0, 0, KB, NULL, NULL, "Why, as the caller gave it"},
        {"within", FIELD_TEXT, FIELD_HIDDEN | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The session that the conversation or turn belonged to"},
        {"since", FIELD_TIME, FIELD_HIDDEN, 0, 0, NULL, NULL, "What was made of it was made from then on"},
        {"cold_archives", FIELD_ARRAY, FIELD_HIDDEN | FIELD_EXACT, 0, MB, NULL, NULL, "Archives in cold storage that were changed for it before it was due"},
        {"key_slots", FIELD_ARRAY, FIELD_HIDDEN | FIELD_EXACT, 0, MB, NULL, NULL, "Keys of its sessions that are to be destroyed"},
        {"derived", FIELD_BOOL, FIELD_READ_ONLY | FIELD_HIDDEN, 0, 0, "false", NULL, "What was made of it is deleted too"},
        {"due_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When nothing of it may be left any more"},
        {"erased_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When nothing of it was left"},
        {"receipt", FIELD_OBJECT, FIELD_EXACT, 0, MB, NULL, NULL, "The signed receipt"})},

[AT_TOMBSTONE] = {
    .name = "tombstone", .plural = "tombstones", .id_prefix = "tomb", .id_name = "tombstone_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .help = "What an erased record leaves, so that copies learn of it",
    FIELDS(
        {"erasure_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "The erasure that took it"},
        {"erased_kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "What kind of record it was"},
        {"erased_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Its id"},
        {"erased_seq", FIELD_INT, 0, 0, 9e15, NULL, NULL, "Its number"},
        {"erased_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it went; none: it is still to go"})},

[AT_IMPORT_FILE] = {
    .name = "import_file", .plural = "import_files", .id_prefix = "impf", .id_name = "import_file_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .help = "A file of an agent's history: how far it was read",
    FIELDS(
        {"source", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Whose format it has"},
        {"file_kind", FIELD_TEXT, FIELD_EXACT, 0, ID_LEN, NULL, NULL, "What is in it"},
        {"root", FIELD_TEXT, 0, 0, 4 * KB, NULL, NULL, "The folder that was imported"},
        {"path", FIELD_TEXT, 0, 0, 4 * KB, NULL, NULL, "Its path below that"},
        {"status", FIELD_ENUM, 0, 0, 0, "\"listed\"", "read|partly|listed|left|gone|failed", "What became of it"},
        {"device", FIELD_INT, 0, 0, 0, NULL, NULL, "Where it is: the device"},
        {"inode", FIELD_INT, 0, 0, 0, NULL, NULL, "Where it is: its number there"},
        {"size", FIELD_INT, 0, 0, 0, NULL, NULL, "Its size when it was read"},
        {"modified", FIELD_INT, 0, 0, 0, NULL, NULL, "Its time of change then, in nanoseconds"},
        {"read_to", FIELD_INT, 0, 0, 0, "0", NULL, "Where the next reading begins"},
        {"last_time", FIELD_INT, 0, 0, 0, "0", NULL, "When the last turn before that was said, in milliseconds"},
        {"lines", FIELD_INT, 0, 0, 0, "0", NULL, "Lines before that"},
        {"checksum", FIELD_TEXT, FIELD_EXACT, 0, 64, NULL, NULL, "SHA-256 of so many bytes as size says, in hex"},
        {"hash_state", FIELD_TEXT, FIELD_EXACT, 0, 400, NULL, NULL, "The same where it stopped, to go on from"},
        {"anchor", FIELD_TEXT, FIELD_EXACT, 0, 64, NULL, NULL, "SHA-256 of the last bytes of that, in hex"},
        {"counts", FIELD_OBJECT, FIELD_EXACT, 0, 16 * KB, "{}", NULL, "What became of its lines up to read_to"},
        {"tail", FIELD_OBJECT, FIELD_EXACT, 0, 16 * KB, "{}", NULL, "And of those behind it"},
        {"reading", FIELD_TEXT, FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The last reading that kept its place"})},

[AT_IMPORT_RUN] = {
    .name = "import_run", .plural = "import_runs", .id_prefix = "impr", .id_name = "import_run_id",
    .flags = KIND_INTERNAL | KIND_NO_SYNC | KIND_TRACE, .help = "One import of an agent's history",
    FIELDS(
        {"source", FIELD_TEXT, FIELD_REQUIRED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Whose format"},
        {"root", FIELD_TEXT, 0, 0, 4 * KB, NULL, NULL, "The folder or file"},
        {"status", FIELD_ENUM, 0, 0, 0, "\"running\"", "running|done|stopped|failed", "How it ended"},
        {"finished_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it ended"},
        {"report", FIELD_OBJECT, FIELD_EXACT, 0, 64 * KB, "{}", NULL, "Its figures"})},

    {
    .name = "pattern", .plural = "patterns", .id_prefix = "pat", .id_name = "pattern_id",
    .order = "created_at DESC", .help = "A way of working worth using again",
    FIELDS(
        {"pattern_type", FIELD_ENUM, FIELD_REQUIRED | FIELD_INDEXED, 0, 0, NULL,
            "workflow|decision|code|error|architecture|configuration", "What sort of pattern it is"},
        {"terms", FIELD_TEXT, FIELD_HIDDEN | FIELD_EXACT | FIELD_SEALED, 0, 4 * KB, NULL, NULL, "Its words' stems, hashed, for finding it quickly"},
        {"name", FIELD_TEXT, FIELD_REQUIRED | PROSE, 1, NAME_MAX_LEN, NULL, NULL, "Short name"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "What it is and when it helps"},
        {"template", FIELD_TEXT, PROSE, 0, MB, NULL, NULL, "Text to start from"},
        {"example", FIELD_TEXT, PROSE, 0, MB, NULL, NULL, "One use of it"},
        {"variations", FIELD_ARRAY, 0, 0, 256 * KB, "[]", NULL, "Other forms of it"},
        {"category", FIELD_TEXT, FIELD_FILTER | FIELD_SEARCHED, 0, NAME_MAX_LEN, NULL, NULL, "Group it belongs to"},
        {"tags", FIELD_ARRAY, FIELD_SEARCHED, 0, 16 * KB, "[]", NULL, "Labels"},
        {"confidence", FIELD_REAL, 0, 0, 1, "0.5", NULL, "How sure it is that this is a pattern"},
        {"quality_score", FIELD_REAL, 0, 0, 1, "0", NULL, "From success, frequency and reuse: kept by Cairn"},
        {"frequency", FIELD_INT, 0, 0, 9e15, "1", NULL, "Times it was seen"},
        {"reuse_count", FIELD_INT, 0, 0, 9e15, "0", NULL, "Times it was used again"},
        {"success_rate", FIELD_REAL, 0, 0, 1, "0", NULL, "Share of uses that worked"},
        {"last_used", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was last used"},
        {"source_session_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Session it was found in"},
        {"related_patterns", FIELD_ARRAY, FIELD_EXACT, 0, 64 * KB, "[]", NULL, "Ids of patterns near it"},
        {"parent_pattern_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "What it grew out of: its text before the last change (a pattern_version), or another pattern"},
        {"text_version", FIELD_INT, 0, 1, 9e15, "1", NULL, "One more with each change of template or description"},
        {"deprecated", FIELD_BOOL, FIELD_FILTER, 0, 0, "false", NULL, "No longer advised"},
        {"deprecated_reason", FIELD_TEXT, PROSE, 0, 4 * KB, NULL, NULL, "Why it is no longer advised"},
        {"details", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "What only its type has"})},

    {
    .name = "pattern_version", .plural = "pattern_versions", .id_prefix = "patv", .id_name = "pattern_version_id",
    .flags = KIND_NO_CRUD | KIND_IMMUTABLE, .order = "seq DESC", .help = "A pattern's text as it was before a change",
    FIELDS(
        {"pattern_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "The pattern"},
        {"text_version", FIELD_INT, FIELD_FILTER, 1, 9e15, "1", NULL, "Which of its texts this is, from 1"},
        {"name", FIELD_TEXT, PROSE, 0, NAME_MAX_LEN, NULL, NULL, "Its name then"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "Its description then"},
        {"template", FIELD_TEXT, PROSE, 0, MB, NULL, NULL, "Its template then"},
        {"example", FIELD_TEXT, PROSE, 0, MB, NULL, NULL, "Its example then"},
        {"parent_pattern_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The version before it"},
        {"source_session_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Session the pattern was found in"})},

    {
    .name = "character", .plural = "characters", .id_prefix = "char", .id_name = "character_id",
    .order = "last_seen DESC", .help = "Someone who appears in a conversation",
    FIELDS(
        {"conversation_id", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Conversation it appears in"},
        {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | PROSE, 1, NAME_MAX_LEN, NULL, NULL, "Its name"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "Who it is"},
        {"personality_traits", FIELD_JSON, 0, 0, 64 * KB, "[]", NULL, "What it is like"},
        {"background", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "Where it comes from"},
        {"current_mood", FIELD_TEXT, 0, 0, 500, NULL, NULL, "How it feels now"},
        {"current_location", FIELD_TEXT, 0, 0, 500, NULL, NULL, "Where it is now"},
        {"relationships", FIELD_JSON, 0, 0, 256 * KB, "{}", NULL, "How it stands to others"},
        {"inventory", FIELD_JSON, 0, 0, 256 * KB, "[]", NULL, "What it carries"},
        {"stats", FIELD_JSON, 0, 0, 256 * KB, "{}", NULL, "Its figures"},
        {"last_seen", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it last appeared"},
        {"is_active", FIELD_BOOL, FIELD_FILTER, 0, 0, "true", NULL, "Whether it still takes part"},
        {"metadata", FIELD_OBJECT, 0, 0, MB, "{}", NULL, "Anything else about it"})},

    {
    .name = "prop", .plural = "props", .id_prefix = "prop", .id_name = "prop_id", .flags = KIND_ORG,
    .order = "usage_count DESC, name", .page = 100, .help = "A thing that can be used in conversations",
    FIELDS(
        {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_SEARCHED, 1, NAME_MAX_LEN, NULL, NULL, "Its name"},
        {"category", FIELD_TEXT, FIELD_INDEXED | FIELD_SEARCHED, 0, NAME_MAX_LEN, NULL, NULL, "Group it belongs to"},
        {"subcategory", FIELD_TEXT, FIELD_FILTER | FIELD_SEARCHED, 0, NAME_MAX_LEN, NULL, NULL, "Group within the group"},
        {"description", FIELD_TEXT, PROSE, 0, 64 * KB, NULL, NULL, "What it is"},
        {"image_path", FIELD_TEXT, 0, 0, 4 * KB, NULL, NULL, "Where its picture is"},
        {"tags", FIELD_ARRAY, FIELD_SEARCHED, 0, 16 * KB, "[]", NULL, "Labels"},
        {"rarity", FIELD_TEXT, FIELD_FILTER, 1, NAME_MAX_LEN, "\"common\"", NULL, "How rare it is"},
        {"properties", FIELD_OBJECT, 0, 0, 256 * KB, "{}", NULL, "Its qualities"},
        {"usage_count", FIELD_INT, 0, 0, 9e15, "0", NULL, "Times it was used"},
        {"last_used", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was last used"},
        {"is_favorite", FIELD_BOOL, FIELD_FILTER, 0, 0, "false", NULL, "Marked as a favourite"})},

    {
    .name = "preference", .plural = "preferences", .id_name = "key", .flags = KIND_KEYED | KIND_ORG, .order = "id",
    .help = "A setting by key",
    FIELDS(
        {"value", FIELD_JSON, FIELD_REQUIRED, 0, MB, NULL, NULL, "Any JSON value"},
        {"category", FIELD_TEXT, FIELD_FILTER, 1, NAME_MAX_LEN, "\"general\"", NULL, "Group it belongs to"},
        {"description", FIELD_TEXT, 0, 0, 64 * KB, NULL, NULL, "What it sets"})},

    {
    .name = "tag", .plural = "tags", .id_prefix = "tag", .id_name = "tag_id",
    .unique = "project, record_id, name", .order = "name", .help = "A label on a record of any kind",
    FIELDS(
        {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_SEARCHED, 1, NAME_MAX_LEN, NULL, NULL, "The label"},
        {"record_kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_FILTER | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Kind of the record"},
        {"record_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_FIXED | FIELD_INDEXED | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "Id of the record"})},

    {
    .name = "audit_entry", .plural = "audit_entries", .id_prefix = "aud", .id_name = "audit_entry_id",
    .flags = KIND_INTERNAL | KIND_IMMUTABLE | KIND_NO_SYNC | KIND_TRACE | KIND_CHAIN, .order = "seq DESC",
    .help = "Who touched what, when and why: a chain of rows (store/audit.h)",
    FIELDS(
        {"actor", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILTER | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "Who did it"},
        {"action", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILTER | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "The operation"},
        {"record_kind", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Kind of the record touched"},
        {"record_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Id of the record touched"},
        {"session", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "Id of the session it belongs to"},
        {"reason", FIELD_TEXT, 0, 0, 4 * KB, NULL, NULL, "Why, as the caller gave it, masked"},
        {"outcome", FIELD_ENUM, FIELD_FILTER | FIELD_EXACT, 0, 0, "\"ok\"", "ok|denied|failed", "How it ended"},
        {"request_id", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "The request it was part of"},
        {"door", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, ID_LEN, NULL, NULL, "By which way it came: http, unix, proxy, cli, library, internal"},
        {"peer", FIELD_TEXT, FIELD_EXACT, 0, ID_LEN, NULL, NULL, "The address it came from, or the user on this machine"},
        {"details", FIELD_OBJECT, FIELD_EXACT, 0, 64 * KB, "{}", NULL, "Ids of more records, and figures; never contents"},
        {"hash", FIELD_TEXT, FIELD_EXACT, 0, 64, NULL, NULL, "SHA-256 over the row and the hash of the one before, in hex"})},

    {
    .name = "source", .plural = "sources", .id_prefix = "src", .id_name = "source_id", .flags = KIND_NO_CRUD,
    .order = "seq DESC", .help = "Which file and line a record came from",
    FIELDS(
        {"record_kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILTER | FIELD_EXACT, 1, ID_LEN, NULL, NULL, "Kind of the record"},
        {"record_id", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | FIELD_EXACT, 1, NAME_MAX_LEN, NULL, NULL, "Id of the record"},
        {"origin", FIELD_TEXT, FIELD_FILTER | FIELD_EXACT, 0, NAME_MAX_LEN, NULL, NULL, "Program that wrote the file"},
        {"path", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED, 1, 4 * KB, NULL, NULL, "The file"},
        {"line", FIELD_INT, 0, 0, 9e15, NULL, NULL, "Line in the file, from 1"},
        {"byte_offset", FIELD_INT, 0, 0, 9e15, NULL, NULL, "Bytes before it in the file"},
        {"checksum", FIELD_TEXT, FIELD_INDEXED | FIELD_EXACT, 0, 64, NULL, NULL, "SHA-256 of the source bytes, in hex"})},
};
/* clang-format on */

const struct kind *const KIND_PROJECT = &table[AT_PROJECT];
const struct kind *const KIND_SESSION = &table[AT_SESSION];
const struct kind *const KIND_CONVERSATION = &table[AT_CONVERSATION];
const struct kind *const KIND_TURN = &table[AT_TURN];
const struct kind *const KIND_AGENT = &table[AT_AGENT];
const struct kind *const KIND_AGENT_STATE = &table[AT_AGENT_STATE];
const struct kind *const KIND_SUMMARY = &table[AT_SUMMARY];
const struct kind *const KIND_CONTEXT_LOAD = &table[AT_CONTEXT_LOAD];
const struct kind *const KIND_AGENT_LEARNING = &table[AT_AGENT_LEARNING];
const struct kind *const KIND_PROGRESS = &table[AT_PROGRESS];
const struct kind *const KIND_TOKEN = &table[AT_TOKEN];
const struct kind *const KIND_EVENT = &table[AT_EVENT];
const struct kind *const KIND_EXPORT = &table[AT_EXPORT];
const struct kind *const KIND_CHECKPOINT = &table[AT_CHECKPOINT];
const struct kind *const KIND_ERASURE = &table[AT_ERASURE];
const struct kind *const KIND_TOMBSTONE = &table[AT_TOMBSTONE];
const struct kind *const KIND_IMPORT_FILE = &table[AT_IMPORT_FILE];
const struct kind *const KIND_IMPORT_RUN = &table[AT_IMPORT_RUN];

const struct kind *kinds_all(size_t *n)
{
    *n = sizeof table / sizeof *table;
    return table;
}
