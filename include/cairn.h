/* libcairn: the whole of Cairn's service inside your own process, without a server.
 *
 * Open a data folder (a server or the CLI may have it open at the same time), call any operation of
 * docs/operations.md by name with its arguments as one JSON object, get its answer as JSON.
 *
 *     cairn *c; char *out;
 *     if (cairn_open("/path/to/data", &c) == 0 &&
 *         cairn_call(c, "recall", "{\"query\":\"what did we decide about the cache?\"}", &out) == 0)
 *         puts(out);
 *     cairn_free(out); cairn_close(c);
 *
 * Threads: a handle may be used from several threads at once.
 */
#ifndef CAIRN_H
#define CAIRN_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn cairn;

/* Opens (makes, when absent) the data folder. 0, or an error number; cairn_last_error() tells more. Settings come from
 * cairn.toml in that folder (docs/configuration.md) and defaults; the process's environment is not looked at. */
int cairn_open(const char *dir, cairn **out);
/* Closes; everything answered before is durable. NULL is fine. */
void cairn_close(cairn *c);
/* Runs one operation. `args`: a JSON object (path, query and body arguments together) or NULL. *out becomes the
 * answer, or the error as {"error":{code, message, …}}; free it with cairn_free. Returns 0 or an error number. */
int cairn_call(cairn *c, const char *operation, const char *args, char **out);
void cairn_free(char *out);
/* The last error of this thread, in words; "" when there was none. Valid until the thread's next call. */
const char *cairn_last_error(void);
const char *cairn_version(void);

#ifdef __cplusplus
}
#endif

#endif
