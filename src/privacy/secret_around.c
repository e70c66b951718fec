/* What is around a match, and trimming a value to what a person would call the secret. */
#include "privacy/secret_around.h"

#include "privacy/secret_look.h"

#include <string.h>

struct str around_span(const struct detector_match *m, size_t start, size_t end)
{
    return (struct str){m->text.p + start, end - start};
}

char around_byte(const struct detector_match *m, size_t i)
{
    return i < m->text.n ? m->text.p[i] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The quote that encloses the span, 0: none. */
char around_quote(const struct detector_match *m, size_t start, size_t end)
{
    char before = start ? m->text.p[start - 1] : '\0', behind = around_byte(m, end);
    if (behind == '\\' && end + 1 < m->text.n)
        behind = m->text.p[end + 1];
    return before && before == behind && strchr("\"'`", before) ? before : '\0';
}

/* An unquoted value without what belongs to the sentence or to the code around it. */
void around_trim(const struct detector_match *m, size_t *start, size_t *end)
{
    for (;;) {
        struct str v = around_span(m, *start, *end);
        if (v.n < 2)
            return;
        char last = v.p[v.n - 1];
        bool closes = (last == ')' && secret_count(v, '(') < secret_count(v, ')')) ||
                      (last == ']' && secret_count(v, '[') < secret_count(v, ']')) ||
                      (last == '}' && secret_count(v, '{') < secret_count(v, '}'));
        if (closes || strchr(".,;:\\", last) || (last == '*' && v.n > 2 && v.p[v.n - 2] == '*') ||
            (last == '?' && v.n > 4))
            --*end;
        else if (str_ends(v, "\\n") || str_ends(v, "\\r") || str_ends(v, "\\t"))
            *end -= 2;
        else
            return;
    }
}

/* Ends the value at the first of these bytes or at an escaped line end. */
void around_stop(const struct detector_match *m, size_t start, size_t *end, const char *stops)
{
    for (size_t i = start + 1; i < *end; i++) {
        char c = m->text.p[i];
        if (strchr(stops, c) || (c == '\\' && i + 1 < *end && strchr("nrt", m->text.p[i + 1]))) {
            *end = i;
            return;
        }
    }
}

/* Whether nothing but closing signs follows on the line. */
bool around_ends_line(const struct detector_match *m, size_t end)
{
    size_t i = end;
    while (i < m->text.n && strchr("\"'`;,)}]*. \t\r\\", m->text.p[i]) && m->text.p[i]) {
        if (m->text.p[i] == '\\' && i + 1 < m->text.n && m->text.p[i + 1] == 'n')
            return true;
        i++;
    }
    return i >= m->text.n || m->text.p[i] == '\n' || m->text.p[i] == '#';
}

/* Whether the name stands at the start of its line, maybe behind spaces, a dash, a quote, "export". */
bool around_starts_line(const struct detector_match *m)
{
    size_t i = m->from;
    while (i > 0 && m->text.p[i - 1] != '\n') {
        char c = m->text.p[i - 1];
        bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-' || c == '.' || c == '"' || c == '\'' || c == '$' || c == '*';
        if (is_space(c)) {
            size_t words = i;
            while (words > 0 && is_space(m->text.p[words - 1]) && m->text.p[words - 1] != '\n')
                words--;
            return words == 0 || m->text.p[words - 1] == '\n' || m->text.p[words - 1] == '-' ||
                   m->text.p[words - 1] == '*' || (words >= 6 && !memcmp(m->text.p + words - 6, "export", 6)) ||
                   (words >= 3 && !memcmp(m->text.p + words - 3, "ENV", 3));
        }
        if (!part)
            return c == 'n' && i > 1 && m->text.p[i - 2] == '\\';
        i--;
    }
    return true;
}

/* DB_PASSWORD: a variable of the environment. */
bool around_upper_name(const struct detector_match *m)
{
    for (size_t i = 0; i < 4; i++) {
        char c = around_byte(m, m->from + i);
        if (c < 'A' || c > 'Z')
            return false;
    }
    char before = m->from ? m->text.p[m->from - 1] : ' ';
    return before == '_' || is_space(before);
}

/* A refused match is searched again from its value on, which may hold a name and a value of its own. */
double around_refuse(const size_t *start, size_t *end)
{
    *end = *start;
    return 0;
}

bool around_call(const struct detector_match *m, size_t end)
{
    char next = around_byte(m, end);
    return next == '(' || next == '[' || next == '{' || (next == ':' && around_byte(m, end + 1) == ':');
}

struct around_sign around_sign(const struct detector_match *m, size_t start)
{
    struct around_sign s = {0};
    size_t i = start;
    while (i > m->from && strchr("\"'`\\*_bBrRuUfFL@", m->text.p[i - 1]) && start - i < 6)
        i--;
    bool below = false;
    while (i > m->from && is_space(m->text.p[i - 1])) {
        s.spaced = true;
        i--;
        below = below || m->text.p[i] == '\n';
    }
    if (i > m->from)
        s.c = m->text.p[i - 1];
    if (below && strchr("|>+-", s.c)) /* YAML's blocks */
        s.c = ':';
    bool fallback = i > m->from + 1 && (s.c == '|' || s.c == '?') && m->text.p[i - 2] == s.c; /* x || "…" */
    if (s.c == '>' || fallback)
        s.c = '=';
    if (s.c == '\x9a')
        s.c = ':';
    s.compares = s.c == '=' && i > m->from + 1 && m->text.p[i - 2] == '=';
    return s;
}

/* The word before the value, as "is" in "the password is x"; a colon counts as "is". */
bool around_linked(const struct detector_match *m, size_t start, bool *firmly)
{
    static const char *const firm[] = {" is",        " was",        " es",       " ist",      " lautet",
                                       " est",       " \xc3\xa8",   " \xc3\xa9", " now",      " just",
                                       " still",     " simply",     ":",         " equals",   " be",
                                       " currently", " changed to", " set to",   " actually", " always"};
    static const char *const loose[] = {" to", " as", " with", " of", ","};
    size_t i = start;
    while (i > m->from && strchr(" \"'`*(", m->text.p[i - 1]))
        i--;
    while (i > m->from && (unsigned char)m->text.p[i - 1] >= 0x80 &&
           !str_ends(around_span(m, m->from, i), " \xc3\xa8") && !str_ends(around_span(m, m->from, i), " \xc3\xa9"))
        i--; /* typographic quotes */
    while (i > m->from && m->text.p[i - 1] == ' ')
        i--;
    struct str before = around_span(m, m->from, i);
    *firmly = false;
    for (size_t k = 0; k < sizeof firm / sizeof firm[0]; k++)
        *firmly = *firmly || str_ends(before, firm[k]);
    bool at_all = *firmly;
    for (size_t k = 0; k < sizeof loose / sizeof loose[0]; k++)
        at_all = at_all || str_ends(before, loose[k]);
    return at_all;
}

/* Ends a sentence: what comes behind starts another, or nothing does. */
bool around_ends_sentence(const struct detector_match *m, size_t end)
{
    char c = around_byte(m, end);
    return c == '\0' || c == '\n' || c == '\r' ||
           ((c == '.' || c == '!' || c == ',' || c == ';' || c == ')') &&
            (end + 1 >= m->text.n || is_space(m->text.p[end + 1])));
}

/* Whether a command goes on or ends behind its argument, and no sentence does. */
bool around_command_goes_on(const struct detector_match *m, size_t end)
{
    size_t i = end;
    while (i < m->text.n && (m->text.p[i] == ' ' || m->text.p[i] == '\t'))
        i++;
    return i >= m->text.n || strchr("-|&;\\\"'@)<>`/\r\n", m->text.p[i]) != NULL || i == end;
}

/* Ends the value before "&name=": it is one of several in a URL or a form. */
/* Whether `name=` or `"name":` stands there, maybe behind blanks: the next of several. */
static bool is_next_name(const struct detector_match *m, size_t i)
{
    while (i < m->text.n && strchr(" \t\"'", m->text.p[i]))
        i++;
    size_t k = i;
    while (k < m->text.n && (((m->text.p[k] | 32) >= 'a' && (m->text.p[k] | 32) <= 'z') || m->text.p[k] == '_' ||
                             m->text.p[k] == '-' || m->text.p[k] == '.'))
        k++;
    while (k > i && k < m->text.n && strchr(" \t\"'", m->text.p[k]))
        k++;
    return k > i && k < m->text.n && (m->text.p[k] == '=' || m->text.p[k] == ':');
}

void around_next_parameter(const struct detector_match *m, size_t start, size_t *end)
{
    for (size_t i = start + 1; i < *end; i++) {
        char c = m->text.p[i], next = around_byte(m, i + 1);
        if (c != '&' && c != ',' && c != ';')
            continue;
        if ((c == '&' && next == '&') || is_next_name(m, i + 1)) {
            *end = i;
            return;
        }
    }
}

/* "user/password: bob/x": the value begins behind the slash. */
void around_behind_user(const struct detector_match *m, size_t *start, size_t end)
{
    if (!m->from || m->text.p[m->from - 1] != '/')
        return;
    struct str v = around_span(m, *start, end);
    ptrdiff_t cut = str_find(v, STR("/"));
    if (cut < 0)
        cut = str_find(v, STR(":"));
    if (cut > 0 && (size_t)cut + 1 < v.n)
        *start += (size_t)cut + 1;
}

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '-' || c == '.';
}

bool around_row(const struct detector_match *m)
{
    size_t i = m->from;
    while (i > 0 && is_name_byte(m->text.p[i - 1]))
        i--;
    while (i > 0 && strchr(" *`_", m->text.p[i - 1]))
        i--;
    return i > 0 && m->text.p[i - 1] == '|';
}

bool around_starred(const struct detector_match *m, size_t start, size_t end)
{
    bool behind = start && m->text.p[start - 1] == '*';
    size_t last = end > start ? end - 1 : start;
    return m->text.p[start] == '*' || (behind && m->text.p[last] != '*' && around_byte(m, end) != '*');
}
