/* Text to token ids, as Hugging Face's fast BertTokenizer does it. Immutable once opened: any number of threads may
 * tokenize at once. */
#ifndef CAIRN_EMBED_WORDPIECE_H
#define CAIRN_EMBED_WORDPIECE_H

#include "base/arena.h"
#include "base/err.h"
#include "embed/unicode.h"
#include "embed/vocab.h"

enum { WORDPIECE_WORD_CHARS = 1000, WORDPIECE_SPECIALS = 64 };

struct wordpiece_special {
    struct str text;
    int32_t id;
};

struct wordpiece {
    struct vocab *vocab;
    struct unicode_rules rules;
    size_t word_chars; /* a longer word is [UNK]; at most WORDPIECE_WORD_CHARS */
    int32_t unk, cls, sep;
    /* Found in the raw text before anything else, longest first; their texts borrow the arena given at open. */
    struct wordpiece_special specials[WORDPIECE_SPECIALS];
    size_t n_specials;
};

/* A run of ids that grows up to `max`; past it tokens are dropped and `full` is set. */
struct wordpiece_ids {
    int32_t *p;
    size_t n, cap, max;
    bool full, failed;
};

void wordpiece_ids_init(struct wordpiece_ids *ids, size_t max);
void wordpiece_ids_release(struct wordpiece_ids *ids);
void wordpiece_ids_put(struct wordpiece_ids *ids, int32_t id);

/* From tokenizer.json's text or vocab.txt's text; `vocab_size` is the model's. On failure `w` holds nothing. */
enum err_code wordpiece_open_json(struct wordpiece *w, struct arena *a, struct str text, size_t vocab_size,
                                  struct err *e);
enum err_code wordpiece_open_lines(struct wordpiece *w, struct arena *a, struct str text, size_t vocab_size,
                                   struct err *e);
void wordpiece_release(struct wordpiece *w);
/* Sets unk, cls and sep from the vocabulary; ERR_INVALID when it lacks one. */
enum err_code wordpiece_find_frame(struct wordpiece *w, struct err *e);

/* For packed models (wordpiece_packed.c). What is unpacked borrows `bytes`, which are not trusted. */
struct buf;
void wordpiece_pack(const struct wordpiece *w, struct buf *out);
enum err_code wordpiece_unpack(struct wordpiece *w, struct str bytes, size_t vocab_size, struct err *e);

/* Appends the ids of `text`, without [CLS] and [SEP]. Bytes that are no UTF-8 count as U+FFFD. */
void wordpiece_text(const struct wordpiece *w, struct str text, struct wordpiece_ids *out);

#endif
