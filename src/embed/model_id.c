/* The id that tells models apart, made of what the model was opened from: a packed model, which carries its source's
 * digest along, has the same one as the folder that it was packed from. */
#include "embed/embedder.h"

#include "base/id.h"

#include <stdio.h>
#include <string.h>

/* A digest of megabytes in milliseconds: eight lanes, so that multiplications overlap. It tells models apart; it is no
 * defence against someone who wants two to look alike. */
static void digest(struct str bytes, uint64_t lanes[8])
{
    for (size_t i = 0; i < bytes.n; i += 64) {
        uint64_t block[8] = {0};
        memcpy(block, bytes.p + i, bytes.n - i < sizeof block ? bytes.n - i : sizeof block);
        for (size_t j = 0; j < 8; j++) {
            uint64_t h = (lanes[j] ^ block[j]) * 0x9E3779B97F4A7C15u;
            lanes[j] = h << 29 | h >> 35;
        }
    }
}

static struct str base_name(const char *folder)
{
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    return (struct str){folder + start, end - start};
}

enum err_code source_of(struct embedder *m, const char *folder, struct str weights, struct str vocabulary,
                        struct err *e)
{
    struct str name = base_name(folder);
    m->source = (struct source){.lanes = {1, 2, 3, 4, 5, 6, 7, 8}, .weights = weights.n, .vocabulary = vocabulary.n};
    m->source.name = name.n ? arena_str(m->arena, str_take(name, EMBED_ID_MAX)) : STR("");
    digest(weights, m->source.lanes);
    digest(vocabulary, m->source.lanes);
    return m->source.name.p ? ERR_OK : err_nomem(e);
}

void make_id(struct embedder *m)
{
    const struct model_config *c = &m->model.config;
    uint64_t lanes[8];
    char hash[65], settings[160];
    size_t kept = 0;
    int used = snprintf(settings, sizeof settings, "1 %zu %zu %zu %zu %d %d %d %g %zu %zu", (size_t)m->source.weights,
                        (size_t)m->source.vocabulary, c->heads, c->max_tokens, c->cls, c->normalise, c->lower_first,
                        (double)c->epsilon, m->prefix_text[0].n, m->prefix_text[1].n);
    memcpy(lanes, m->source.lanes, sizeof lanes);
    digest(m->prefix_text[0], lanes);
    digest(m->prefix_text[1], lanes);
    digest((struct str){settings, (size_t)used}, lanes);
    id_sha256((struct str){(const char *)lanes, sizeof lanes}, hash);
    for (size_t i = 0; i < m->source.name.n && kept < EMBED_ID_MAX - 18; i++) {
        char at = m->source.name.p[i];
        bool plain = (at >= '0' && at <= '9') || (at >= 'a' && at <= 'z') || (at >= 'A' && at <= 'Z') || at == '.' ||
                     at == '_' || at == '-';
        m->id[kept++] = plain ? at : '_';
    }
    snprintf(m->id + kept, EMBED_ID_MAX - kept, "@%.16s", hash);
}
