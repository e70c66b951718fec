/* Checks of passwords behind a name: `password = …`, "my password is …", --password …. First the value is trimmed, then
 * judged, the more strictly the less its surroundings say. */
#include "privacy/secret_around.h"
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

/* 's3cr3t pg': one gap, and one side that tells itself. */
static bool is_two_parts(struct str v)
{
    struct str rest = v, first = str_cut(&rest, ' ');
    if (secret_count(v, ' ') != 1 || !first.n || !rest.n || secret_prose_word(first) || secret_prose_word(rest))
        return false;
    struct secret_look a = secret_look(first), b = secret_look(rest);
    return (secret_strong(first) && !a.words && a.digits) || (secret_strong(rest) && !b.words && b.digits);
}

static double judge_quoted(struct str v)
{
    if (v.n < 3 || v.n > 128 || secret_placeholder(v))
        return 0;
    if (str_find(v, STR("(?")) >= 0 || str_find(v, STR("|min:")) >= 0)
        return 0; /* a rule for passwords */
    if (memchr(v.p, ' ', v.n))
        return secret_passphrase(v) || is_two_parts(v) ? 0.8 : 0;
    if (secret_prose_word(v) && !secret_strong(v))
        return 0;
    return 0.9;
}

/* Whether a user's name is told shortly before. */
static bool user_near(const struct detector_match *m)
{
    struct str before = around_span(m, m->from > 70 ? m->from - 70 : 0, m->from);
    return str_find(before, STR("user")) >= 0 || str_find(before, STR("User")) >= 0 ||
           str_find(before, STR("login")) >= 0 || str_find(before, STR("Login")) >= 0 ||
           str_find(before, STR("ccount")) >= 0;
}

/* A word without digits or signs: where it stands decides. */
static double judge_word(const struct detector_match *m, struct around_sign s, size_t start, size_t end)
{
    struct str v = around_span(m, start, end);
    char before = m->from ? m->text.p[m->from - 1] : '\n';
    if (v.n < 4 || secret_prose_word(v) || secret_names_one(v))
        return 0;
    if (s.c == '=' && !s.spaced && (before == '?' || before == '&'))
        return 0.8;
    if (secret_count(v, '-') >= 3 && secret_lower_words(v))
        return 0.75;
    if (s.c == '=' && !s.spaced && around_upper_name(m) && strchr(" \t\r\n", around_byte(m, end)))
        return 0.75;
    if (!around_ends_line(m, end) || around_byte(m, end) == ',' || around_byte(m, end) == ')')
        return 0;
    if (s.c == '=' && !s.spaced)
        return (around_starts_line(m) || around_upper_name(m)) && around_byte(m, end) != ';' ? 0.75 : 0;
    if (s.c == ':' && s.spaced && v.n >= 5 && secret_lower_words(v) && !secret_count(v, '_') && !secret_count(v, '/') &&
        !secret_count(v, '.'))
        return (around_starts_line(m) && around_byte(m, end) != ';') || user_near(m) ? 0.65 : 0;
    return 0;
}

static bool word_before(const struct detector_match *m, const char *const *words, size_t n)
{
    struct str before = around_span(m, 0, m->from);
    if (!str_ends(before, " "))
        return false;
    before.n--;
    for (size_t i = 0; i < n; i++) {
        struct str word = str_of(words[i]);
        if (before.n >= word.n && str_ieq(str_skip(before, before.n - word.n), word))
            return true;
    }
    return false;
}

/* "db pass: winter_storm" */
static bool is_owned(const struct detector_match *m)
{
    static const char *const owners[] = {"db",       "database", "mail",  "smtp",   "imap", "ftp",   "root",
                                         "admin",    "wifi",     "wi-fi", "wlan",   "ssh",  "vpn",   "login",
                                         "postgres", "mysql",    "my",    "router", "user", "redis", "server"};
    return word_before(m, owners, sizeof owners / sizeof owners[0]);
}

