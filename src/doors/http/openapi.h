/* Shared by the two files that describe the API. Only for this room. */
#ifndef CAIRN_DOORS_HTTP_OPENAPI_H
#define CAIRN_DOORS_HTTP_OPENAPI_H

#include "service/operation.h"

/* What arguments and fields have in common. */
struct shape {
    enum arg_type type;
    double min, max;
    const char *fallback, *choices, *help;
    bool nullable, read_only;
};
struct shape openapi_arg_shape(const struct op_arg *a);
void openapi_shape(struct json_out *w, const struct shape *s);
/* {"$ref": "#/components/schemas/<name><suffix>"} */
void openapi_ref(struct json_out *w, const char *name, const char *suffix);
/* The kind's schema; `create` says which fields must be given. */
void openapi_kind(struct json_out *w, const struct kind *k, bool create);
void openapi_errors(struct json_out *w); /* members "Error" and "OpenAIError" */

#endif
