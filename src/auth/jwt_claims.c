/* What a token says: whose it is, what it permits, from when to when. Each claim is checked for type, bounds and sense;
 * claims that are not Cairn's are left alone, but for "aud": a token that was made for somebody else is not for us. */
#include "auth/jwt.h"

#include <math.h>
#include <string.h>

/* The last second of the year 9999: past it no time can be written. */
static const int64_t TIME_MAX = 253402300799;

static const struct permission_name {
    const char *name;
    enum jwt_permission bit;
} PERMISSIONS[] = {{"read", JWT_READ}, {"write", JWT_WRITE}, {"memory", JWT_MEMORY}, {"admin", JWT_ADMIN}};
enum { N_PERMISSIONS = sizeof PERMISSIONS / sizeof PERMISSIONS[0] };

/* ---- permissions ---- */

static bool permission_add(struct str word, unsigned *to)
{
    for (size_t i = 0; i < N_PERMISSIONS; i++) {
        if (str_is(word, PERMISSIONS[i].name)) {
            *to |= PERMISSIONS[i].bit;
            return true;
        }
    }
    return false;
}

/* The first word of a list; *rest moves past it. Empty at the end. */
static struct str next_word(struct str *rest)
{
    size_t start = 0, end;
    while (start < rest->n && (rest->p[start] == ' ' || rest->p[start] == ','))
        start++;
    for (end = start; end < rest->n && rest->p[end] != ' ' && rest->p[end] != ',';)
        end++;
    struct str word = {rest->p ? rest->p + start : "", end - start};
    *rest = str_skip(*rest, end);
    return word;
}

enum err_code jwt_permissions_parse(struct str list, unsigned *out, struct err *e)
{
    *out = 0;
    for (struct str word = next_word(&list); word.n; word = next_word(&list)) {
        if (!permission_add(word, out))
            return err_set(e, ERR_INVALID, "permissions",
                           "permissions are read, write, memory and admin, separated by commas; \"%.*s\" is none",
                           STR_ARG(str_take(word, 40)));
    }
    if (!*out)
        return err_set(e, ERR_INVALID, "permissions",
                       "permissions must name at least one of read, write, memory, "
                       "admin");
    return ERR_OK;
}

struct str jwt_permissions_text(struct arena *a, unsigned permissions)
{
    struct str s = STR("");
    for (size_t i = 0; i < N_PERMISSIONS && s.p; i++) {
        if (permissions & PERMISSIONS[i].bit)
            s = arena_fmt(a, "%.*s%s%s", STR_ARG(s), s.n ? "," : "", PERMISSIONS[i].name);
    }
    return s;
}

/* An array of names, or one string of them with spaces between (as OAuth's scope). */
static enum err_code read_permissions(const struct json *v, unsigned *out, struct err *e)
{
    struct err why = {0};
    bool fine = v && (v->type == JSON_ARRAY || v->type == JSON_STRING);
    *out = 0;
    if (fine && v->type == JSON_STRING)
        fine = jwt_permissions_parse(v->s, out, &why) == ERR_OK;
    for (size_t i = 0; fine && v->type == JSON_ARRAY && i < v->n; i++)
        fine = v->items[i].type == JSON_STRING && permission_add(v->items[i].s, out);
    if (fine && *out)
        return ERR_OK;
    return err_set(e, ERR_DENIED, NULL,
                   "the token's permissions must be an array, or words separated by spaces, of read, write, memory and "
                   "admin");
}

/* ---- times ---- */

/* NumericDate: seconds, perhaps with a fraction, which does not matter here. */
static bool read_time(const struct json *v, int64_t *out)
{
    if (!v || (v->type != JSON_INT && v->type != JSON_DOUBLE) || !(v->number >= 0) || v->number > (double)TIME_MAX)
        return false;
    *out = v->type == JSON_INT ? v->integer : (int64_t)floor(v->number);
    return true;
}

static enum err_code read_times(const struct json *o, int64_t now, struct jwt_claims *out, struct err *e)
{
    const struct json *nbf = json_get(o, "nbf"), *iat = json_get(o, "iat");
    int64_t from = 0;
    if (!read_time(json_get(o, "exp"), &out->exp))
        return err_set(e, ERR_DENIED, NULL, "the token has no expiry: exp must be seconds since 1970");
    if ((nbf && !read_time(nbf, &from)) || (iat && !read_time(iat, &out->iat)))
        return err_set(e, ERR_DENIED, NULL, "the token's nbf and iat must be seconds since 1970");
    if (out->exp <= now)
        return err_set(e, ERR_DENIED, NULL, "the token has expired; cairn auth token makes a new one");
    if (from > now + JWT_LEEWAY)
        return err_set(e, ERR_DENIED, NULL, "the token is not valid yet (nbf lies ahead)");
    if (out->iat > now + JWT_LEEWAY || out->iat > out->exp)
        return err_set(e, ERR_DENIED, NULL, "the token was issued at a time that is not sensible (iat)");
    return ERR_OK;
}

/* ---- names ---- */

bool jwt_name_fine(struct str s, size_t max)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == 0x7f || c == '/')
            return false;
    }
    return true;
}

/* jti, org and sub: strings that can be names. */
static enum err_code read_name(const struct json *o, const char *claim, size_t max, struct str *out, struct err *e)
{
    *out = json_text(o, claim);
    if (jwt_name_fine(*out, max))
        return ERR_OK;
    return err_set(e, ERR_DENIED, NULL, "the token's %s must be a name of 1 to %zu bytes without spaces and slashes",
                   claim, max);
}

static bool for_us(const struct json *aud)
{
    if (!aud || (aud->type == JSON_STRING && str_is(aud->s, "cairn")))
        return true;
    for (size_t i = 0; aud->type == JSON_ARRAY && i < aud->n; i++) {
        if (aud->items[i].type == JSON_STRING && str_is(aud->items[i].s, "cairn"))
            return true;
    }
    return false;
}

static enum err_code read_parents(const struct json *v, struct str *out, struct err *e)
{
    *out = STR("");
    if (!v)
        return ERR_OK;
    if (v->type != JSON_STRING || v->s.n > JWT_PARENTS_MAX)
        return err_set(e, ERR_DENIED, NULL, "the token's parents must be a string of at most %d bytes",
                       JWT_PARENTS_MAX);
    *out = v->s;
    return ERR_OK;
}

enum err_code jwt_claims_read(const struct json *o, int64_t now, struct jwt_claims *out, struct err *e)
{
    *out = (struct jwt_claims){0};
    enum err_code code = read_times(o, now, out, e);
    if (!code)
        code = read_name(o, "jti", JWT_ID_MAX, &out->jti, e);
    if (!code)
        code = read_name(o, "org", JWT_NAME_MAX, &out->org, e);
    if (!code)
        code = read_name(o, "sub", JWT_NAME_MAX, &out->sub, e);
    if (!code)
        code = read_permissions(json_get(o, "permissions"), &out->permissions, e);
    if (!code)
        code = read_parents(json_get(o, "parents"), &out->parents, e);
    if (!code && !for_us(json_get(o, "aud")))
        code = err_set(e, ERR_DENIED, NULL, "the token was made for somebody else (aud)");
    return code;
}
