/* From input to arguments: op_bind of any operation with any path, query and body must not crash, must say what is
 * wrong when it refuses, and must never let a value through that is outside what the table says.
 *
 * Input: a byte chooses the operation (two: there are more than 256), the next line is the query ("name=value&…"),
 * each path argument takes a line too; the rest is the body. */
#include "base/clock.h"
#include "service/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAIRS = 40 };

static bool is_choice(const char *choices, struct str v)
{
    struct str rest = str_of(choices);
    while (rest.p)
        if (str_eq(str_cut(&rest, '|'), v))
            return true;
    return false;
}

static bool in_range(const struct op_arg *a, double v)
{
    return (a->min == 0 && a->max == 0) || (v >= a->min && v <= a->max);
}

static bool fits(const struct op_arg *a, size_t n)
{
    return (double)n >= a->min && (double)n <= (a->max > 0 ? a->max : 1 << 20);
}

/* The promise of operation.h, written a second time and on its own. */
static bool is_right(const struct op_arg *a, const struct json *v)
{
    switch (a->type) {
    case ARG_TEXT:
        return v->type == JSON_STRING && fits(a, v->s.n);
    case ARG_ENUM:
        return v->type == JSON_STRING && is_choice(a->choices, v->s);
    case ARG_INT:
        return v->type == JSON_INT && in_range(a, (double)v->integer);
    case ARG_REAL:
        return (v->type == JSON_INT || v->type == JSON_DOUBLE) && v->number == v->number && in_range(a, v->number);
    case ARG_BOOL:
        return v->type == JSON_BOOL;
    case ARG_TIME:
        return v->type == JSON_INT;
    case ARG_OBJECT:
        return v->type == JSON_OBJECT && fits(a, v->raw.n);
    case ARG_ARRAY:
        return v->type == JSON_ARRAY && fits(a, v->raw.n);
    case ARG_JSON:
        return fits(a, v->raw.n);
    }
    return false;
}

static void check(const struct op_call *c)
{
    for (size_t i = 0; i < c->op->n_args; i++) {
        const struct op_arg *a = &c->op->args[i];
        const struct json *v = c->values[i];
        if (v ? !is_right(a, v) : (a->flags & ARG_REQUIRED) != 0) {
            fprintf(stderr, "%s: %s is not what the table says\n", c->op->name, a->name);
            abort();
        }
    }
    if (c->op->flags & OP_RECORD_BODY && !c->record)
        abort();
}

static struct op_input input_of(const struct operation *op, struct str rest, struct op_pair pairs[PAIRS])
{
    struct op_input in = {.pairs = pairs};
    struct str query = str_cut(&rest, '\n');
    for (size_t i = 0; i < op->n_args && in.n_pairs < PAIRS / 2; i++)
        if (op->args[i].where == ARG_IN_PATH)
            pairs[in.n_pairs++] = (struct op_pair){str_of(op->args[i].name), str_cut(&rest, '\n'), ARG_IN_PATH};
    while (query.n > 0 && in.n_pairs < PAIRS) {
        struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');
        pairs[in.n_pairs++] = (struct op_pair){name, value.p ? value : STR(""), ARG_IN_QUERY};
    }
    for (size_t i = 0; i < in.n_pairs; i++) /* doors hand over texts, never nothing */
        if (!pairs[i].value.p)
            pairs[i].value = STR("");
    in.body = rest.n ? rest : STR_NONE;
    return in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    size_t n;
    struct err e = {0};
    if (!ready && operations_init(&e) != ERR_OK)
        abort();
    ready = true;
    if (size < 2)
        return 0;
    const struct operation *all = operations_all(&n), *op = &all[(data[0] * 256u + data[1]) % n];
    struct arena *a = arena_new();
    if (!a)
        return 0;
    /* A copy that ends where the input ends, so that a read past it is seen. */
    struct str rest = {(const char *)data + 2, size - 2};
    struct op_pair pairs[PAIRS] = {0};
    struct op_input in = input_of(op, rest, pairs);
    struct op_call call = {.op = op, .arena = a};
    enum err_code code = op_bind(&call, &in, &e);
    if (code == ERR_OK)
        check(&call);
    else if (e.code != code || !e.message[0])
        abort();
    arena_free(a);
    return 0;
}
