/* Checks of keys and tokens behind a name: `api_key = …`, "the token is …", --token …. Such values are made by chance.
 */
#include "privacy/secret_around.h"
#include "privacy/secret_checks.h"
#include "privacy/secret_look.h"

#include <string.h>

/* The name as it stands before its sign, letters only, in lower case: "nextpagetoken". */
static void read_name(const struct detector_match *m, size_t start, char name[64])
{
    size_t from = m->from, n = 0, to = m->from;
    while (from > 0 && m->from - from < 40) {
        char c = m->text.p[from - 1];
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && c != '_' && c != '-')
            break;
        from--;
    }
    while (to < start && (((m->text.p[to] | 32) >= 'a' && (m->text.p[to] | 32) <= 'z') || m->text.p[to] == '_' ||
                          m->text.p[to] == '-' || m->text.p[to] == ' '))
        to++;
    for (size_t i = from; i < to && n < 63; i++) {
        char c = m->text.p[i];
        if ((c | 32) >= 'a' && (c | 32) <= 'z')
            name[n++] = (char)(c | 32);
    }
    name[n] = 0;
}

/* public_key, primary_key, next_page_token: what opens nothing. */
static bool is_open_name(const struct detector_match *m, size_t start)
{
    static const char *const open[] = {
        "publickey",      "publishablekey",    "pubkey",      "primarykey",     "foreignkey", "cachekey",
        "sortkey",        "partitionkey",      "hashkey",     "indexkey",       "rowkey",     "mapkey",
        "objectkey",      "routingkey",        "groupkey",    "sitekey",        "restorekey", "pagetoken",
        "publickeytoken", "nexttoken",         "maxtoken",    "padtoken",       "eostoken",   "bostoken",
        "masktoken",      "unktoken",          "septoken",    "clstoken",       "synctoken",  "starttoken",
        "stoptoken",      "continuationtoken", "registrykey", "translationkey", "hotkey",     "shortcutkey"};
    char name[64];
    read_name(m, start, name);
    struct str all = str_of(name);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        if (str_ends(all, open[i]))
            return true;
    }
    return false;
}

/* Keys made to be seen. */
static bool is_open_key(struct str v)
{
    return str_starts(v, "pk_") || str_starts(v, "pk.") || str_starts(v, "sb_publishable_") || str_starts(v, "ssh-") ||
           str_starts(v, "MFkwEwYHKoZIzj0") || str_starts(v, "MIIBIjANBgkq") || str_starts(v, "MCowBQYDK2V");
}

static bool cannot_be_key(const struct detector_match *m, size_t start, struct str v)
{
    return v.n < 6 || secret_type_or_color(v) || secret_placeholder(v) || secret_path(v) || is_open_key(v) ||
           secret_named_hash(v) || secret_email(v) || is_open_name(m, start);
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
    if (s.c == ':' && !s.spaced && m->from && m->text.p[m->from - 1] == ':') /* arn:…:secret:… */
        return around_refuse(start, end);
    if (s.compares && !quote)
        return around_refuse(start, end);
    if (s.c == '|' && !around_row(m))
        return around_refuse(start, end);
    if (secret_count(v, ':') && str_ieq(str_take(around_span(m, m->from, *start), 4), STR("cred"))) /* user:password */
        return around_refuse(start, end);
    if (s.c == ',' && (l.digits < 3 || v.n < 12))
        return around_refuse(start, end);
    if (secret_random(v))
        return s.compares || s.c == ',' ? 0.7 : 0.85;
    bool secret = secret_names_one(around_span(m, m->from, *start)) && !s.compares && s.c != ',';
    if (secret && secret_strong(v) && (!l.words || l.digits >= 2) && (quote || !s.spaced || around_starts_line(m)))
        return 0.75;
    return around_refuse(start, end);
}

double secret_check_key_said(const struct detector_match *m, size_t *start, size_t *end)
{
    bool firmly, link = around_linked(m, *start, &firmly);
    char quote = around_quote(m, *start, *end);
    if (!quote)
        around_trim(m, start, end);
    struct str v = around_span(m, *start, *end);
    struct secret_look l = secret_look(v);
    if (str_starts(v, "0x") && v.n < 40) /* a number */
        return around_refuse(start, end);
    if (cannot_be_key(m, *start, v) || v.n < 12 || !secret_random(v) || secret_code(v) ||
        (!quote && around_call(m, *end)))
        return around_refuse(start, end);
    if (!firmly && (l.uuid || (l.hex && v.n != 32) || (!link && !quote && v.n < 16) || secret_count(v, '/') > 2 ||
                    secret_count(v, '.') > 1))
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
