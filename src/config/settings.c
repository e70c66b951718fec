/* The table of settings. A new setting is one entry; docs/configuration.md, flags and checks come from it. */
#include "config/config_int.h"

/* {name, type, flags, min, max, default, choices, variable, flag, help} */
static const struct setting table[] = {
    {"server.listen", SETTING_TEXT, SETTING_SERVE, 3, 300, "127.0.0.1:5111", NULL, "CAIRN_LISTEN", "listen",
     "HOST:PORT to listen on; port 0: any"},
    {"server.workers", SETTING_INT, 0, 1, 64, "8", NULL, NULL, NULL, "threads for operations that take time"},
    {"server.max_connections", SETTING_INT, 0, 1, 60000, "4096", NULL, NULL, NULL, "connections at the same time"},
    {"server.slow_seconds", SETTING_INT, 0, 1, 3600, "30", NULL, NULL, NULL,
     "seconds in which a whole request must have come"},
    {"server.head_seconds", SETTING_INT, 0, 1, 3600, "8", NULL, NULL, NULL,
     "seconds in which a request's headers must have come"},
    {"server.idle_seconds", SETTING_INT, 0, 1, 3600, "75", NULL, NULL, NULL, "seconds an idle connection is kept"},
    {"server.max_body", SETTING_INT, 0, 1024, 1 << 30, "8388608", NULL, NULL, NULL,
     "bytes of a request's body, for all but the proxied routes"},
    {"server.max_proxy_body", SETTING_INT, 0, 1024, 1 << 30, "33554432", NULL, NULL, NULL,
     "bytes of a request's body on the proxied routes"},
    {"server.cors_origins", SETTING_TEXT, 0, 1, 4000, NULL, NULL, NULL, NULL,
     "origins of pages that may talk to this server, with commas between; * for all, null for pages from a file"},
    {"server.hosts", SETTING_TEXT, 0, 1, 4000, NULL, NULL, NULL, NULL,
     "names, besides localhost, under which this server answers, with commas between"},
    {"server.log_level", SETTING_ENUM, SETTING_SERVE, 0, 0, "info", "debug|info|warn|error|off", "CAIRN_LOG_LEVEL",
     "log_level", "how much is logged"},
    {"upstream.url", SETTING_TEXT, SETTING_SERVE, 1, 2000, NULL, NULL, "CAIRN_UPSTREAM_URL", "upstream",
     "URL of the model's server, such as https://api.openai.com/v1"},
    {"upstream.key", SETTING_TEXT, SETTING_SECRET, 1, 2000, NULL, NULL, "CAIRN_UPSTREAM_KEY|OPENAI_API_KEY", NULL,
     "key for the model's server; without one the callers' own are passed on"},
    {"upstream.model", SETTING_TEXT, 0, 1, 200, NULL, NULL, NULL, NULL,
     "model for Cairn's own requests (summaries, causes, the three-turn cycle); without one they work by rules"},
    {"upstream.connect_seconds", SETTING_INT, SETTING_SERVE, 1, 3600, "30", NULL, "CAIRN_CONNECT_TIMEOUT",
     "connect_timeout", "seconds to reach the upstream"},
    {"upstream.total_seconds", SETTING_INT, SETTING_SERVE, 1, 86400, "600", NULL, "CAIRN_TOTAL_TIMEOUT",
     "total_timeout", "seconds for an upstream's whole answer"},
    {"memory.deadline_ms", SETTING_INT, SETTING_SERVE, 1, 60000, "250", NULL, "CAIRN_MEMORY_DEADLINE",
     "memory_deadline", "milliseconds after which a chat goes on without memory"},
    {"memory.tokens", SETTING_INT, SETTING_SERVE, 50, 1e6, "1500", NULL, "CAIRN_MEMORY_TOKENS", "memory_tokens",
     "budget of what memory adds to a chat"},
    {"encryption.key", SETTING_TEXT, SETTING_SECRET, 1, 200, NULL, NULL, "CAIRN_KEY", NULL,
     "key that the data is encrypted with: 32 bytes as 64 hex digits or in base64; from the environment only"},
    {"encryption.key_file", SETTING_TEXT, 0, 1, 4000, NULL, NULL, "CAIRN_KEY_FILE", NULL,
     "file that holds that key; it must be its owner's alone (chmod 600)"},
    {"encryption.passphrase", SETTING_TEXT, SETTING_SECRET, 1, 1000, NULL, NULL, "CAIRN_PASSPHRASE", NULL,
     "passphrase instead of a key, of at least 8 characters; from the environment only"},
    {"store.pack_after_days", SETTING_INT, 0, -1, 36500, "7", NULL, NULL, NULL,
     "days after which a turn's text is kept compressed where that pays; -1: never"},
    {"privacy.ephemeral_bytes", SETTING_INT, 0, 4 << 20, 1e12, "67108864", NULL, NULL, NULL,
     "memory for EPHEMERAL sessions, which are never written"},
    {"privacy.ephemeral_minutes", SETTING_INT, 0, 0, 525600, "1440", NULL, NULL, NULL,
     "minutes without use after which an EPHEMERAL session ends; 0: only with the server"},
    {"privacy.audit_enabled", SETTING_BOOL, 0, 0, 0, "true", NULL, NULL, NULL,
     "note who reads and writes which records in the audit log"},
    {"audit.keep_days", SETTING_INT, 0, 0, 36500, "2557", NULL, NULL, NULL,
     "days for which rows of the audit log are kept (seven years); 0: for ever"},
    {"backup.every_hours", SETTING_INT, 0, 0, 8760, "0", NULL, NULL, NULL,
     "hours between two backups that the server makes by itself; 0: none"},
    {"backup.folder", SETTING_TEXT, 0, 1, 3000, NULL, NULL, NULL, NULL,
     "folder of these backups, absolute or within the data folder (backups)"},
    {"backup.keep", SETTING_INT, 0, 1, 1000, "7", NULL, NULL, NULL, "how many of the newest backups are kept"},
    {"backup.keep_days", SETTING_INT, 0, 0, 3650, "30", NULL, NULL, NULL,
     "days for which the newest backup of each day is kept as well"},
    {"retention.conversation_days", SETTING_INT, 0, 0, 36500, "90", NULL, NULL, NULL,
     "days without use after which a conversation's turns go, once they are summed up; 0: never"},
    {"retention.expire_days", SETTING_INT, 0, 0, 36500, "90", NULL, NULL, NULL,
     "days after which an archived session expires and keeps only its summary; 0: never"},
    {"erasure.days", SETTING_INT, 0, 0, 36500, "30", NULL, NULL, NULL,
     "days after which what was deleted is erased for good; 0: as soon as may be"},
    {"cold.folder", SETTING_TEXT, 0, 1, 3000, NULL, NULL, NULL, NULL,
     "folder in which turns are archived before retention lets them go, absolute or within the data folder; without one"
     " (or cold.bucket) they are not kept"},
    {"cold.bucket", SETTING_TEXT, 0, 3, 63, NULL, NULL, NULL, NULL,
     "bucket of an S3-compatible server in which they are archived instead"},
    {"cold.endpoint", SETTING_TEXT, 0, 1, 2000, NULL, NULL, NULL, NULL,
     "address of that server: https, or http on this machine"},
    {"cold.region", SETTING_TEXT, 0, 1, 64, "us-east-1", NULL, NULL, NULL, "region of the bucket"},
    {"cold.prefix", SETTING_TEXT, 0, 1, 500, NULL, NULL, NULL, NULL,
     "what the names of its objects begin with, such as cairn/work"},
    {"cold.path_style", SETTING_BOOL, 0, 0, 0, "true", NULL, NULL, NULL,
     "the bucket's name is in the path of an address; false: it is part of the server's name"},
    {"cold.seconds", SETTING_INT, 0, 1, 3600, "60", NULL, NULL, NULL, "seconds that server has for a request"},
    {"cold.key_id", SETTING_TEXT, SETTING_SECRET | SETTING_PRIVATE, 1, 200, NULL, NULL, NULL, NULL,
     "id of the access key for that server"},
    {"cold.key", SETTING_TEXT, SETTING_SECRET | SETTING_PRIVATE, 1, 200, NULL, NULL, NULL, NULL,
     "the access key itself"},
    {"cold.session_token", SETTING_TEXT, SETTING_SECRET | SETTING_PRIVATE, 1, 4000, NULL, NULL, NULL, NULL,
     "token that goes with a key of limited time"},
    {"cold.key_file", SETTING_TEXT, 0, 1, 4000, NULL, NULL, NULL, NULL,
     "file that holds key_id and key, a line each, instead; it must be its owner's alone (chmod 600)"},
    {"cache.bytes", SETTING_INT, 0, 0, 4e9, "4194304", NULL, NULL, NULL,
     "memory for answers that are kept until what they depend on is written"},
    {"limits.enabled", SETTING_ENUM, 0, 0, 0, "auto", "auto|on|off", NULL, NULL,
     "limits on requests a minute; auto: where callers need a token"},
    {"limits.sessions_per_minute", SETTING_INT, 0, 1, 60000, "10", NULL, NULL, NULL,
     "session management: requests a minute and session"},
    {"limits.conversations_per_minute", SETTING_INT, 0, 1, 60000, "30", NULL, NULL, NULL,
     "conversations and turns: requests a minute and session"},
    {"limits.context_per_minute", SETTING_INT, 0, 1, 60000, "50", NULL, NULL, NULL,
     "context and recall: requests a minute and session"},
    {"limits.chat_per_minute", SETTING_INT, 0, 1, 60000, "20", NULL, NULL, NULL,
     "chats through the proxy: requests a minute and session"},
    {"limits.analytics_per_minute", SETTING_INT, 0, 1, 60000, "5", NULL, NULL, NULL,
     "analytics: requests a minute and session"},
    {"limits.max_sessions_per_user", SETTING_INT, 0, 0, 1e6, "0", NULL, "CAIRN_MAX_SESSIONS_PER_USER", NULL,
     "active sessions of one user_id; 0: no limit"},
    {"limits.session_bytes", SETTING_INT, 0, 0, 1e15, "0", NULL, NULL, NULL,
     "most bytes of texts in one session; 0: no bound"},
    {"limits.store_bytes", SETTING_INT, 0, 0, 1e15, "0", NULL, NULL, NULL,
     "bytes of the store above which nothing more is taken in; 0: no limit"},
    {"auth.enabled", SETTING_BOOL, SETTING_SERVE, 0, 0, "false", NULL, "CAIRN_AUTH", "auth",
     "whether callers over TCP must show a token (cairn auth token makes one)"},
    {"auth.algorithms", SETTING_TEXT, 0, 5, 40, "HS256,EdDSA", NULL, NULL, NULL,
     "how tokens may be signed: HS256, EdDSA or both"},
    {"server.tls_cert", SETTING_TEXT, SETTING_SERVE, 1, 4000, NULL, NULL, "CAIRN_TLS_CERT", "tls_cert",
     "file with the certificate (and those between it and its authority), PEM; makes the server speak HTTPS"},
    {"server.tls_key", SETTING_TEXT, SETTING_SERVE, 1, 4000, NULL, NULL, "CAIRN_TLS_KEY", "tls_key",
     "file with the certificate's private key, PEM"},
    {"privacy.default_level", SETTING_ENUM, 0, 0, 0, "TEAM", "PUBLIC|TEAM|PRIVATE", NULL, NULL,
     "level of sessions that name none: what is masked in them before it is stored (EPHEMERAL must be asked for)"},
    {"privacy.auto_redact", SETTING_BOOL, 0, 0, 0, "true", NULL, NULL, NULL,
     "whether what must not leak is masked before anything is stored"},
    {"privacy.pii_types_to_detect", SETTING_TEXT, SETTING_LIST, 1, 4000, NULL, NULL, NULL, NULL,
     "types that are looked for, such as email, phone; not set: all"},
    {"privacy.redaction_char", SETTING_TEXT, 0, 1, 4, "*", NULL, NULL, NULL,
     "what masks are made of: * # ~ or a symbol beyond ASCII"},
    {"privacy.preserve_format", SETTING_BOOL, 0, 0, 0, "true", NULL, NULL, NULL,
     "masks keep the form, h***@example.com; false: [EMAIL]"},
    {"privacy.stable", SETTING_BOOL, 0, 0, 0, "false", NULL, NULL, NULL,
     "masks carry a tag that is the same wherever the same value stood, so that mentions still belong together"},
    {"privacy.allow", SETTING_TEXT, SETTING_LIST, 1, 4000, NULL, NULL, NULL, NULL,
     "values that are no secret, such as support@example.com, *@example.org"},
    {"privacy.injection", SETTING_ENUM, 0, 0, 0, "flag", "flag|drop|off", NULL, NULL,
     "recalled text that addresses the model: flag marks it, drop also leaves it out of chats where it is sure, off "
     "does "
     "not look"},
    {"summaries.characters", SETTING_INT, 0, 40, 10000, "200", NULL, NULL, NULL, "length of a summary in characters"},
    {"summaries.quiet_seconds", SETTING_INT, 0, 1, 1e6, "600", NULL, NULL, NULL,
     "seconds without a turn after which a conversation is summed up by itself"},
    {"summaries.model_seconds", SETTING_INT, 0, 1, 600, "30", NULL, NULL, NULL,
     "seconds that the upstream's model has for a summary before rules make it"},
    {"cycle.human", SETTING_TEXT, 0, 1, 200, NULL, NULL, NULL, NULL,
     "who gives the directives of three-turn cycles, as an agent's name; not set: Cairn's own default"},
    {"cycle.supervisor", SETTING_TEXT, 0, 1, 200, NULL, NULL, NULL, NULL,
     "agent that analyses and reviews in three-turn cycles; not set: the default supervisor"},
    {"cycle.executor", SETTING_TEXT, 0, 1, 200, NULL, NULL, NULL, NULL,
     "agent that does the work in three-turn cycles; not set: the default executor"},
    {"memory.window", SETTING_INT, 0, 1, 1000, "20", NULL, NULL, NULL, "messages in the short-term window"},
    {"search.model", SETTING_TEXT, SETTING_SERVE, 1, 4000, NULL, NULL, "CAIRN_MODEL", "model",
     "the embedding model: its folder, or a file made by cairn model --pack; off: none. Not set: the first that is "
     "found (cairn model says which)"},
    {"embedding.url", SETTING_TEXT, SETTING_SERVE, 1, 2000, NULL, NULL, "CAIRN_EMBEDDING_URL", "embedding_url",
     "URL of a server with OpenAI's embeddings, asked instead of a model of our own unless search.model names one"},
    {"embedding.model", SETTING_TEXT, SETTING_SERVE, 1, 77, NULL, NULL, "CAIRN_EMBEDDING_MODEL", "embedding_model",
     "which of that server's models"},
    {"embedding.key", SETTING_TEXT, SETTING_SECRET, 1, 2000, NULL, NULL, "CAIRN_EMBEDDING_KEY", NULL,
     "key for that server; without one it is asked without"},
    {"embedding.query_ms", SETTING_INT, 0, 1, 60000, "200", NULL, NULL, NULL,
     "milliseconds that a question waits for that server at most; then words alone answer it"},
    {"embedding.seconds", SETTING_INT, 0, 1, 3600, "60", NULL, NULL, NULL,
     "seconds that server has for a batch of turns"},
    {"embedding.threads", SETTING_INT, 0, 1, 16, "1", NULL, NULL, NULL,
     "threads that make the vectors of new turns, at the lowest priority"},
    {"events.per_turn", SETTING_INT, 0, 0, 20, "3", NULL, NULL, NULL,
     "events found in one turn at most; 0: none are looked for"},
    {"events.recent", SETTING_INT, 0, 1, 200, "50", NULL, NULL, NULL,
     "how many of a session's last events may be the cause of a new one"},
    {"events.window_hours", SETTING_INT, 0, 1, 87600, "24", NULL, NULL, NULL,
     "hours within which a cause has its effect"},
    {"events.candidates", SETTING_INT, 0, 1, 20, "5", NULL, NULL, NULL,
     "how many of them, the most similar, are judged"},
    {"events.similarity", SETTING_REAL, 0, 0, 1, "0.5", NULL, NULL, NULL,
     "how similar a cause must be to its effect at least"},
    {"events.fade_per_hour", SETTING_REAL, 0, 0, 10, "0.001", NULL, NULL, NULL,
     "how fast vitality fades: it falls by exp(-this) an hour"},
    {"events.archive_below", SETTING_REAL, 0, 0, 1, "0.05", NULL, NULL, NULL,
     "vitality below which an event is archived"},
    {"learning.half_life_turns", SETTING_INT, 0, 1, 1e6, "200", NULL, NULL, NULL,
     "turns of an agent after which a topic it no longer speaks of counts half"},
    {"learning.context_loads_kept", SETTING_INT, 0, 0, 1e6, "1000", NULL, NULL, NULL,
     "records of what was recalled that are kept for each session, the newest"},
};

