/* Vectors of short texts that are no turns: questions, events, names of people and things. On the caller's thread; what
 * is worth keeping is kept by whoever asks (similar.c). */
#include "search/meaning_int.h"

size_t meaning_dimensions(struct meaning *m)
{
    return m && meaning_loaded(m) ? embed_dimensions(m->embedder) : 0;
}

enum err_code meaning_vectors(struct meaning *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                              struct err *e)
{
    if (!m || !meaning_loaded(m))
        return err_set(e, ERR_UNAVAILABLE, NULL, "there is no embedding model");
    return embed_texts(m->embedder, texts, n, use, out, e);
}
