/* Counters, gauges and latency histograms (log-linear, 1 µs to 100 s, ≤ 4 % error), lock-free to
 * record. One static table declares them all; /metrics and /health/memory read them. Process-wide,
 * because a metric is a fact of the process. */
#ifndef CAIRN_BASE_METRICS_H
#define CAIRN_BASE_METRICS_H

#include "base/buf.h"

/* id, Prometheus name, type, help */
#define METRICS(X)                                                                                                     \
    X(M_HTTP_REQUESTS, "cairn_http_requests_total", COUNTER, "HTTP requests answered")                                 \
    X(M_HTTP_ERRORS, "cairn_http_errors_total", COUNTER, "HTTP requests answered with status 500 or above")            \
    X(M_HTTP_SECONDS, "cairn_http_request_seconds", HISTOGRAM, "Time from request to answer")                          \
    X(M_HTTP_CONNECTIONS, "cairn_http_connections", GAUGE, "Open client connections")                                  \
    X(M_STORE_SECONDS, "cairn_store_write_seconds", HISTOGRAM, "Time from a write's arrival to durable")               \
    X(M_STORE_GROUPS, "cairn_store_groups_total", COUNTER, "Transactions committed")                                   \
    X(M_STORE_WRITES, "cairn_store_writes_total", COUNTER, "Writes committed")                                         \
    X(M_STORE_FAILURES, "cairn_store_failures_total", COUNTER, "Writes that failed")                                   \
    X(M_STORE_QUEUE, "cairn_store_queue", GAUGE, "Writes waiting for the next group")                                  \
    X(M_RECALL_SECONDS, "cairn_recall_seconds", HISTOGRAM, "Time of one recall")                                       \
    X(M_RECALL_FAILURES, "cairn_recall_failures_total", COUNTER, "Recalls that failed")                                \
    X(M_INJECTION_FLAGGED, "cairn_injection_flagged_total", COUNTER, "Recalled texts marked: they address the model")  \
    X(M_INJECTION_DROPPED, "cairn_injection_dropped_total", COUNTER, "Recalled texts left out of chats for it")        \
    X(M_INDEX_LAG, "cairn_index_lag", GAUGE, "Stored records that the index has not taken in yet")                     \
    X(M_INDEX_RECORDS, "cairn_index_records_total", COUNTER, "Records taken into the index")                           \
    X(M_CACHE_HITS, "cairn_cache_hits_total", COUNTER, "Answers given from the cache")                                 \
    X(M_CACHE_MISSES, "cairn_cache_misses_total", COUNTER, "Answers that had to be made though they may be kept")      \
    X(M_LOADS_WRITTEN, "cairn_context_loads_total", COUNTER, "Records written of what was recalled")                   \
    X(M_LOADS_DROPPED, "cairn_context_loads_dropped_total", COUNTER, "Recalls of which no record could be kept")       \
    X(M_AUDIT_WRITTEN, "cairn_audit_rows_total", COUNTER, "Rows written to the audit log behind what they tell of")    \
    X(M_AUDIT_LOST, "cairn_audit_lost_total", COUNTER, "Reads that could not be noted; a row audit.gap counts them")   \
    X(M_PROXY_REQUESTS, "cairn_proxy_requests_total", COUNTER, "Requests forwarded to the upstream")                   \
    X(M_PROXY_ERRORS, "cairn_proxy_upstream_errors_total", COUNTER, "Upstream requests that failed")                   \
    X(M_PROXY_MEMORY_SECONDS, "cairn_proxy_memory_seconds", HISTOGRAM, "Time memory added to a request")               \
    X(M_PROXY_SKIPPED, "cairn_proxy_memory_skipped_total", COUNTER, "Chats that went through without memory")          \
    X(M_PROXY_ACTIVE, "cairn_proxy_active", GAUGE, "Upstream requests under way")                                      \
    X(M_JOURNAL_WAITING, "cairn_journal_waiting", GAUGE, "Turns in the journal, waiting to be stored")                 \
    X(M_JOURNAL_TOTAL, "cairn_journal_turns_total", COUNTER, "Turns that went through the journal")

enum metric {
#define X(id, name, type, help) id,
    METRICS(X)
#undef X
        METRIC_COUNT
};

void metric_add(enum metric m, int64_t n);          /* counter or gauge */
void metric_set(enum metric m, int64_t v);          /* gauge */
void metric_observe_us(enum metric m, int64_t us);  /* histogram */
int64_t metric_get(enum metric m);                  /* counter, gauge; a histogram's count */
double metric_quantile_ms(enum metric m, double q); /* 0 when nothing was observed */
void metrics_write(struct buf *out);                /* Prometheus text format 0.0.4 */

#endif
