/* Between the files of merging. Not for the rest of the room. */
#ifndef CAIRN_INDEX_MERGE_INT_H
#define CAIRN_INDEX_MERGE_INT_H

#include "index/segment.h"

enum { PIECE_DOCS = 8 };

/* Neighbouring documents that stay neighbours: from … end - 1 become to … of the new segment. */
struct piece {
    uint32_t from, end, to, conversation;
};
struct place {                          /* of a source's next conversation */
    const struct conversation_row *row; /* NULL: there is none */
    struct str project, session, id;
};
struct source {
    struct segment *s;
    struct buf pieces;      /* struct piece[], ascending in both; behind the last one is one that no document reaches */
    uint32_t *first_piece;  /* for each PIECE_DOCS documents, the first piece that ends behind where they begin */
    uint32_t *agents;       /* old agent → new one or UNMET */
    const uint8_t *lengths; /* PART_LENGTH */
    uint32_t at, ordered;   /* conversations, documents that were put in order */
    struct place next;
    uint32_t walked; /* pieces, while a column is written */
    /* the term that is next, and its postings: those of one block, without the dead, with their new numbers */
    struct term_walk terms;
    bool more;    /* terms holds one that was not written yet */
    uint64_t key; /* its first eight bytes, as a number that sorts as they do: most terms differ there */
    struct cursor cursor;
    uint32_t block; /* to be read next */
    uint32_t i, n;
    uint32_t docs[POSTINGS_BLOCK];
    uint8_t tf[POSTINGS_BLOCK], doc_lengths[POSTINGS_BLOCK];
};
struct merging {
    const struct merge *m;
    struct source *sources;
    struct buf order; /* u32[]: the source of each piece, in the new order */
    struct names names;
    uint32_t docs;
    struct segment_foot foot;
    struct sink *k;
    uint64_t terms_bytes; /* that are not in the sink yet */
    uint64_t let_go_at;   /* so many bytes, with these */
};

static inline const struct piece *source_pieces(const struct source *c)
{
    return (const struct piece *)(const void *)c->pieces.p;
}

/* The first piece that ends behind the document: what comes before its `from` is dead. */
static inline const struct piece *piece_of(const struct piece *pieces, const uint32_t *first_piece, uint32_t doc)
{
    const struct piece *p = pieces + first_piece[doc / PIECE_DOCS];
    while (p->end <= doc)
        p++;
    return p;
}

/* ---- merge.c ---- */
enum err_code merge_pause(const struct merging *g, struct err *e);
/* What was read of the sources need not stay in memory: they are read once. Cheap; from that part on. */
void merge_let_go(struct merging *g, enum part from);

/* ---- merge_lists.c ---- */
enum err_code merge_lists(struct merging *g, struct err *e);

#endif
