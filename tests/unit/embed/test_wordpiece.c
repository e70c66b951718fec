/* Tokenizing with a vocabulary of a few pieces; what Hugging Face does with real ones is compared in
 * tests/e2e/test_embed_reference.py. */
#include "unit/base/unit.h"

#include "embed/wordpiece.h"

#include <stdio.h>
#include <string.h>

static const char LINES[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nriver\n##s\n!\n\xE5\xB7\x9D\ne\n[\ncls\n]\n"
    "i\n\r\n#\n##\xE1\x85\xA1\n\xE1\x84\x80\n";
enum { UNK = 1, CLS = 2, SEP = 3, MASK = 4, UN, AFF, ABLE, RIVER, S, BANG, KAWA, E_, OPEN, CLS_WORD, CLOSE, I_ };

static struct arena *arena;
static struct wordpiece words;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return wordpiece_open_lines(&words, arena, STR(LINES), 64, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    wordpiece_release(&words);
    arena_free(arena);
    return 0;
}

static void check(struct str text, const int32_t *want, size_t n)
{
    struct wordpiece_ids ids;
    wordpiece_ids_init(&ids, 1000);
    wordpiece_text(&words, text, &ids);
    assert_int_equal(ids.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids.p[i], want[i]);
    wordpiece_ids_release(&ids);
}
#define CHECK(text, ...)                                                                                               \
    check(STR(text), (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void test_pieces(void **state)
{
    (void)state;
    CHECK("unaffable", UN, AFF, ABLE);
    CHECK("  unaffable\trivers\n", UN, AFF, ABLE, RIVER, S);
    CHECK("unaffablex", UNK); /* the whole word, not its end */
    CHECK("river!!rivers", RIVER, BANG, BANG, RIVER, S);
    CHECK("affable", UNK);
    check(STR(""), NULL, 0);
    check(STR(" \r\n\t "), NULL, 0);
}

static void test_normalisation(void **state)
{
    (void)state;
    CHECK("RIVERS", RIVER, S);
    CHECK("\xC3\x89", E_);             /* É */
    CHECK("\x45\xCC\x81\xCC\x82", E_); /* E with two combining marks */
    CHECK("\xC4\xB0", I_);             /* İ */
    CHECK("ri\xE2\x80\x8Bver", RIVER); /* a zero-width space is dropped */
    CHECK("ri\xEF\xBF\xBDver", RIVER); /* U+FFFD too */
    CHECK("river\xE5\xB7\x9Driver", RIVER, KAWA, RIVER);
    CHECK("river\xC2\xA0river", RIVER, RIVER); /* a no-break space is a space */
    CHECK("\xEA\xB0\x80", 20, 19);             /* 가 becomes its two letters */
    check((struct str){"ri\0ver", 6}, (const int32_t[]){RIVER}, 1);
    CHECK("ri\xFFver\xE5", RIVER); /* no UTF-8: as U+FFFD */
}

static void test_specials(void **state)
{
    (void)state;
    CHECK("un[MASK]aff [SEP]", UN, MASK, UNK, SEP);
    CHECK("[cls]", OPEN, CLS_WORD, CLOSE); /* only as it is written */
    CHECK("[CLS", OPEN, CLS_WORD);
}

static void test_long_words(void **state)
{
    (void)state;
    char text[401];
    memset(text, 'e', sizeof text);
    struct str hundred = {text, 100}, more = {text, 101}, all = {text, 401};
    check(hundred, (const int32_t[]){UNK}, 1); /* "##e" is missing */
    check(more, (const int32_t[]){UNK}, 1);
    check(all, (const int32_t[]){UNK}, 1);
    /* 100 characters are still looked up, 101 are not */
    strcpy(text, "un");
    for (size_t i = 2; i < 100; i++)
        text[i] = 's';
    struct wordpiece_ids ids;
    wordpiece_ids_init(&ids, 1000);
    wordpiece_text(&words, hundred, &ids);
    assert_int_equal(ids.n, 99);
    ids.n = 0;
    text[100] = 's';
    wordpiece_text(&words, more, &ids);
    assert_int_equal(ids.n, 1);
    wordpiece_ids_release(&ids);
}

static void test_bound(void **state)
{
    (void)state;
    struct wordpiece_ids ids;
    wordpiece_ids_init(&ids, 5);
    wordpiece_text(&words, STR("river river river river river river un un un un"), &ids);
    assert_int_equal(ids.n, 5);
    assert_true(ids.full);
    wordpiece_ids_release(&ids);
}

#define JSON(normalizer, pre, model, added)                                                                            \
    "{\"normalizer\":{\"type\":\"" normalizer "\",\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"" pre "\"},"       \
    "\"added_tokens\":[" added "],\"model\":" model "}"
#define MODEL(type, prefix, chars, vocab)                                                                              \
    "{\"type\":\"" type "\",\"continuing_subword_prefix\":\"" prefix "\",\"max_input_chars_per_word\":" chars          \
    ",\"vocab\":" vocab "}"
#define VOCAB "{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"river\":3,\"##s\":4}"
#define GOOD MODEL("WordPiece", "##", "100", VOCAB)

static void open_json(const char *text, const char *word)
{
    struct wordpiece w;
    struct err e = {0};
    enum err_code rc = wordpiece_open_json(&w, arena, str_of(text), 8, &e);
    assert_int_equal(rc, word ? ERR_INVALID : ERR_OK);
    if (word && !strstr(e.message, word))
        fail_msg("\"%s\" does not say \"%s\"", e.message, word);
    if (word) {
        assert_null(w.vocab);
        return;
    }
    struct wordpiece_ids ids;
    wordpiece_ids_init(&ids, 10);
    wordpiece_text(&w, STR("Rivers<x>river"), &ids);
    assert_int_equal(ids.n, 4);
    assert_int_equal(ids.p[2], 7);
    wordpiece_ids_release(&ids);
    wordpiece_release(&w);
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    open_json(JSON("BertNormalizer", "BertPreTokenizer", GOOD, "{\"id\":7,\"content\":\"<x>\"}"), NULL);
    open_json(JSON("BertNormalizer", "BertPreTokenizer", GOOD, "{\"id\":8,\"content\":\"<x>\"}"), "id below 8");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", GOOD, "{\"id\":7}"), "content");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", GOOD, "{\"id\":7,\"content\":\"x\",\"single_word\":true}"),
              "single_word");
    open_json(JSON("NFC", "BertPreTokenizer", GOOD, ""), "normalizer");
    open_json(JSON("BertNormalizer", "Whitespace", GOOD, ""), "pre_tokenizer");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("BPE", "##", "100", VOCAB), ""), "BPE");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "@@", "100", VOCAB), ""), "@@");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "0", VOCAB), ""), "max_input");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "9999", VOCAB), ""), "max_input");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "100", "[]"), ""), "vocab");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "100", "{\"a\":8}"), ""), "past");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "100", "{\"a\":-1}"), ""), "past");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "100", "{\"a\":0.5}"), ""), "whole");
    open_json(JSON("BertNormalizer", "BertPreTokenizer", MODEL("WordPiece", "##", "100", "{\"a\":0}"), ""), "lacks");
    open_json("{", "line 1");
    open_json("{}", "normalizer");
    open_json("[]", "normalizer");
}

static void test_vocab_limits(void **state)
{
    (void)state;
    struct wordpiece w;
    struct err e = {0};
    assert_int_equal(wordpiece_open_lines(&w, arena, STR(LINES), 10, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "past the model's 10"));
    assert_int_equal(wordpiece_open_lines(&w, arena, STR("a\nb\n"), 10, NULL), ERR_INVALID);
    struct vocab *v = vocab_new(4);
    assert_int_equal(vocab_add(v, STR("a"), 0, NULL), ERR_OK);
    assert_int_equal(vocab_add(v, STR("a"), 3, NULL), ERR_OK); /* said again: the last counts */
    assert_int_equal(vocab_find(v, STR("a"), false), 3);
    assert_int_equal(vocab_find(v, STR("a"), true), -1);
    assert_int_equal(vocab_find(v, STR("abc"), false), -1);
    assert_int_equal(vocab_find(v, STR(""), false), -1);
    vocab_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),       cmocka_unit_test(test_normalisation),
        cmocka_unit_test(test_specials),     cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_bound),        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_vocab_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
