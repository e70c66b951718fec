/* File calls with clear errors, and the door through which tests make them fail (they ask
 * mem_fail_now() first, as allocations do; file_exists and file_size, which cannot report it, do not). Paths are
 * NUL-terminated. */
#ifndef CAIRN_BASE_FILE_H
#define CAIRN_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

bool file_exists(const char *path);
enum err_code file_mkdirs(const char *path, struct err *e); /* mode 0700, parents too */
/* Appends to `out`. ERR_NOT_FOUND when there is no such file, ERR_TOO_LARGE past max bytes. What is no file (a pipe in
 * a file's place) is refused at once, here and by all that open files below; file_read_given is for names that people
 * give, who may give a pipe. */
enum err_code file_read_all(const char *path, size_t max, struct buf *out, struct err *e);
enum err_code file_read_given(const char *path, size_t max, struct buf *out, struct err *e);
/* Writes to a temporary sibling, fsyncs, renames, fsyncs the folder: whole or not at all. Mode 0600. */
enum err_code file_write_atomic(const char *path, struct str bytes, struct err *e);
/* Opens for appending, 0600. Returns the descriptor or -1 with *e set. */
int file_open_append(const char *path, struct err *e);
enum err_code file_write_fd(int fd, struct str bytes, struct err *e); /* all of it, or an error */
enum err_code file_sync(int fd, struct err *e);
enum err_code file_remove(const char *path, struct err *e); /* absent is fine */
int64_t file_size(const char *path);                        /* -1 when absent */
/* The whole file read-only in memory, private; an empty file gives n == 0. Errors as file_read_all's. Cutting the file
 * short while it is mapped kills the process: files that are replaced must be replaced by renaming. */
enum err_code file_map(const char *path, size_t max, struct str *out, struct err *e);
void file_unmap(struct str map); /* STR_NONE and empty ones are fine */
/* For files that grow: a descriptor for reading (-1 with *e set, ERR_NOT_FOUND when absent), and `bytes` of it in
 * memory, which may be more than it has yet: what is past its end must not be touched until it is written. */
int file_open_read(const char *path, struct err *e);
enum err_code file_map_fd(int fd, size_t bytes, struct str *out, struct err *e);
enum err_code file_look(int fd, int64_t *size, bool *gone, struct err *e); /* gone: it has no name any more */
enum err_code file_cut(int fd, int64_t size, struct err *e);               /* what follows `size` bytes is gone */
/* For files written at given places: opens or makes one, 0600, for reading and writing. -1 with *e set. */
int file_open_write(const char *path, struct err *e);
enum err_code file_write_at(int fd, int64_t at, struct str bytes, struct err *e); /* all of it, or an error */
/* *got may be less than n at the end of the file. */
enum err_code file_read_at(int fd, int64_t at, void *out, size_t n, size_t *got, struct err *e);
/* Puts the file `from` in the place of `to`, durably. Sync it first. */
enum err_code file_replace(const char *from, const char *to, struct err *e);

#endif
