/* Finds the first fault in a text that simdjson refused, for the message: simdjson's DOM says that
 * something is wrong, not where. A strict scanner without recursion; the containers that are open
 * are the bits of one word. Slow beside simdjson, and only run on texts that are refused anyway. */
#include "base/json_fault.h"

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

#include <string.h>

_Static_assert(JSON_MAX_DEPTH <= 64, "the open containers are the bits of a uint64_t");

struct scan {
    struct str rest;
    uint64_t objects; /* bit i: the container at depth i is an object */
    int depth;
};

/* Each step moves on and returns NULL, or stays at the fault and returns what is wrong. */
typedef const char *fault;

static void skip_space(struct scan *s)
{
    while (s->rest.n > 0 && memchr(" \t\n\r", s->rest.p[0], 4))
        s->rest = str_skip(s->rest, 1);
}

static bool at(const struct scan *s, char c)
{
    return s->rest.n > 0 && s->rest.p[0] == c;
}

static bool take(struct scan *s, char c)
{
    if (!at(s, c))
        return false;
    s->rest = str_skip(s->rest, 1);
    return true;
}

static bool hex_unit(struct str s, unsigned *out)
{
    if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
        return false;
    unsigned v = 0;
    for (int i = 2; i < 6; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            v = v << 4 | (unsigned)(c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (unsigned)(low - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static fault escape(struct scan *s)
{
    unsigned unit, low;
    if (s->rest.n > 1 && s->rest.p[1] != 'u') {
        if (!memchr("\"\\/bfnrt", s->rest.p[1], 8))
            return "there is no such escape in JSON";
        s->rest = str_skip(s->rest, 2);
        return NULL;
    }
    if (!hex_unit(s->rest, &unit))
        return "\\u must be followed by four hex digits";
    bool pair = unit >= 0xD800 && unit < 0xDC00;
    if (pair ? !hex_unit(str_skip(s->rest, 6), &low) || low < 0xDC00 || low > 0xDFFF : unit >= 0xDC00 && unit <= 0xDFFF)
        return "this half of a surrogate pair stands alone";
    s->rest = str_skip(s->rest, pair ? 12 : 6);
    return NULL;
}

static fault string(struct scan *s)
{
    struct str start = s->rest;
    s->rest = str_skip(s->rest, 1);
    while (s->rest.n > 0 && !at(s, '"')) {
        unsigned char c = (unsigned char)s->rest.p[0];
        if (c < 0x20)
            return "control characters in strings must be escaped";
        size_t n = text_char_len(s->rest);
        if (n == 0)
            return "this is not UTF-8";
        fault wrong = NULL;
        if (c == '\\')
            wrong = escape(s);
        else
            s->rest = str_skip(s->rest, n);
        if (wrong)
            return wrong;
    }
    if (take(s, '"'))
        return NULL;
    s->rest = start;
    return "this string has no end";
}

static bool digits(struct scan *s)
{
    size_t before = s->rest.n;
    while (s->rest.n > 0 && s->rest.p[0] >= '0' && s->rest.p[0] <= '9')
        s->rest = str_skip(s->rest, 1);
    return s->rest.n < before;
}

static fault number(struct scan *s)
{
    struct str start = s->rest;
    bool ok;
    take(s, '-');
    ok = take(s, '0') || digits(s);
    if (ok && take(s, '.'))
        ok = digits(s);
    if (ok && (take(s, 'e') || take(s, 'E'))) {
        if (!take(s, '+'))
            take(s, '-');
        ok = digits(s);
    }
    /* "01", "1x": the number ends, yet the word does not. */
    if (ok && s->rest.n > 0 && !memchr(" \t\n\r,]}", s->rest.p[0], 7))
        ok = false;
    double v;
    struct str word = str_take(start, start.n - s->rest.n);
    if (ok && number_read(word.p, word.n, &v))
        return NULL;
    s->rest = start;
    return ok ? "this number is out of range" : "this is no number in JSON";
}

static fault word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_starts(s->rest, words[i]))
            continue;
        struct str rest = str_skip(s->rest, strlen(words[i]));
        if (rest.n > 0 && !memchr(" \t\n\r,]}", rest.p[0], 7))
            break;
        s->rest = rest;
        return NULL;
    }
    return s->rest.n > 0 ? "a value should be here" : "a value should follow";
}

static fault open_container(struct scan *s)
{
    if (s->depth == JSON_MAX_DEPTH)
        return "this is nested too deeply (64 levels at most)";
    uint64_t bit = (uint64_t)1 << s->depth++;
    s->objects = at(s, '{') ? s->objects | bit : s->objects & ~bit;
    s->rest = str_skip(s->rest, 1);
    return NULL;
}

static bool in_object(const struct scan *s)
{
    return s->depth > 0 && (s->objects >> (s->depth - 1) & 1);
}

static fault key(struct scan *s)
{
    skip_space(s);
    if (!at(s, '"'))
        return "a key in double quotes should be here";
    fault wrong = string(s);
    if (wrong)
        return wrong;
    skip_space(s);
    return take(s, ':') ? NULL : "a colon should follow the key";
}

static fault scalar(struct scan *s)
{
    if (at(s, '"'))
        return string(s);
    if (s->rest.n > 0 && (s->rest.p[0] == '-' || (s->rest.p[0] >= '0' && s->rest.p[0] <= '9')))
        return number(s);
    return word(s);
}

/* After a value: closes what ends here, up to a comma or the end of the text (*done). */
static fault after_value(struct scan *s, bool *done)
{
    skip_space(s);
    while (s->depth > 0 && take(s, in_object(s) ? '}' : ']')) {
        s->depth--;
        skip_space(s);
    }
    *done = s->depth == 0;
    if (*done)
        return s->rest.n > 0 ? "nothing should follow the value" : NULL;
    if (take(s, ','))
        return in_object(s) ? key(s) : NULL;
    return in_object(s) ? "a comma or } should be here" : "a comma or ] should be here";
}

/* One value and what follows it, up to where the next value begins. */
static fault step(struct scan *s, bool *done)
{
    skip_space(s);
    if (!at(s, '{') && !at(s, '[')) {
        fault wrong = scalar(s);
        return wrong ? wrong : after_value(s, done);
    }
    fault wrong = open_container(s);
    if (wrong)
        return wrong;
    skip_space(s);
    if (at(s, in_object(s) ? '}' : ']'))
        return after_value(s, done);
    return in_object(s) ? key(s) : NULL;
}

static void locate(struct str before, size_t *line, size_t *column)
{
    *line = 1;
    for (struct str rest = before; rest.n > 0;) {
        before = rest;
        str_cut(&rest, '\n');
        *line += rest.p != NULL;
        if (rest.p && rest.n == 0)
            before = STR_NONE;
    }
    *column = text_chars(before) + 1;
}

enum err_code json_fault(struct str text, struct err *e)
{
    struct scan s = {.rest = text};
    fault wrong = NULL;
    if (str_starts(text, "\xEF\xBB\xBF"))
        wrong = "it starts with a byte order mark";
    for (bool done = false; !wrong && !done;)
        wrong = step(&s, &done);
    if (!wrong)
        return err_set(e, ERR_INVALID, "body", "it is not valid JSON");
    size_t line, column;
    locate(str_take(text, text.n - s.rest.n), &line, &column);
    return err_set(e, ERR_INVALID, "body", "it is not valid JSON at line %zu, column %zu: %s", line, column, wrong);
}
