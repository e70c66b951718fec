/* Segments: immutable sets of turns with their words. In a file (data/index/words-<hex>.seg, memory-mapped) or, the
 * same bytes, in memory for what is fresh. Not for other rooms.
 *
 * In a sealed store the file is a sealed one (seal/seal.h) with the same bytes inside: opened chunk by chunk, when a
 * chunk is first used, into memory of the process alone.
 *
 * A segment holds the turns with from < seq <= to that the store had when it was made. They are its documents, numbered
 * 0 … n-1 in the order of (project, session, conversation, seq): a project, a session and a conversation are each
 * one range of numbers, so that a filter by them is a range to be skipped to, and a turn's neighbours lie beside it.
 *
 * The bytes, in the machine's own byte order (files are derived: another machine makes its own):
 *   parts        see enum part; each begins at a multiple of 8
 *   PART_CHUNKS  a CRC-32C for each SEGMENT_CHUNK bytes of all before it
 *   foot         struct segment_foot, with its own CRC
 * So each byte is under a checksum. Chunks are checked when something in them is first used (segment_touch), which
 * keeps opening cheap. Beyond that nothing is trusted: each number read is bounds-checked.
 *
 * Postings of a term that stands in n documents:
 *   n < 128: n times varint(2 * (doc - previous - 1) + (tf > 1)), and varint(tf) when tf > 1
 *   else: a struct skip for each 128 postings, then these blocks; a whole one is 128 gaps (less 1) packed with
 *   doc_bits, then 128 tf - 1 with tf_bits (pack.c); the last, of fewer, is as above.
 * Skips tell the block's end, its last document and, for each frequency 1, 2, 3, more, the shortest text that has it:
 * what a document of the block can score at most, whatever the scope's average length is.
 *
 * Terms are sorted bytewise, in blocks of TERM_BLOCK; in a block each is varint(bytes shared with the one before),
 * varint(bytes of its own), these, varint(n), varint(bytes of its postings). */
#ifndef CAIRN_INDEX_SEGMENT_H
#define CAIRN_INDEX_SEGMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "seal/seal.h"
#include "store/turns.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SEGMENT_FORMAT = 1,
    SEGMENT_CHUNK = SEAL_CHUNK,
    /* Written at once: the system may keep it together, and map all of it when a byte of it is touched. */
    SEGMENT_WRITE = 8 * SEGMENT_CHUNK,
    SEGMENT_DOCS_MAX = 1 << 28,
    POSTINGS_BLOCK = 128,
    TERM_BLOCK = 16,
    TERM_MAX_BYTES = 128, /* longer ones are cut, when asked for too */
    TF_MAX = 255,         /* as far as repetitions are counted */
    LENGTH_CODES = 256,
    LENGTH_NONE = 255, /* in a skip: no document has this frequency */
};
static const double LENGTH_STEP = 1.05, LENGTH_UNIT = 16;

enum part {
    PART_SEQ,          /* u32[n]: seq - base */
    PART_TIME,         /* i64[n]: ms */
    PART_TURN,         /* u32[n]: number within the conversation */
    PART_CONVERSATION, /* u32[n] */
    PART_AGENT,        /* u32[n] */
    PART_LENGTH,       /* u8[n]: length_code of the text's bytes */
    PART_FLAGS,        /* u8[n]: DOC_ASKS, and the role above it */
    PART_BY_SEQ,       /* u32[n]: documents by ascending seq */
    PART_SESSIONS,     /* struct session_row[], by (project, id) */
    PART_SESSION_HASH, /* u32[]: sessions by ascending hash */
    PART_CONVERSATIONS,
    PART_CONVERSATION_HASH,
    PART_AGENTS, /* struct name_ref[] */
    PART_NAMES,  /* the bytes that name_refs point to */
    PART_POSTINGS,
    PART_TERMS,
    PART_TERM_BLOCKS, /* struct term_block[] */
    PART_CHUNKS,
    PART_COUNT
};
enum { DOC_ASKS = 1, DOC_ROLE_SHIFT = 1 };

