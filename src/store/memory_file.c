/* Files in locked memory. See memory_file.h. Pieces come from the kernel one by one (mmap), so that locking and leaving
 * out of dumps go by whole pages and nothing of them is ever mixed with the heap. */
#include "store/memory_file.h"

#include "base/mem.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

void memory_file_init(struct memory_file *f, struct memory_room *room)
{
    *f = (struct memory_file){.room = room};
}

/* Without the lock it would still do its work, so a refusal is only noted. */
static unsigned char *piece_new(struct memory_room *room)
{
    if (mem_fail_now() || room->used + MEMORY_PIECE > room->most)
        return NULL;
    void *p = mmap(NULL, MEMORY_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, MEMORY_PIECE, MADV_DONTDUMP);
    (void)madvise(p, MEMORY_PIECE, MADV_DONTFORK);
    if (mlock(p, MEMORY_PIECE) != 0)
        room->unlocked = true;
    room->used += MEMORY_PIECE;
    return p;
}

static void piece_free(struct memory_room *room, unsigned char *p)
{
    sodium_memzero(p, MEMORY_PIECE);
    (void)munmap(p, MEMORY_PIECE);
    room->used -= MEMORY_PIECE;
}

static bool list_grow(struct memory_file *f, size_t pieces)
{
    if (pieces <= f->room_pieces)
        return true;
    size_t room = f->room_pieces ? f->room_pieces * 2 : 16;
    while (room < pieces)
        room *= 2;
    unsigned char **p = mem_grow(f->pieces, room * sizeof *p);
    if (!p)
        return false;
    f->pieces = p;
    f->room_pieces = room;
    return true;
}

/* New pieces are zero, as the kernel gives them. */
static bool reach(struct memory_file *f, int64_t size)
{
    size_t pieces = (size_t)((size + MEMORY_PIECE - 1) / MEMORY_PIECE), before = f->n_pieces;
    if (size > f->room->most || !list_grow(f, pieces))
        return false;
    while (f->n_pieces < pieces) {
        unsigned char *p = piece_new(f->room);
        if (!p)
            break;
        f->pieces[f->n_pieces++] = p;
    }
    if (f->n_pieces >= pieces)
        return true;
    while (f->n_pieces > before)
        piece_free(f->room, f->pieces[--f->n_pieces]);
    return false;
}

/* Calls for each stretch that lies in one piece would be the same three lines twice; so one walk serves both. */
static void walk(const struct memory_file *f, int64_t at, size_t n, unsigned char *to, const unsigned char *from)
{
    while (n) {
        unsigned char *piece = f->pieces[at / MEMORY_PIECE];
        size_t in = (size_t)(at % MEMORY_PIECE), step = MEMORY_PIECE - in < n ? MEMORY_PIECE - in : n;
        if (to) {
            memcpy(to, piece + in, step);
            to += step;
        } else {
            memcpy(piece + in, from, step);
            from += step;
        }
        at += (int64_t)step;
        n -= step;
    }
}

size_t memory_file_read(const struct memory_file *f, void *to, size_t n, int64_t at)
{
    if (at >= f->size)
        return 0;
    if ((int64_t)n > f->size - at)
        n = (size_t)(f->size - at);
    walk(f, at, n, to, NULL);
    return n;
}

bool memory_file_write(struct memory_file *f, const void *from, size_t n, int64_t at)
{
    int64_t end = at + (int64_t)n;
    if (end > f->size && !reach(f, end))
        return false;
    walk(f, at, n, NULL, from);
    if (end > f->size)
        f->size = end;
    return true;
}

/* What stays of the last piece is overwritten, so that growing again finds zeros there. */
void memory_file_cut(struct memory_file *f, int64_t size)
{
    if (size >= f->size)
        return;
    size_t pieces = (size_t)((size + MEMORY_PIECE - 1) / MEMORY_PIECE);
    while (f->n_pieces > pieces)
        piece_free(f->room, f->pieces[--f->n_pieces]);
    size_t in = (size_t)(size % MEMORY_PIECE);
    if (in)
        sodium_memzero(f->pieces[f->n_pieces - 1] + in, MEMORY_PIECE - in);
    f->size = size;
}

void memory_file_release(struct memory_file *f)
{
    memory_file_cut(f, 0);
    mem_free(f->pieces);
    *f = (struct memory_file){.room = f->room};
}
