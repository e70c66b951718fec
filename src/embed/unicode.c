/* BERT's view of a character: see unicode.h. The exceptions below were found by asking the tokenizers library about
 * every code point; tests/e2e/test_embed_tokens.py asks again.
 *
 * Not here: the canonical order of what decomposition leaves. Non-spacing marks, which it is about, are dropped. */
#include "embed/unicode.h"

#include <utf8proc.h>

struct range {
    int32_t first, last;
};

/* Newer than the tables of the tokenizers library: neither control character, punctuation, mark nor decomposable to
 * it. Ranges run over gaps in which utf8proc sees nothing but plain characters too. */
static const struct range NEWER[] = {
    {0x061D, 0x061D},   {0x07FD, 0x07FD},   {0x0890, 0x08E2},   {0x09FD, 0x09FE},   {0x0A76, 0x0A76},
    {0x0AFA, 0x0AFF},   {0x0B55, 0x0B55},   {0x0C04, 0x0C3C},   {0x0C77, 0x0C77},   {0x0C84, 0x0C84},
    {0x0D00, 0x0D00},   {0x0D3B, 0x0D3C},   {0x0D81, 0x0D81},   {0x0EBA, 0x0EBA},   {0x0ECE, 0x0ECE},
    {0x180F, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},
    {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},   {0x10D24, 0x10F89},
    {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111C9, 0x111C9}, {0x111CF, 0x111CF}, {0x1123E, 0x11241},
    {0x1133B, 0x1133B}, {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x1183B},
    {0x11938, 0x11938}, {0x1193B, 0x11FFF}, {0x12FF1, 0x13455}, {0x16E97, 0x16F4F}, {0x16FE2, 0x16FE4},
    {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F},
};

/* CJK ideographs. The hole at U+2B820 is the library's. */
static const struct range CJK[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

/* Capitals younger than utf8proc's tables, and how far their small letters are. */
static const struct {
    struct range capitals;
    int32_t to_small;
} CAPITALS[] = {
    {{0x1C89, 0x1C89}, 1},      {{0xA7CB, 0xA7CB}, 0x264 - 0xA7CB},
    {{0xA7CC, 0xA7CC}, 1},      {{0xA7CE, 0xA7CE}, 1},
    {{0xA7D2, 0xA7D2}, 1},      {{0xA7D4, 0xA7D4}, 1},
    {{0xA7DA, 0xA7DA}, 1},      {{0xA7DC, 0xA7DC}, 0x19B - 0xA7DC},
    {{0x10D50, 0x10D65}, 0x20}, {{0x16EA0, 0x16EB8}, 0x1B},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool in_ranges(const struct range *r, size_t n, int32_t c)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c > r[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && c >= r[low].first;
}

static bool is_newer(int32_t c)
{
    return c >= NEWER[0].first && in_ranges(NEWER, COUNT(NEWER), c);
}

static bool is_dropped(int32_t c)
{
    if (c == 0 || c == 0xFFFD)
        return true;
    if (c == '\t' || c == '\n' || c == '\r' || is_newer(c))
        return false;
    utf8proc_category_t k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CO;
}

static bool is_mark(int32_t c)
{
    /* U+1734 was a non-spacing mark until Unicode 14. */
    return c == 0x1734 || (utf8proc_category(c) == UTF8PROC_CATEGORY_MN && !is_newer(c));
}

bool unicode_space(int32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    utf8proc_category_t k = utf8proc_category(c);
    return c == 0x85 || k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

bool unicode_punct(int32_t c)
{
    if (c < 0x80) /* all that is neither letter, digit, blank nor control: "$" and "^" too */
        return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7F);
    if (c == 0x166D || c == 0x111C9) /* punctuation until Unicode 12 and 11 */
        return true;
    utf8proc_category_t k = utf8proc_category(c);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO && !is_newer(c);
}

static int32_t to_lower(int32_t c)
{
    int32_t small = utf8proc_tolower(c);
    for (size_t i = 0; small == c && c >= 0x1C89 && i < COUNT(CAPITALS); i++)
        if (c >= CAPITALS[i].capitals.first && c <= CAPITALS[i].capitals.last)
            return c + CAPITALS[i].to_small;
    return small;
}

/* Decomposes and drops marks in place of one character. */
static size_t put_stripped(int32_t c, int32_t *out)
{
    utf8proc_int32_t parts[UNICODE_EXPAND_MAX];
    int boundary = 0;
    utf8proc_ssize_t n = 1;
    parts[0] = c;
    if (c >= 0x80 && !is_newer(c))
        n = utf8proc_decompose_char(c, parts, UNICODE_EXPAND_MAX / 2, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 1 || n > UNICODE_EXPAND_MAX / 2) { /* no character is that long */
        parts[0] = c;
        n = 1;
    }
    size_t kept = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        if (parts[i] < 0x80 || !is_mark(parts[i]))
            out[kept++] = parts[i];
    return kept;
}

static size_t lower_all(int32_t *chars, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (chars[i] == 0x130 && n < UNICODE_EXPAND_MAX) { /* the only capital with a small form of two characters */
            for (size_t j = n++; j > i + 1; j--)
                chars[j] = chars[j - 1];
            chars[i] = 'i';
            chars[++i] = 0x307;
        } else {
            chars[i] = to_lower(chars[i]);
        }
    }
    return n;
}

size_t unicode_expand(const struct unicode_rules *rules, int32_t c, int32_t out[UNICODE_EXPAND_MAX])
{
    if (rules->clean && is_dropped(c))
        return 0;
    if (rules->clean && unicode_space(c))
        c = ' ';
    bool ideograph = rules->cjk && c >= CJK[0].first && in_ranges(CJK, COUNT(CJK), c);
    size_t n = 0;
    if (ideograph)
        out[n++] = ' ';
    if (rules->strip_accents)
        n += put_stripped(c, out + n);
    else
        out[n++] = c;
    if (ideograph)
        out[n++] = ' ';
    return rules->lower ? lower_all(out, n) : n;
}
