/* Snippets: the part of a text that holds the words of a question. For people to look at, so it need not follow
 * the index's stemming to the letter: a word counts when it begins as the stem does. */
#include "search/recall.h"

#include "base/text.h"

#include <string.h>

enum { SNIPPET_BYTES = 200, LEAD_BYTES = 60, HITS_MAX = 256 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool word_byte(char c)
{
    return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool begins(struct str text, struct str with)
{
    for (size_t i = 0; i < with.n; i++)
        if (i >= text.n || lower(text.p[i]) != lower(with.p[i]))
            return false;
    return with.n > 0;
}

/* Does the word at the beginning of `text` look like the term? A stem's last letter may differ (y, i). */
static bool like(struct str text, const struct index_term *t)
{
    if (begins(text, t->word))
        return text.n == t->word.n || !word_byte(text.p[t->word.n]) || t->text.n > 3;
    return t->text.n > 3 && begins(text, str_take(t->text, t->text.n > 4 ? t->text.n - 1 : t->text.n));
}

struct spot { /* a word of the question in the text */
    size_t at;
    size_t term;
};

static size_t find_spots(struct str text, const struct index_term *terms, size_t n, struct spot *out)
{
    size_t found = 0;
    for (size_t i = 0; i < text.n && found < HITS_MAX; i++) {
        if (!word_byte(text.p[i]) || (i > 0 && word_byte(text.p[i - 1])))
            continue;
        for (size_t k = 0; k < n; k++)
            if (like(str_skip(text, i), &terms[k])) {
                out[found++] = (struct spot){i, k};
                break;
            }
    }
    return found;
}

/* Where the window with the most different words of the question begins. */
static size_t best_start(const struct spot *s, size_t n)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t seen = 0;
        size_t different = 0;
        for (size_t k = i; k < n && s[k].at < s[i].at + SNIPPET_BYTES - LEAD_BYTES; k++) {
            uint64_t bit = (uint64_t)1 << (s[k].term & 63);
            different += !(seen & bit);
            seen |= bit;
        }
        if (different > most) {
            most = different;
            best = s[i].at;
        }
    }
    return best;
}

/* Back to a gap between words, not into the middle of one. */
static size_t word_start(struct str text, size_t at)
{
    size_t i = at;
    while (i > 0 && at - i < 24 && word_byte(text.p[i - 1]))
        i--;
    while (i > 0 && ((unsigned char)text.p[i] & 0xc0) == 0x80)
        i--;
    return i;
}

static size_t word_end(struct str text, size_t from, size_t max)
{
    size_t n = text_cut(str_skip(text, from), max).n, cut = n;
    if (from + n == text.n)
        return n;
    while (cut > 0 && n - cut < 24 && word_byte(text.p[from + cut]) && word_byte(text.p[from + cut - 1]))
        cut--;
    return cut > 0 && !(((unsigned char)text.p[from + cut]) & 0x80) ? cut : n;
}

struct str recall_snippet(struct arena *a, struct str text, const struct index_term *terms, size_t n)
{
    struct spot spots[HITS_MAX];
    text = str_trim(text);
    if (text.n <= SNIPPET_BYTES)
        return arena_str(a, text);
    size_t at = best_start(spots, find_spots(text, terms, n, spots));
    size_t from = at > LEAD_BYTES ? word_start(text, at - LEAD_BYTES) : 0;
    if (text.n - from < SNIPPET_BYTES)
        from = word_start(text, text.n - SNIPPET_BYTES);
    size_t len = word_end(text, from, SNIPPET_BYTES);
    return arena_fmt(a, "%s%.*s%s", from ? "…" : "", (int)len, text.p + from, from + len < text.n ? "…" : "");
}
