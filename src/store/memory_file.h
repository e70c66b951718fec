/* A file's bytes in memory that is neither written to a swap space nor to a core dump, as far as the system allows: for
 * what must never be on a disk. Room is taken in large pieces, of all files of a disk together at most `most` bytes;
 * what is given up is overwritten first. Not thread-safe: sqlite_memory.c locks. */
#ifndef CAIRN_STORE_MEMORY_FILE_H
#define CAIRN_STORE_MEMORY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What several files share: how much they take, and may take. */
struct memory_room {
    int64_t most, used;
    bool unlocked; /* the system refused to lock some of it (RLIMIT_MEMLOCK): it could be swapped out */
};

enum { MEMORY_PIECE = 256 << 10 };

struct memory_file {
    struct memory_room *room;
    unsigned char **pieces; /* MEMORY_PIECE bytes each */
    size_t n_pieces, room_pieces;
    int64_t size;
};

void memory_file_init(struct memory_file *f, struct memory_room *room);
void memory_file_release(struct memory_file *f); /* overwrites and gives back */
/* Bytes read: fewer than n at the file's end. */
size_t memory_file_read(const struct memory_file *f, void *to, size_t n, int64_t at);
/* False: no room, or out of memory; nothing is changed then. Between the old end and `at` there are zeros. */
bool memory_file_write(struct memory_file *f, const void *from, size_t n, int64_t at);
void memory_file_cut(struct memory_file *f, int64_t size); /* to at most that size */

#endif
