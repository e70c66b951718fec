/* Looking around in a parsed tree. Members are searched from the last to the first: keys are few,
 * and where duplicates were allowed the last one wins. */
#include "base/json.h"

const struct json *json_get_str(const struct json *o, struct str key)
{
    if (!o || o->type != JSON_OBJECT)
        return NULL;
    for (size_t i = o->n; i-- > 0;)
        if (str_eq(o->keys[i].key, key))
            return &o->items[i];
    return NULL;
}

const struct json *json_get(const struct json *o, const char *key)
{
    return json_get_str(o, str_of(key));
}

const struct json *json_get_type(const struct json *o, const char *key, enum json_type type)
{
    const struct json *v = json_get(o, key);
    return v && v->type == type ? v : NULL;
}

struct str json_text(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_STRING);
    return v ? v->s : STR_NONE;
}

const char *json_type_name(enum json_type t)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean", [JSON_INT] = "an integer",  [JSON_DOUBLE] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    return names[t];
}
