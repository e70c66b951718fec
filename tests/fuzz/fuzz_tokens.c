/* Any bytes as a text: no crash, forms within their bounds and in order, the same again, and a space parts two texts.
 */
#include "base/text.h"
#include "index/tokens.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct seen {
    size_t n, text, from;
    uint64_t sum; /* of all forms, in order or not */
    uint64_t words;
};

static int see(void *arg, const struct token *t)
{
    struct seen *s = arg;
    uint64_t h = 14695981039346656037u + (uint64_t)t->kind;
    must(t->form.n > 0 && t->form.n <= TOKEN_BYTES && text_utf8_valid(t->form));
    must(t->from < t->to && t->to <= s->text && t->from >= s->from);
    s->from = t->from;
    for (size_t i = 0; i < t->form.n; i++)
        h = (h ^ (unsigned char)t->form.p[i]) * 1099511628211u;
    s->sum += h;
    s->words += t->kind == TOKEN_WORD || t->kind == TOKEN_STOP ? h : 0;
    s->n++;
    return 0;
}

static struct seen walk(struct str text, enum tokens_wanted wanted)
{
    struct seen s = {.text = text.n};
    tokens_walk(text, wanted, see, &s);
    must(s.n <= TOKENS_PER_TEXT);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct seen all = walk(text, TOKENS_ALL), again = walk(text, TOKENS_ALL), words = walk(text, TOKENS_WORDS);
    must(all.sum == again.sum && all.n == again.n);
    if (all.n < TOKENS_PER_TEXT)
        must(words.sum == all.words);
    const char *space = size ? memchr(data, ' ', size) : NULL;
    if (space && all.n < TOKENS_PER_TEXT) {
        size_t at = (size_t)(space - text.p);
        must(walk(str_take(text, at), TOKENS_ALL).sum + walk(str_skip(text, at + 1), TOKENS_ALL).sum == all.sum);
    }
    return 0;
}
