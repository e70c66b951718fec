/* The vocabulary's hash table: open addressing over entries whose bytes lie one after another in a buffer.
 * Bounded by VOCAB_MAX pieces; a piece longer than any word that WordPiece looks up is refused. */
#include "embed/vocab.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

enum { LOAD = 2 /* slots per possible piece */, TEXT_MAX = 64 << 20 };

struct entry {
    uint32_t hash;
    uint32_t at; /* into text */
    int32_t id;  /* -1: empty slot */
    uint16_t n;
    bool continuing;
};

struct vocab {
    struct entry *slots;
    size_t mask, limit, used, longest;
    struct buf text;
};

struct vocab *vocab_new(size_t limit)
{
    if (limit > VOCAB_MAX)
        limit = VOCAB_MAX;
    size_t slots = 64;
    while (slots < LOAD * limit)
        slots *= 2;
    struct vocab *v = mem_zalloc(sizeof *v);
    if (!v)
        return NULL;
    buf_init(&v->text, TEXT_MAX);
    v->limit = limit;
    v->mask = slots - 1;
    v->slots = mem_alloc(slots * sizeof *v->slots);
    if (!v->slots) {
        vocab_free(v);
        return NULL;
    }
    for (size_t i = 0; i < slots; i++)
        v->slots[i] = (struct entry){.id = -1};
    return v;
}

void vocab_free(struct vocab *v)
{
    if (!v)
        return;
    buf_release(&v->text);
    mem_free(v->slots);
    mem_free(v);
}

static uint32_t hash_piece(struct str s, bool continuing)
{
    uint64_t h = continuing ? 0x9E3779B97F4A7C15u : 0xD1B54A32D192ED03u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001B3u;
    h ^= h >> 29;
    return (uint32_t)((h * 0xBF58476D1CE4E5B9u) >> 32);
}

/* The slot that holds the piece, or the empty one where it belongs. */
static struct entry *slot_of(const struct vocab *v, struct str s, bool continuing, uint32_t hash)
{
    for (size_t i = hash & v->mask;; i = (i + 1) & v->mask) {
        struct entry *slot = &v->slots[i];
        if (slot->id < 0)
            return slot;
        if (slot->hash == hash && slot->n == s.n && slot->continuing == continuing &&
            memcmp(v->text.p + slot->at, s.p, s.n) == 0)
            return slot;
    }
}

/* A piece of 1 to VOCAB_PIECE_MAX bytes without its "##", and an id below the limit. */
static enum err_code add_piece(struct vocab *v, struct str piece, bool continuing, int32_t id, struct err *e)
{
    uint32_t hash = hash_piece(piece, continuing);
    struct entry *slot = slot_of(v, piece, continuing, hash);
    if (slot->id >= 0) {
        slot->id = id;
        return ERR_OK;
    }
    if (v->used >= v->limit)
        return err_set(e, ERR_INVALID, "vocab", "the vocabulary has more than the model's %zu pieces", v->limit);
    size_t at = v->text.n;
    buf_put(&v->text, piece.p, piece.n);
    if (v->text.failed)
        return err_nomem(e);
    *slot = (struct entry){hash, (uint32_t)at, id, (uint16_t)piece.n, continuing};
    v->used++;
    if (piece.n > v->longest)
        v->longest = piece.n;
    return ERR_OK;
}

enum err_code vocab_add(struct vocab *v, struct str piece, int64_t id, struct err *e)
{
    if (id < 0 || (uint64_t)id >= v->limit)
        return err_set(e, ERR_INVALID, "vocab", "the vocabulary gives \"%.*s\" the id %lld, past the model's %zu",
                       (int)(piece.n < 40 ? piece.n : 40), piece.p, (long long)id, v->limit);
    bool continuing = piece.n > 2 && str_starts(piece, "##");
    if (continuing)
        piece = str_skip(piece, 2);
    if (piece.n == 0 || piece.n > VOCAB_PIECE_MAX) /* nothing, or longer than any word that is looked up */
        return ERR_OK;
    return add_piece(v, piece, continuing, (int32_t)id, e);
}

enum err_code vocab_add_lines(struct vocab *v, struct str text, struct err *e)
{
    for (int64_t id = 0; text.n > 0; id++) {
        struct str line = str_cut(&text, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        enum err_code rc = vocab_add(v, line, id, e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* Each piece: its id, its length, whether it continues a word, its bytes. */
struct packed_piece {
    int32_t id;
    uint16_t n, continuing;
};

void vocab_pack(const struct vocab *v, struct buf *out)
{
    for (size_t i = 0; i <= v->mask; i++) {
        const struct entry *slot = &v->slots[i];
        struct packed_piece p = {slot->id, slot->n, slot->continuing};
        if (slot->id < 0)
            continue;
        buf_put(out, &p, sizeof p);
        buf_put(out, v->text.p + slot->at, slot->n);
    }
}

enum err_code vocab_unpack(struct vocab *v, struct str bytes, struct err *e)
{
    enum err_code rc = ERR_OK;
    while (rc == ERR_OK && bytes.n > 0) {
        struct packed_piece p = {.id = -1};
        if (bytes.n >= sizeof p)
            memcpy(&p, bytes.p, sizeof p);
        bytes = str_skip(bytes, sizeof p);
        if (p.id < 0 || (uint32_t)p.id >= v->limit || p.n == 0 || p.n > VOCAB_PIECE_MAX || p.n > bytes.n)
            return err_set(e, ERR_CORRUPT, "model", "the packed model's vocabulary does not make sense");
        rc = add_piece(v, str_take(bytes, p.n), p.continuing != 0, p.id, e);
        bytes = str_skip(bytes, p.n);
    }
    return rc;
}

int32_t vocab_find(const struct vocab *v, struct str piece, bool continuing)
{
    if (piece.n == 0 || piece.n > v->longest)
        return -1;
    return slot_of(v, piece, continuing, hash_piece(piece, continuing))->id;
}

size_t vocab_longest(const struct vocab *v)
{
    return v->longest;
}
