/* Checks of keys and tokens behind a name: `api_key = …`, "the token is …", --token …. Such values are made by chance.
 */
#include "privacy/key_name.h"
#include "privacy/secret_around.h"
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

/* Keys made to be seen. */
static bool is_open_key(struct str v)
{
    return str_starts(v, "pk_") || str_starts(v, "pk.") || str_starts(v, "sb_publishable_") || str_starts(v, "ssh-") ||
           str_starts(v, "MFkwEwYHKoZIzj0") || str_starts(v, "MIIBIjANBgkq") || str_starts(v, "MCowBQYDK2V");
}

static bool cannot_be_key(const struct detector_match *m, size_t start, struct str v)
{
    return v.n < 6 || secret_type_or_color(v) || secret_placeholder(v) || secret_path(v) || is_open_key(v) ||
           secret_named_hash(v) || secret_email(v) || key_name_open(m, start);
}

/* NAME_OF_IT=value: an assignment of its own. */
static bool is_another(struct str v)
{
    size_t n = 0;
    while (n < v.n && ((v.p[n] >= 'A' && v.p[n] <= 'Z') || v.p[n] == '_' || (n && v.p[n] >= '0' && v.p[n] <= '9')))
        n++;
    return n > 3 && n + 4 < v.n && v.p[n] == '=' && secret_count(str_take(v, n), '_');
}

/* Quoted values may have any sign, as keys made of all that a keyboard has; with brackets and commas they are chance
 * through and through, or a piece of code. */
static bool is_piece_of_code(struct str v, const struct secret_look *l)
{
    bool odd = false;
    for (size_t i = 0; i < v.n; i++)
        odd = odd || strchr("&(),;?<>{}[]\"'", v.p[i]);
    return odd && (v.n < 12 || l->words || l->distinct < 10 || l->digits < 2 || secret_code(v) ||
                   secret_count(v, '(') + secret_count(v, ',') > 3);
}

static bool is_bare(const struct detector_match *m)
{
    return m->from && strchr("\"'", m->text.p[m->from - 1]);
}

/* bare: "key" and nothing before it, which most often names anything but a secret. */
static bool is_plain_chance(struct str v, const struct secret_look *l, bool bare)
{
    if (bare)
        return v.n >= 32 && !l->hex && !l->uuid && !l->words && l->lower && l->upper && l->digits &&
               l->other <= (size_t)secret_count(v, '+') + secret_count(v, '/') + secret_count(v, '=');
    if (l->hex)
        return v.n >= 32;
    return v.n >= 20 && !l->words && !l->uuid && ((l->digits && l->turns * 5 >= v.n) || l->turns * 5 >= v.n * 2) &&
           l->other <= (size_t)secret_count(v, '_') + secret_count(v, '-');
}

double secret_check_key(const struct detector_match *m, size_t *start, size_t *end)
{
    struct around_sign s = around_sign(m, *start);
    char quote = around_quote(m, *start, *end);
    if (!quote && around_starred(m, *start, *end))
        return around_refuse(start, end);
    if (!quote) {
        bool line = around_starts_line(m) && s.c == '=' && !s.spaced;
        around_stop(m, *start, end, line ? "" : "&,;");
        around_trim(m, start, end);
    }
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (cannot_be_key(m, *start, v) || (!quote && (secret_code(v) || around_call(m, *end))) || l.digits == v.n)
        return around_refuse(start, end);
    if (!quote && is_another(v))
        return around_refuse(start, end);
    if (s.c == ':' && !s.spaced && m->from && m->text.p[m->from - 1] == ':') /* arn:…:secret:… */
        return around_refuse(start, end);
    if (is_piece_of_code(v, &l))
        return around_refuse(start, end);
    if (s.compares && !quote)
        return around_refuse(start, end);
    if (s.c == '|' && !around_row(m))
        return around_refuse(start, end);
    if (secret_count(v, ':') && str_ieq(str_take(around_span(m, m->from, *start), 4), STR("cred"))) /* user:password */
        return around_refuse(start, end);
    if (s.c == ',' && (l.digits < 3 || v.n < 12))
        return around_refuse(start, end);
    if (key_name_any(m, *start) && (key_name_of_tables(m, *start) || !is_plain_chance(v, &l, is_bare(m))))
        return around_refuse(start, end);
    if (secret_random(v))
        return s.compares || s.c == ',' ? 0.7 : 0.85;
    bool secret = secret_names_one(around_span(m, m->from, *start)) && !s.compares && s.c != ',';
    if (secret && secret_strong(v) && (!l.words || l.digits >= 2) && (quote || !s.spaced || around_starts_line(m)))
        return 0.75;
    return around_refuse(start, end);
}

