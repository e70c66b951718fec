/* Checks of secrets that have a form of their own: what only looks like one, and what stands for one in manuals, is
 * refused. */
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

static struct str span(const struct detector_match *m, size_t start, size_t end)
{
    return (struct str){m->text.p + start, end - start};
}

double secret_check_token(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = span(m, *start, *end);
    /* A link or a path that has such a piece is one as well: only what stands for a token is refused. */
    if (secret_placeholder(v))
        return 0;
    struct secret_look l = secret_look(str_skip(v, v.n > 20 ? 8 : 3));
    if (!l.digits && l.words && l.turns * 3 < l.n)
        return 0; /* sk-proj-the-name-of-a-thing */
    if (l.distinct <= 4)
        return 0;
    return m->confidence;
}

/* Sixteen capitals and digits; one in thirty has no digit. */
double secret_check_aws_id(const struct detector_match *m, size_t *start, size_t *end)
{
    static const char *const words[] = {"TEST",   "FAKE",   "KEY",   "DUMMY",  "SAMPLE",
                                        "SECRET", "ACCESS", "TOKEN", "ABCDEF", "HERE"};
    struct str v = span(m, *start, *end);
    struct secret_look l = secret_look(str_skip(v, 4));
    for (size_t i = 0; !l.digits && i < sizeof words / sizeof words[0]; i++) {
        if (str_find(v, str_of(words[i])) >= 0)
            return 0;
    }
    return l.distinct > 4 && !secret_placeholder(v) ? m->confidence : 0;
}

/* Value of a base64 or base64url digit, -1: none. */
static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* As many bytes as fit into out. */
static size_t decode64(struct str v, char *out, size_t room)
{
    unsigned bits = 0, have = 0;
    size_t n = 0;
    for (size_t i = 0; i < v.n && n < room; i++) {
        int d = digit64(v.p[i]);
        if (d < 0)
            break;
        bits = bits << 6 | (unsigned)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    return n;
}

/* The header is a JSON object that names an algorithm. */
double secret_check_jwt(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = span(m, *start, *end), rest = v;
    struct str header = str_cut(&rest, '.');
    char text[600];
    size_t n = decode64(header, text, sizeof text);
    struct str json = {text, n};
    if (n < 8 || text[0] != '{' || str_find(json, STR("\"")) < 0)
        return 0;
    if (str_find(json, STR("\"alg\"")) < 0 && str_find(json, STR("\"typ\"")) < 0 && str_find(json, STR("\"enc\"")) < 0)
        return 0;
    /* Behind a token without a signature a full stop may end the sentence: it belongs to it all the same. */
    return m->confidence;
}

/* A short line is the end of base64 when it is no word. */
static bool is_last_line(struct str line)
{
    struct secret_look l = secret_look(line);
    return line.p[line.n - 1] == '=' || (line.n >= 4 && (l.digits || l.turns >= 2));
}

/* Lines of base64, from `at` on: where the last of them ends. The last may be short. */
static size_t end_of_lines(struct str v, size_t at)
{
    size_t end = at;
    while (at < v.n) {
        if (v.p[at] == '\\' && at + 1 < v.n && strchr("rnt", v.p[at + 1])) {
            at += 2;
        } else if (strchr(" \t\r\n", v.p[at])) {
            at++;
        } else {
            size_t from = at;
            while (at < v.n && (digit64(v.p[at]) >= 0 || v.p[at] == '='))
                at++;
            struct str line = {v.p + from, at - from};
            if (at == from || (line.n < 24 && !is_last_line(line)))
                break;
            end = at;
            if (line.n < 24)
                break;
        }
    }
    return end;
}

static size_t longest_run(struct str v)
{
    size_t run = 0, best = 0;
    for (size_t i = 0; i < v.n; i++) {
        run = digit64(v.p[i]) >= 0 && v.p[i] != '-' ? run + 1 : 0;
        if (run > best)
            best = run;
    }
    return best;
}

/* Between the lines is base64, not a hint what to put there. A block whose last line is missing ends with its base64.
 */
double secret_check_pem(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = span(m, *start, *end);
    ptrdiff_t dashes = str_find(str_skip(v, 10), STR("----"));
    size_t body = str_starts(v, "-") && dashes >= 0 ? (size_t)dashes + 10 : 0;
    while (body < v.n && v.p[body] == '-')
        body++;
    ptrdiff_t another = str_find(str_skip(v, body), STR("---- BEGIN"));
    if (another < 0)
        another = str_find(str_skip(v, body), STR("-----BEGIN"));
    if (another >= 0)
        v = str_take(v, body + (size_t)another);
    if (another >= 0 || !str_ends(v, "--")) {
        v = str_take(v, end_of_lines(v, body));
        *end = *start + v.n;
    }
    return v.n > body && longest_run(str_skip(v, body)) >= 16 ? m->confidence : 0;
}

/* Forty bytes of base64 with all sorts in it, as chance makes them: no path, no hash. */
double secret_check_aws_secret(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = span(m, *start, *end);
    struct secret_look l = secret_look(v);
    bool chance = !l.hex && l.lower >= 4 && l.upper >= 4 && l.digits >= 1 && l.distinct >= 16 && l.turns >= 10;
    return chance && !secret_placeholder(v) ? m->confidence : 0;
}

/* The same where its name stands before it: whatever is no place for one. */
double secret_check_aws_named(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = span(m, *start, *end);
    struct secret_look l = secret_look(v);
    return l.distinct >= 6 && !(l.words && !l.digits) && !secret_placeholder(v) ? m->confidence : 0;
}

/* user:password in base64. */
double secret_check_basic(const struct detector_match *m, size_t *start, size_t *end)
{
    char text[400];
    struct str v = span(m, *start, *end);
    size_t n = decode64(v, text, sizeof text);
    const char *colon = memchr(text, ':', n);
    if (!colon || n < 4)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20)
            return 0;
    }
    return 0.95;
}

