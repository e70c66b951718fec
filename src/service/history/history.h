/* Importing agents' histories: what src/history/ reads becomes sessions, conversations and turns. Entry header.
 *
 * The order of one import, each step over all files of a source:
 *   inventory (walk.c)   which files there are, by name, size and time; links and what is private left alone
 *   baseline, extract    file by file (run.c): its checksum is brought up to its size, then it is read from where the
 *                        last import stopped; what is told goes through the gate on this thread (extract.c)
 *   deduplicate, store   in batches that end at a format's marks, each one transaction on the writer's thread: keys of
 *                        what was met, turns with their origin, the file's place and counts (batch.c)
 *   report               figures, kept as a record of kind import_run, and one row in the audit log
 * Killed at any point, the next import goes on at the last mark: what was committed after no mark cannot be, since
 * batches end there.
 *
 * Where a turn came from is in its metadata: {"source":{"file","line","offset","bytes"}}, the file's record naming root
 * and path. Ids of sessions, conversations, turns and files are made of what they are made of (a keyed hash), so they
 * are the same by whatever way an import comes to its end.
 *
 * A source is never written: files are opened for reading, without following links, and their times stay. */
#ifndef CAIRN_SERVICE_HISTORY_H
#define CAIRN_SERVICE_HISTORY_H

#include "base/id.h"
#include "history/format.h"
#include "service/service.h"
#include "store/records.h"

#include <stdatomic.h>

struct history_wish {
    const struct history_format *format;
    const char *path;          /* folder or file */
    struct str project;        /* full name; STR_NONE: by the folder that a session worked in */
    int64_t since;             /* ms; only what was said from then on. 0: all */
    int64_t limit;             /* at most so many new turns; 0: all */
    bool live;                 /* one of many, as it follows: noted only where something was new */
    const struct str *folders; /* below the path: these alone, and nothing below them; n_folders 0: all */
    size_t n_folders;
    bool dry_run;                                             /* nothing is stored */
    const atomic_bool *stop;                                  /* set: ends at the next mark; NULL */
    void (*progress)(void *arg, int64_t done, int64_t total); /* bytes; NULL */
    /* A file or folder that cannot be read, by its name below the root: any bytes; NULL */
    void (*failed)(void *arg, struct str path, const char *why);
    void *progress_arg; /* of both */
};

/* Lines by what became of them. */
struct history_counts {
    int64_t lines, fresh, merged, duplicates, skipped;
};
enum { HISTORY_REASONS = 24, HISTORY_REASON = 24 };
struct history_report {
    int64_t files, bytes, files_read, bytes_read, files_left, files_gone, files_failed, folders_failed;
    struct history_counts counts;
    struct {
        char why[HISTORY_REASON];
        int64_t n;
    } reasons[HISTORY_REASONS];
    size_t n_reasons;
    int64_t oldest, newest; /* of the files' times, ms */
    double seconds;
    bool stopped;
};
/* Blocks. ERR_NOT_FOUND: there is no such path. */
enum err_code history_import(struct service *svc, const struct history_wish *w, struct history_report *out,
                             struct err *e);
/* Imports, and again whenever something changes there, until the first wish's `stop`; tell: after each. A path that is
 * not there may come; what cannot be stored now is tried again. Two imports that are stopped, or two places that hold
 * one another, do no harm. */
typedef void history_followed(void *arg, const struct history_wish *w, const struct history_report *r);
enum err_code history_watch(struct service *svc, const struct history_wish *wishes, size_t n, history_followed *tell,
                            void *arg, struct err *e);
/* What an import would find, by names alone: files, bytes, times. ERR_NOT_FOUND. */
enum err_code history_look(const struct history_format *f, const char *path, struct history_report *out, struct err *e);
/* The members of a report, with `source`, for JSON. */
void history_report_write(struct json_out *w, const char *source, const struct history_report *r);

/* The places where a format's files are by default, in the arena; there: those that exist. env: getenv or a test's own.
 */
size_t history_roots(struct arena *a, const struct history_format *f, const char *(*env)(const char *name), bool there,
                     char **out, size_t max);
/* The id of the session here that a tool calls so; it may not have been imported. */
void history_session_id(const char *source, struct str session, char out[ID_MAX]);
/* Which format a file that is named by itself has, by its beginning; NULL: none that is known. */
const struct history_format *history_guess(const char *path);

/* Every file that was read is as it was, or has grown behind what was read; tools delete theirs after a while. Blocks.
 */
struct history_verified {
    int64_t files, bytes, same, grown, changed, gone, unreadable;
};
typedef void history_tell(void *arg, const struct record *file, const char *what);
enum err_code history_verify(struct service *svc, history_tell *tell, void *arg, struct history_verified *out,
                             struct err *e);
/* fn for each file that is known, by source (STR_NONE: of all); the record is borrowed. */
typedef enum err_code history_file_fn(void *arg, const struct record *file, struct err *e);
enum err_code history_manifest(struct service *svc, struct str source, history_file_fn *fn, void *arg, struct err *e);
/* What became of all its lines, as JSON in the arena; *lines: how many. */
struct str history_file_counts(struct arena *a, const struct record *file, int64_t *lines);

/* Where an imported turn came from, by its metadata. False: it was not imported, or the file is not known any more. */
struct history_origin {
    struct str source, root, path; /* in the arena */
    struct str entry;              /* of a zip, the file in it */
    int64_t line, offset, bytes;   /* offset -1: none */
    int64_t device, inode;         /* of the file, when it was read */
};
bool history_imported(struct str metadata);
bool history_origin(struct store *s, struct arena *a, struct str metadata, struct history_origin *out);
/* The members of an answer that tell it; none where there is none. */
void history_origin_write(struct store *s, struct arena *a, struct json_out *w, struct str metadata);

#endif
