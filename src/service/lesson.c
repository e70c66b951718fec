/* Topics and phrases of a turn. See lesson.h. */
#include "service/lesson.h"

#include "base/text.h"
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

enum { TOPIC_MIN = 4, TOPIC_MAX = 48, PHRASE_WORDS = 3 };

/* ---- topics ---- */

static int by_stem(const void *pa, const void *pb)
{
    const struct index_term *a = pa, *b = pb;
    int d = str_cmp(a->text, b->text);
    return d ? d : str_cmp(a->word, b->word); /* of several forms the same one is shown each time */
}

static bool has_letter(struct str word)
{
    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];
        if (c >= 0x80 || (c >= 'a' && c <= 'z'))
            return true;
    }
    return false;
}

enum err_code lesson_topics(struct tally *topics, struct str turn, struct err *e)
{
    struct index_term *terms;
    size_t n;
    enum err_code code = index_terms(topics->arena, text_cut(turn, LESSON_BYTES), true, &terms, &n, e);
    if (code || !n)
        return code;
    qsort(terms, n, sizeof *terms, by_stem);
    for (size_t i = 0; i < n; i++) {
        bool again = i && str_eq(terms[i].text, terms[i - 1].text);
        bool fits = terms[i].word.n >= TOPIC_MIN && terms[i].word.n <= TOPIC_MAX && has_letter(terms[i].word);
        if (!again && fits && !tally_add(topics, terms[i].text, terms[i].word, 1))
            return err_nomem(e);
    }
    return ERR_OK;
}

/* ---- phrases ---- */

struct reader {
    struct str rest;
    bool code; /* within ``` */
};

/* Bytes of what stands at s: above 0 part of a word. 0: not of a word. Punctuation beyond ASCII is told by its lead
 * bytes: C2 (signs such as « and the hard space), E2 80 (dashes, quotation marks, …), E3 80 (CJK's). */
static size_t word_bytes(struct str s)
{
    unsigned char c = (unsigned char)s.p[0], next = s.n > 1 ? (unsigned char)s.p[1] : 0;
    if (c < 0x80) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        bool inner = (c == '\'' || c == '-') && ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'));
        return letter || inner;
    }
    if (c == 0xC2 || ((c == 0xE2 || c == 0xE3) && next == 0x80))
        return 0;
    size_t n = text_char_len(s);
    return n ? n : 1;
}

/* Skips to the next word; *broken: by more than spaces. The word (into out[PHRASE_BYTES], lower case), or STR_NONE at
 * the end. Longer words are no words. */
static struct str next_word(struct reader *r, char *out, bool *broken)
{
    size_t n = 0, letter;
    while (r->rest.n && (r->code || !word_bytes(r->rest))) {
        bool fence = str_starts(r->rest, "```");
        r->code ^= fence;
        *broken = *broken || !(r->rest.p[0] == ' ' || r->rest.p[0] == '\t');
        r->rest = str_skip(r->rest, fence ? 3 : 1);
    }
    while (r->rest.n && (letter = word_bytes(r->rest))) {
        for (size_t i = 0; i < letter; i++, n++) {
            char c = r->rest.p[i];
            if (n < PHRASE_BYTES)
                out[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        r->rest = str_skip(r->rest, letter);
    }
    return n ? (struct str){out, n < PHRASE_BYTES ? n : PHRASE_BYTES} : STR_NONE;
}

static bool carries(struct str word)
{
    return word.n >= 2 && word.n < PHRASE_BYTES && has_letter(word) && !index_stop_word(word);
}

/* The last `n` of the words in a run, as one phrase. */
static bool count_phrase(struct tally *t, const struct str *words, size_t n)
{
    char text[PHRASE_BYTES];
    size_t at = 0;
    if (!carries(words[0]) || !carries(words[n - 1]))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (at + words[i].n + 1 > sizeof text)
            return true;
        if (i)
            text[at++] = ' ';
        memcpy(text + at, words[i].p, words[i].n);
        at += words[i].n;
    }
    struct str phrase = {text, at};
    return tally_add(t, phrase, phrase, 1);
}

bool lesson_phrases(struct tally *phrases, struct str turn)
{
    char room[PHRASE_WORDS][PHRASE_BYTES];
    struct str run[PHRASE_WORDS], word;
    struct reader r = {.rest = text_cut(turn, LESSON_BYTES)};
    size_t n = 0;
    bool broken = false;
    char fresh[PHRASE_BYTES];
    while ((word = next_word(&r, fresh, &broken)).p) {
        n = broken ? 0 : n;
        broken = false;
        if (n == PHRASE_WORDS) { /* the oldest leaves the run */
            memmove(room[0], room[1], sizeof room - sizeof room[0]);
            for (size_t i = 0; i + 1 < PHRASE_WORDS; i++)
                run[i] = (struct str){room[i], run[i + 1].n};
            n--;
        }
        memcpy(room[n], fresh, word.n);
        run[n] = (struct str){room[n], word.n};
        n++;
        for (size_t length = 2; length <= n; length++) {
            if (!count_phrase(phrases, run + n - length, length))
                return false;
        }
    }
    return true;
}
