/* What Cairn says of itself: status, counts, health with a performance snapshot. */
#include "service/encryption.h"
#include "service/ephemeral.h"
#include "service/features.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "config/config.h"
#include "service/breaker.h"
#include "service/redact.h"
#include "store/turns.h"

enum { WEEK_MS = 7 * 24 * 3600 * 1000 };

/* What is counted: what the caller may read, and for an administrator all of the organisation. */
static struct scope counted(const struct op_call *c)
{
    struct scope s = caller_scope(caller_of(c));
    if (s.limited && caller_permitted(caller_of(c), PERM_ADMIN))
        s.project = STR("*");
    return s;
}

/* field: only those where it equals; NULL: all. since: made at or after, 0: ever. */
static enum err_code count_where(struct op_call *c, struct store_tx *tx, const struct kind *k, const char *field,
                                 struct value equals, int64_t since, int64_t *out, struct err *e)
{
    struct list_filter filters[2];
    struct list_query q = {.kind = k, .filters = filters, .scope = counted(c), .created_from = since};
    struct str project = op_text(c, "project");
    if (field)
        filters[q.n_filters++] = (struct list_filter){field, equals};
    if (project.n)
        filters[q.n_filters++] = (struct list_filter){"project", V_TEXT(project)};
    return record_list_count(tx, c->arena, &q, out, e);
}

static enum err_code write_kinds(struct op_call *c, struct store_tx *tx, const char *key, struct err *e)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    enum err_code code = ERR_OK;
    jw_key(c->out, key);
    jw_object(c->out);
    for (size_t i = 0; !code && i < n; i++) {
        int64_t count;
        code = count_where(c, tx, &kinds[i], NULL, V_NULL, 0, &count, e);
        if (!code)
            jw_kint(c->out, kinds[i].plural, count);
    }
    jw_end_object(c->out);
    return code;
}

static enum err_code stats_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    const struct {
        const char *name, *kind, *field;
        struct value equals;
        int64_t since;
    } counts[] = {
        {"conversations", "conversation", NULL, V_NULL, 0},
        {"active_conversations", "conversation", "status", V_TEXT(STR("active")), 0},
        {"total_messages", "turn", NULL, V_NULL, 0},
        {"characters", "character", NULL, V_NULL, 0},
        {"active_characters", "character", "is_active", V_INT(1), 0},
        {"prop_items", "prop", NULL, V_NULL, 0},
        {"agent_configs", "agent", NULL, V_NULL, 0},
        {"enabled_agents", "agent", "enabled", V_INT(1), 0},
        {"messages_this_week", "turn", NULL, V_NULL, clock_now_ms() - (int64_t)WEEK_MS},
    };
    enum err_code code = ERR_OK;
    jw_object(c->out);
    for (size_t i = 0; !code && i < sizeof counts / sizeof counts[0]; i++) {
        int64_t n;
        code = count_where(c, tx, kind_find(str_of(counts[i].kind)), counts[i].field, counts[i].equals, counts[i].since,
                           &n, e);
        if (!code)
            jw_kint(c->out, counts[i].name, n);
    }
    if (!code)
        code = write_kinds(c, tx, "kinds", e);
    jw_end_object(c->out);
    return code;
}

enum err_code stats_get(struct op_call *c, struct err *e)
{
    return op_read(c, stats_on, e);
}

static enum err_code status_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    const struct service *s = c->svc;
    jw_object(c->out);
    jw_kcstr(c->out, "service", "cairn");
    jw_kcstr(c->out, "version", cairn_version());
    jw_kcstr(c->out, "status", "ok");
    jw_kint(c->out, "uptime_seconds", (clock_now_ms() - s->started_ms) / 1000);
    enum err_code code = write_kinds(c, tx, "counts", e);
    jw_key(c->out, "index");
    jw_object(c->out);
    jw_kint(c->out, "lag", index_lag(s->index));
    jw_end_object(c->out);
    jw_end_object(c->out);
    return code;
}

enum err_code status_get(struct op_call *c, struct err *e)
{
    return op_read(c, status_on, e);
}

/* ---- health ---- */

static void write_latency(struct json_out *w, const char *key, enum metric m)
{
    jw_key(w, key);
    jw_object(w);
    jw_kint(w, "count", metric_get(m));
    jw_knum(w, "p50_ms", metric_quantile_ms(m, 0.5));
    jw_knum(w, "p99_ms", metric_quantile_ms(m, 0.99));
    jw_end_object(w);
}

static bool write_database(struct op_call *c)
{
    struct store_stats stats = {0};
    struct err why = {0};
    enum err_code code = store_stats(c->svc->store, &stats, &why);
    jw_key(c->out, "database");
    jw_object(c->out);
    jw_kcstr(c->out, "status", code ? "error" : stats.writable ? "ok" : "read_only");
    if (code)
        jw_kcstr(c->out, "problem", why.message);
    jw_kint(c->out, "bytes", stats.bytes);
    jw_kint(c->out, "wal_bytes", stats.wal_bytes);
    jw_kint(c->out, "schema_version", stats.schema_version);
    jw_end_object(c->out);
    return code == ERR_OK && stats.writable;
}

