/* The table of operations: everything Cairn can be asked to do, declared once. From an entry come REST
 * routing, argument checking, CLI usage, OpenAPI and the C library's call. Adding a feature is adding
 * one entry (operations.c) and one file that holds its function. CRUD operations on kinds are entries too,
 * made from the table of kinds at start.
 *
 * An operation gets checked, typed arguments and writes one JSON answer. It knows nothing of HTTP, of a
 * terminal or of who calls. */
#ifndef CAIRN_SERVICE_OPERATION_H
#define CAIRN_SERVICE_OPERATION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_write.h"
#include "record/record.h"
#include "service/audit_trace.h"

#include <stdatomic.h>

struct service;
struct op_call;
struct caller;
struct store_reader;

enum arg_type { ARG_TEXT, ARG_INT, ARG_REAL, ARG_BOOL, ARG_TIME, ARG_ENUM, ARG_OBJECT, ARG_ARRAY, ARG_JSON };
enum arg_where {
    ARG_IN_PATH,  /* "{name}" in the path; on the CLI positional */
    ARG_IN_QUERY, /* ?name= */
    ARG_IN_BODY   /* member of the JSON body */
};
enum arg_flag {
    ARG_REQUIRED = 1 << 0,
    ARG_POSITIONAL = 1 << 1, /* on the CLI given without a flag, in the table's order */
    ARG_REST = 1 << 2        /* on the CLI takes all remaining words, joined by spaces */
};

struct op_arg {
    const char *name;
    enum arg_type type;
    enum arg_where where;
    unsigned flags;
    double min, max;      /* number range, or length in bytes; both 0: 0 to 1 MiB, or any number */
    const char *fallback; /* JSON text of the default, NULL: none */
    const char *choices;  /* ARG_ENUM: "a|b" */
    const char *help;
};

enum permission { PERM_NONE, PERM_READ, PERM_WRITE, PERM_MEMORY, PERM_ADMIN };
enum limit_class { LIMIT_NONE, LIMIT_SESSIONS, LIMIT_CONVERSATIONS, LIMIT_CONTEXT, LIMIT_CHAT, LIMIT_ANALYTICS };
enum op_flag {
    OP_INLINE = 1 << 0,       /* so quick (or asynchronous) that it may run on the HTTP thread */
    OP_ADDS = 1 << 1,         /* makes the store grow: refused when that has reached its bound (limits.store_bytes) */
    OP_UNAUDITED = 1 << 13,   /* touches no records: nothing for the audit (audit.h). All others are audited */
    OP_RECORD_BODY = 1 << 2,  /* the body is a record of `kind` (call->body), checked by record_from_json */
    OP_RECORD_PATCH = 1 << 3, /* with OP_RECORD_BODY: only what is given */
    OP_LIST_V1 = 1 << 4,      /* answers an array; the door adds Link and X-Total-Count from call->page */
    OP_PROXY = 1 << 5,        /* served by the proxy, listed here for docs and limits; fn is NULL */
    OP_ANY_BODY = 1 << 7,     /* body members that no argument names are the function's own (call->body) */
    OP_OWN_PROJECT = 1 << 10, /* its `project` is no project to work in but its own to read (a token's, maybe "*") */
    OP_TEXT = 1 << 6,         /* the answer is not JSON but call->content_type */
    OP_CACHED = 1 << 8,       /* a read of one session, kept until that session is written to (kept.h) */
    OP_STREAM = 1 << 11,      /* with OP_TEXT, not OP_INLINE: writes its answer in pieces (call->flush) */
    OP_LONG = 1 << 12,        /* may work for seconds: it ends when call->left says so */
    OP_LOCAL = 1 << 14,       /* only from this machine and its owner: over the Unix socket, or in this process */
    OP_SHOWS_ACTIVE = 1 << 9  /* with OP_CACHED: the answer holds last_active */
};

typedef enum err_code op_fn(struct op_call *call, struct err *e);

