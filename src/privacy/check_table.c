/* Secrets in tables (Markdown, CSV): the column that is called one tells, its name stands in another row. */
#include "privacy/secret_around.h"
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

static bool is_called(struct str cell, bool password)
{
    static const char *const passwords[] = {"password", "passwd", "passphrase", "pwd", "passwort", "pw"},
                             *const keys[] = {"key", "token", "secret"};
    const char *const *names = password ? passwords : keys;
    const size_t n = password ? sizeof passwords / sizeof passwords[0] : sizeof keys / sizeof keys[0];
    while (cell.n && strchr(" *`\"'\r", cell.p[cell.n - 1]))
        cell.n--;
    for (size_t i = 0; i < n; i++) {
        struct str name = str_of(names[i]);
        if (cell.n >= name.n && str_ieq(str_skip(cell, cell.n - name.n), name))
            return true;
    }
    return false;
}

/* Which of the cells is called so, -1: none. */
static int column(struct str head, char between, bool password)
{
    for (int i = 0; head.n; i++)
        if (is_called(str_cut(&head, between), password))
            return i;
    return -1;
}

/* The cell's bounds in the row at [*start, *end), without what stands around its value. */
static bool narrow(const struct detector_match *m, char between, int cell, size_t *start, size_t *end)
{
    struct str rest = around_span(m, *start, *end), v = STR_NONE;
    for (int i = 0; i <= cell; i++) {
        if (!rest.n)
            return false;
        v = str_cut(&rest, between);
    }
    while (v.n && strchr(" `\"'*", *v.p))
        v = str_skip(v, 1);
    while (v.n && strchr(" `\"'*\r", v.p[v.n - 1]))
        v.n--;
    if (!v.n)
        return false;
    *start = (size_t)(v.p - m->text.p);
    *end = *start + v.n;
    return true;
}

static double check(const struct detector_match *m, size_t *start, size_t *end, bool password)
{
    struct str rest = around_span(m, m->from, m->to), head = str_cut(&rest, '\n');
    const char *separators = "|\t;,";
    while (*separators && !secret_count(head, *separators))
        separators++;
    int cell = *separators ? column(head, *separators, password) : -1;
    if (cell >= 0 && secret_count(around_span(m, *start, *end), *separators) != secret_count(head, *separators))
        cell = -1; /* lines of another kind */
    if (cell < 0 || !narrow(m, *separators, cell, start, end)) {
        *end = m->from;
        return 0;
    }
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    bool secret = password ? secret_strong(v) && (!l.words || l.digits >= 2) && l.digits < v.n
                           : v.n >= 20 && secret_random(v) && !l.words;
    if (!secret || memchr(v.p, ' ', v.n) || secret_placeholder(v) || secret_code(v) || secret_path(v) ||
        secret_email(v) || secret_named_hash(v) || (password && (l.hex || l.uuid)))
        *end = m->from;
    return *end == m->from ? 0 : 0.75;
}

double secret_check_password_column(const struct detector_match *m, size_t *start, size_t *end)
{
    return check(m, start, end, true);
}

double secret_check_key_column(const struct detector_match *m, size_t *start, size_t *end)
{
    return check(m, start, end, false);
}
