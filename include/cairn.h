/* libcairn: the whole of Cairn's service inside your own process, without a server.
 *
 * Open a data folder (a server, the CLI and other programs may have it open at the same time), call any operation of
 * docs/operations.md by name with its arguments as one JSON object, get its answer as JSON:
 *
 *     cairn *c;
 *     char *out;
 *     if (cairn_open("/path/to/data", &c) != CAIRN_OK)
 *         return fputs(cairn_last_error(), stderr), 1;
 *     if (cairn_call(c, "recall", "{\"query\":\"what did we decide about the cache?\"}", &out) == CAIRN_OK)
 *         puts(out);
 *     cairn_free(out);
 *     cairn_close(c);
 *
 * Compile and link with `pkg-config --cflags --libs cairn`; examples/remember.c is a whole program.
 *
 * Texts are UTF-8 and end with a zero byte. What goes in is borrowed for the call and copied where it is kept. What
 * comes out through a `char **` is the caller's, to be given to cairn_free, also when the call failed; it is NULL only
 * when there was no memory for it or the arguments of the function itself were wrong.
 *
 * Threads: a handle may be used by any number of threads at once, except that cairn_close must come after all calls on
 * it have returned. cairn_last_error is each thread's own. Calls wait for the disk; none of them may be made from a
 * signal handler. After fork() only the parent may go on using its handles.
 *
 * The process around it: the library writes to no standard stream (unless asked to, see cairn_open_with), changes no
 * signal, no locale and no working directory, and takes no setting from the environment.
 *
 * Compatibility: all names here carry the symbol version CAIRN_0.1. Functions are added under a new version, numbers
 * and members are added at the end; what is here keeps its meaning as long as the library is libcairn.so.0. */
#ifndef CAIRN_H
#define CAIRN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn cairn; /* an open data folder */

/* What every function that can fail returns. The numbers stay as they are; programs must expect ones they do not know,
 * for later versions may add some. */
enum cairn_error {
    CAIRN_OK = 0,
    CAIRN_INVALID = 1,      /* the arguments are wrong; the words name which, and what would be right */
    CAIRN_NOT_FOUND = 2,    /* no such record */
    CAIRN_CONFLICT = 3,     /* exists already, or cannot be changed */
    CAIRN_GONE = 4,         /* expired or erased */
    CAIRN_DENIED = 5,       /* no credentials, or wrong ones */
    CAIRN_FORBIDDEN = 6,    /* known, but not allowed */
    CAIRN_LIMIT = 7,        /* a rate or a quota is used up */
    CAIRN_TOO_LARGE = 8,    /* longer than what is taken */
    CAIRN_TIMEOUT = 9,      /* it took longer than it may */
    CAIRN_BUSY = 10,        /* another process held the data for too long; worth another try */
    CAIRN_NO_MEMORY = 11,   /* an allocation failed */
    CAIRN_IO = 12,          /* a file could not be read or written */
    CAIRN_DISK_FULL = 13,   /* no space left; nothing of the call was stored */
    CAIRN_READ_ONLY = 14,   /* the data folder cannot be written, or was opened read_only */
    CAIRN_CORRUPT = 15,     /* what is stored does not check; see `cairn doctor` */
    CAIRN_UNAVAILABLE = 16, /* something it needs is not there now, or a sink wanted no more */
    CAIRN_INTERNAL = 17     /* a mistake of Cairn's own */
};

/* One setting of docs/configuration.md by name: {"memory.window", "50"}. Numbers and booleans are written as in
 * cairn.toml, texts without quotes. */
struct cairn_setting {
    const char *name;
    const char *value;
};