struct name_ref {
    uint32_t at, n;
};
struct session_row {
    uint64_t hash, bytes; /* of the id; of its texts, by their length codes */
    uint32_t first, n;    /* documents */
    struct name_ref id, project;
};
struct conversation_row {
    uint64_t hash;
    uint32_t first, n; /* documents, ascending turn numbers */
    uint32_t session, unused;
    struct name_ref id;
};
struct term_block {
    uint64_t postings; /* of its first term */
    uint32_t terms;    /* where it begins */
    uint32_t unused;
};
struct skip {
    uint32_t last; /* document */
    uint32_t end;  /* of the block, from the first block on */
    uint8_t doc_bits, tf_bits, tf_most, unused;
    uint8_t shortest[4]; /* length codes for tf 1, 2, 3, more */
};
struct segment_foot {
    char magic[8];
    uint32_t format, n_docs;
    uint64_t size;                /* of the whole */
    int64_t from, to;             /* the seqs it answers for */
    int64_t base;                 /* of PART_SEQ */
    uint64_t bytes;               /* of all texts, by their length codes */
    uint64_t part[PART_COUNT][2]; /* where, how many bytes */
    uint32_t n_sessions, n_conversations, n_agents, n_terms;
    uint32_t chunks_crc, crc; /* of PART_CHUNKS; of the foot before it */
};
_Static_assert(sizeof(struct session_row) == 40 && sizeof(struct conversation_row) == 32 && sizeof(struct skip) == 16 &&
                   sizeof(struct term_block) == 16,
               "rows have no holes");

struct segment { /* shared by searches; freed by whoever lets go last */
    atomic_int refs;
    const uint8_t *p; /* foot.size bytes */
    struct segment_foot foot;
    uint64_t name;             /* of its file; 0: in memory */
    int fd;                    /* -1: in memory */
    char *memory;              /* the bytes, if they are not a map */
    _Atomic uint64_t *checked; /* a bit for each chunk; NULL: in memory, nothing to check */
    _Atomic uint64_t *dead;    /* a bit for each document that the store was seen not to have any more */
    atomic_uint n_dead;
    atomic_bool bad; /* damage was found */
    bool alone;      /* one thread uses it: what was opened of a sealed file may go again */

    struct seal_reader *sealed; /* NULL: the file is plain, or there is none */
    void *room;                 /* where its chunks are opened to */
    size_t room_n;
    _Atomic uint64_t *opened; /* a bit for each chunk */
    pthread_mutex_t opening;
};

/* ---- segment.c: opening and looking up ---- */
/* Takes the bytes (mem_alloc'd), also when it fails. Of this process's own making: not checked but for their shape. */
enum err_code segment_of_memory(char *bytes, size_t n, struct segment **out, struct err *e);
/* ERR_NOT_FOUND, ERR_CORRUPT; `size` and `foot_crc` as when it was written. `keys`: the store's, NULL: plain; a plain
 * file is damage where all are to be sealed. */
enum err_code segment_open(struct keyring *keys, const char *path, uint64_t name, uint64_t size, uint32_t foot_crc,
                           struct segment **out, struct err *e);
/* Its file is in the form that `keys` want now. */
bool segment_is_current(const struct segment *s, const struct keyring *keys);
enum { SEGMENT_ABOUT = 48 };
struct str segment_about(char out[SEGMENT_ABOUT], uint64_t name); /* what its file is sealed as */
/* What was read of its file, from that part on, need not stay in this process's memory: it is read again when it is
 * touched. Any thread, but sealed files keep what they have unless they are `alone`; of those, what was touched before
 * is to be touched again. */
void segment_let_go(struct segment *s, enum part from);
struct segment *segment_hold(struct segment *s);
void segment_drop(struct segment *s); /* NULL is fine */
/* Whether the bytes may be used; else the segment is `bad` from now on. Any thread. */
bool segment_touch(struct segment *s, uint64_t at, uint64_t n);
bool segment_whole(struct segment *s);                       /* the file has not been cut short since it was mapped */
enum err_code segment_bad(struct segment *s, struct err *e); /* sets `bad`; ERR_CORRUPT */
/* `n` elements of `size` bytes of a part from element `i` on; NULL: out of bounds or damaged, and `bad`. */
const void *segment_part(struct segment *s, enum part p, uint64_t i, uint64_t n, size_t size);
bool segment_name(struct segment *s, struct name_ref r, struct str *out);
/* The sessions of that id, mostly one, through *at (0 at first); false: no more, or `bad`. */
bool segment_find_session(struct segment *s, struct str id, uint32_t *at, const struct session_row **out);
/* NULL: none, or `bad`. */
const struct conversation_row *segment_find_conversation(struct segment *s, uint64_t hash);
bool segment_find_seq(struct segment *s, int64_t seq, uint32_t *doc); /* false: not in it, or `bad` */
uint64_t name_hash(struct str s);
bool segment_is_dead(const struct segment *s, uint32_t doc);
void segment_set_dead(struct segment *s, uint32_t doc);
/* Everything: checksums, every list, every row. */
enum err_code segment_check(struct segment *s, struct err *e);