/* "boarding pass: LH1234" */
static bool is_ticket(const struct detector_match *m)
{
    static const char *const kinds[] = {"boarding", "ski",   "season", "bus",   "day",
                                        "hall",     "press", "rail",   "train", "travel"};
    return word_before(m, kinds, sizeof kinds / sizeof kinds[0]);
}

/* "pass" alone is what tests do as well; a table's row has a bar before the name. */
static bool may_be_name(const struct detector_match *m, struct around_sign s, struct str v, bool quoted)
{
    if (s.c == '|' && (quoted || !around_row(m)))
        return false;
    struct str name = str_take(around_span(m, m->from, m->text.n), 7), rest = str_skip(name, 4);
    bool word = rest.n && ((rest.p[0] | 32) >= 'a' && (rest.p[0] | 32) <= 'z');
    if (!str_ieq(str_take(name, 4), STR("pass")) || word || str_ieq(str_skip(rest, 1), STR("ph")))
        return true;
    struct secret_look l = secret_look(v);
    bool alone = !m->from || m->text.p[m->from - 1] != '_';
    if (alone && is_ticket(m))
        return false;
    return !alone || (is_owned(m) && secret_strong(v)) || (user_near(m) && secret_strong(v)) ||
           (secret_strong(v) && !l.words && !secret_count(v, '/') && !secret_count(v, '(') &&
            (!str_eq(str_take(name, 4), STR("PASS")) || (s.c == '=' && !s.spaced)));
}

/* PWD=/srv, OLDPWD=~/x: where the shell is. */
static bool is_folder(const struct detector_match *m, struct str v)
{
    bool path = v.p[0] == '/' || v.p[0] == '~' || (v.n > 2 && v.p[1] == ':' && v.p[2] == '\\');
    return path && str_ieq(str_take(around_span(m, m->from, m->text.n), 3), STR("pwd"));
}

/* !vault, *default_password, &pw: YAML's tags and anchors. */
static bool is_tagged(struct str v)
{
    return v.n > 1 && strchr("!*&", v.p[0]) && secret_lower_words(str_skip(v, 1));
}

/* Braces, calls, a choice: a piece of code. */
static bool is_tangled(struct str v)
{
    if (secret_count(v, '{') || secret_count(v, '}') || secret_count(v, '(') || secret_count(v, ')'))
        return true;
    return (secret_count(v, '?') && secret_count(v, ':')) || is_tagged(v);
}

/* "password - x": a list's explanations look the same. */
static bool is_dash(char c)
{
    return c == '-' || c == '\x93' || c == '\x94';
}

double secret_check_password(const struct detector_match *m, size_t *start, size_t *end)
{
    struct around_sign s = around_sign(m, *start);
    char quote = around_quote(m, *start, *end);
    if (quote) {
        struct str v = around_span(m, *start, *end);
        double c = judge_quoted(v);
        if (!may_be_name(m, s, v, true) || secret_is_name(v))
            c = 0;
        if ((s.c == ',' || s.compares || secret_path(v)) && !(secret_strong(v) && !secret_path(v)))
            c = 0;
        return c > 0 ? c : around_refuse(start, end);
    }
    if (around_starred(m, *start, *end))
        return around_refuse(start, end);
    bool line = (around_starts_line(m) || around_upper_name(m)) && s.c == '=' && !s.spaced;
    around_stop(m, *start, end, "");
    around_next_parameter(m, *start, end);
    around_trim(m, start, end);
    around_behind_user(m, start, *end);
    struct str v = around_span(m, *start, *end);
    if (!line && is_tangled(v))
        return around_refuse(start, end);
    if (secret_look(v).hex && m->from && m->text.p[m->from - 1] == '(') /* md5(password) = */
        return around_refuse(start, end);
    if (v.n < 3 || secret_code(v) || around_call(m, *end) || secret_placeholder(v) || secret_path(v) ||
        is_folder(m, v) || s.compares || !may_be_name(m, s, v, false))
        return around_refuse(start, end);
    double c = judge_word(m, s, *start, *end);
    if (secret_strong(v)) {
        struct secret_look l = secret_look(v);
        bool name = l.words && ((l.digits <= 1 && secret_names_one(v) && !line) || is_dash(s.c));
        c = name || (secret_email(v) && s.spaced) ? 0 : 0.85;
    } else if (v.n >= 4 && secret_look(v).digits == v.n && ((s.c == '=' && !s.spaced) || s.c == ':')) {
        c = 0.7;
    }
    return c > 0 ? c : around_refuse(start, end);
}

