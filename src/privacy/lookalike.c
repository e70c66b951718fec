/* Reading characters as people and models do. Compatibility forms (full width, mathematical, circled letters) and marks
 * come from Unicode's own tables; letters of other scripts that look like Latin ones are listed here, the common ones.
 */
#include "privacy/lookalike.h"

#include <string.h>
#include <utf8proc.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits of that base from `at`, at most `most` of them; how many there were. */
static size_t read_number(struct str s, size_t at, int base, size_t most, uint32_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < most && at + n < s.n) {
        int d = hex_digit(s.p[at + n]);
        if (d < 0 || d >= base)
            break;
        *out = *out * (uint32_t)base + (uint32_t)d;
        n++;
    }
    return n;
}

/* &lt; &#60; &#x3c; with or without the semicolon, escaped again (&amp;lt;) as often as may be. 0: none. */
static size_t read_entity(struct str s, uint32_t *point)
{
    static const struct {
        const char *name;
        char c;
    } names[] = {{"lt", '<'},   {"gt", '>'},   {"sol", '/'},   {"lowbar", '_'},
                 {"nbsp", ' '}, {"quot", '"'}, {"bsol", '\\'}, {"vert", '|'}};
    size_t at = 1, digits = 0;
    while (str_starts(str_skip(s, at), "amp;"))
        at += 4;
    if (at < s.n && s.p[at] == '#') {
        bool hex = at + 1 < s.n && (s.p[at + 1] | 32) == 'x';
        at += hex ? 2 : 1;
        while (at < s.n && s.p[at] == '0') {
            at++;
            digits++;
        }
        size_t n = read_number(s, at, hex ? 16 : 10, 7, point);
        if (!n && !digits)
            return 0;
        at += n;
        return at + (at < s.n && s.p[at] == ';');
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].name);
        if (at + n > s.n || !str_ieq(str_take(str_skip(s, at), n), str_of(names[i].name)))
            continue;
        *point = (unsigned char)names[i].c;
        at += n;
        return at + (at < s.n && s.p[at] == ';');
    }
    return 0;
}

/* \u003c, \x3c, %3c. 0: none. */
static size_t read_escape(struct str s, uint32_t *point)
{
    bool percent = s.p[0] == '%';
    char kind = s.n > 1 ? s.p[1] | 32 : '\0';
    size_t at = percent ? 1 : 2, digits = !percent && kind == 'u' ? 4 : 2;
    if (!percent && kind != 'u' && kind != 'x')
        return 0;
    return read_number(s, at, 16, digits, point) == digits ? at + digits : 0;
}

/* Letters that look like Latin ones and signs that look like < / | _, in order of their numbers. */
static const struct {
    uint32_t point;
    char c;
} alike[] = {
    {0x0131, 'i'}, {0x01c0, '|'}, {0x0261, 'g'}, {0x026a, 'i'}, {0x0274, 'n'}, {0x0280, 'r'}, {0x028f, 'y'},
    {0x029f, 'l'}, {0x02c2, '<'}, {0x03b1, 'a'}, {0x03b5, 'e'}, {0x03b9, 'i'}, {0x03bd, 'v'}, {0x03bf, 'o'},
    {0x03c1, 'p'}, {0x03c5, 'u'}, {0x0430, 'a'}, {0x0433, 'r'}, {0x0435, 'e'}, {0x043c, 'm'}, {0x043e, 'o'},
    {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'},
    {0x0475, 'v'}, {0x04cf, 'l'}, {0x0501, 'd'}, {0x051b, 'q'}, {0x051d, 'w'}, {0x0585, 'o'}, {0x1438, '<'},
    {0x16b2, '<'}, {0x1d00, 'a'}, {0x1d04, 'c'}, {0x1d05, 'd'}, {0x1d07, 'e'}, {0x1d0d, 'm'}, {0x1d0f, 'o'},
    {0x1d18, 'p'}, {0x1d1b, 't'}, {0x1d1c, 'u'}, {0x1d20, 'v'}, {0x2039, '<'}, {0x203a, '>'}, {0x2044, '/'},
    {0x2215, '/'}, {0x2223, '|'}, {0x2329, '<'}, {0x232a, '>'}, {0x23d0, '|'}, {0x2502, '|'}, {0x2571, '/'},
    {0x276c, '<'}, {0x276d, '>'}, {0x276e, '<'}, {0x27e8, '<'}, {0x27e9, '>'}, {0x29f8, '/'}, {0x3008, '<'},
    {0x3009, '>'},
};

static unsigned char find_alike(uint32_t point)
{
    size_t from = 0, to = sizeof alike / sizeof alike[0];
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (alike[mid].point == point)
            return (unsigned char)alike[mid].c;
        if (alike[mid].point < point)
            from = mid + 1;
        else
            to = mid;
    }
    return LOOKALIKE_OTHER;
}

static unsigned char fold_ascii(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned char)(c + 32);
    return c >= 0x20 && c != 0x7f                ? (unsigned char)c
           : c == '\n' || c == '\t' || c == '\r' ? (unsigned char)c
                                                 : LOOKALIKE_NOTHING;
}

static unsigned char fold(uint32_t point)
{
    utf8proc_int32_t parts[8];
    int boundary = 0;
    if (point < 0x80)
        return fold_ascii(point);
    const utf8proc_category_t is = utf8proc_category((utf8proc_int32_t)point);
    if (is == UTF8PROC_CATEGORY_CF || is == UTF8PROC_CATEGORY_MN || is == UTF8PROC_CATEGORY_ME ||
        is == UTF8PROC_CATEGORY_CC)
        return LOOKALIKE_NOTHING;
    if (is == UTF8PROC_CATEGORY_ZS)
        return ' ';
    if (is == UTF8PROC_CATEGORY_ZL || is == UTF8PROC_CATEGORY_ZP)
        return '\n';
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)point, parts, 8,
                                (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                                    UTF8PROC_IGNORE | UTF8PROC_STRIPMARK),
                                &boundary);
    if (n == 0)
        return LOOKALIKE_NOTHING;
    if (n < 0)
        return LOOKALIKE_OTHER;
    return parts[0] < 0x80 && n == 1 ? fold_ascii((uint32_t)parts[0]) : find_alike((uint32_t)parts[0]);
}

struct lookalike lookalike_read(struct str s)
{
    uint32_t point = 0;
    size_t n = 0;
    if (s.p[0] == '&')
        n = read_entity(s, &point);
    else if (s.p[0] == '%' || s.p[0] == '\\')
        n = read_escape(s, &point);
    if (!n) {
        utf8proc_int32_t c = 0;
        utf8proc_ssize_t took =
            utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)(s.n < 4 ? s.n : 4), &c);
        if (took <= 0)
            return (struct lookalike){LOOKALIKE_OTHER, 0xfffd, 1};
        point = (uint32_t)c;
        n = (size_t)took;
    }
    if (point > 0x10ffff)
        return (struct lookalike){LOOKALIKE_OTHER, 0xfffd, n};
    return (struct lookalike){fold(point), point, n};
}
