/* Texts that a benchmark reads from a file: each behind its length in four bytes, the machine's own order. */
#ifndef CAIRN_BENCH_TEXTS_H
#define CAIRN_BENCH_TEXTS_H

#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void fail(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

struct texts {
    struct str *all;
    size_t n, cap, bytes;
};

static inline void read_texts(const char *file, struct texts *t)
{
    uint32_t n;
    FILE *in = fopen(file, "rb");
    if (!in)
        fail("there is no such file");
    while (fread(&n, sizeof n, 1, in) == 1) {
        char *p = malloc((size_t)n + 1);
        if (!p || fread(p, 1, n, in) != n)
            fail("a text breaks off");
        if (t->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 1024;
            t->all = realloc(t->all, t->cap * sizeof *t->all);
            if (!t->all)
                fail("out of memory");
        }
        t->all[t->n++] = (struct str){p, n};
        t->bytes += n;
    }
    fclose(in);
}

#endif