int length_code(size_t bytes);   /* 0 … LENGTH_NONE - 1, about a fortieth off at most */
uint32_t length_bytes(int code); /* what the code stands for */

/* ---- terms.c: the dictionary ---- */
struct list { /* where a term's postings are */
    const uint8_t *p;
    uint64_t at, n; /* offset in the segment, bytes */
    uint32_t df;    /* 0: no such term */
};
/* false: the segment is `bad`. A term that is not there has df 0. */
bool terms_find(struct segment *s, struct str term, struct list *out);
struct term_walk { /* all terms in order */
    struct segment *s;
    uint32_t block, i, left;
    const uint8_t *p, *end;
    uint64_t postings;
    char term[TERM_MAX_BYTES];
    size_t n;
    struct list list;
};
void term_walk_begin(struct segment *s, struct term_walk *w);
bool term_walk_next(struct term_walk *w); /* false: no more, or `bad` */
struct terms_out {                        /* writing */
    struct buf terms, blocks;
    char last[TERM_MAX_BYTES];
    size_t n_last;
    uint32_t n;
    uint64_t postings;
    struct spool {                  /* a file without a name where they wait, as there may be many */
        int fd;                     /* -1: they wait in memory */
        struct seal_writer *sealed; /* NULL: the file is plain */
        uint64_t n;                 /* bytes that wait there */
        bool failed;
    } terms_spool, blocks_spool;
    struct keyring *keys;
};
struct sink;
void terms_out_init(struct terms_out *t);
struct sink_to;
/* They wait in files beside the segment's from now on, sealed as it is, where that can be. */
void terms_out_spool(struct terms_out *t, const struct sink_to *to);
/* All of them, in order; and their blocks. ERR_IO: what waited cannot be read. */
enum err_code terms_out_write(struct terms_out *t, struct sink *k, struct err *e);
enum err_code blocks_out_write(struct terms_out *t, struct sink *k, struct err *e);
void terms_out_release(struct terms_out *t);
void terms_put(struct terms_out *t, struct str term, uint32_t df, uint64_t bytes); /* ascending; sticky */

/* ---- postings.c ---- */
struct cursor {
    struct segment *s;
    struct list list;
    const struct skip *skips; /* NULL: a short list */
    const uint8_t *blocks;
    uint64_t blocks_n;
    uint32_t n_blocks, block; /* loaded: UINT32_MAX none */
    uint32_t n;               /* postings of the block */
    uint32_t docs[POSTINGS_BLOCK];
    uint8_t tf[POSTINGS_BLOCK];
};
/* All return false when the segment is `bad`. */
bool cursor_open(struct cursor *c, struct segment *s, struct list l);
uint32_t cursor_block_of(const struct cursor *c, uint32_t from, uint32_t doc); /* first block >= from that ends at or
                                                                                  after doc; n_blocks: none */
struct skip cursor_skip(const struct cursor *c, uint32_t block);               /* only when there are skips */
bool cursor_load(struct cursor *c, uint32_t block);
bool cursor_walk(struct cursor *c, uint32_t block);           /* for who goes through all blocks and looks nothing up */
bool cursor_tf(struct cursor *c, uint32_t doc, unsigned *tf); /* 0: not in it; docs must ascend */
bool cursor_rank(struct cursor *c, uint32_t doc, uint32_t *n); /* postings before doc */
/* A list that comes by and by. It waits in memory while it is short. Of a longer one the first time only the skips are
 * made, which stand before the blocks; it is to come once more then, and goes to the sink. */
struct postings_out {
    struct sink *k;           /* NULL: the first time */
    struct buf skips, blocks; /* what waits of them */
    uint64_t before;          /* bytes of blocks that do not wait any more */
    uint32_t n;               /* of the block that is under way */
    uint64_t begin, next;     /* the least document that may stand in it; that may follow */
    uint32_t df;
    bool wrong; /* some were not behind those before */
    uint32_t docs[POSTINGS_BLOCK];
    uint8_t tf[POSTINGS_BLOCK], lengths[POSTINGS_BLOCK];
};
void postings_out_init(struct postings_out *o);
void postings_out_release(struct postings_out *o);
void postings_out_begin(struct postings_out *o);
/* They ascend; lengths[i] is the length code of docs[i]. */
void postings_out_add(struct postings_out *o, const uint32_t *docs, const uint8_t *tf, const uint8_t *lengths,
                      uint32_t n);
