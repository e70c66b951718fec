/* An operation's answer as a schema. The table says an answer's shape once, in a short notation that people read in the
 * reference as it stands; here it is read by a program. What does not follow the notation is words for people: the
 * schema then says nothing, which is less but never wrong.
 *
 *   answer  = [types ": "] shape [";" words]   types: what an OP_TEXT answer may be ("text/html", several separated by
 * spaces) shape   = "[" shape "]" | "{" member {"," member} "}" | name ["?"] [" with " members] name    = a kind of
 * record, or text, int, real, bool, time, object, array, any; "?": may be null member  = key ["?"] [":" shape | " " "["
 * … "]" | " " "{" … "}"] | "…"     "?" after the key: may be left out
 *
 * A key without a shape has the type its name says: ids and cursors are texts, what ends with _at is a time. */
#include "doors/http/openapi.h"

#include "record/kind.h"

#include <string.h>

enum { DEPTH_MAX = 8, KEY_MAX = 80 };

struct reader {
    struct str rest;
    struct json_out *w; /* NULL: only look whether it is in the notation */
    int depth;
};

static bool shape_read(struct reader *r);

static void skip_space(struct reader *r)
{
    while (r->rest.n && (r->rest.p[0] == ' ' || r->rest.p[0] == '\n'))
        r->rest = str_skip(r->rest, 1);
}

static bool take(struct reader *r, const char *token)
{
    skip_space(r);
    struct str t = str_of(token);
    if (!str_starts(r->rest, token))
        return false;
    r->rest = str_skip(r->rest, t.n);
    return true;
}

static struct str word(struct reader *r)
{
    skip_space(r);
    size_t n = 0;
    while (n < r->rest.n && ((r->rest.p[n] | 32) >= 'a' ? (r->rest.p[n] | 32) <= 'z' || r->rest.p[n] == '_'
                                                        : r->rest.p[n] >= '0' && r->rest.p[n] <= '9'))
        n++;
    struct str w = str_take(r->rest, n);
    r->rest = str_skip(r->rest, n);
    return w;
}

/* {"type": "string"}, or with null too. */
static void put_type(struct reader *r, const char *type, const char *format, bool null)
{
    if (!r->w)
        return;
    jw_object(r->w);
    if (type[0]) {
        jw_key(r->w, "type");
        if (null)
            jw_array(r->w);
        jw_cstr(r->w, type);
        if (null) {
            jw_cstr(r->w, "null");
            jw_end_array(r->w);
        }
    }
    if (format)
        jw_kcstr(r->w, "format", format);
    jw_end_object(r->w);
}

static bool ends(struct str s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && memcmp(s.p + s.n - n, with, n) == 0;
}

static void put_by_name(struct reader *r, struct str key)
{
    if (ends(key, "_at") || str_is(key, "timestamp"))
        put_type(r, "string", "date-time", true);
    else if (ends(key, "_id") || str_is(key, "id") || ends(key, "cursor"))
        put_type(r, "string", NULL, true);
    else
        put_type(r, "", NULL, false);
}

static bool put_named_type(struct reader *r, struct str name, bool null)
{
    static const struct {
        const char *name, *type, *format;
    } types[] = {{"text", "string", NULL},        {"int", "integer", NULL},
                 {"real", "number", NULL},        {"bool", "boolean", NULL},
                 {"time", "string", "date-time"}, {"object", "object", NULL},
                 {"array", "array", NULL},        {"any", "", NULL}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (str_is(name, types[i].name)) {
            put_type(r, types[i].type, types[i].format, null);
            return true;
        }
    }
    return false;
}

/* ---- objects ---- */

/* The members' names that are always there are collected in a second walk over the same text, as "required" follows
 * "properties". Within a member's own shape nothing is collected. */
static bool member(struct reader *r, struct json_out *names)
{
    if (take(r, "…"))
        return true;
    struct str key = word(r);
    if (!key.n || key.n > KEY_MAX)
        return false;
    bool optional = r->rest.n && r->rest.p[0] == '?';
    if (optional)
        r->rest = str_skip(r->rest, 1);
    else if (names)
        jw_str(names, key);
    if (r->w)
        jw_key_str(r->w, key);
    if (take(r, ":"))
        return shape_read(r);
    skip_space(r);
    if (r->rest.n && (r->rest.p[0] == '[' || r->rest.p[0] == '{'))
        return shape_read(r);
    put_by_name(r, key);
    return true;
}

static bool members(struct reader *r, struct json_out *names)
{
    do {
        if (!member(r, names))
            return false;
    } while (take(r, ","));
    return true;
}

static bool object_read(struct reader *r, bool braces)
{
    struct reader again = {.rest = r->rest, .depth = r->depth};
    if (r->w) {
        jw_object(r->w);
        jw_kcstr(r->w, "type", "object");
        jw_key(r->w, "properties");
        jw_object(r->w);
    }
    bool ok = members(r, NULL) && (!braces || take(r, "}"));
    if (r->w) {
        jw_end_object(r->w);
        jw_key(r->w, "required");
        jw_array(r->w);
        (void)members(&again, r->w);
        jw_end_array(r->w);
        jw_end_object(r->w);
    }
    return ok;
}

/* ---- shapes ---- */

static bool array_read(struct reader *r)
{
    if (r->w) {
        jw_object(r->w);
        jw_kcstr(r->w, "type", "array");
        jw_key(r->w, "items");
    }
    bool ok = shape_read(r) && take(r, "]");
    if (r->w)
        jw_end_object(r->w);
    return ok;
}

static bool named_read(struct reader *r)
{
    struct str name = word(r);
    bool null = r->rest.n && r->rest.p[0] == '?';
    if (null)
        r->rest = str_skip(r->rest, 1);
    if (put_named_type(r, name, null))
        return true;
    const struct kind *k = kind_find(name);
    if (!k || !str_is(name, k->name) || k->flags & KIND_INTERNAL || null)
        return false;
    bool more = take(r, "with ");
    if (more && r->w) {
        jw_object(r->w);
        jw_key(r->w, "allOf");
        jw_array(r->w);
    }
    if (r->w)
        openapi_ref(r->w, k->name, "");
    bool ok = !more || object_read(r, take(r, "{"));
    if (more && r->w) {
        jw_end_array(r->w);
        jw_end_object(r->w);
    }
    return ok;
}

static bool shape_read(struct reader *r)
{
    if (++r->depth > DEPTH_MAX)
        return false;
    bool ok = take(r, "[") ? array_read(r) : take(r, "{") ? object_read(r, true) : named_read(r);
    r->depth--;
    return ok;
}

static bool answer_read(const char *answer, struct json_out *w)
{
    struct reader r = {.rest = str_of(answer), .w = w};
    bool ok = shape_read(&r);
    skip_space(&r);
    return ok && (r.rest.n == 0 || r.rest.p[0] == ';');
}

void openapi_answer(struct json_out *w, const struct operation *op, struct str type)
{
    if (op->flags & OP_TEXT)
        jw_raw(w, str_is(type, "application/json") ? STR("{}") : STR("{\"type\":\"string\"}"));
    else if (!op->answer || !answer_read(op->answer, NULL))
        jw_raw(w, STR("{}"));
    else
        (void)answer_read(op->answer, w);
}

/* "text/markdown application/json: words" without its words; other answers are JSON, but for texts that say nothing. */
struct str openapi_types(const struct operation *op)
{
    struct str rest = str_of(op->answer ? op->answer : ""), types = str_cut(&rest, ':');
    if (!(op->flags & OP_TEXT))
        return STR("application/json");
    return rest.p && str_find(types, STR("/")) >= 0 ? types : STR("text/plain");
}