/* word42 and Blue-Sky-42; section-12 and release-2024 are said of passwords too. */
static bool is_composed(struct str v, const struct secret_look *l)
{
    return !l->other || (l->upper >= 2 && l->lower >= 2 && !secret_count(v, '.') && !secret_count(v, '/'));
}

/* In scripts without spaces the sentence goes on behind the value. */
static void stop_before_letters(const struct detector_match *m, size_t start, size_t *end)
{
    if ((unsigned char)m->text.p[m->from] < 0xe3 || (unsigned char)m->text.p[start] >= 0x80)
        return;
    for (size_t i = start; i < *end; i++)
        if ((unsigned char)m->text.p[i] >= 0xe3) {
            *end = i;
            return;
        }
}

double secret_check_password_said(const struct detector_match *m, size_t *start, size_t *end)
{
    bool firmly, link = around_linked(m, *start, &firmly);
    bool quoted = around_quote(m, *start, *end) != '\0';
    if (!quoted) {
        around_stop(m, *start, end, "");
        stop_before_letters(m, *start, end);
        around_trim(m, start, end);
        around_behind_user(m, start, *end);
    }
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (str_starts(v, "\xef\xbc\x9a")) /* a wide colon: a sign, and another detector's */
        return around_refuse(start, end);
    if (v.n < 4 || secret_placeholder(v) || secret_code(v) || secret_path(v) || secret_email(v) || secret_is_name(v) ||
        (!quoted && (is_tagged(v) || str_ends(v, "*"))) || (!quoted && (around_call(m, *end) || secret_argument(v))))
        return around_refuse(start, end);
    double c = 0;
    if (secret_strong(v)) {
        bool sure = l.digits && l.lower + l.upper && !l.words;
        c = firmly || quoted ? 0.85 : link || sure || (l.words && l.digits >= 2 && is_composed(v, &l)) ? 0.75 : 0;
        if (l.digits == v.n && !firmly)
            c = 0;
        if (!firmly && (l.uuid || l.hex))
            c = 0;
    } else if (quoted && link && !memchr(v.p, ' ', v.n)) {
        c = secret_prose_word(v) ? 0 : 0.75;
    } else if (quoted && link) {
        c = secret_passphrase(v) ? 0.75 : 0;
    } else if (firmly && secret_count(v, '-') >= 3 && secret_lower_words(v)) {
        c = 0.75;
    } else if (firmly && v.n >= 5 && l.lower == v.n && around_ends_sentence(m, *end) && !secret_prose_word(v)) {
        c = secret_names_one(v) || str_ieq(str_take(around_span(m, m->from, m->to), 5), STR("clave")) ? 0 : 0.6;
    }
    return c > 0 ? c : around_refuse(start, end);
}

double secret_check_password_given(const struct detector_match *m, size_t *start, size_t *end)
{
    char quote = around_quote(m, *start, *end);
    if (!quote) {
        around_stop(m, *start, end, "");
        size_t to = *end;
        while (to > *start + 1 && strchr(",)", m->text.p[to - 1]))
            to--;
        *end = to;
    }
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (v.n < 3 || secret_placeholder(v) || secret_path(v) || secret_is_name(v) || str_starts(v, "(?") ||
        (!quote && (secret_code(v) || around_call(m, *end) || secret_argument(v))))
        return around_refuse(start, end);
    if (secret_count(v, ':') && l.digits + secret_count(v, ':') + secret_count(v, '.') == v.n)
        return around_refuse(start, end); /* ports */
    if (secret_prose_word(v) || (l.words && !l.digits && !quote && !around_command_goes_on(m, *end)))
        return around_refuse(start, end);
    return memchr(v.p, ' ', v.n) && !secret_passphrase(v) && !l.digits ? around_refuse(start, end) : 0.87;
}