void postings_out_block(struct postings_out *o); /* the block under way is full */
/* One of them, without a call. */
static inline void postings_out_one(struct postings_out *o, uint32_t doc, uint8_t tf, uint8_t length)
{
    o->wrong = o->wrong || doc < o->next;
    o->next = (uint64_t)doc + 1;
    o->docs[o->n] = doc;
    o->tf[o->n] = tf;
    o->lengths[o->n++] = length;
    o->df++;
    if (o->n == POSTINGS_BLOCK)
        postings_out_block(o);
}
/* *bytes: of the list. False: all of it is to be added once more, and ended. */
bool postings_out_end(struct postings_out *o, struct sink *k, uint64_t *bytes);

/* ---- pack.c: 128 numbers in 16 * bits bytes ---- */
unsigned pack_bits(const uint32_t v[POSTINGS_BLOCK]);
void pack(const uint32_t v[POSTINGS_BLOCK], unsigned bits, uint8_t *out);
void unpack(const uint8_t *in, unsigned bits, uint32_t v[POSTINGS_BLOCK]); /* bits <= 32 */
enum { VARINT_MAX = 10 };
size_t varint(uint8_t out[VARINT_MAX], uint64_t v); /* how many bytes */
void put_varint(struct buf *b, uint64_t v);
bool get_varint(const uint8_t **p, const uint8_t *end, uint64_t *v);

/* ---- sink.c: where a segment's bytes go, in order ---- */
struct sink;
struct sink_to {
    const char *path;     /* NULL: into memory */
    int64_t pace;         /* bytes a second at most, 0: as fast as it goes */
    struct keyring *keys; /* NULL: plain */
    uint64_t name;
};
enum err_code sink_new(const struct sink_to *to, struct sink **out, struct err *e);
void sink_put(struct sink *k, const void *p, size_t n); /* sticky */
void sink_part(struct sink *k, enum part p);            /* the part begins here; the one before has ended */
uint64_t sink_at(const struct sink *k);
struct sink_done {
    char *memory; /* the caller's from now on; NULL: in the file */
    uint64_t size;
    uint32_t docs, foot_crc;
};
/* Chunks, foot, to the disk. *foot: all but parts, size and checksums. Frees the sink, whatever happens. */
enum err_code sink_finish(struct sink *k, struct segment_foot *foot, struct sink_done *out, struct err *e);
void sink_abandon(struct sink *k); /* NULL is fine */

/* ---- names.c: sessions, conversations, agents of a segment that is being written ---- */
struct names {
    struct buf sessions, conversations, agents, bytes;
    uint32_t n_sessions, n_conversations, n_agents;
    uint32_t *agent_slots; /* hash table of number + 1 */
    size_t n_slots;
    bool failed;
};
void names_init(struct names *n);
void names_release(struct names *n);
void names_session(struct names *n, struct str id, struct str project, uint32_t first);
void names_conversation(struct names *n, struct str id, uint32_t first);
void names_docs(struct names *n, uint32_t docs, uint64_t bytes); /* so many more of the last conversation */
uint32_t names_agent(struct names *n, struct str name);
/* The four tables and the hashes into the sink, the counts into foot. */
enum err_code names_write(struct names *n, struct sink *k, struct segment_foot *foot, struct err *e);

/* ---- build.c: turns → a segment ---- */
/* n turns (0 is fine) with from < seq <= to, ascending, into memory. */
enum err_code segment_build(const struct turn *turns, size_t n, int64_t from, int64_t to, struct segment **out,
                            struct err *e);

/* ---- merge.c: several → one ---- */
/* Neighbours in seq, ascending. Documents that are dead are left out.
 * `pause` is called every now and then, for what cannot wait that long; true ends the merge with ERR_UNAVAILABLE. */
struct merge {
    struct segment *const *from;
    size_t n;
    struct sink_to to;
    bool (*pause)(void *arg); /* NULL: nothing to do meanwhile */
    void *arg;
};
enum err_code segment_merge(const struct merge *m, struct sink_done *out, struct err *e);

#endif
