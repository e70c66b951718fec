/* Walking tokens; the words are in nearby_words.c. */
#include "privacy/nearby_int.h"

#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Signs beyond ASCII that are no letters: U+0080–U+00BF, U+2000–U+2BFF but for telephones (U+2600–U+263F),
 * U+3000–U+303F, U+FE00–U+FF3F. */
static bool is_sign(struct str text, size_t lead)
{
    unsigned char a = (unsigned char)text.p[lead], b = lead + 1 < text.n ? (unsigned char)text.p[lead + 1] : 0;
    return a == 0xC2 || (a == 0xE2 && b < 0xB0 && b != 0x98) || (a == 0xE3 && b == 0x80) ||
           (a == 0xEF && b >= 0xB8 && b <= 0xBC);
}

/* Does the byte belong to a letter? A byte within a character belongs to what its lead byte says. */
static bool is_letter(struct str text, size_t i)
{
    unsigned char c = (unsigned char)text.p[i];
    if (c < 0x80)
        return is_upper((char)c) || is_lower((char)c);
    size_t lead = i;
    while (lead > 0 && i - lead < 3 && ((unsigned char)text.p[lead] & 0xC0) == 0x80)
        lead--;
    return !is_sign(text, lead);
}

/* Between i-1 and i ends one word of a camelCase name. */
static bool is_hump(struct str text, size_t i)
{
    return is_lower(text.p[i - 1]) && is_upper(text.p[i]);
}

bool nearby_before(struct str text, size_t *at, size_t limit, struct str *token)
{
    size_t floor = *at > limit ? *at - limit : 0;
    size_t end = *at;
    for (size_t lines = 0; end > floor && !is_letter(text, end - 1); end--) {
        char c = text.p[end - 1];
        lines = c == '\n' ? lines + 1 : (c == ' ' || c == '\r' || c == '\t' ? lines : 0);
        if (lines == 2)
            return false;
    }
    size_t start = end;
    while (start > floor && is_letter(text, start - 1) && (start == end || !is_hump(text, start)))
        start--;
    if (start == end || (start == floor && floor > 0 && is_letter(text, floor - 1)))
        return false; /* none, or only the rest of one */
    *token = (struct str){text.p + start, end - start};
    *at = start;
    return true;
}

bool nearby_after(struct str text, size_t *at, size_t limit, struct str *token)
{
    size_t ceiling = text.n - *at > limit ? *at + limit : text.n;
    size_t start = *at;
    for (; start < ceiling && !is_letter(text, start); start++)
        if (text.p[start] == '\n')
            return false;
    size_t end = start;
    while (end < ceiling && is_letter(text, end) && (end == start || !is_hump(text, end)))
        end++;
    if (end == start || (end == ceiling && ceiling < text.n && is_letter(text, ceiling)))
        return false;
    *token = (struct str){text.p + start, end - start};
    *at = end;
    return true;
}

unsigned nearby_kinds(struct str text, size_t start, size_t end, size_t before, size_t after)
{
    unsigned kinds = 0;
    struct str token;
    for (size_t at = start; before > start - at && nearby_before(text, &at, before - (start - at), &token);)
        kinds |= nearby_word(token);
    for (size_t at = end; after > at - end && nearby_after(text, &at, after - (at - end), &token);)
        kinds |= nearby_word(token);
    return kinds;
}

unsigned nearby_name(struct str text, size_t at, size_t limit)
{
    struct str token;
    for (size_t from = at; from - at < limit && nearby_before(text, &at, limit - (from - at), &token);) {
        unsigned kinds = nearby_word(token);
        if ((kinds & NEARBY_FILLER) == 0)
            return kinds;
    }
    return 0;
}

/* <0: the word sorts before the entry, 0: it is the entry or begins with it. */
static int compare(struct str word, const struct nearby_entry *e)
{
    size_t n = strlen(e->word), m = word.n < n ? word.n : n;
    int c = memcmp(word.p, e->word, m);
    return c != 0 ? c : (word.n < n ? -1 : 0);
}

static unsigned look_up(struct str word)
{
    size_t low = 0, high = nearby_words_count;
    while (low < high) { /* the first entry that sorts behind the word */
        size_t mid = (low + high) / 2;
        if (compare(word, &nearby_words[mid]) < 0)
            high = mid;
        else
            low = mid + 1;
    }
    for (size_t i = low; i-- > 0 && nearby_words[i].word[0] == word.p[0];) {
        const struct nearby_entry *e = &nearby_words[i];
        if (compare(word, e) == 0 && (e->stem || word.n == strlen(e->word)))
            return e->kinds;
    }
    return 0;
}

unsigned nearby_word(struct str word)
{
    char lower[NEARBY_BEFORE];
    if (word.n == 0 || word.n > sizeof lower)
        return 0;
    for (size_t i = 0; i < word.n; i++)
        lower[i] = (char)(is_upper(word.p[i]) ? word.p[i] + ('a' - 'A') : word.p[i]);
    struct str w = {lower, word.n};
    unsigned kinds = look_up(w);
    /* Chinese and its neighbours write without spaces: a word may begin at each character. */
    for (size_t i = 1; kinds == 0 && i < w.n; i++) {
        unsigned char c = (unsigned char)lower[i];
        if (c >= 0xE3 && c < 0xF0)
            kinds = look_up(str_skip(w, i));
    }
    return kinds;
}

bool nearby_sorted(void)
{
    for (size_t i = 0; i < nearby_words_count; i++) {
        const char *w = nearby_words[i].word;
        if (w[0] == '\0' || nearby_words[i].kinds == 0 || (i > 0 && strcmp(nearby_words[i - 1].word, w) >= 0))
            return false;
        for (; *w != '\0'; w++)
            if (is_upper(*w))
                return false;
    }
    return true;
}
