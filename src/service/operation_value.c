/* Reading checked arguments by name, and the nearest-name helper for "did you mean". */
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

/* Edit distance (Levenshtein) of two short names, case folded; more than 40 characters count as far. */
static size_t distance(struct str a, struct str b)
{
    size_t row[42];
    if (a.n > 40 || b.n > 40)
        return 99;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + ((a.p[i - 1] | 32) != (b.p[j - 1] | 32));
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

const char *op_nearest(struct str s, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t least = s.n / 3 + 2; /* a name this far off is another name */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(s, str_of(names[i]));
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}