/* "use token …", "with my API key …": right behind the name; a commit is not handed over so. */
static bool is_handed_over(const struct detector_match *m, size_t start)
{
    static const char *const words[] = {"use", "using", "with", "my", "our", "new", "this"};
    struct str before = around_span(m, 0, m->from), name = around_span(m, m->from, start);
    if (!str_ends(before, " ") || secret_count(name, ' ') > 2 || str_ieq(str_take(name, 3), STR("key")))
        return false;
    before.n--;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct str word = str_of(words[i]);
        if (before.n >= word.n && str_ieq(str_skip(before, before.n - word.n), word))
            return true;
    }
    return false;
}

/* A row of names and values, "x is our key": the value alone must tell. */
double secret_check_key_alone(const struct detector_match *m, size_t *start, size_t *end)
{
    around_trim(m, start, end);
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    bool sure = v.n >= 16 && !l.words && l.digits >= 2 && secret_random(v) && !secret_code(v) && !secret_count(v, '/');
    if (!sure || cannot_be_key(m, *start, v) || l.hex != (l.hex && v.n >= 32))
        *end = m->from;
    return *end == m->from ? 0 : 0.75;
}

/* "HMAC key …", "api_key …"; a commit stands behind "token" or "secret". */
static bool is_of_two_words(const struct detector_match *m, size_t start)
{
    struct str name = around_span(m, m->from, start);
    while (name.n && strchr(" \"'`:", name.p[name.n - 1]))
        name.n--;
    return secret_count(name, ' ') + secret_count(name, '_') + secret_count(name, '-') == 1;
}

double secret_check_key_said(const struct detector_match *m, size_t *start, size_t *end)
{
    bool firmly, link = around_linked(m, *start, &firmly);
    char quote = around_quote(m, *start, *end);
    if (!quote)
        around_trim(m, start, end);
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (!quote && is_another(v))
        return around_refuse(start, end);
    if (str_starts(v, "0x") && v.n < 40) /* a number */
        return around_refuse(start, end);
    if (cannot_be_key(m, *start, v) || v.n < 12 || !secret_random(v) || secret_code(v) ||
        (!quote && around_call(m, *end)))
        return around_refuse(start, end);
    bool called = !str_ieq(str_take(around_span(m, m->from, *start), 3), STR("key"));
    if (l.uuid && !called)
        return around_refuse(start, end);
    if (!firmly && ((l.hex && v.n != 32 && !is_handed_over(m, *start) && !is_of_two_words(m, *start)) ||
                    (!link && !quote && v.n < 16) || secret_count(v, '/') > 2 || secret_count(v, '.') > 1))
        return around_refuse(start, end);
    return firmly || quote ? 0.8 : 0.7;
}

double secret_check_key_given(const struct detector_match *m, size_t *start, size_t *end)
{
    if (!around_quote(m, *start, *end)) {
        around_stop(m, *start, end, "");
        around_trim(m, start, end);
    }
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (cannot_be_key(m, *start, v) || secret_code(v) || l.digits == v.n)
        return around_refuse(start, end);
    bool strong = secret_strong(v) && v.n >= 8 && !l.words;
    return secret_random(v) || strong ? 0.87 : around_refuse(start, end);
}
