/* The shared counters and what a group of writes touches. See versions.h. */
#include "store/versions.h"

#include "base/mem.h"
#include "store/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 8192 }; /* 64 KiB */

/* The first counter is for writes that nobody accounted for: it is part of every version. */
struct versions {
    _Atomic uint64_t all;
    _Atomic uint64_t slots[SLOTS - 1];
};

/* FNV-1a. */
static uint64_t hash(struct str s, uint64_t h)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

uint64_t version_key(struct str id_or_kind)
{
    return hash(id_or_kind, 1469598103934665603u);
}

uint64_t version_active(struct str session_id)
{
    return hash(STR("active"), version_key(session_id));
}

static uint32_t slot_of(uint64_t key)
{
    return (uint32_t)((key >> 20) % (SLOTS - 1));
}

bool store_version(const struct store *s, const uint64_t *keys, size_t n, uint64_t *out)
{
    if (!s->versions)
        return false;
    /* counters only rise, so their sum is the same only when none has risen */
    *out = atomic_load(&s->versions->all);
    for (size_t i = 0; i < n; i++)
        *out += atomic_load(&s->versions->slots[slot_of(keys[i])]);
    return true;
}

/* ---- the writer's side ---- */

void tx_mark(struct store_tx *tx, uint64_t key)
{
    struct version_marks *m = &tx->marks;
    uint32_t slot = slot_of(key);
    m->accounted = true;
    if (m->n && m->slots[m->n - 1] == slot) /* turns mostly come in runs */
        return;
    if (m->n == VERSION_MARKS)
        m->all = true;
    else
        m->slots[m->n++] = slot;
}

void tx_mark_record(struct store_tx *tx, const struct kind *k, struct str session_id)
{
    tx->marks.accounted = true;
    if (!(k->flags & KIND_TRACE))
        tx_mark(tx, version_key(session_id.n ? session_id : str_of(k->name)));
}

void versions_publish(struct store_tx *tx)
{
    struct versions *v = tx->store->versions;
    struct version_marks *m = &tx->marks;
    if (!v)
        return;
    if (m->all)
        atomic_fetch_add(&v->all, 1);
    for (size_t i = 0; i < m->n; i++)
        atomic_fetch_add(&v->slots[m->slots[i]], 1);
}

/* ---- opening ---- */

/* Without the file nothing is kept, which is slower and right; so a failure is no error. */
void versions_open(struct store *s)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/versions", s->dir);
    if (n < 0 || (size_t)n >= sizeof path || mem_fail_now())
        return;
    int fd =
        s->writable ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    struct stat st;
    bool whole = fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(struct versions);
    if (!whole && s->writable)
        whole =
            posix_fallocate(fd, 0, sizeof(struct versions)) == 0; /* a page that cannot be had would kill us later */
    void *at =
        whole ? mmap(NULL, sizeof(struct versions), s->writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0)
              : MAP_FAILED;
    close(fd);
    s->versions = at == MAP_FAILED ? NULL : at;
}

void versions_close(struct store *s)
{
    if (s->versions)
        munmap(s->versions, sizeof(struct versions));
    s->versions = NULL;
}
