/* A text as words, for judging: look-alikes undone, characters that are not seen dropped and counted, quotes noticed.
 */
#include "privacy/injection_int.h"

#include "base/buf.h"
#include "privacy/lookalike.h"

#include <string.h>

static bool is_letter(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* Figures and signs that stand for letters, in a word that has letters: 1gn0re. */
static char as_letter(char c)
{
    static const char from[] = "01345@$7", to[] = "oieasast";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

static void unfigure(char *p, size_t n)
{
    size_t letters = 0;
    for (size_t i = 0; i < n; i++)
        letters += is_letter((unsigned char)p[i]);
    if (letters * 2 < n)
        return;
    for (size_t i = 0; i < n; i++)
        p[i] = as_letter(p[i]);
}

/* What is not seen and stands between letters or digits; the joiners of emoji and of some scripts do not. */
static void count_hidden(struct injection_text *t, const struct lookalike *c, unsigned char before, struct str behind)
{
    uint32_t p = c->point;
    bool zero_width = (p >= 0x200b && p <= 0x200d) || p == 0x2060 || p == 0xfeff || p == 0x00ad || p == 0x180e;
    if (p == 0x202d || p == 0x202e)
        t->overridden = true;
    if (!zero_width || !(is_letter(before) || is_digit(before) || before == LOOKALIKE_NOTHING))
        return;
    unsigned char next = behind.n ? lookalike_read(behind).c : LOOKALIKE_OTHER;
    t->hidden += is_letter(next) || is_digit(next) || next == LOOKALIKE_NOTHING;
}

/* What is ASCII and no escape is put down in one go, in lower case. */
static size_t run_of_ascii(struct str s, struct buf *out)
{
    size_t n = 0;
    while (n < s.n && (unsigned char)s.p[n] >= 0x20 && (unsigned char)s.p[n] < 0x7f && s.p[n] != '&' && s.p[n] != '%' &&
           s.p[n] != '\\')
        n++;
    char *p = n ? buf_room(out, n) : NULL;
    if (!p)
        return 0;
    for (size_t i = 0; i < n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    buf_added(out, n);
    return n;
}

/* The text as it reads; letters of the tags (U+E0000 …) apart, but for those of flags (behind U+1F3F4). */
static enum err_code read_plain(struct arena *a, struct injection_text *t, struct err *e)
{
    struct buf plain, told;
    unsigned char before = LOOKALIKE_OTHER;
    bool flag = false;
    buf_init(&plain, 0);
    buf_init(&told, 0);
    for (struct str rest = t->raw; rest.n;) {
        size_t as_is = run_of_ascii(rest, &plain);
        if (as_is) {
            before = (unsigned char)rest.p[as_is - 1] | 32;
            rest = str_skip(rest, as_is);
            flag = false;
            continue;
        }
        struct lookalike c = lookalike_read(rest);
        struct str here = str_take(rest, c.n);
        rest = str_skip(rest, c.n);
        if (c.point >= 0xe0020 && c.point <= 0xe007e && !flag) {
            buf_char(&told, (char)(c.point - 0xe0000));
            t->tags++;
        } else if (c.c == LOOKALIKE_NOTHING) {
            count_hidden(t, &c, before, rest);
        } else if (c.c == LOOKALIKE_OTHER) {
            buf_str(&plain, here);
        } else {
            buf_char(&plain, (char)c.c);
        }
        flag = c.point == 0x1f3f4 || (flag && c.point >= 0xe0000 && c.point <= 0xe007f);
        before = c.c;
    }
    t->plain = buf_take(&plain, a);
    t->told = buf_take(&told, a);
    return t->plain.p && t->told.p ? ERR_OK : err_nomem(e);
}

struct quotes {
    bool doubled, tick, single, curly, fence;
};

static bool in_quotes(const struct quotes *q)
{
    return q->doubled || q->tick || q->single || q->curly || q->fence;
}

/* What a character at `i` does to quotes; how many bytes of it are done with. */
static size_t note_quote(struct quotes *q, struct str s, size_t i)
{
    static const char *const open[] = {"\xe2\x80\x9c", "\xe2\x80\x98", "\xc2\xab", "\xe2\x80\x9e", "\xe3\x80\x8c"};
    static const char *const close[] = {"\xe2\x80\x9d", "\xe2\x80\x99", "\xc2\xbb", "\xe2\x80\x9d", "\xe3\x80\x8d"};
    if ((unsigned char)s.p[i] < 0x80 && !memchr("\"'`\n", s.p[i], 4))
        return 1;
    bool word_before = i && (is_letter((unsigned char)s.p[i - 1]) || is_digit((unsigned char)s.p[i - 1]));
    bool word_behind = i + 1 < s.n && is_letter((unsigned char)s.p[i + 1]);
    if (str_starts(str_skip(s, i), "```")) {
        q->fence = !q->fence;
        return 3;
    }
    if (s.p[i] == '"')
        q->doubled = !q->doubled;
    else if (s.p[i] == '`')
        q->tick = !q->tick;
    else if (s.p[i] == '\'' && !(word_before && word_behind))
        q->single = !word_before && word_behind ? true : false;
    else if (s.p[i] == '\n' && i + 1 < s.n && s.p[i + 1] == '\n')
        q->doubled = q->tick = q->single = q->curly = false;
    for (size_t k = 0; k < sizeof open / sizeof open[0]; k++) {
        if (str_starts(str_skip(s, i), open[k]))
            q->curly = true;
        else if (str_starts(str_skip(s, i), close[k]) && !(word_before && k == 1))
            q->curly = false;
    }
    return 1;
}

static bool in_word(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (is_letter(c) || is_digit(c))
        return true;
    bool letters = i && is_letter((unsigned char)s.p[i - 1]) && i + 1 < s.n && is_letter((unsigned char)s.p[i + 1]);
    return (c == '\'' || c == '@' || c == '$') && letters;
}

/* "i g n o r e": at least five single letters, one blank between, are a word. */
static size_t spaced_letters(struct str s, size_t i)
{
    size_t n = 0, at = i;
    while (at < s.n && is_letter((unsigned char)s.p[at]) && (at + 1 >= s.n || !is_letter((unsigned char)s.p[at + 1]))) {
        n++;
        if (at + 2 >= s.n || s.p[at + 1] != ' ' || !is_letter((unsigned char)s.p[at + 2]) ||
            (at + 3 < s.n && is_letter((unsigned char)s.p[at + 3])))
            break;
        at += 2;
    }
    return n >= 5 ? at + 1 - i : 0;
}

static struct str without_blanks(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '\'')
            p[n++] = s.p[i];
    }
    if (p)
        unfigure(p, n);
    return (struct str){p, p ? n : 0};
}

static enum err_code read_words(struct arena *a, struct injection_text *t, struct err *e)
{
    struct quotes q = {0};
    bool line_start = true;
    struct str s = t->plain;
    t->words = arena_array(a, struct injection_word, s.n / 2 + 1);
    for (size_t i = 0; t->words && i < s.n;) {
        size_t n = spaced_letters(s, i);
        if (!n) {
            while (i + n < s.n && in_word(s, i + n))
                n++;
        }
        if (!n) {
            if (s.p[i] == '\n')
                line_start = true;
            i += note_quote(&q, s, i);
            continue;
        }
        struct str word = without_blanks(a, (struct str){s.p + i, n});
        if (!word.p)
            return err_nomem(e);
        t->words[t->n++] = (struct injection_word){word, line_start, in_quotes(&q)};
        line_start = false;
        i += n;
    }
    return t->words ? ERR_OK : err_nomem(e);
}

bool injection_about(const struct injection_text *t)
{
    static const char *const words[] = {
        "injection",     "injections", "jailbreak", "jailbreaks", "attack",   "attacks",   "attacker",  "attackers",
        "adversarial",   "malicious",  "exploit",   "payload",    "payloads", "phrase",    "phrases",   "detector",
        "detect",        "detects",    "sanitize",  "escape",     "escaped",  "tokenizer", "template",  "templates",
        "vulnerability", "owasp",      "regex",     "blocklist",  "red",      "eval",      "test",      "tests",
        "filter",        "says",       "said",      "wrote",      "string",   "literal",   "delimiter", "delimiters",
        "format",        "token",      "tokens"};
    for (size_t i = 0; i < t->n; i++) {
        if (t->words[i].quoted)
            continue;
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (str_is(t->words[i].text, words[k]))
                return true;
        }
    }
    return false;
}

enum err_code injection_read(struct arena *a, struct str text, struct injection_text *out, struct err *e)
{
    *out = (struct injection_text){.raw = text};
    enum err_code code = read_plain(a, out, e);
    return code ? code : read_words(a, out, e);
}