static bool is_one_of(struct str v, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(v, str_of(words[i])))
            return true;
    }
    return false;
}

/* The user's name in a URL, which ends before the colon in front of the password. */
static struct str user_before(const struct detector_match *m, size_t start)
{
    size_t to = start ? start - 1 : 0, from = to;
    while (from > 0 && !strchr("/ \t\n\"'`(", m->text.p[from - 1]))
        from--;
    return span(m, from, to);
}

/* A password in a URL or a connection string: manuals write user:password. */
double secret_check_url(const struct detector_match *m, size_t *start, size_t *end)
{
    static const char *const users[] = {"user",    "username", "usr",  "myuser", "youruser",
                                        "db_user", "dbuser",   "name", "login"};
    static const char *const passwords[] = {"pass",       "password", "pwd",  "passwd", "pw",
                                            "mypassword", "mypass",   "name", "secret"};
    struct str v = span(m, *start, *end);
    char first = v.n ? v.p[0] : '<';
    if (first == '<' || first == '{' || first == '[' || first == '$' || first == '%')
        if (secret_placeholder(v))
            return 0;
    if (v.n >= 2 && secret_look(v).other == v.n)
        return 0; /* ****, ..., :: */
    if (is_one_of(v, passwords, sizeof passwords / sizeof passwords[0])) {
        struct str user = user_before(m, *start);
        if (is_one_of(user, users, sizeof users / sizeof users[0]) || str_ieq(v, STR("password")) == (user.n == 0))
            return 0;
        return v.p[0] >= 'A' && v.p[0] <= 'Z' ? 0 : m->confidence; /* PASSWORD */
    }
    return secret_placeholder(v) ? 0 : m->confidence;
}

/* admin/Hunter2: what stands behind the slash must look like a password, there are so many other pairs. */
double secret_check_pair(const struct detector_match *m, size_t *start, size_t *end)
{
    while (*end > *start + 1 && strchr(".,;:)]}", m->text.p[*end - 1]))
        --*end;
    struct str v = span(m, *start, *end);
    struct secret_look l = secret_look(v);
    bool no = !secret_strong(v) || secret_code(v) || (l.words && !l.digits) || l.uuid || l.hex || l.digits == v.n;
    if (no || (l.words && l.other)) {
        *end = m->from; /* "admin login: admin / x" holds another pair */
        return 0;
    }
    return 0.7;
}
