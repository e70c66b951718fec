/* Checks of passwords told in other ways: as an argument of a call, before the word "password", as a phrase of words,
 * as a code of digits. */
#include "privacy/secret_around.h"
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

/* login("anna", "…"): the second of two texts; of calls that are not made for passwords it must look like one. */
double secret_check_call(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = around_span(m, *start, *end), call = around_span(m, m->from, *start);
    struct secret_look l = secret_look(v);
    if (secret_placeholder(v) || secret_path(v) || secret_is_name(v) || secret_prose_word(v) || secret_email(v) ||
        v.p[0] == '$' || str_find(call, STR("anonymous")) >= 0)
        return around_refuse(start, end);
    if (memchr(v.p, ' ', v.n))
        return secret_passphrase(v) ? 0.8 : around_refuse(start, end);
    bool made = str_ieq(str_take(call, 5), STR("basic")) || str_ieq(str_take(call, 4), STR("cred")) ||
                str_ieq(str_take(call, 6), STR("auth=(")) || str_find(call, STR("@")) >= 0;
    return secret_strong(v) && (made || !l.words || l.digits >= 2) ? 0.85 : around_refuse(start, end);
}

/* "x is the password", "set x as her password": it must tell itself. */
double secret_check_password_before(const struct detector_match *m, size_t *start, size_t *end)
{
    while (*end > *start + 1 && strchr(".,;:", m->text.p[*end - 1]))
        --*end;
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    bool no = !secret_strong(v) || (l.words && l.other) || l.digits == v.n || secret_code(v) || secret_email(v) ||
              secret_path(v) || secret_is_name(v) || secret_names_one(v) || l.hex || l.uuid;
    if (no)
        *end = m->from;
    return no ? 0 : 0.75;
}

/* Words to the line's end, none of which belongs to a sentence. */
double secret_check_phrase(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str rest = around_span(m, *start, *end);
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '-')
            n++;
        struct str word = str_take(rest, n);
        if (secret_prose_word(word) || secret_placeholder(word))
            return around_refuse(start, end);
        rest = str_skip(rest, n + 1);
    }
    return 0.75;
}

/* Digits, or two groups with a digit in them. */
double secret_check_code(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = around_span(m, *start, *end);
    return secret_look(v).digits && !secret_lower_words(v) ? 0.7 : around_refuse(start, end);
}

/* user bob pass x: of so short a word the value must tell itself. */
double secret_check_netrc(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str v = around_span(m, *start, *end);
    bool named = str_find(around_span(m, m->from, *start), STR("passw")) >= 0;
    if (!named && (secret_count(v, '@') || !secret_strong(v) || (secret_look(v).words && !secret_look(v).digits)))
        return around_refuse(start, end);
    return secret_check_password_given(m, start, end);
}
