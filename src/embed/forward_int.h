/* What forward.c and attention.c share. */
#ifndef CAIRN_EMBED_FORWARD_INT_H
#define CAIRN_EMBED_FORWARD_INT_H

#include "embed/forward.h"

enum { INNER_ROWS = 64, QUERY_ROWS = 32 };

/* Widths are padded to PANEL: `wide` is hidden, `inner` the feed-forward width. */
struct scratch {
    struct arena *arena;
    size_t rows, wide, inner, qkv_wide;
    float *x;       /* [rows][wide] what flows from layer to layer */
    float *y;       /* [rows][wide] what a block adds to it */
    float *context; /* [rows][wide] attention's result */
    float *qkv;     /* [rows][qkv_wide] */
    float *up;      /* [INNER_ROWS][inner] */
    uint8_t *bytes; /* [rows][hidden] or [INNER_ROWS][inner] quantised input of a linear layer */
    float *scale;   /* [rows] of bytes */
    int32_t *zero;  /* [rows] of bytes */
    float *note;    /* see scratch_note, NULL */
    /* one head of one sequence of L tokens, width d */
    float *keys;   /* panels of the d × L matrix Kᵀ */
    float *values; /* panels of the L × d matrix V */
    float *scores; /* [QUERY_ROWS][L padded] */
    float *mixed;  /* [QUERY_ROWS][d padded] */
};

/* context = softmax(Q Kᵀ / √d) V for the `length` rows from `first` on, head by head. */
void attention_run(const struct model *m, struct scratch *s, size_t first, size_t length);

#endif
