/* Reading checked arguments by name. */
#include "service/operation.h"

#include <string.h>

const struct json *op_json(const struct op_call *c, const char *name)
{
    for (size_t i = 0; i < c->op->n_args; i++) {
        if (strcmp(c->op->args[i].name, name) == 0)
            return c->values[i];
    }
    return NULL;
}

struct str op_text(const struct op_call *c, const char *name)
{
    const struct json *v = op_json(c, name);
    return v && v->type == JSON_STRING ? v->s : STR_NONE;
}

int64_t op_int(const struct op_call *c, const char *name, int64_t otherwise)
{
    const struct json *v = op_json(c, name);
    return v && v->type == JSON_INT ? v->integer : otherwise;
}

double op_real(const struct op_call *c, const char *name, double otherwise)
{
    const struct json *v = op_json(c, name);
    return v && (v->type == JSON_INT || v->type == JSON_DOUBLE) ? v->number : otherwise;
}

bool op_bool(const struct op_call *c, const char *name, bool otherwise)
{
    const struct json *v = op_json(c, name);
    return v && v->type == JSON_BOOL ? v->boolean : otherwise;
}

int64_t op_time(const struct op_call *c, const char *name)
{
    return op_int(c, name, 0);
}
