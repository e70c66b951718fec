/* The pool of real sentences and the turns made of them: see pool.h. */
#include "pool.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCES_LEAST = 100, PARTS_MAX = 3, FILLER = 150 };
static const float NOISE = 0.3f; /* its length, beside the sentences' 1: turns of the same sentences are not one */

struct pool {
    char *bytes;
    const char **text;
    uint32_t *length;
    size_t n, dimensions;
    float *vectors;
};

static void die(const char *path, const char *what)
{
    (void)fprintf(stderr, "pool: %s: %s\n", path, what);
    exit(1);
}

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        die(path, "cannot be read");
    long size = ftell(f);
    rewind(f);
    char *p = size > 0 ? malloc((size_t)size) : NULL;
    if (!p || fread(p, 1, (size_t)size, f) != (size_t)size)
        die(path, "cannot be read");
    (void)fclose(f);
    *n = (size_t)size;
    return p;
}

static uint32_t length_at(const char *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

static void find_sentences(struct pool *p, const char *path, size_t size)
{
    for (int round = 0; round < 2; round++) {
        size_t at = 0;
        for (p->n = 0; at + 4 <= size; p->n++) {
            uint32_t n = length_at(p->bytes + at);
            if (n > POOL_SENTENCE_MAX || n > size - at - 4)
                die(path, "is not a pool of sentences");
            if (round > 0) {
                p->text[p->n] = p->bytes + at + 4;
                p->length[p->n] = n;
            }
            at += 4 + n;
        }
        if (p->n < SENTENCES_LEAST)
            die(path, "has too few sentences");
        if (round == 0) {
            p->text = calloc(p->n, sizeof *p->text);
            p->length = calloc(p->n, sizeof *p->length);
            if (!p->text || !p->length)
                die(path, "out of memory");
        }
    }
}

struct pool *pool_open(const char *path)
{
    char name[4096];
    size_t size;
    struct pool *p = calloc(1, sizeof *p);
    if (!p || snprintf(name, sizeof name, "%s.vectors", path) >= (int)sizeof name)
        die(path, "out of memory");
    p->bytes = read_all(path, &size);
    find_sentences(p, path, size);
    p->vectors = (float *)(void *)read_all(name, &size);
    p->dimensions = size / sizeof(float) / p->n;
    if (p->dimensions == 0 || p->dimensions * p->n * sizeof(float) != size)
        die(name, "does not fit the sentences");
    return p;
}

void pool_close(struct pool *p)
{
    free(p->bytes);
    free(p->text);
    free(p->length);
    free(p->vectors);
    free(p);
}

size_t pool_dimensions(const struct pool *p)
{
    return p->dimensions;
}

/* ---- turns ---- */

static uint64_t next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Which sentences the turn says; leaves *state where the noise begins. */
static size_t parts_of(const struct pool *p, uint64_t number, size_t out[PARTS_MAX], uint64_t *state)
{
    *state = number * 0xd1342543de82ef95u;
    size_t n = 2 + next(state) % 2;
    for (size_t i = 0; i < n; i++)
        out[i] = next(state) % p->n;
    return n;
}

size_t pool_text(const struct pool *p, const struct words *w, uint64_t number, char *out)
{
    size_t part[PARTS_MAX], n = 0;
    uint64_t state;
    size_t parts = parts_of(p, number, part, &state);
    for (size_t i = 0; i < parts; i++) {
        memcpy(out + n, p->text[part[i]], p->length[part[i]]);
        n += p->length[part[i]];
        out[n++] = ' ';
    }
    char filler[WORDS_TEXT_MAX];
    size_t more = words_filler(w, number, FILLER, filler);
    more = more < WORDS_TEXT_MAX - 1 - n ? more : WORDS_TEXT_MAX - 1 - n;
    memcpy(out + n, filler, more);
    out[n + more] = '\0';
    return n + more;
}

static void make_unit(float *v, size_t n, float length)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    float times = sum > 0 ? length / sqrtf(sum) : 0;
    for (size_t i = 0; i < n; i++)
        v[i] *= times;
}

void pool_vector(const struct pool *p, uint64_t number, float *out)
{
    size_t part[PARTS_MAX], d = p->dimensions;
    uint64_t state, bits = 0;
    size_t parts = parts_of(p, number, part, &state);
    memset(out, 0, d * sizeof *out);
    for (size_t i = 0; i < parts; i++)
        for (size_t j = 0; j < d; j++)
            out[j] += p->vectors[part[i] * d + j];
    make_unit(out, d, 1);
    /* Even noise from -1 to 1 has a mean square of 1/3. */
    float times = NOISE * sqrtf(3 / (float)d);
    for (size_t j = 0; j < d; j++, bits >>= 16) {
        if (j % 4 == 0)
            bits = next(&state);
        out[j] += times * ((float)(bits & 0xffff) / 32767.5f - 1);
    }
    make_unit(out, d, 1);
}