/* How to open. Begin with CAIRN_OPTIONS and set what you want different. */
struct cairn_options {
    size_t size;    /* sizeof(struct cairn_options): tells the library which members you know */
    int read_only;  /* 1: nothing is written, the folder must exist; operations that write are refused */
    int background; /* 1: this process does the work behind the writes as well (index, summaries, patterns, events,
                     * upkeep, vectors), on threads of low priority, and recalls by meaning where a model is found. Of
                     * all processes that have the folder open one does the upkeep. 0: no thread but the writer's, the
                     * index is brought up to date when asked, and recall goes by meaning only where the model is a
                     * packed one (cairn model --pack), by the vectors that others made. Not with read_only. */
    const struct cairn_setting *settings; /* n_settings of them, over those of cairn.toml; NULL: none. Copied */
    size_t n_settings;                    /* at most 1,000 */
};
#define CAIRN_OPTIONS                                                                                                  \
    {                                                                                                                  \
        sizeof(struct cairn_options), 0, 0, NULL, 0                                                                    \
    }

/* Opens the data folder `dir`, and makes it when it is not there. Settings come from cairn.toml in that folder and the
 * defaults. *out becomes the handle, to be given to cairn_close, or NULL. Returns CAIRN_OK or an error number
 * (CAIRN_INVALID: a path or a setting is wrong; CAIRN_READ_ONLY, CAIRN_CORRUPT, …). */
int cairn_open(const char *dir, cairn **out);

/* As cairn_open, with options; NULL: as cairn_open. Of two places that name a setting, `settings` counts. Where they
 * hold server.log_level, the log of the whole process goes to standard error at that level. */
int cairn_open_with(const char *dir, const struct cairn_options *options, cairn **out);

/* Ends background work and closes; what was answered before is durable already. Frees the handle. NULL is fine. */
void cairn_close(cairn *c);

/* Runs one operation and waits for it. `args`: a JSON object of at most 64 MiB that holds path, query and body
 * arguments together; NULL: none. *out becomes the answer: JSON, or the text itself where docs/operations.md says that
 * the answer is one (an export). On an error it becomes {"error":{"code","message","field"?,"retry_after"?}}, with
 * the names of the REST API. A write is durable when this returns CAIRN_OK.
 *
 * Vectors of texts: cairn_call(c, "embed", "{\"input\":[\"a text\",\"another\"]}", &out) answers in the shape of
 * OpenAI's embeddings. The model is opened by the first such call and kept; the setting search.model names it, else it
 * is looked for as `cairn model --help` says. An endpoint (embedding.url) only `cairn serve` and `cairn embed` can ask.
 */
int cairn_call(cairn *c, const char *operation, const char *args, char **out);

/* Takes a piece of an answer: `n` bytes (more than 0, not ended by a zero byte), borrowed until it returns. 0: go on;
 * anything else: enough, which ends the call. Runs on the thread that called, and must not throw or jump out. */
typedef int cairn_sink(void *arg, const char *bytes, size_t n);

/* As cairn_call, but the answer goes to `sink` piece by piece and is never held as a whole, so that exports of any size
 * take little memory. Operations that do not stream give one piece. An error gives no piece of its own, only the number
 * and cairn_last_error; pieces that came before it are not the whole answer. CAIRN_UNAVAILABLE: `sink` wanted no more.
 */
int cairn_call_stream(cairn *c, const char *operation, const char *args, cairn_sink *sink, void *arg);

/* Stores `text` as a turn of the session that the caller knows as `session` (any name, made on first use; NULL: the
 * one for things remembered). Operation turn.remember. `out` may be NULL when the answer is not wanted. */
int cairn_remember(cairn *c, const char *text, const char *session, char **out);

/* What is known that helps with `query`, best first: {"results":[…], …}. Operation recall. `max_results`: 1 to 100, 0:
 * the operation's default. */
int cairn_recall(cairn *c, const char *query, int max_results, char **out);

/* Frees what a call put into *out. NULL is fine. */
void cairn_free(char *out);

/* Why this thread's last call failed: one sentence for a person, in English; "" when it did not. Never NULL, valid
 * until the thread's next call. */
const char *cairn_last_error(void);

/* The version of the library that is running: "0.1.0". Static. */
const char *cairn_version(void);

#ifdef __cplusplus
}
#endif

#endif
