/* What the files of this room share. Callers include http.h.
 *
 * Locks, in the order in which they may be taken: conns.mu, conn->mu, request->mu, then libmicrohttpd's own.
 * pool.mu and work.mu are leaves. No lock is held while a callback of somebody else's runs.
 *
 * Life of a request: made when libmicrohttpd has read the request line, given up when both sides have let go of it:
 * the connection's side (conn_over) and the answerer's side (http_answer or http_stream_end). So a producer may go
 * on writing to a stream whose client and connection are long gone. */
#ifndef CAIRN_DOORS_HTTP_HTTP_INT_H
#define CAIRN_DOORS_HTTP_HTTP_INT_H

#include "base/buf.h"
#include "base/json_write.h"
#include "config/config.h"
#include "doors/http/http.h"
#include "doors/http/limit.h"
#include "doors/http/router.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    HTTP_WINDOW = 256 * 1024,           /* bytes of a stream that wait for the client */
    HTTP_POOL_BYTES = 32 * 1024,        /* libmicrohttpd's memory for a connection */
    HTTP_HEAD_MAX = 16 * 1024,          /* request line and headers: more is answered 431 */
    HTTP_HEADERS_MAX = 100,             /* header lines */
    HTTP_SWALLOW_MAX = 8 * 1024 * 1024, /* of a refused body, read so that the client gets to see the answer */
    HTTP_ID_MAX = 128,
    HTTP_FROM_MAX = 48
};

/* ---- conn.c: connections and the reaper ---- */
struct http_conn {
    struct http_server *srv;
    int fd;
    bool local;               /* over the Unix socket */
    char from[HTTP_FROM_MAX]; /* who is at the other end, for the audit: an address, or the socket's user */
    uint32_t slot, generation;
    atomic_int_least64_t deadline_ms; /* monotonic; what the connection is in must be over by then; 0: none */
    pthread_mutex_t mu;
    struct http_request *current; /* under mu; the connection's side holds a reference */
    bool peer_closed;             /* under mu: the client sent its end, or the connection broke */
};

struct conns {
    pthread_mutex_t mu;
    struct http_conn **slots;
    uint32_t *generations, *free_slots;
    uint32_t n_free, cap;
    int epoll, wake;
    pthread_t reaper;
    bool reaper_runs;
    atomic_bool stop;
    atomic_int open;
};
enum err_code conns_start(struct http_server *s, uint32_t max, struct err *e);
void conns_stop(struct http_server *s);
void conn_notify(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code);
void conn_deadline(struct http_conn *c, int64_t seconds); /* 0: none */
/* Cuts every request that is under way: tells its answerer, and lets the connection go. */
void conns_cut_all(struct http_server *s);
/* Writes a whole error answer past libmicrohttpd, for connections that are cut before it could answer. */
void conn_last_words(struct http_conn *c, int status, const struct err *e);

/* ---- request.c: requests, pooled ---- */
enum req_state {
    REQ_READING,   /* head and body are coming in */
    REQ_RUNNING,   /* somebody works on the answer */
    REQ_ANSWERED,  /* the whole answer is here */
    REQ_STREAMING, /* the answer's head is here, its body is being written */
    REQ_ENDED      /* the stream has been written to its end, or broken off */
};

struct ring {
    char *p;
    size_t cap, start, n;
};

struct http_stream {
    struct http_stream_events ev;
    struct ring ring;
    int64_t length, sent;
    bool ok;             /* how the stream ended */
    bool wants_writable; /* a write was cut short: tell when there is room */
};

struct http_request {
    struct http_server *srv;
    struct http_conn *conn; /* valid until `over` */
    struct MHD_Connection *mhd;
    struct http_request *next; /* in the pool or in the work queue */
    atomic_int refs;

    /* set while reading, constant after */
    struct arena *arena;
    struct str method, path, query, id;
    struct http_header *headers;
    size_t n_headers;
    struct buf in; /* the body */
    size_t body_max, swallowed;
    bool seen_head;
    bool refused;   /* answered by the door itself before the body was whole */
    bool close;     /* the connection ends with the answer */
    bool local;     /* came over the Unix socket */
    bool http10;    /* or older */
    bool explained; /* its failure is in the log already */
    const struct route *route;
    struct route_match match;
    int64_t began_us;
    struct str cors; /* the request's Origin, when its page may see the answer; else STR_NONE */
    char peer[16];   /* the client's address, for limits; peer_n bytes, 0 over the Unix socket */
    uint8_t peer_n;
    char from[HTTP_FROM_MAX];   /* the connection's */
    struct limit_verdict limit; /* .limit 0: not limited */
    int64_t limit_reset;        /* Unix time in seconds */

    pthread_mutex_t mu;
    pthread_cond_t called; /* a callback has returned */
    /* under mu: */
    enum req_state state;
    bool parked;  /* libmicrohttpd's connection is suspended */
    bool over;    /* libmicrohttpd has let go of it */
    bool gone;    /* the client left, or we cut it */
    bool calling; /* a callback runs, on thread `caller` */
    bool telling; /* queued so that a worker tells of a client that had left already */
    pthread_t caller;
    void (*on_gone)(void *);
    void *on_gone_arg;
    atomic_bool left; /* OP_LONG: the call's */

