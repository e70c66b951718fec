/* The service: store, index and settings of one data folder, and what can be done with them. Doors
 * (HTTP, CLI, the C library) open one and run operations on it. Shared by all threads. */
#ifndef CAIRN_SERVICE_SERVICE_H
#define CAIRN_SERVICE_SERVICE_H

#include "index/index.h"
#include "search/meaning.h"
#include "search/similar.h"
#include "service/asker.h"
#include "service/breaker.h"
#include "service/cold_driver.h"
#include "service/operation.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct journal;
struct background;
struct context_loads;
struct answer_cache;
struct config;
struct auth;
struct masking;
struct audit;

struct service_options {
    const char *dir; /* data folder */
    bool background; /* feed the index, replay the journal (servers); else only on demand */
    bool read_only;
    bool sync_normal;
    bool bulk;                   /* much is written and little read: memory is kept small rather than reads quick */
    bool converting;             /* the secret in the settings is one to encrypt with (cairn encrypt) */
    bool keeps_ephemeral;        /* ephemeral sessions may live in this process: it goes on (a server, a library) */
    struct service *home;        /* this is the service of its ephemeral sessions, in memory (ephemeral.h); NULL: no */
    bool model_only;             /* no store, no index: of all operations only `embed` works */
    struct masking *masking;     /* one that is shared, as compiling detectors takes time; NULL: its own. Borrowed */
    encoder_dial *dial;          /* asks an embeddings endpoint (embedding.url); NULL: this program cannot */
    cold_dial *cold;             /* reaches a bucket (cold.bucket); NULL: this program cannot */
    const struct config *config; /* every other setting by name; NULL: defaults */
    /* proxy policy, shown by health and used by chat_memory */
    const char *upstream_url;  /* NULL: none configured */
    bool upstream_key;         /* a key is configured (never the key itself) */
    int memory_deadline_ms;    /* 0: 250 */
    int64_t memory_max_tokens; /* budget of the injected block, 0: 1500 */
};

struct service {
    struct masking *masking; /* what is kept and shown of texts; NULL: model_only */
    struct store *store;
    struct index *index;
    struct meaning *meaning;             /* NULL: no model. Unless background, opened when it is needed (model.h) */
    struct similar *similar;             /* short texts by meaning; NULL: no model, or not a background service */
    struct journal *journal;             /* NULL unless background */
    struct answer_cache *cache;          /* NULL unless background */
    struct background *background;       /* NULL unless background */
    struct context_loads *loads;         /* NULL unless background */
    struct audit *audit;                 /* who did what (audit.h); NULL: it is off, or the store is read-only */
    struct cold_driver *cold;            /* where turns go that retention lets go (cold.h); NULL: nowhere */
    struct auth *auth;                   /* checks callers' tokens; whether it must is the door's to know */
    _Atomic(const struct asker *) asker; /* set and cleared by the proxy; NULL: no model to ask */
    _Atomic(struct service *) ephemeral; /* what ephemeral sessions live in; NULL: there was none yet */
    struct wiper *wiper;                 /* of the service of ephemeral sessions itself, else NULL */
    pthread_mutex_t ephemeral_lock;      /* while it is opened */
    struct breaker breaker;              /* memory in chats */
    struct {
        _Atomic(int64_t) last_ms, failed_ms; /* the newest; when one failed that no other has followed. 0: none */
    } backups;                               /* scheduled ones (backup_upkeep.h) */
    _Atomic(int64_t) erasure_failed_ms;      /* when the upkeep's erasure failed that none has followed. 0: none */
    atomic_bool converted;                   /* it is being encrypted or decrypted (encryption.h) */
    atomic_bool maintained;                  /* maintenance is under way */
    struct service_options options;          /* strings owned by the caller of service_open */
    int64_t started_ms;
};

enum err_code service_open(const struct service_options *o, struct service **out, struct err *e);
/* Stops background work, stores what the journal holds, closes. */
void service_close(struct service *s);
const char *cairn_version(void); /* "0.1.0" */

#endif
