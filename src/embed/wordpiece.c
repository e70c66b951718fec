/* Tokenizing: special tokens are found in the raw text; every other character is expanded by unicode.c and goes to
 * the word under way; a blank or punctuation ends it; a word that is done is cut into the longest pieces the
 * vocabulary has, from the left, and is [UNK] as a whole when that does not work out.
 *
 * One pass, no copy of the text: a word's normalised bytes are all that is held. */
#include "embed/wordpiece.h"

#include "base/mem.h"

#include <string.h>
#include <utf8proc.h>

struct word {
    size_t n, chars; /* chars counts on when bytes no longer fit */
    char bytes[4 * WORDPIECE_WORD_CHARS];
};

void wordpiece_ids_init(struct wordpiece_ids *ids, size_t max)
{
    *ids = (struct wordpiece_ids){.max = max};
}

void wordpiece_ids_release(struct wordpiece_ids *ids)
{
    mem_free(ids->p);
    *ids = (struct wordpiece_ids){0};
}

void wordpiece_ids_put(struct wordpiece_ids *ids, int32_t id)
{
    if (ids->failed)
        return;
    if (ids->n == ids->max) {
        ids->full = true;
        return;
    }
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 256;
        int32_t *p = mem_grow(ids->p, cap * sizeof *p);
        if (!p) {
            ids->failed = true;
            return;
        }
        ids->p = p;
        ids->cap = cap;
    }
    ids->p[ids->n++] = id;
}

/* Takes the ids put since `mark` back and puts [UNK] instead. */
static void unknown(const struct wordpiece *w, size_t mark, struct wordpiece_ids *out)
{
    out->n = mark;
    wordpiece_ids_put(out, w->unk);
}

/* The longest piece that `rest` begins with; its length goes to *taken. Cutting inside a character finds nothing. */
static int32_t longest_piece(const struct wordpiece *w, struct str rest, bool continuing, size_t *taken)
{
    size_t n = vocab_longest(w->vocab);
    if (n > rest.n)
        n = rest.n;
    for (; n > 0; n--) {
        if (n < rest.n && ((unsigned char)rest.p[n] & 0xC0) == 0x80)
            continue;
        int32_t id = vocab_find(w->vocab, str_take(rest, n), continuing);
        if (id >= 0) {
            *taken = n;
            return id;
        }
    }
    return -1;
}

static void end_word(const struct wordpiece *w, struct word *word, struct wordpiece_ids *out)
{
    size_t mark = out->n, chars = word->chars, taken = 0;
    struct str rest = {word->bytes, word->n};
    word->n = word->chars = 0;
    if (chars == 0)
        return;
    if (chars > w->word_chars) {
        wordpiece_ids_put(out, w->unk);
        return;
    }
    for (bool continuing = false; rest.n > 0; continuing = true) {
        int32_t id = longest_piece(w, rest, continuing, &taken);
        if (id < 0) {
            unknown(w, mark, out);
            return;
        }
        wordpiece_ids_put(out, id);
        rest = str_skip(rest, taken);
    }
}

static void add_char(struct word *word, int32_t c)
{
    word->chars++;
    if (word->n + 4 <= sizeof word->bytes)
        word->n += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)word->bytes + word->n);
}

static void take_char(const struct wordpiece *w, struct word *word, int32_t c, struct wordpiece_ids *out)
{
    if (unicode_space(c)) {
        end_word(w, word, out);
    } else if (unicode_punct(c)) {
        end_word(w, word, out);
        add_char(word, c);
        end_word(w, word, out);
    } else {
        add_char(word, c);
    }
}

/* The special token that `rest` begins with, NULL when there is none. */
static const struct wordpiece_special *special_at(const struct wordpiece *w, struct str rest)
{
    for (size_t i = 0; i < w->n_specials; i++) {
        struct str s = w->specials[i].text;
        if (s.p[0] == rest.p[0] && rest.n >= s.n && memcmp(s.p, rest.p, s.n) == 0)
            return &w->specials[i];
    }
    return NULL;
}

static size_t next_char(struct str rest, int32_t *c)
{
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)rest.p, (utf8proc_ssize_t)rest.n, c);
    if (n > 0 && *c >= 0)
        return (size_t)n;
    *c = 0xFFFD;
    return 1;
}

void wordpiece_text(const struct wordpiece *w, struct str text, struct wordpiece_ids *out)
{
    struct word word;
    int32_t expanded[UNICODE_EXPAND_MAX];
    word.n = word.chars = 0;
    while (text.n > 0 && !out->full && !out->failed) {
        const struct wordpiece_special *special = special_at(w, text);
        if (special) {
            end_word(w, &word, out);
            wordpiece_ids_put(out, special->id);
            text = str_skip(text, special->text.n);
            continue;
        }
        int32_t c;
        text = str_skip(text, next_char(text, &c));
        size_t n = unicode_expand(&w->rules, c, expanded);
        for (size_t i = 0; i < n; i++)
            take_char(w, &word, expanded[i], out);
    }
    end_word(w, &word, out);
}
