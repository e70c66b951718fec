/* Between sqlite_memory.c (files) and sqlite_memory_locks.c (locks, and the memory that the log's index shares). */
#ifndef CAIRN_STORE_SQLITE_MEMORY_H
#define CAIRN_STORE_SQLITE_MEMORY_H

#include "store/memory_file.h"
#include "store/sqlite_driver.h"

#include <pthread.h>

enum { MEMORY_FILES = 8, MEMORY_NAME_ROOM = 64, MEMORY_REGIONS = 64 };

struct disk_file {
    char name[MEMORY_NAME_ROOM]; /* "": free */
    struct memory_file bytes;
    int opened;
    bool unlinked;
    /* the database's locks: who holds what */
    int shared;
    const struct handle *reserved, *pending, *exclusive;
    /* shared memory of the log's index */
    void *regions[MEMORY_REGIONS];
    int n_regions, shm_opened;
    int shm_shared[SQLITE_SHM_NLOCK];
    const struct handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

struct driver_memory {
    sqlite3_vfs vfs;
    char name[MEMORY_NAME_ROOM];
    pthread_mutex_t lock;
    struct memory_room room;
    struct disk_file files[MEMORY_FILES];
};

struct handle {
    sqlite3_file base; /* first: SQLite's view of it */
    struct driver_memory *disk;
    struct disk_file *file;
    int level;
    bool shm;
    unsigned shm_held, shm_own; /* bits: shared and exclusive locks held */
};

/* Every method begins with the one and ends with the other, which hands rc on. */
struct handle *memory_enter(sqlite3_file *f);
int memory_leave(struct handle *h, int rc);

int memory_lock(sqlite3_file *f, int level);
int memory_unlock(sqlite3_file *f, int level);
int memory_reserved(sqlite3_file *f, int *reserved);
int memory_shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out);
int memory_shm_lock(sqlite3_file *f, int from, int n, int flags);
void memory_shm_barrier(sqlite3_file *f);
int memory_shm_unmap(sqlite3_file *f, int remove);
/* With the disk's mutex held: all that the handle holds; all shared memory of the file. */
void memory_unlock_all(struct handle *h);
void memory_regions_free(struct disk_file *d);

#endif
