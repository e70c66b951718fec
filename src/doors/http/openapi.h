/* Shared by the files that describe the API. Only for this room. */
#ifndef CAIRN_DOORS_HTTP_OPENAPI_H
#define CAIRN_DOORS_HTTP_OPENAPI_H

#include "doors/http/http_int.h"
#include "service/operation.h"

/* What arguments and fields have in common. */
struct shape {
    enum arg_type type;
    double min, max;
    const char *fallback, *choices, *help;
    bool nullable, read_only;
    const char *pattern; /* a text's form as a regular expression, NULL: any */
};
struct shape openapi_arg_shape(const struct operation *op, const struct op_arg *a);
struct shape openapi_field_shape(const struct field *f, bool nullable);
void openapi_shape(struct json_out *w, const struct shape *s);
/* {"$ref": "#/components/schemas/<name><suffix>"} */
void openapi_ref(struct json_out *w, const char *name, const char *suffix);
/* A kind's three schemas: as it is answered, as it may be sent to be saved (".create"), and to be changed (".update").
 */
enum kind_use { KIND_ANSWERED, KIND_CREATED, KIND_UPDATED };
void openapi_kind(struct json_out *w, const struct kind *k, enum kind_use use);
void openapi_errors(struct json_out *w); /* members "Error", "OpenAIError" and "AnthropicError" */

/* The answer's schema; {} where the table has only words. The notation is explained in openapi_answer.c. */
void openapi_answer(struct json_out *w, const struct operation *op, struct str type); /* type: one of openapi_types */
struct str openapi_types(const struct operation *op); /* content types of the answer, separated by spaces */

/* Member "responses" of one operation, and the components that it refers to. */
void openapi_responses(struct json_out *w, const struct catalog_entry *c);
void openapi_responses_component(struct json_out *w, const struct catalog_entry *all, size_t n);
void openapi_headers_component(struct json_out *w);

void openapi_example_args(struct json_out *w, const struct operation *op);
void openapi_example_kind(struct json_out *w, const struct kind *k, bool patch);

#endif
