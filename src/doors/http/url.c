/* Percent-encoding both ways. What a URL may hold is checked here once, so that no operation ever sees a NUL byte
 * or broken UTF-8 from a path or a query. */
#include "base/arena.h"
#include "base/text.h"
#include "doors/http/router.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Writes the decoded bytes to `to` (room for s.n), returns how many, or -1. */
static ptrdiff_t decode_into(char *to, struct str s, bool plus)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
                return -1;
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[n++] = c;
    }
    return (ptrdiff_t)n;
}

enum err_code url_decode(struct arena *a, struct str s, bool plus, const char *field, struct str *out, struct err *e)
{
    *out = s;
    bool same = true;
    for (size_t i = 0; i < s.n && same; i++)
        same = s.p[i] != '%' && (s.p[i] != '+' || !plus) && (unsigned char)s.p[i] < 0x80 && s.p[i] != 0;
    if (same)
        return ERR_OK;
    char *to = arena_alloc(a, s.n + 1);
    if (!to)
        return err_nomem(e);
    ptrdiff_t n = decode_into(to, s, plus);
    if (n < 0)
        return err_set(e, ERR_INVALID, field, "a \"%%\" in the %s must be followed by two hex digits other than 00",
                       field);
    *out = (struct str){to, (size_t)n};
    if (!text_utf8_valid(*out) || memchr(to, 0, out->n))
        return err_set(e, ERR_INVALID, field, "the %s is not valid UTF-8", field);
    return ERR_OK;
}

void url_encode(struct buf *b, struct str s)
{
    static const char HEX[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~", c) != NULL);
        if (plain) {
            buf_char(b, (char)c);
        } else {
            buf_char(b, '%');
            buf_char(b, HEX[c >> 4]);
            buf_char(b, HEX[c & 15]);
        }
    }
}