/* Below names that the file chooses. */
static const struct setting named[] = {
    {"privacy.custom.*.pattern", SETTING_TEXT, 0, 1, 2000, NULL, NULL, NULL, NULL,
     "what this detector of your own finds: a regular expression (PCRE2, over bytes)"},
    {"privacy.custom.*.type", SETTING_TEXT, 0, 1, 40, NULL, NULL, NULL, NULL, "what it is called; not set: the name"},
    {"privacy.custom.*.context", SETTING_TEXT, 0, 1, 2000, NULL, NULL, NULL, NULL,
     "words with | between, one of which must stand near"},
    {"privacy.custom.*.level", SETTING_ENUM, 0, 0, 0, "PRIVATE", "PUBLIC|TEAM|PRIVATE", NULL, NULL,
     "the most private level that still masks it"},
};

const struct setting *settings_named(size_t *n)
{
    *n = sizeof named / sizeof *named;
    return named;
}

static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.n > 0 && name.n <= CONFIG_NAME_MAX;
}

const struct setting *setting_named(struct str key, struct str *name, bool *group)
{
    *group = false;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        struct str last = str_of(named[i].name), first = str_cut(&last, '*'); /* "privacy.custom." and ".pattern" */
        *group = *group || (key.n + 1 == first.n && str_eq(key, str_take(first, key.n)));
        if (!str_ends(key, last.p) || key.n <= first.n + last.n || !str_eq(str_take(key, first.n), first))
            continue;
        *name = str_take(str_skip(key, first.n), key.n - first.n - last.n);
        return name_fits(*name) ? &named[i] : NULL;
    }
    return NULL;
}

const struct setting *settings_all(size_t *n)
{
    *n = sizeof table / sizeof *table;
    return table;
}

const struct setting *setting_find(struct str name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (str_is(name, table[i].name))
            return &table[i];
    }
    return NULL;
}

/* "limits.chat_per_minute" as "CAIRN_LIMITS_CHAT_PER_MINUTE" or "limits_chat_per_minute". */
static const char *from_name(struct arena *a, const char *before, const char *name, bool capitals)
{
    struct str s = arena_fmt(a, "%s%s", before, name);
    char *p = (char *)s.p; /* our own fresh copy */
    for (size_t i = 0; i < s.n; i++) {
        if (p[i] == '.')
            p[i] = '_';
        else if (capitals && p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - 'a' + 'A');
    }
    return p;
}

const char *setting_variable(struct arena *a, const struct setting *s)
{
    struct str env = str_of(s->env);
    return env.p ? arena_cstr(a, str_cut(&env, '|')) : from_name(a, "CAIRN_", s->name, true);
}

const char *setting_flag(struct arena *a, const struct setting *s)
{
    return s->flag ? s->flag : from_name(a, "", s->name, false);
}
