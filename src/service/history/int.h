/* Between the files of an import. */
#ifndef CAIRN_SERVICE_HISTORY_INT_H
#define CAIRN_SERVICE_HISTORY_INT_H

#include "service/history/history.h"

#include "base/id.h"
#include "store/met.h"
#include "store/turns.h"

/* ---- walk.c: the inventory ---- */
struct history_file {
    struct str path; /* below the root; any bytes */
    struct history_name name;
    int64_t device, inode, size, modified_ns;
};
struct history_walk {
    struct arena *arena;
    char *root;                 /* as named, absolute */
    int fd;                     /* the root's folder; -1 */
    struct history_file *files; /* in the order in which they are read */
    size_t n, room;
    struct str *folders; /* that were looked into, from the root's own, "" */
    size_t n_folders, room_folders;
    int64_t links_left; /* links that were not followed */
    struct history_unread {
        struct str path;
        int why; /* errno */
    } * unread;  /* folders that cannot be read */
    size_t n_unread, room_unread;
};
/* only: folders below the path, to look into these and no deeper; n_only 0: all. */
enum err_code walk_open(struct history_walk *w, const struct history_format *f, const char *path,
                        const struct str *only, size_t n_only, struct err *e);
void walk_close(struct history_walk *w);
/* For reading, without following links (but those of folders that the walk followed), its times untouched. The file's
 * folder goes to *dir. -1 with *e set: ERR_NOT_FOUND when it is gone. */
int walk_file(const struct history_walk *w, const struct history_file *f, int *dir, struct err *e);
/* openat for reading that leaves the time of access as it is where it may, and waits for nothing. */
int open_quiet(int dir, const char *name, int more_flags);

/* ---- names.c ---- */
struct history_names {
    unsigned char secret[32];
    const char *source;
};
/* A keyed hash of parts, each with its length. */
void names_key(const struct history_names *n, const char *what, const struct str *parts, size_t n_parts,
               unsigned char out[SHA256_BYTES]);
/* "<prefix>_" and 32 hex digits of such a hash. */
void names_id(const struct history_names *n, const char *prefix, const struct str *parts, size_t n_parts, char *out);
/* A file's, in the manifest: of its true root and path. */
void names_file(const struct history_names *n, struct str root, struct str path, char *out);

/* ---- checkpoint.c: what an import has brought, once it is at its end; report: as JSON ---- */
enum err_code checkpoint_write(struct store_tx *tx, struct arena *a, const struct history_wish *w, struct str run,
                               struct str report, const struct history_report *r, struct err *e);

/* ---- find.c: the path of the file with that id, in the arena; where there is none, as root and path say. NULL: no
 * memory ---- */
char *find_file(const struct history_names *names, struct arena *a, struct str id, struct str root, struct str path);

/* Valid UTF-8: s itself, or a copy in the arena with U+FFFD for each byte that is none. */
struct str history_valid(struct arena *a, struct str s);
/* The same as a copy always: a name as it may be shown and stored. */
struct str history_shown(struct arena *a, struct str name);

#endif
