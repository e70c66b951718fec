/* A whole model of a few kilobytes, written to a temporary folder: BERT in sentence-transformers' layout with random
 * weights, so that most tests need no download. Each file can be replaced to see what happens. */
#ifndef CAIRN_TEST_EMBED_TINY_H
#define CAIRN_TEST_EMBED_TINY_H

#include "unit/base/random.h"
#include "unit/base/unit.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "embed/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TINY_HIDDEN = 24, TINY_LAYERS = 2, TINY_HEADS = 2, TINY_INNER = 36, TINY_VOCAB = 40, TINY_POSITIONS = 32 };

#define TINY_CONFIG                                                                                                    \
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":24,\"num_hidden_layers\":2,"                     \
    "\"num_attention_heads\":2,\"intermediate_size\":36,\"vocab_size\":40,\"max_position_embeddings\":32,"             \
    "\"type_vocab_size\":2,\"layer_norm_eps\":1e-12}"
#define TINY_MODULES                                                                                                   \
    "[{\"idx\":0,\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"                                \
    "{\"idx\":1,\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"                            \
    "{\"idx\":2,\"path\":\"2_Normalize\",\"type\":\"sentence_transformers.models.Normalize\"}]"
#define TINY_POOLING "{\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true}"
#define TINY_WORDS                                                                                                     \
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nriver\nis\ncold\nand\nblue\nin\nwinter\n##s\n##ing\n.\n,\n!\n?"          \
    "\na\nb\nc\nd\n"                                                                                                   \
    "e\nf\ng\nquery\n:\n##a\n##b\n##c\nrun\n##n\n\xE5\xB7\x9D\n"

struct tiny {
    char dir[64];
};

static inline void tiny_write(const struct tiny *t, const char *name, const void *p, size_t n)
{
    char path[128];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    assert_int_equal(file_write_atomic(path, (struct str){p, n}, &e), ERR_OK);
}

static inline void tiny_text(const struct tiny *t, const char *name, const char *text)
{
    tiny_write(t, name, text, strlen(text));
}

/* One number as F32, F16 or BF16; halves are cut, not rounded, which is near enough. */
static inline void tiny_number(struct buf *b, const char *dtype, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint16_t half = (uint16_t)(bits >> 16);
    if (strcmp(dtype, "F32") == 0) {
        buf_put(b, &v, sizeof v);
        return;
    }
    if (strcmp(dtype, "F16") == 0) {
        int exponent = (int)(bits >> 23 & 255) - 112;
        half = (uint16_t)(bits >> 16 & 0x8000);
        if (exponent > 0)
            half = (uint16_t)(half | exponent << 10 | (bits >> 13 & 1023));
    }
    buf_put(b, &half, sizeof half);
}

struct tiny_maker {
    struct buf header, data;
    const char *dtype, *prefix;
    uint64_t seed;
};

