/* Reading an embeddings endpoint's answer. It is not trusted: what does not hold n whole vectors is no answer. */
#include "base/arena.h"
#include "base/json.h"
#include "doors/proxy/endpoint_int.h"
#include "search/encoder.h"

#include <math.h>
#include <string.h>

static enum err_code bad(struct err *e, const char *what)
{
    return err_set(e, ERR_UNAVAILABLE, NULL, "the embeddings endpoint's answer %s", what);
}

static bool take_numbers(const struct json *v, float *out)
{
    double sum = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct json *x = &v->items[i];
        if (x->type != JSON_INT && x->type != JSON_DOUBLE)
            return false;
        sum += x->number * x->number;
    }
    if (!(sum > 1e-24 && sum < 1e60))
        return false;
    double by = 1 / sqrt(sum);
    for (size_t i = 0; i < v->n; i++)
        out[i] = (float)(v->items[i].number * by);
    return true;
}

/* `seen`: which of the n have come. */
static enum err_code take_item(const struct json *item, size_t place, size_t n, bool *seen, struct endpoint_answer *a,
                               struct err *e)
{
    const struct json *v = json_get_type(item, "embedding", JSON_ARRAY), *at = json_get_type(item, "index", JSON_INT);
    int64_t i = at ? at->integer : (int64_t)place;
    if (!v || v->n == 0 || v->n > ENCODER_DIMENSIONS_MAX)
        return bad(e, "holds no vector where there should be one");
    if (a->dimensions && v->n != a->dimensions)
        return bad(e, "has vectors of another length than before");
    if (i < 0 || (uint64_t)i >= n || seen[i])
        return bad(e, "numbers its vectors wrongly");
    a->dimensions = v->n;
    seen[i] = true;
    return take_numbers(v, a->out + (size_t)i * v->n) ? ERR_OK : bad(e, "has a vector that is none");
}

enum err_code endpoint_read(struct str text, size_t n, struct endpoint_answer *a, struct err *e)
{
    const struct json *o = NULL;
    struct arena *arena = arena_new();
    bool *seen = arena ? arena_array(arena, bool, n) : NULL;
    if (!seen) {
        arena_free(arena);
        return err_nomem(e);
    }
    arena_limit(arena, (size_t)1 << 30); /* its size follows from the text's, which is bounded */
    enum err_code code = json_parse(arena, text, JSON_DUPLICATES_OK, &o, NULL);
    const struct json *data = code ? NULL : json_get_type(o, "data", JSON_ARRAY);
    const struct json *tokens = code ? NULL : json_get_type(json_get(o, "usage"), "prompt_tokens", JSON_INT);
    if (code != ERR_NOMEM)
        code = data && data->n == n ? ERR_OK : bad(e, "does not hold the vectors that were asked for");
    else
        err_nomem(e);
    for (size_t i = 0; !code && i < n; i++)
        code = take_item(&data->items[i], i, n, seen, a, e);
    a->tokens = !code && tokens && tokens->integer > 0 ? tokens->integer : 0;
    arena_free(arena);
    return code;
}
