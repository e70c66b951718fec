/* Cold storage: turns that retention lets go are kept outside the store, where cold.folder names a folder (another
 * disk, a mounted share). Nothing is let go before its archive was written and read back.
 *
 * An archive is a file <session>/<conversation>/<first>-<last>.<sha256>.zst: the SHA-256 of its bytes stands in its
 * name, so the folder is its own manifest. In it, compressed by zstd: JSON Lines, the first one the head (what it
 * holds), then a line a turn, at most ARCHIVE_TURNS. In a sealed store the whole is sealed with the session's key
 * (seal/seal.h), so that it is lost with that key.
 *
 * Erasure takes archives out too: whole ones, or single turns by writing the archive anew. */
#ifndef CAIRN_SERVICE_COLD_H
#define CAIRN_SERVICE_COLD_H

#include "service/service.h"
#include "store/records.h"

enum { COLD_VERSION = 1, ARCHIVE_TURNS = 500, ARCHIVE_MAX = 512 << 20 };

bool cold_wanted(const struct service *svc);
/* Archives a conversation's turns first … last, and verifies it. Without cold storage: nothing. Blocks. */
enum err_code cold_keep(struct service *svc, const struct record *conversation, int64_t first, int64_t last,
                        struct err *e);

/* ---- what is there ---- */
struct cold_archive {
    struct str session, conversation, path, sha256; /* path: within the folder */
    int64_t first, last, bytes;
};
typedef enum err_code cold_fn(void *arg, const struct cold_archive *a, struct err *e);
/* Every archive, of one session or (STR_NONE) of all; what lives in `a` and in the call. What has no such name is
 * passed over. Without cold storage: none. */
enum err_code cold_walk(struct service *svc, struct arena *a, struct str session, cold_fn *fn, void *arg,
                        struct err *e);
/* Its lines, in the arena. ERR_CORRUPT: its bytes are not those it was named for; ERR_GONE: its key is destroyed. */
enum err_code cold_read(struct service *svc, struct arena *a, const struct cold_archive *c, struct str *lines,
                        struct err *e);

/* ---- erasure (cold_erase.c) ---- */
/* Takes out what belongs to an erasure that has taken its rows; *n: archives removed or written anew. */
enum err_code cold_erase(struct service *svc, struct arena *a, const struct record *erasure, int64_t *n, struct err *e);
/* Takes out turns that mention one of the (folded) forms; dry: only counts them. */
enum err_code cold_forget_value(struct service *svc, struct arena *a, const struct str *forms, size_t n_forms, bool dry,
                                int64_t *turns, struct err *e);

/* ---- between the files ---- */
/* Writes lines as an archive (head and all), reads it back, and gives its path. */
enum err_code cold_write(struct service *svc, struct arena *a, const struct cold_archive *of, struct str lines,
                         struct err *e);
enum err_code cold_remove(struct service *svc, const struct cold_archive *c, struct err *e);

#endif