    /* the answer; written by the answerer before the state says so */
    int status;
    struct http_header *reply_headers;
    size_t n_reply_headers;
    struct buf out;
    struct http_stream stream;

    /* an operation's run (run.c); call.caller is set first of all, for routes that are no operations too */
    struct op_call call;
    struct json_out jw;
    struct run_stream *run_stream; /* run_stream.c, while one runs */
};

/* A mutex that is only ever held for moments: a thread that finds it taken spins a little before it sleeps. */
void mutex_init_short(pthread_mutex_t *mu);

struct request_pool {
    pthread_mutex_t mu;
    struct http_request *free;
    size_t n_free;
};
struct http_request *request_new(struct http_server *s); /* with one reference; NULL when out of memory */
void request_ref(struct http_request *r);
void request_unref(struct http_request *r);
void request_pool_free(struct http_server *s);
/* State changes go through here: an impossible one is a bug and stops the process. Under mu. */
void request_state(struct http_request *r, enum req_state to);
/* Runs a callback with mu let go; the caller holds mu before and after. */
void request_call(struct http_request *r, void (*fn)(void *), void *arg);
/* Waits until no other thread runs a callback of r's. Under mu. */
void request_quiet(struct http_request *r);
/* The client left, or the request is cut. Under mu (let go meanwhile). */
void request_gone(struct http_request *r);
/* As request_gone, for one who asks when the client has left already: a worker tells. Under mu. */
void request_tell_later(struct http_request *r);
void request_told(struct http_request *r); /* on the worker */
/* Lets go of mu, and then lets libmicrohttpd go on with the connection when it was parked: in this order, because
 * the HTTP thread takes mu first thing. The caller has a reference. */
void request_unlock_wake(struct http_request *r);
/* A clean id: the caller's own when it has a harmless form, else a new one. */
struct str request_make_id(struct http_request *r, struct str given);

/* ---- head.c: is this request acceptable? ---- */
/* ERR_OK, or what is wrong with *status set to the answer's. */
enum err_code head_check(struct http_request *r, int *status, struct err *e);
bool head_loopback_name(struct str host_port); /* localhost, 127.x.x.x or [::1], with or without a port */
/* The announced length of the body, -1: none (chunked, or no body). */
int64_t head_length(const struct http_request *r);

/* ---- authorize.c: who is it, and may they? ---- */
/* Sets r->caller. ERR_DENIED or ERR_FORBIDDEN with the reason. Must be called once r->route is known (it may be NULL:
 * then there is nothing to be refused). */
enum err_code authorize(struct http_request *r, struct err *e);

/* ---- tls.c: the certificate pair ---- */
struct tls_pair {
    char *cert, *key; /* PEM texts, NUL-terminated; NULL: no TLS */
};
/* Reads both files and checks that they belong together; *out is empty when no certificate is named. */
enum err_code tls_load(const char *cert, const char *key, struct tls_pair *out, struct err *e);
void tls_release(struct tls_pair *t);

/* ---- handler.c: libmicrohttpd's callbacks ---- */
void *handler_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result handler_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *n, void **context);
void handler_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode toe);
/* Ends a request that libmicrohttpd has dropped without a word (0.9.75: when a head's cookies fill its memory). */
void handler_conn_closed(struct http_conn *c);

/* ---- limit_request.c ---- */
enum { LIMIT_CLASSES = LIMIT_ANALYTICS + 1 };
struct limits {
    struct limit_table *table; /* NULL: none */
    int per_minute[LIMIT_CLASSES];
};
/* per_minute: LIMIT_CLASSES numbers, NULL: what the settings say. */
enum err_code limits_start(struct limits *l, const struct config *config, bool auth, const int *per_minute,
                           struct err *e);
void limits_stop(struct limits *l);
void limit_note_address(struct http_request *r);
/* Counts an operation's call, by the session its arguments name: ERR_OK or ERR_LIMIT. */
enum err_code limit_check_call(struct http_request *r, struct err *e);
bool limit_headers(const struct http_request *r, struct MHD_Response *res);

/* ---- cors.c ---- */
/* Is `name` one of the list (commas or spaces between; case does not count)? *any is set when "*" is seen. */
bool list_has(const char *list, struct str name, bool *any);
bool cors_allows(const struct http_server *s, struct str origin);
void cors_judge(struct http_request *r);
bool cors_headers(const struct http_request *r, struct MHD_Response *res);
/* The headers of a preflight's answer into out[3]; how many (0: not one, or not allowed). */
size_t cors_preflight(struct http_request *r, struct str methods, struct http_header *out);

