/* The reader of safetensors.h: the header's JSON tree is kept and looked up by name; the numbers in it are checked
 * for all tensors at open, so that a tensor once opened cannot point outside the file. */
#include "embed/safetensors.h"

#include "base/json.h"
#include "base/mem.h"

#include <string.h>

enum { LENGTH_BYTES = 8, TENSORS_MAX = 65536 };

struct safetensors {
    struct arena *arena;
    const struct json *header;
    const unsigned char *data; /* what data_offsets count from */
    size_t data_size;
};

static size_t type_size(struct str dtype)
{
    static const struct {
        const char *name;
        size_t size;
    } types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2},    {"I64", 8},
                 {"U64", 8}, {"I32", 4}, {"U32", 4},  {"I16", 2},     {"U16", 2},
                 {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_is(dtype, types[i].name))
            return types[i].size;
    return 0;
}

static enum err_code bad(struct err *e, struct str name, const char *why)
{
    return err_set(e, ERR_INVALID, "model.safetensors", "tensor \"%.*s\" %s", (int)(name.n < 80 ? name.n : 80), name.p,
                   why);
}

/* The product of the shape's numbers times the type's size; false when it is no shape or does not fit. */
static bool shape_bytes(const struct json *shape, size_t size, size_t *out)
{
    if (!shape || shape->n > TENSOR_DIMS)
        return false;
    for (size_t i = 0; i < shape->n; i++) {
        const struct json *d = &shape->items[i];
        if (d->type != JSON_INT || d->integer < 0 || __builtin_mul_overflow(size, (size_t)d->integer, &size))
            return false;
    }
    *out = size;
    return true;
}

static bool offset(const struct json *offsets, size_t i, size_t *out)
{
    if (!offsets || offsets->n != 2 || offsets->items[i].type != JSON_INT || offsets->items[i].integer < 0)
        return false;
    *out = (size_t)offsets->items[i].integer;
    return true;
}

static enum err_code check_tensor(const struct safetensors *s, struct str name, const struct json *t, struct err *e)
{
    size_t size = type_size(json_text(t, "dtype")), bytes, begin, end;
    const struct json *offsets = json_get_type(t, "data_offsets", JSON_ARRAY);
    if (t->type != JSON_OBJECT)
        return bad(e, name, "is described by something other than an object");
    if (size == 0)
        return bad(e, name, "has a dtype that is not known");
    if (!shape_bytes(json_get_type(t, "shape", JSON_ARRAY), size, &bytes))
        return bad(e, name, "has a shape that is not an array of at most 8 whole numbers");
    if (!offset(offsets, 0, &begin) || !offset(offsets, 1, &end))
        return bad(e, name, "needs data_offsets of two whole numbers");
    if (begin > end || end > s->data_size)
        return bad(e, name, "lies outside the file");
    if (end - begin != bytes)
        return bad(e, name, "has offsets that do not fit its shape");
    return ERR_OK;
}

static enum err_code check_header(const struct safetensors *s, struct err *e)
{
    if (s->header->type != JSON_OBJECT || s->header->n > TENSORS_MAX)
        return err_set(e, ERR_INVALID, "model.safetensors", "the header should be an object of at most %d tensors",
                       TENSORS_MAX);
    for (size_t i = 0; i < s->header->n; i++) {
        struct str name = s->header->keys[i].key;
        enum err_code rc = str_is(name, "__metadata__") ? ERR_OK : check_tensor(s, name, &s->header->items[i], e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static uint64_t little_endian(const char *p)
{
    uint64_t v = 0;
    for (int i = LENGTH_BYTES; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

enum err_code safetensors_open(struct str bytes, struct safetensors **out, struct err *e)
{
    *out = NULL;
    uint64_t length = bytes.n < LENGTH_BYTES ? 0 : little_endian(bytes.p);
    if (length == 0 || length > TENSOR_HEADER_MAX || length > bytes.n - LENGTH_BYTES)
        return err_set(e, ERR_INVALID, "model.safetensors", "is no safetensors file: its header length is wrong");
    struct safetensors *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    s->data = (const unsigned char *)bytes.p + LENGTH_BYTES + length;
    s->data_size = bytes.n - LENGTH_BYTES - length;
    s->arena = arena_new();
    enum err_code rc = s->arena ? ERR_OK : err_nomem(e);
    if (rc == ERR_OK)
        rc = json_parse(s->arena, (struct str){bytes.p + LENGTH_BYTES, length}, 0, &s->header, e);
    if (rc == ERR_OK)
        rc = check_header(s, e);
    if (rc == ERR_OK)
        *out = s;
    else
        safetensors_close(s);
    return rc;
}

void safetensors_close(struct safetensors *s)
{
    if (!s)
        return;
    arena_free(s->arena);
    mem_free(s);
}

bool safetensors_has(const struct safetensors *s, const char *name)
{
    return json_get_type(s->header, name, JSON_OBJECT) != NULL && strcmp(name, "__metadata__") != 0;
}

static bool has_shape(const struct json *shape, size_t rows, size_t cols)
{
    if (shape->n == 1)
        return rows == 1 && (size_t)shape->items[0].integer == cols;
    return shape->n == 2 && (size_t)shape->items[0].integer == rows && (size_t)shape->items[1].integer == cols;
}

enum err_code safetensors_get(const struct safetensors *s, const char *name, size_t rows, size_t cols,
                              struct tensor *out, struct err *e)
{
    if (!safetensors_has(s, name))
        return bad(e, str_of(name), "is missing");
    const struct json *t = json_get(s->header, name);
    struct str dtype = json_text(t, "dtype");
    if (!has_shape(json_get(t, "shape"), rows, cols))
        return err_set(e, ERR_INVALID, "model.safetensors", "tensor \"%.80s\" should have the shape [%zu, %zu]", name,
                       rows, cols);
    *out = (struct tensor){.rows = rows, .cols = cols, .data = s->data + json_get(t, "data_offsets")->items[0].integer};
    if (str_is(dtype, "F32"))
        out->type = TENSOR_F32;
    else if (str_is(dtype, "F16"))
        out->type = TENSOR_F16;
    else if (str_is(dtype, "BF16"))
        out->type = TENSOR_BF16;
    else
        return bad(e, str_of(name), "is neither F32, F16 nor BF16");
    return ERR_OK;
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE half precision: 5 bits of exponent, 10 of fraction. */
static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31)
        return from_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent == 0) { /* subnormal: a multiple of 2^-24 */
        float v = (float)fraction / 16777216.0f;
        return sign ? -v : v;
    }
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

void tensor_row(const struct tensor *t, size_t row, float *out)
{
    if (t->type == TENSOR_F32) {
        memcpy(out, t->data + row * t->cols * sizeof *out, t->cols * sizeof *out);
        return;
    }
    const unsigned char *p = t->data + row * t->cols * sizeof(uint16_t);
    for (size_t i = 0; i < t->cols; i++) {
        uint16_t h = (uint16_t)(p[2 * i] | p[2 * i + 1] << 8);
        out[i] = t->type == TENSOR_BF16 ? from_bits((uint32_t)h << 16) : from_half(h);
    }
}
