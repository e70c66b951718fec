/* What a folder in sentence-transformers' layout says about its model: the sizes of the BERT inside, how tokens become
 * one vector, and what is put before queries and documents. Read once, then constant. */
#ifndef CAIRN_EMBED_CONFIG_H
#define CAIRN_EMBED_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

enum { CONFIG_PREFIX_MAX = 1024 };

struct model_config {
    size_t hidden, layers, heads, inner; /* inner: width of the feed-forward part */
    size_t vocab, positions, types;      /* rows of the three embedding tables */
    size_t max_tokens;                   /* of one window, [CLS] and [SEP] counted; at most positions */
    float epsilon;                       /* of the layer norms */
    bool cls;                            /* pooling: the first token's vector; else the mean of all */
    bool normalise;                      /* to length 1 */
    bool lower_first;                    /* sentence_bert_config.json's do_lower_case */
    int lower, strip_accents, cjk;       /* tokenizer_config.json: 1, 0, or -1 when it does not say */
    struct str query_prefix, document_prefix;
    struct str transformer; /* the transformer module's folder, "" for the model's own */
};

/* Strings borrow the arena. ERR_NOT_FOUND when there is no folder or no config.json in it; ERR_INVALID names the file
 * and the member that is wrong or not supported. */
enum err_code config_read(const char *folder, struct arena *a, struct model_config *c, struct err *e);

/* Whether all sizes are within the bounds that config_read keeps, for a config that came from elsewhere. */
bool config_sound(const struct model_config *c);

/* A file of the model's into the arena-owned text; *text is STR_NONE when it is absent and not required. */
enum err_code config_file(const char *folder, struct str sub, const char *name, size_t max, bool required,
                          struct arena *a, struct str *text, struct err *e);

#endif