struct operation {
    const char *name;        /* "session.create" */
    const char *method;      /* "POST" */
    const char *path;        /* "/api/v2/sessions/{session_id}"; several separated by spaces */
    const char *cli;         /* CLI command that runs it ("search"), NULL: none */
    const struct kind *kind; /* the kind it works on, NULL */
    const struct op_arg *args;
    size_t n_args;
    enum permission permission;
    enum limit_class limit;
    unsigned flags;
    int status; /* HTTP status of success: 200, 201, 202 */
    op_fn *fn;
    const char *summary; /* one line */
    const char *answer;  /* the answer's shape: "{id, total:int, notes? [text]}"; see doors/http/openapi_answer.c. Words
                          * only  where there is no shape to tell */
};

/* One call. Made by a door, filled by op_bind, run by op_run. Lives in its arena. */
struct op_call {
    struct service *svc;
    const struct operation *op;
    struct arena *arena;
    struct json_out *out;              /* the answer goes here */
    const struct json **values;        /* n_args checked arguments, NULL where neither given nor defaulted */
    const struct json *body;           /* the whole body, NULL when none */
    struct record *record;             /* OP_RECORD_BODY: the checked record */
    const struct caller *caller;       /* who asks, NULL: CALLER_LOCAL (caller.h) */
    const struct store_reader *reader; /* what is masked for them as it is read; NULL: nothing. Set by op_run */
    struct str project;                /* full name of the project to work in; the caller's own when none is named */
    struct str access_reason;          /* why the caller reads, for the audit; STR_NONE: not said. Never logged */
    struct str request_id;
    struct audit_from from;   /* by which door it came, for the audit */
    struct audit_trace audit; /* what it touches (audit.h) */
    struct str load;          /* what was recalled, packed (context_load.h); STR_NONE: nothing was */
    int status;               /* starts as op->status */
    const char *content_type; /* OP_TEXT */
    const char *file_name;    /* OP_TEXT: what a download is called, NULL: it is none */
    /* OP_STREAM: gives what is in call->out to the receiver and empties it; waits while he is slow, so only on a worker
     * thread. ERR_UNAVAILABLE: he has left. NULL: nobody takes it in pieces, the answer just grows. */
    enum err_code (*flush)(struct op_call *call, struct err *e);
    /* OP_LONG: true when nobody waits for the answer any more (the caller has left, the server stops); NULL: somebody
     * does to the end. */
    const atomic_bool *left;
    struct str next_cursor; /* lists: for the Link header */
    int64_t total;          /* lists: X-Total-Count, -1: not counted */
    /* An operation that returns OP_PENDING calls call->finish(call, code, err) exactly once, later, on
     * any thread, after the answer is written. Doors that cannot wait pass a finish that signals. */
    void (*finish)(struct op_call *call, enum err_code code, const struct err *e);
    void *door; /* the door's own */
};
enum { OP_PENDING = ERR_CODE_COUNT + 1 };

/* Start and end of the process: builds the whole table (static entries and CRUD of all kinds). */
enum err_code operations_init(struct err *e);
void operations_free(void);
const struct operation *operations_all(size_t *n);
const struct operation *operation_find(const char *name); /* NULL when unknown */

/* Where arguments come from: strings (path, query, command line) and a JSON body. */
struct op_input {
    const struct op_pair {
        struct str name, value;
        enum arg_where where;
    } * pairs;
    size_t n_pairs;
    struct str body; /* raw JSON, STR_NONE: none */
};
/* Checks `in` against the table and fills call->values (and ->body, ->record): types, bounds, choices,
 * required, unknown query parameters and unknown body members (naming the nearest). ERR_INVALID names the field. */
enum err_code op_bind(struct op_call *call, const struct op_input *in, struct err *e);
/* Runs it: may return OP_PENDING only when call->finish is set. Without one it waits. */
enum err_code op_run(struct op_call *call, struct err *e);

/* Checked arguments by name, for operation functions. */
struct str op_text(const struct op_call *c, const char *name); /* STR_NONE when absent */
int64_t op_int(const struct op_call *c, const char *name, int64_t otherwise);
double op_real(const struct op_call *c, const char *name, double otherwise);
bool op_bool(const struct op_call *c, const char *name, bool otherwise);
int64_t op_time(const struct op_call *c, const char *name);            /* ms, 0 when absent */
const struct json *op_json(const struct op_call *c, const char *name); /* NULL when absent */

#endif
