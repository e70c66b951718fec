/* Cold storage: turns that retention lets go are kept outside the store, in a folder (cold.folder: another disk, a
 * mounted share) or in a bucket (cold.bucket); which, is the driver's to know (cold_driver.h). Nothing is let go before
 * its archive was written and read back.
 *
 * An archive is an object <session>/<conversation>/<first>-<last>.<sha256>.zst: the SHA-256 of its bytes stands in its
 * name, so the folder or bucket is its own manifest. In it, compressed by zstd: JSON Lines, the first one the head
 * (what it holds), then a line a turn, at most ARCHIVE_TURNS. In a sealed store the whole is sealed with the session's
 * key (seal/seal.h), so that it is lost with that key.
 *
 * Erasure takes archives out too: whole ones, or single turns by writing the archive anew. */
#ifndef CAIRN_SERVICE_COLD_H
#define CAIRN_SERVICE_COLD_H

#include "base/json_write.h"
#include "service/service.h"
#include "store/records.h"

/* ARCHIVE_BYTES: where turns come to more, an archive takes fewer (one may be longer). */
enum { COLD_VERSION = 1, ARCHIVE_TURNS = 500, ARCHIVE_BYTES = 32 << 20, ARCHIVE_MAX = 192 << 20 };

/* Opens svc->cold by the settings; NULL without any. ERR_INVALID, ERR_DENIED: they cannot be right. */
enum err_code cold_open(struct service *svc, struct err *e);
void cold_stop(struct service *svc);
void cold_close(struct service *svc);

bool cold_wanted(const struct service *svc);
/* Archives a conversation's turns first … last, and verifies it. Without cold storage: nothing. Blocks. */
enum err_code cold_keep(struct service *svc, const struct record *conversation, int64_t first, int64_t last,
                        struct err *e);

/* ---- what is there ---- */
struct cold_archive {
    struct str session, conversation, path, sha256; /* path: within the folder */
    int64_t first, last, bytes;
    bool sealed; /* with the key of this slot: of one that was read (cold_read_whole) */
    int64_t slot;
};
typedef enum err_code cold_fn(void *arg, const struct cold_archive *a, struct err *e);
/* Every archive, of one session or (STR_NONE) of all; its strings live as long as the call of fn. What has no such
 * name is passed over. Without cold storage: none. */
enum err_code cold_walk(struct service *svc, struct str session, cold_fn *fn, void *arg, struct err *e);
/* The same of an archive's bytes. */
enum err_code cold_parse(struct service *svc, struct arena *a, const struct cold_archive *c, struct str bytes,
                         struct str *lines, struct err *e);
/* Its lines, in the arena. ERR_CORRUPT: its bytes are not those it was named for; ERR_GONE: its key is destroyed. */
enum err_code cold_read(struct service *svc, struct arena *a, const struct cold_archive *c, struct str *lines,
                        struct err *e);

/* The same, and tells in `c` how it is sealed, so that it is sealed so again when it is written anew. */
enum err_code cold_read_whole(struct service *svc, struct arena *a, struct cold_archive *c, struct str *lines,
                              struct err *e);
/* Whether the caller may look into and change it: whose project it is, its first line tells. NULL: may everything. */
struct caller;
enum err_code cold_permits(struct arena *a, const struct caller *who, struct str lines, bool *out, struct err *e);

/* ---- erasure (cold_erase.c) ---- */
/* The archives that an erasure has removed or written anew, for its receipt: a JSON array of {"path","removed"}. */
struct cold_changed {
    struct buf b;
    struct json_out out;
    int64_t n;
};
/* `before`: what an earlier step of the same erasure has noted; STR_NONE: nothing. */
enum err_code cold_changed_begin(struct cold_changed *c, struct arena *a, struct str before, struct err *e);
enum err_code cold_changed_end(struct cold_changed *c, struct arena *a, struct str *out, struct err *e);
/* Takes out what belongs to an erasure that has taken its rows. */
enum err_code cold_erase(struct service *svc, struct arena *a, const struct record *erasure,
                         struct cold_changed *changed, struct err *e);
/* Takes out turns that mention one of the (folded) forms, where `who` may. changed NULL: only counts them. */
enum err_code cold_forget_value(struct service *svc, const struct caller *who, const struct str *forms, size_t n_forms,
                                struct cold_changed *changed, int64_t *turns, struct err *e);
/* fn(arg, line) for each turn that mentions one of the forms, in archives that `who` may look into; what nobody can
 * read is passed over. */
typedef enum err_code cold_line_fn(void *arg, struct str line, struct err *e);
enum err_code cold_mentions(struct service *svc, const struct caller *who, const struct str *forms, size_t n_forms,
                            cold_line_fn *fn, void *arg, struct err *e);
/* Where a turn is that the store has let go, in the arena. ERR_NOT_FOUND: in no archive. */
struct cold_place {
    int64_t seq; /* of what is left of its row, 0: nothing */
    struct str session_id, conversation_id, project;
};
enum err_code cold_find_turn(struct service *svc, struct arena *a, struct str id, struct cold_place *out,
                             struct err *e);

/* Writes all archives anew in the form that the store's keys ask for now. While both forms can be read. */
enum err_code cold_convert(struct service *svc, struct err *e);

/* ---- between the files ---- */
/* With strings of its own; false: out of memory. */
bool cold_archive_copy(struct arena *a, const struct cold_archive *c, struct cold_archive *out);
/* Writes lines as an archive (head and all), reads it back, and gives its path. */
enum err_code cold_write(struct service *svc, struct arena *a, const struct cold_archive *of, struct str lines,
                         struct err *e);
enum err_code cold_remove(struct service *svc, const struct cold_archive *c, struct err *e);

#endif