static bool write_service(struct op_call *c)
{
    bool allowed = breaker_allows(&c->svc->breaker);
    jw_key(c->out, "memory_service");
    jw_object(c->out);
    jw_kcstr(c->out, "status", allowed ? "ok" : "paused");
    jw_kint(c->out, "journal_waiting", metric_get(M_JOURNAL_WAITING));
    jw_kint(c->out, "chats_without_memory", metric_get(M_PROXY_SKIPPED));
    jw_end_object(c->out);
    return allowed;
}

/* How far the vectors have come, and when they will be there. */
static void write_vectors(struct json_out *w, const struct meaning_state *s)
{
    jw_kcstr(w, "id", s->id);
    jw_kint(w, "dimensions", (int64_t)s->dimensions);
    jw_kint(w, "vectors", s->vectors);
    jw_kint(w, "lag", s->lag);
    jw_key(w, "vectors_per_second");
    jw_num(w, (double)(int64_t)(s->rate * 10) / 10);
    jw_key(w, "seconds_left");
    if (s->lag > 0 && s->rate > 0)
        jw_int(w, (int64_t)((double)s->lag / s->rate) + 1);
    else if (s->lag > 0)
        jw_null(w);
    else
        jw_int(w, 0);
}

static void write_model(struct op_call *c)
{
    struct json_out *w = c->out;
    struct meaning_state s;
    meaning_state(c->svc->meaning, &s);
    jw_key(w, "embedding_model");
    jw_object(w);
    jw_kbool(w, "loaded", s.loaded);
    if (s.loaded) {
        jw_kcstr(w, "by", s.remote ? "endpoint" : "this process");
        write_vectors(w, &s);
    } else {
        jw_kbool(w, "loading", s.loading);
        jw_kcstr(w, "note", "recall works by words alone");
    }
    if (s.problem[0])
        jw_kcstr(w, "problem", s.problem);
    jw_end_object(w);
}

/* Scheduled ones: how old the newest is, and whether the last try made it. */
static void write_backups(struct op_call *c)
{
    int64_t hours = config_int(c->svc->options.config, "backup.every_hours");
    int64_t last = atomic_load(&c->svc->backups.last_ms);
    bool failed = atomic_load(&c->svc->backups.failed_ms) != 0;
    jw_key(c->out, "backups");
    jw_object(c->out);
    jw_kcstr(c->out, "status", hours == 0 ? "off" : failed ? "failed" : last ? "ok" : "none yet");
    jw_ktime(c->out, "last_at", last);
    jw_key(c->out, "age_seconds");
    if (last)
        jw_int(c->out, (clock_now_ms() - last) / 1000);
    else
        jw_null(c->out);
    jw_end_object(c->out);
}

static void write_ephemeral(struct op_call *c)
{
    struct ephemeral_stats s;
    ephemeral_stats(c->svc, &s);
    jw_key(c->out, "ephemeral");
    jw_object(c->out);
    jw_kint(c->out, "sessions", s.sessions);
    jw_kint(c->out, "bytes", s.bytes);
    jw_end_object(c->out);
}

/* Texts from before there were masks are told of, with what to do. */
static void write_privacy(struct op_call *c)
{
    bool whole = true;
    (void)redact_is_whole(c->svc, &whole, NULL);
    jw_key(c->out, "privacy");
    jw_object(c->out);
    jw_kbool(c->out, "stored_masked", whole);
    jw_kstr(c->out, "advice", whole ? STR_NONE : STR("texts from before there were masks: run cairn redact --stored"));
    jw_end_object(c->out);
}

static void write_parts(struct op_call *c)
{
    const struct service_options *o = &c->svc->options;
    struct json_out *w = c->out;
    bool meaning = meaning_ready(c->svc->meaning);
    jw_key(w, "encryption");
    encryption_tell(c->svc, w);
    jw_key(w, "index");
    jw_object(w);
    jw_kcstr(w, "by", meaning ? "words and meaning" : "words");
    jw_kint(w, "lag", index_lag(c->svc->index));
    jw_end_object(w);
    write_model(c);
    write_privacy(c);
    write_backups(c);
    write_ephemeral(c);
    jw_key(w, "upstream");
    jw_object(w);
    jw_kbool(w, "configured", o->upstream_url != NULL);
    jw_kbool(w, "key", o->upstream_key);
    jw_end_object(w);
}

enum err_code health_memory(struct op_call *c, struct err *e)
{
    (void)e; /* it tells problems instead of failing */
    jw_object(c->out);
    bool database = write_database(c);
    bool memory = write_service(c);
    write_parts(c);
    jw_key(c->out, "performance");
    jw_object(c->out);
    write_latency(c->out, "store", M_STORE_SECONDS);
    write_latency(c->out, "recall", M_RECALL_SECONDS);
    jw_end_object(c->out);
    jw_kcstr(c->out, "status", database && memory ? "ok" : "degraded");
    jw_end_object(c->out);
    return ERR_OK;
}