static inline void tiny_tensor(struct tiny_maker *m, const char *name, size_t rows, size_t cols, float base,
                               float spread)
{
    size_t begin = m->data.n;
    for (size_t i = 0; i < rows * cols; i++) {
        float unit = (float)random_below(&m->seed, 20001) / 10000.0f - 1;
        tiny_number(&m->data, m->dtype, base + spread * unit);
    }
    buf_fmt(&m->header, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[", m->header.n > 1 ? "," : "", m->prefix, name,
            m->dtype);
    if (rows > 1)
        buf_fmt(&m->header, "%zu,", rows);
    buf_fmt(&m->header, "%zu],\"data_offsets\":[%zu,%zu]}", cols, begin, m->data.n);
}

static inline void tiny_linear(struct tiny_maker *m, const char *name, size_t n, size_t k)
{
    char part[160];
    snprintf(part, sizeof part, "%s.weight", name);
    tiny_tensor(m, part, n, k, 0, 0.35f);
    snprintf(part, sizeof part, "%s.bias", name);
    tiny_tensor(m, part, 1, n, 0, 0.1f);
}

static inline void tiny_norm(struct tiny_maker *m, const char *name)
{
    char part[160];
    snprintf(part, sizeof part, "%s.weight", name);
    tiny_tensor(m, part, 1, TINY_HIDDEN, 1, 0.2f);
    snprintf(part, sizeof part, "%s.bias", name);
    tiny_tensor(m, part, 1, TINY_HIDDEN, 0, 0.2f);
}

/* The bytes of a safetensors file; the caller releases them. */
static inline void tiny_weights(struct buf *out, const char *dtype, const char *prefix)
{
    static const struct {
        const char *name;
        size_t n, k;
    } linears[] = {
        {"attention.self.query", TINY_HIDDEN, TINY_HIDDEN}, {"attention.self.key", TINY_HIDDEN, TINY_HIDDEN},
        {"attention.self.value", TINY_HIDDEN, TINY_HIDDEN}, {"attention.output.dense", TINY_HIDDEN, TINY_HIDDEN},
        {"intermediate.dense", TINY_INNER, TINY_HIDDEN},    {"output.dense", TINY_HIDDEN, TINY_INNER}};
    struct tiny_maker m = {.dtype = dtype, .prefix = prefix, .seed = 7};
    char name[128];
    buf_init(&m.header, 0);
    buf_init(&m.data, 0);
    buf_char(&m.header, '{');
    tiny_tensor(&m, "embeddings.word_embeddings.weight", TINY_VOCAB, TINY_HIDDEN, 0, 1);
    tiny_tensor(&m, "embeddings.position_embeddings.weight", TINY_POSITIONS, TINY_HIDDEN, 0, 0.3f);
    tiny_tensor(&m, "embeddings.token_type_embeddings.weight", 2, TINY_HIDDEN, 0, 0.1f);
    tiny_norm(&m, "embeddings.LayerNorm");
    for (int layer = 0; layer < TINY_LAYERS; layer++) {
        for (size_t i = 0; i < sizeof linears / sizeof *linears; i++) {
            snprintf(name, sizeof name, "encoder.layer.%d.%s", layer, linears[i].name);
            tiny_linear(&m, name, linears[i].n, linears[i].k);
        }
        snprintf(name, sizeof name, "encoder.layer.%d.attention.output.LayerNorm", layer);
        tiny_norm(&m, name);
        snprintf(name, sizeof name, "encoder.layer.%d.output.LayerNorm", layer);
        tiny_norm(&m, name);
    }
    buf_char(&m.header, '}');
    uint64_t length = m.header.n;
    buf_init(out, 0);
    buf_put(out, &length, sizeof length);
    buf_put(out, m.header.p, m.header.n);
    buf_put(out, m.data.p, m.data.n);
    assert_false(out->failed);
    buf_release(&m.header);
    buf_release(&m.data);
}

static inline void tiny_make(struct tiny *t)
{
    struct buf b;
    char pooling[128];
    struct err e = {0};
    strcpy(t->dir, "/tmp/cairn-tiny-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(pooling, sizeof pooling, "%s/1_Pooling", t->dir);
    assert_int_equal(file_mkdirs(pooling, &e), ERR_OK);
    tiny_text(t, "config.json", TINY_CONFIG);
    tiny_text(t, "modules.json", TINY_MODULES);
    tiny_text(t, "1_Pooling/config.json", TINY_POOLING);
    tiny_text(t, "vocab.txt", TINY_WORDS);
    tiny_weights(&b, "F32", "");
    tiny_write(t, "model.safetensors", b.p, b.n);
    buf_release(&b);
}

static inline void tiny_remove(struct tiny *t)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", t->dir);
    assert_int_equal(system(command), 0);
}

static inline struct embedder *tiny_open(const struct tiny *t, enum embed_precision precision)
{
    struct embedder *m = NULL;
    struct err e = {0};
    struct embed_options o = {.precision = precision};
    if (embed_open(t->dir, &o, &m, &e) != ERR_OK)
        fail_msg("%s: %s", e.field, e.message);
    return m;
}

#endif
