/* The tokenizer's part of a packed model: rules, longest word, added tokens and the vocabulary, each piece with its id.
 *   4 bytes of switches (clean, cjk, strip_accents, lower), 4 word_chars, 4 count of added tokens;
 *   each of them: 4 id, 4 length, its bytes; then the vocabulary's pieces (vocab.c) up to the end. */
#include "embed/wordpiece.h"

#include "base/buf.h"

#include <string.h>

static void put_number(struct buf *b, uint32_t v)
{
    buf_put(b, &v, sizeof v);
}

void wordpiece_pack(const struct wordpiece *w, struct buf *out)
{
    const unsigned char rules[4] = {w->rules.clean, w->rules.cjk, w->rules.strip_accents, w->rules.lower};
    buf_put(out, rules, sizeof rules);
    put_number(out, (uint32_t)w->word_chars);
    put_number(out, (uint32_t)w->n_specials);
    for (size_t i = 0; i < w->n_specials; i++) {
        put_number(out, (uint32_t)w->specials[i].id);
        put_number(out, (uint32_t)w->specials[i].text.n);
        buf_str(out, w->specials[i].text);
    }
    vocab_pack(w->vocab, out);
}

static bool take_number(struct str *rest, uint32_t *v)
{
    if (rest->n < sizeof *v)
        return false;
    memcpy(v, rest->p, sizeof *v);
    *rest = str_skip(*rest, sizeof *v);
    return true;
}

static bool take_special(struct wordpiece *w, struct str *rest, size_t limit)
{
    uint32_t id, n;
    if (!take_number(rest, &id) || !take_number(rest, &n) || id >= limit || n == 0 || n > rest->n)
        return false;
    w->specials[w->n_specials++] = (struct wordpiece_special){str_take(*rest, n), (int32_t)id};
    *rest = str_skip(*rest, n);
    return true;
}

static bool take_rules(struct wordpiece *w, struct str *rest, uint32_t *specials)
{
    uint32_t switches, chars;
    if (!take_number(rest, &switches) || !take_number(rest, &chars) || !take_number(rest, specials))
        return false;
    const unsigned char *on = (const unsigned char *)&switches;
    w->rules = (struct unicode_rules){on[0], on[1], on[2], on[3]};
    w->word_chars = chars;
    return chars >= 1 && chars <= WORDPIECE_WORD_CHARS && *specials <= WORDPIECE_SPECIALS;
}

enum err_code wordpiece_unpack(struct wordpiece *w, struct str bytes, size_t vocab_size, struct err *e)
{
    uint32_t specials = 0;
    *w = (struct wordpiece){.vocab = vocab_new(vocab_size)};
    if (!w->vocab)
        return err_nomem(e);
    bool good = take_rules(w, &bytes, &specials);
    for (uint32_t i = 0; good && i < specials; i++)
        good = take_special(w, &bytes, vocab_size);
    enum err_code rc = good ? vocab_unpack(w->vocab, bytes, e)
                            : err_set(e, ERR_CORRUPT, "model", "the packed model's tokenizer does not make sense");
    if (rc == ERR_OK)
        rc = wordpiece_find_frame(w, e);
    if (rc != ERR_OK)
        wordpiece_release(w);
    return rc;
}
