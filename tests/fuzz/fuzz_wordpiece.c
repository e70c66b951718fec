/* Any bytes as tokenizer.json, and any bytes as text. Whatever the text: no crash, every id is in the vocabulary, and
 * the same again. */
#include "base/mem.h"
#include "embed/wordpiece.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VOCABULARY = 64, IDS = 4096 };

static const char LINES[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\ne\n##e\nab\n##ab\n!\n.\n\xE5\xB7\x9D\n##\xE1\x85\xA1\n"
    "\xE1\x84\x80\n#\n";

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void tokenize(const struct wordpiece *w, struct str text)
{
    struct wordpiece_ids one, two;
    wordpiece_ids_init(&one, IDS);
    wordpiece_ids_init(&two, IDS);
    wordpiece_text(w, text, &one);
    wordpiece_text(w, text, &two);
    must(one.n <= IDS && one.n == two.n && !one.failed);
    must(one.n <= text.n || one.n == IDS || text.n == 0 || one.n <= 24 * text.n);
    for (size_t i = 0; i < one.n; i++)
        must(one.p[i] >= 0 && one.p[i] < VOCABULARY && one.p[i] == two.p[i]);
    wordpiece_ids_release(&one);
    wordpiece_ids_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str bytes = {(const char *)data, size};
    struct wordpiece w;
    struct err e = {0};
    must(wordpiece_open_lines(&w, a, STR(LINES), VOCABULARY, NULL) == ERR_OK);
    tokenize(&w, bytes);
    w.rules = (struct unicode_rules){.clean = size % 2, .cjk = size % 3, .lower = size % 5};
    tokenize(&w, bytes);
    wordpiece_release(&w);
    if (wordpiece_open_json(&w, a, bytes, VOCABULARY, &e) == ERR_OK) {
        tokenize(&w, bytes);
        wordpiece_release(&w);
    } else {
        must(e.code == ERR_INVALID && e.message[0]);
    }
    if (wordpiece_open_lines(&w, a, bytes, VOCABULARY, NULL) == ERR_OK) {
        tokenize(&w, bytes);
        wordpiece_release(&w);
    }
    arena_free(a);
    return 0;
}
