/* What a value looks like: counts of letters and digits, and what follows from them. A wrong "secret" hides a harmless
 * word for good, a wrong "harmless" leaks, so callers choose by how plainly the words before the value said that a
 * secret comes. */
#include "privacy/secret_look.h"

#include "privacy/secret_chars.h"

#include <string.h>

static bool is_hex(struct str v, const struct secret_look *l)
{
    if (v.n < 16 || (l->lower && l->upper) || l->digits + l->lower + l->upper != v.n)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        if (lower(v.p[i]) > 'f' && !is_digit(v.p[i]))
            return false;
    }
    return true;
}

static bool is_uuid(struct str v)
{
    if (v.n != 36)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = lower(v.p[i]);
        if (dash ? c != '-' : !(is_digit(c) || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static bool between_words(char c)
{
    return c == '-' || c == '_' || c == '.' || c == '/' || c == ' ' || c == ':';
}

/* One part between separators: lower-case, capitalised, camelCase or upper-case letters (with no more turns of case
 * than words have), then at most four digits; or a number. */
static bool is_word(struct str part)
{
    size_t letters = 0, humps = 0;
    while (letters < part.n && is_letter(part.p[letters])) {
        if (letters && is_upper(part.p[letters]) && is_lower(part.p[letters - 1]))
            humps++;
        letters++;
    }
    size_t digits = 0;
    while (letters + digits < part.n && is_digit(part.p[letters + digits]))
        digits++;
    if (letters + digits != part.n)
        return false;
    return letters ? digits <= 4 && humps * 4 <= letters && letters <= 24 : digits <= 8;
}

static bool are_words(struct str v)
{
    size_t parts = 0, letters = 0, at = 0;
    while (at < v.n) {
        size_t end = at;
        while (end < v.n && !between_words(v.p[end])) {
            letters += is_letter(v.p[end]);
            end++;
        }
        if (end > at && !is_word((struct str){v.p + at, end - at}))
            return false;
        parts += end > at;
        at = end + 1;
    }
    return parts && letters * 2 >= v.n;
}

struct secret_look secret_look(struct str v)
{
    struct secret_look l = {.n = v.n};
    bool seen[256] = {false};
    int before = 0;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        int sort = is_digit(c) ? 1 : is_lower(c) ? 2 : is_upper(c) ? 3 : 0;
        l.digits += sort == 1;
        l.lower += sort == 2;
        l.upper += sort == 3;
        l.other += sort == 0;
        l.turns += sort && before && sort != before;
        if (sort)
            before = sort;
        l.distinct += !seen[(unsigned char)c];
        seen[(unsigned char)c] = true;
    }
    l.hex = is_hex(v, &l);
    l.uuid = is_uuid(v);
    l.words = are_words(v);
    return l;
}

size_t secret_count(struct str v, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += v.p[i] == c;
    return n;
}

/* A number with dots, dashes, colons or a unit: versions, dates, times, sizes, addresses. */
bool secret_number(struct str v)
{
    size_t letters = 0, digits = 0, others = 0;
    for (size_t i = 0; i < v.n; i++) {
        digits += is_digit(v.p[i]);
        letters += is_letter(v.p[i]);
        others += !is_digit(v.p[i]) && !is_letter(v.p[i]) && !strchr(".-:/,+_^~<>=", v.p[i]);
    }
    bool begins = !is_letter(v.p[0]) || lower(v.p[0]) == 'v';
    return digits && !others && letters <= 2 && begins;
}

/* ABCDE-12345-FGHIJ: groups of one length, capitals and digits, as licences have them. */
static bool is_grouped(struct str v, const struct secret_look *l)
{
    struct str rest = v;
    size_t groups = 0, each = str_cut(&rest, '-').n;
    for (groups = 1; rest.n; groups++) {
        if (str_cut(&rest, '-').n != each)
            return false;
    }
    return groups >= 3 && each >= 4 && each <= 8 && !l->lower && l->upper && l->digits && l->other == groups - 1;
}

/* v1.2.3-beta.4+build */
static bool is_version(struct str v)
{
    size_t i = v.n && lower(v.p[0]) == 'v', parts = 0;
    while (i < v.n && is_digit(v.p[i])) {
        while (i < v.n && is_digit(v.p[i]))
            i++;
        parts++;
        if (i + 1 < v.n && v.p[i] == '.' && is_digit(v.p[i + 1]))
            i++;
    }
    return parts >= 2 && (i == v.n || v.p[i] == '-' || v.p[i] == '+' || v.p[i] == '.' || v.p[i] == '_');
}

bool secret_random(struct str v)
{
    struct secret_look l = secret_look(v);
    if (v.n < 8 || secret_placeholder(v) || secret_number(v) || is_version(v))
        return false;
    if (l.hex || l.uuid)
        return l.digits && l.lower + l.upper;
    if (is_grouped(v, &l))
        return true;
    if (l.words)
        return v.n >= 20 && l.turns * 5 >= v.n * 2; /* EllipticCurvePrivateKey has 7 in 23 */
    if (l.digits)
        return l.lower + l.upper > 0 && l.distinct >= 6;
    return v.n >= 16 && l.turns * 5 >= v.n * 2;
}

/* Methods and forms that a password is said to have or be in. */
static const char methods[] = "|sha1|sha2|sha3|sha256|sha512|sha-1|sha-256|sha-512|sha-2|md5|bcrypt|scrypt|argon2|"
                              "argon2id|argon2i|pbkdf2|base64|base32|"
                              "base58|utf8|utf-8|utf16|ascii|oauth|oauth2|oauth2.0|oidc|saml2|totp|hotp|2fa|mfa|u2f|"
                              "fido2|webauthn|x509|x.509|aes256|aes-256|"
                              "aes128|aes-128|rsa2048|hmac|hs256|rs256|es256|case-sensitive|http|https|ssh|ldap|ntlm|"
                              "ntlmv2|kerberos5|v1|v2|v3|p12|"
                              "pkcs8|pkcs12|pkcs1|pkcs#8|i18n|l10n|k8s|s3|ec2|oauth1|1password|auth0|md4|crc32|win32|"
                              "int32|int64|uint8|uint32|str8|";

bool secret_strong(struct str v)
{
    struct secret_look l = secret_look(v);
    struct str rest = v, method = str_cut(&rest, '-');
    if (v.n < 4 || secret_placeholder(v) || secret_listed(methods, v) ||
        (rest.n && secret_listed(methods, method) && secret_lower_words(rest) && !secret_look(rest).digits))
        return false;
    size_t letters = l.lower + l.upper, special = 0;
    for (size_t i = 0; i < v.n; i++)
        special += strchr("!@#$%^&*+=?~", v.p[i]) != NULL && v.p[i];
    if (!letters && l.digits < v.n && (secret_number(v) || secret_number(str_take(v, v.n - 1))))
        return false; /* 100% */
    if (!letters)
        return special ? l.digits >= 3 : l.digits >= 5 && l.digits == v.n;
    if (secret_number(v))
        return false;
    if (l.digits && letters)
        return v.n >= 5;
    if (!l.words && !l.other && v.n >= 10 && l.turns * 3 >= v.n)
        return true; /* XjUlerOceqFKAwHy */
    return special > (strchr("!?", v.p[v.n - 1]) && v.p[v.n - 1] ? 1U : 0U) && v.n >= 6;
}
