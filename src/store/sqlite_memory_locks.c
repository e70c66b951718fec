/* Locks of files in memory, as SQLite describes them, and the memory that connections share for the log's index. All
 * connections are in this process, so a lock is a count, or a name of who holds it, under the disk's mutex. */
#include "store/sqlite_memory.h"

#include "base/mem.h"

/* ---- locks of the database's file, as SQLite describes them ---- */
static bool others(const struct handle *owner, const struct handle *h)
{
    return owner && owner != h;
}

static int take(struct handle *h, int level)
{
    struct disk_file *f = h->file;
    if (others(f->exclusive, h) || (level == SQLITE_LOCK_SHARED && f->pending))
        return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && others(f->reserved, h))
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_SHARED) {
        f->shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        f->reserved = h;
    } else {
        if (others(f->pending, h))
            return SQLITE_BUSY;
        f->pending = h;
        if (f->shared > 1) {
            h->level = SQLITE_LOCK_PENDING;
            return SQLITE_BUSY;
        }
        f->exclusive = h;
    }
    h->level = level;
    return SQLITE_OK;
}

int memory_lock(sqlite3_file *f, int level)
{
    struct handle *h = memory_enter(f);
    return memory_leave(h, h->level >= level ? SQLITE_OK : take(h, level));
}

static void give_back(struct handle *h, int level)
{
    struct disk_file *f = h->file;
    if (f->reserved == h)
        f->reserved = NULL;
    if (f->pending == h)
        f->pending = NULL;
    if (f->exclusive == h)
        f->exclusive = NULL;
    if (level == SQLITE_LOCK_NONE)
        f->shared--;
    h->level = level;
}

int memory_unlock(sqlite3_file *f, int level)
{
    struct handle *h = memory_enter(f);
    if (h->level > level)
        give_back(h, level);
    return memory_leave(h, SQLITE_OK);
}

int memory_reserved(sqlite3_file *f, int *reserved)
{
    struct handle *h = memory_enter(f);
    *reserved = h->file->reserved || h->file->pending || h->file->exclusive;
    return memory_leave(h, SQLITE_OK);
}

/* ---- the log's index ---- */
int memory_shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out)
{
    struct handle *h = memory_enter(f);
    struct disk_file *d = h->file;
    *out = NULL;
    if (!h->shm) {
        h->shm = true;
        d->shm_opened++;
    }
    if (region >= MEMORY_REGIONS)
        return memory_leave(h, SQLITE_FULL);
    while (extend && d->n_regions <= region) {
        void *p = mem_zalloc((size_t)bytes);
        if (!p)
            return memory_leave(h, SQLITE_NOMEM);
        d->regions[d->n_regions++] = p;
    }
    if (region < d->n_regions)
        *out = d->regions[region];
    return memory_leave(h, SQLITE_OK);
}

static bool shm_free_for(const struct handle *h, int i, bool exclusive)
{
    const struct disk_file *d = h->file;
    int mine = (h->shm_held >> i) & 1;
    return !others(d->shm_exclusive[i], h) && (!exclusive || d->shm_shared[i] - mine == 0);
}

static void shm_set(struct handle *h, int i, int flags)
{
    struct disk_file *d = h->file;
    unsigned bit = 1u << i;
    bool on = flags & SQLITE_SHM_LOCK;
    if (flags & SQLITE_SHM_EXCLUSIVE) {
        d->shm_exclusive[i] = on ? h : NULL;
        h->shm_own = on ? h->shm_own | bit : h->shm_own & ~bit;
    } else if (on != ((h->shm_held & bit) != 0)) {
        d->shm_shared[i] += on ? 1 : -1;
        h->shm_held ^= bit;
    }
}

int memory_shm_lock(sqlite3_file *f, int from, int n, int flags)
{
    struct handle *h = memory_enter(f);
    for (int i = from; (flags & SQLITE_SHM_LOCK) && i < from + n; i++) {
        if (!shm_free_for(h, i, flags & SQLITE_SHM_EXCLUSIVE))
            return memory_leave(h, SQLITE_BUSY);
    }
    for (int i = from; i < from + n; i++) {
        if ((flags & SQLITE_SHM_LOCK) || ((h->shm_own | h->shm_held) >> i) & 1)
            shm_set(h, i, flags);
    }
    return memory_leave(h, SQLITE_OK);
}

/* Taking the mutex is a barrier. */
void memory_shm_barrier(sqlite3_file *f)
{
    (void)memory_leave(memory_enter(f), 0);
}

void memory_regions_free(struct disk_file *d)
{
    while (d->n_regions)
        mem_free(d->regions[--d->n_regions]);
}

static void shm_forget(struct handle *h)
{
    struct disk_file *d = h->file;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        if ((h->shm_own >> i) & 1)
            d->shm_exclusive[i] = NULL;
        if ((h->shm_held >> i) & 1)
            d->shm_shared[i]--;
    }
    h->shm_own = h->shm_held = 0;
    if (h->shm && --d->shm_opened == 0)
        memory_regions_free(d);
    h->shm = false;
}

int memory_shm_unmap(sqlite3_file *f, int remove)
{
    (void)remove; /* the last one takes it along anyway */
    struct handle *h = memory_enter(f);
    shm_forget(h);
    return memory_leave(h, SQLITE_OK);
}

void memory_unlock_all(struct handle *h)
{
    shm_forget(h);
    if (h->level > SQLITE_LOCK_NONE)
        give_back(h, SQLITE_LOCK_NONE);
}