/* ---- answer.c ---- */
/* The answer's body is in r->out already; headers must live in r's arena or longer. */
void answer_ready(struct http_request *r, int status, const struct http_header *headers, size_t n);
void answer_error_status(struct http_request *r, int status, const struct err *e);
/* Builds libmicrohttpd's response and queues it. On an HTTP thread, state ANSWERED, STREAMING or ENDED. */
enum MHD_Result answer_queue(struct http_request *r);
/* Writes the error body in the shape that `path` asks for. */
void error_body(struct buf *b, struct str path, int status, const struct err *e, struct str request_id);
struct http_header *answer_copy_headers(struct http_request *r, const struct http_header *headers, size_t n);
bool answer_header_fine(const struct http_header *h);

/* ---- stream.c ---- */
ssize_t stream_read(void *cls, uint64_t pos, char *to, size_t max);
void stream_release(struct http_stream *s);
void stream_let_go(struct http_request *r); /* the connection's side is over. Under mu (let go meanwhile). */

/* ---- run.c: operations ---- */
void run_start(struct http_request *r);
void run_on_worker(struct http_request *r);
enum { RUN_HEADERS = 4 };
/* The answer's headers from the call; how many. */
size_t run_headers(struct http_request *r, struct http_header h[RUN_HEADERS]);

/* ---- run_stream.c: operations that write their answer in pieces ---- */
struct run_stream {
    pthread_mutex_t mu;
    pthread_cond_t some;
    bool room, gone; /* under mu */
    struct http_stream *stream;
    bool answered;
};
/* Runs it. True: the answer is over, r may be gone. False: nothing has been sent, *code and *e say how it ended. */
bool run_streamed(struct http_request *r, enum err_code *code, struct err *e);

/* ---- work.c: the worker pool ---- */
struct job {
    struct job *next;
    void (*fn)(void *);
    void *arg;
};
struct work {
    pthread_mutex_t mu;
    pthread_cond_t some;
    struct http_request *requests, **requests_end; /* queued without an allocation */
    struct job *jobs, **jobs_end;
    size_t queued;
    int idle;
    bool waking, stop; /* waking: a signal is on its way to one of the idle */
    int n_threads;
    pthread_t threads[64];
};
enum err_code work_start(struct work *w, int threads, struct err *e);
void work_stop(struct work *w); /* runs what is queued, then ends; nothing more is taken */
void work_free(struct work *w);
enum err_code work_request(struct work *w, struct http_request *r);

/* ---- listen.c ---- */
/* Also what libmicrohttpd hands to conn_notify. */
struct listener {
    struct http_server *srv;
    int fd;         /* -1: none */
    char path[108]; /* Unix socket */
    uint64_t dev, ino;
};
/* Fails for anything but a loopback address unless `anywhere`. */
enum err_code listen_tcp(const char *address, bool anywhere, struct listener *out, int *port, struct err *e);
bool listen_is_loopback(const char *address); /* false also for what is no address */
enum err_code listen_unix(const char *path, struct listener *out, struct err *e);
/* Nobody can connect any more, and the Unix socket's file is gone; the descriptor stays until listen_close, because
 * libmicrohttpd may still name it. */
void listen_stop(struct listener *l);
void listen_close(struct listener *l);

/* ---- extras.c: what the door itself answers; catalog.c, openapi.c, docs.c: the API's description ---- */
enum err_code extras_add(struct http_server *s, struct err *e);
const struct operation *extras_all(size_t *n); /* for the description only: fn is NULL */

struct catalog_entry { /* one method of one path */
    struct str path;
    const struct operation *op;
    unsigned nth; /* 0 for an operation's first path, 1 for its second … */
};
/* All operations and extras, paths in order of first appearance, methods of a path side by side. NULL when out of
 * memory. */
const struct catalog_entry *catalog_make(struct arena *a, size_t *n);
/* The next "{name}" of a path, STR_NONE at its end; *rest moves on. */
struct str catalog_param(struct str *rest);
struct str catalog_group(const struct catalog_entry *c); /* its tag: what comes before the dot of its name */
void openapi_write(struct buf *b, bool auth);            /* auth: tokens are needed, not just taken */
void docs_write(struct buf *b);

/* ---- server.c ---- */
struct http_server {
    struct service *svc;
    struct router *router;
    size_t max_body, max_proxy_body;
    int slow_seconds, head_seconds, idle_seconds;
    const char *cors_origins, *hosts; /* lists; NULL: none */
    struct limits limits;
    int port;
    bool auth; /* callers over TCP must show a token */
    struct tls_pair tls;
    struct listener tcp, local;
    struct MHD_Daemon *tcp_daemon, *local_daemon;
    struct conns conns;
    struct request_pool pool;
    atomic_int streams; /* operations that stream their answer now */
    struct work work;
    bool work_runs;
    uint64_t id_base;
    atomic_uint_least64_t id_next;
    atomic_int live;      /* requests not given up yet */
    atomic_bool draining; /* no keep-alive any more */
    atomic_bool stopping; /* nothing may be parked any more */
    atomic_int waking;    /* threads between unparking a connection and having resumed it */
};

#endif
