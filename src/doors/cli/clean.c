/* Making stored text safe and measurable for a terminal. Text comes from models and strangers: an escape
 * sequence in it could retitle the window, hide a line or answer for the user. */
#include "doors/cli/screen.h"

struct range {
    uint32_t first, last;
};

/* Characters that take no column of their own, and those that take two (the common blocks). */
static const struct range narrow[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                      {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
                                      {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},  {0x3400, 0x4dbf},
                                    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
                                    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
/* What terminals obey, or what reorders or hides the text around it. */
static const struct range obeyed[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                                      {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                                      {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool in(const struct range *r, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= r[i].first && c <= r[i].last)
            return true;
    }
    return false;
}

/* Takes the next code point off *s (not empty); U+FFFD and one byte for what is no UTF-8. */
static uint32_t next_point(struct str *s)
{
    const unsigned char *p = (const unsigned char *)s->p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    bool ok = n > 0 && n <= s->n;
    for (size_t i = 1; ok && i < n; i++) {
        ok = (p[i] & 0xc0) == 0x80;
        c = c << 6 | (p[i] & 0x3f);
    }
    ok = ok && !(n == 3 && c < 0x800) && !(n == 4 && (c < 0x10000 || c > 0x10ffff)) && !(c >= 0xd800 && c <= 0xdfff);
    *s = str_skip(*s, ok ? n : 1);
    return ok ? c : 0xfffd;
}

static void put_point(struct buf *out, uint32_t c, struct str raw)
{
    if (in(obeyed, COUNT(obeyed), c))
        buf_fmt(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    else if (c == 0xfffd)
        buf_cstr(out, "\xef\xbf\xbd");
    else
        buf_str(out, raw);
}

struct str clean_line(struct arena *a, struct str text)
{
    struct buf out;
    bool space = false;
    buf_init(&out, 0);
    text = str_trim(text);
    while (text.n > 0) {
        struct str at = text;
        uint32_t c = next_point(&text);
        bool blank = c == ' ' || (c >= '\t' && c <= '\r');
        if (!blank)
            put_point(&out, c, str_take(at, at.n - text.n));
        else if (!space)
            buf_char(&out, ' ');
        space = blank;
    }
    struct str made = buf_take(&out, a);
    return made;
}

void clean_block(struct buf *out, struct str text, int indent)
{
    text = str_trim(text);
    while (text.n > 0) {
        struct str at = text;
        uint32_t c = next_point(&text);
        if (c == '\n')
            buf_fmt(out, "\n%*s", indent, "");
        else if (c == '\t')
            buf_cstr(out, "    ");
        else if (c != '\r' || !str_starts(text, "\n"))
            put_point(out, c, str_take(at, at.n - text.n));
    }
}

static size_t point_width(uint32_t c)
{
    return in(narrow, COUNT(narrow), c) ? 0 : in(wide, COUNT(wide), c) ? 2 : 1;
}

size_t clean_width(struct str text)
{
    size_t n = 0;
    while (text.n > 0)
        n += point_width(next_point(&text));
    return n;
}

struct str clean_fit(struct arena *a, struct str text, size_t columns)
{
    struct str rest = text;
    size_t used = 0, keep = 0; /* keep: bytes that fit beside the ellipsis */
    while (rest.n > 0 && used <= columns) {
        used += point_width(next_point(&rest));
        if (used + 1 <= columns)
            keep = text.n - rest.n;
    }
    if (used <= columns)
        return text;
    struct str kept = str_take(text, keep);
    return arena_fmt(a, "%.*s\xe2\x80\xa6", STR_ARG(kept));
}
