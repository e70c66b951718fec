/* Opening a tokenizer from tokenizer.json (the fast tokenizers' file) or vocab.txt. What this tokenizer cannot do
 * exactly is refused with its name: another model type, another normalizer, added tokens that match normalised text. */
#include "embed/wordpiece.h"

#include "base/json.h"

static enum err_code unsupported(struct err *e, const char *what, struct str got)
{
    if (!got.p)
        got = STR("(none)");
    return err_set(e, ERR_INVALID, "tokenizer.json", "%s is \"%.*s\", which is not supported", what,
                   (int)(got.n < 60 ? got.n : 60), got.p);
}

static bool flag(const struct json *o, const char *key, bool otherwise)
{
    const struct json *v = json_get_type(o, key, JSON_BOOL);
    return v ? v->boolean : otherwise;
}

static enum err_code add_special(struct wordpiece *w, struct arena *a, struct str text, int32_t id, struct err *e)
{
    if (text.n == 0)
        return ERR_OK;
    if (w->n_specials == WORDPIECE_SPECIALS)
        return err_set(e, ERR_INVALID, "tokenizer.json", "more than %d added tokens", WORDPIECE_SPECIALS);
    struct str copy = arena_str(a, text);
    if (!copy.p)
        return err_nomem(e);
    size_t i = w->n_specials++;
    for (; i > 0 && w->specials[i - 1].text.n < copy.n; i--) /* longest first: the longest match wins */
        w->specials[i] = w->specials[i - 1];
    w->specials[i] = (struct wordpiece_special){copy, id};
    return ERR_OK;
}

/* [UNK], [CLS] and [SEP], which every BERT vocabulary has. */
enum err_code wordpiece_find_frame(struct wordpiece *w, struct err *e)
{
    w->unk = vocab_find(w->vocab, STR("[UNK]"), false);
    w->cls = vocab_find(w->vocab, STR("[CLS]"), false);
    w->sep = vocab_find(w->vocab, STR("[SEP]"), false);
    if (w->unk < 0 || w->cls < 0 || w->sep < 0)
        return err_set(e, ERR_INVALID, "vocab", "the vocabulary lacks [UNK], [CLS] or [SEP]");
    return ERR_OK;
}

static enum err_code start(struct wordpiece *w, size_t vocab_size, struct err *e)
{
    *w = (struct wordpiece){.rules = {true, true, true, true}, .word_chars = 100};
    w->vocab = vocab_new(vocab_size);
    return w->vocab ? ERR_OK : err_nomem(e);
}

enum err_code wordpiece_open_lines(struct wordpiece *w, struct arena *a, struct str text, size_t vocab_size,
                                   struct err *e)
{
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    enum err_code rc = start(w, vocab_size, e);
    if (rc == ERR_OK)
        rc = vocab_add_lines(w->vocab, text, e);
    if (rc == ERR_OK)
        rc = wordpiece_find_frame(w, e);
    for (size_t i = 0; rc == ERR_OK && i < sizeof names / sizeof *names; i++) {
        int32_t id = vocab_find(w->vocab, str_of(names[i]), false);
        if (id >= 0)
            rc = add_special(w, a, str_of(names[i]), id, e);
    }
    if (rc != ERR_OK)
        wordpiece_release(w);
    return rc;
}

static enum err_code read_normalizer(struct wordpiece *w, const struct json *o, struct err *e)
{
    if (!str_is(json_text(o, "type"), "BertNormalizer"))
        return unsupported(e, "normalizer", json_text(o, "type"));
    w->rules.clean = flag(o, "clean_text", true);
    w->rules.cjk = flag(o, "handle_chinese_chars", true);
    w->rules.lower = flag(o, "lowercase", true);
    w->rules.strip_accents = flag(o, "strip_accents", w->rules.lower);
    return ERR_OK;
}

static enum err_code read_model(struct wordpiece *w, const struct json *model, struct err *e)
{
    if (!str_is(json_text(model, "type"), "WordPiece"))
        return unsupported(e, "model", json_text(model, "type"));
    struct str prefix = json_text(model, "continuing_subword_prefix");
    if (prefix.p && !str_is(prefix, "##"))
        return unsupported(e, "continuing_subword_prefix", prefix);
    const struct json *chars = json_get_type(model, "max_input_chars_per_word", JSON_INT);
    if (chars && (chars->integer < 1 || chars->integer > WORDPIECE_WORD_CHARS))
        return unsupported(e, "max_input_chars_per_word", chars->raw);
    if (chars)
        w->word_chars = (size_t)chars->integer;
    const struct json *vocab = json_get_type(model, "vocab", JSON_OBJECT);
    if (!vocab)
        return err_set(e, ERR_INVALID, "tokenizer.json", "model.vocab is missing");
    for (size_t i = 0; i < vocab->n; i++) {
        if (vocab->items[i].type != JSON_INT)
            return err_set(e, ERR_INVALID, "tokenizer.json", "model.vocab holds an id that is no whole number");
        enum err_code rc = vocab_add(w->vocab, vocab->keys[i].key, vocab->items[i].integer, e);
        if (rc != ERR_OK)
            return rc;
    }
    return wordpiece_find_frame(w, e);
}

/* lstrip and rstrip need nothing: the blanks they would take are dropped anyway. */
static enum err_code read_added(struct wordpiece *w, struct arena *a, const struct json *added, size_t limit,
                                struct err *e)
{
    for (size_t i = 0; added && i < added->n; i++) {
        const struct json *t = &added->items[i], *id = json_get_type(t, "id", JSON_INT);
        struct str content = json_text(t, "content");
        if (!content.p || !id || id->integer < 0 || (uint64_t)id->integer >= limit)
            return err_set(e, ERR_INVALID, "tokenizer.json", "added token %zu needs content and an id below %zu", i,
                           limit);
        if (flag(t, "single_word", false) || flag(t, "normalized", false))
            return unsupported(e, "an added token with single_word or normalized", content);
        enum err_code rc = add_special(w, a, content, (int32_t)id->integer, e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

enum err_code wordpiece_open_json(struct wordpiece *w, struct arena *a, struct str text, size_t vocab_size,
                                  struct err *e)
{
    struct arena *own = arena_new(); /* the tree is large and not needed afterwards */
    const struct json *root = NULL;
    enum err_code rc = start(w, vocab_size, e);
    if (rc == ERR_OK && !own)
        rc = err_nomem(e);
    if (rc == ERR_OK)
        rc = json_parse(own, text, 0, &root, e);
    if (rc == ERR_OK)
        rc = read_normalizer(w, json_get(root, "normalizer"), e);
    struct str pre = json_text(json_get(root, "pre_tokenizer"), "type");
    if (rc == ERR_OK && !str_is(pre, "BertPreTokenizer"))
        rc = unsupported(e, "pre_tokenizer", pre);
    if (rc == ERR_OK)
        rc = read_model(w, json_get(root, "model"), e);
    if (rc == ERR_OK)
        rc = read_added(w, a, json_get_type(root, "added_tokens", JSON_ARRAY), vocab_size, e);
    if (rc != ERR_OK)
        wordpiece_release(w);
    arena_free(own);
    return rc;
}

void wordpiece_release(struct wordpiece *w)
{
    vocab_free(w->vocab);
    *w = (struct wordpiece){0};
}
