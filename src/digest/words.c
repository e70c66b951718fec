/* Words: where they begin and end, their plain form, how often each comes. Endings are cut by a few rules for English,
 * far less than Porter's: they only have to bring "plans", "planned" and "planning" together, and a stem is never
 * shown. */
#include "digest/intern.h"

#include "base/text.h"

#include <string.h>

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(unsigned char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Bytes of the word character at p: 1 for ASCII letters and digits, a whole character beyond ASCII, 0: not one.
 * General punctuation (E2 80 xx: dashes, quotes, dots), arrows and emoji (E2 86 to E2 AF, F0 9F) are none. */
static size_t word_char(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80)
        return is_letter(c) || is_digit(c);
    size_t n = text_char_len(s);
    unsigned char second = n > 1 ? (unsigned char)s.p[1] : 0;
    if (n == 0 || (c == 0xE2 && second >= 0x80) || c == 0xF0 || (c == 0xEF && second == 0xB8) || (c == 0xC2))
        return 0;
    return n;
}

/* ' or ’ between letters. */
static size_t apostrophe(struct str s)
{
    if (s.n > 1 && s.p[0] == '\'')
        return is_letter((unsigned char)s.p[1]);
    return s.n > 3 && memcmp(s.p, "\xE2\x80\x99", 3) == 0 && is_letter((unsigned char)s.p[3]) ? 3 : 0;
}

bool word_next(struct str text, size_t *at, struct str *word)
{
    size_t i = *at, step = 0;
    while (i < text.n && !word_char(str_skip(text, i)))
        i++;
    size_t start = i;
    while (i < text.n) {
        struct str rest = str_skip(text, i);
        step = word_char(rest);
        if (!step && i > start)
            step = apostrophe(rest);
        if (!step)
            break;
        i += step;
    }
    *word = (struct str){text.p + start, i - start};
    *at = i;
    return i > start;
}

struct str word_lower(struct str word, char out[WORD_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < word.n && n < WORD_BYTES; i++) {
        unsigned char c = (unsigned char)word.p[i];
        if (c == 0xE2 && i + 2 < word.n) { /* the one such character within words is ’ */
            out[n++] = '\'';
            i += 2;
            continue;
        }
        out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return (struct str){out, n};
}

static bool vowel(char c)
{
    return strchr("aeiouy", c) != NULL && c;
}

static bool has_vowel(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (vowel(s.p[i]))
            return true;
    return false;
}

/* plann → plan, hope → hop: both sides of a pair end alike. */
static struct str undouble(struct str s)
{
    size_t n = s.n;
    if (n > 3 && s.p[n - 1] == s.p[n - 2] && !vowel(s.p[n - 1]) && !strchr("ls", s.p[n - 1]))
        n--;
    if (n > 3 && s.p[n - 1] == 'e')
        n--;
    return str_take(s, n);
}

struct str word_stem(struct str lower, char out[WORD_BYTES])
{
    static const char *const endings[] = {"'s", "ies", "ing", "ed", "es", "s", "ly"};
    size_t n = lower.n < WORD_BYTES ? lower.n : WORD_BYTES;
    memcpy(out, lower.p, n);
    struct str s = {out, n};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);
        struct str left = str_take(s, s.n > m ? s.n - m : 0);
        bool doubled = m == 1 && left.n && strchr("su", left.p[left.n - 1]); /* class, bus */
        if (left.n < 3 || !has_vowel(left) || !str_ends(s, endings[i]) || doubled)
            continue;
        s = left;
        if (m == 3 && endings[i][1] == 'e')
            out[s.n++] = 'y';
        else if (endings[i][0] == '\'')
            continue; /* the ’s goes, other endings may follow */
        break;
    }
    s = undouble(s);
    if (s.n > 3 && out[s.n - 1] == 'y')
        out[s.n - 1] = 'i';
    return s;
}

static bool room_for(struct arena *a, void **items, uint32_t *room, uint32_t n, size_t size)
{
    if (n < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 256;
    void *bigger = arena_calloc(a, more, size);
    if (!bigger)
        return false;
    if (*room)
        memcpy(bigger, *items, *room * size);
    *items = bigger;
    *room = more;
    return true;
}

/* Regular past forms are not in any list. */
static unsigned classes_of(const struct vocabulary *v, struct str lower)
{
    unsigned c = lexicon_classes(&v->lexicon, lower);
    if (!(c & (W_STOP | W_CHAT)) && lower.n > 4 && str_ends(lower, "ed") && !str_ends(lower, "eed"))
        c |= W_PAST;
    return c;
}

uint32_t vocabulary_form(struct arena *a, struct vocabulary *v, struct str word)
{
    char low[WORD_BYTES], cut[WORD_BYTES];
    struct str lower = word_lower(word, low);
    uint32_t before = v->forms.n, number = names_number(a, &v->forms, lower, true);
    if (number == NO_NAME || v->forms.n == before)
        return number;
    uint32_t stem = names_number(a, &v->stems, word_stem(lower, cut), true);
    if (stem == NO_NAME || !room_for(a, (void **)&v->form, &v->form_room, number, sizeof *v->form) ||
        !room_for(a, (void **)&v->stem, &v->stem_room, stem, sizeof *v->stem))
        return NO_NAME;
    v->form[number] = (struct form){classes_of(v, lower), stem};
    bool digits = is_digit((unsigned char)lower.p[0]);
    v->stem[stem].content |= !(v->form[number].classes & (W_STOP | W_CHAT)) && (lower.n > 1 || digits);
    return number;
}
