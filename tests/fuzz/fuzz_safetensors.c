/* Any bytes as a safetensors file: refused with words, or every tensor in it can be read to its last byte. */
#include "base/json.h"
#include "base/mem.h"
#include "embed/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROW_MAX = 1 << 20 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* The names and shapes are read from the header once more, by hand. */
static void read_all(const struct safetensors *s, const struct json *header)
{
    for (size_t i = 0; i < header->n; i++) {
        char name[64];
        const struct json *shape = json_get(&header->items[i], "shape");
        struct str key = header->keys[i].key;
        struct tensor t;
        if (!shape || shape->n < 1 || shape->n > 2 || key.n >= sizeof name)
            continue;
        for (size_t j = 0; j <= key.n; j++)
            name[j] = j < key.n ? key.p[j] : '\0';
        size_t rows = shape->n == 2 ? (size_t)shape->items[0].integer : 1;
        size_t cols = (size_t)shape->items[shape->n - 1].integer;
        if (safetensors_get(s, name, rows, cols, &t, NULL) != ERR_OK || rows == 0 || cols == 0 || cols > ROW_MAX)
            continue;
        float *row = mem_alloc(cols * sizeof *row);
        tensor_row(&t, 0, row);
        tensor_row(&t, rows - 1, row);
        mem_free(row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors *s;
    struct err e = {0};
    struct str bytes = {(const char *)data, size};
    if (safetensors_open(bytes, &s, &e) != ERR_OK) {
        must(!s && e.code == ERR_INVALID && e.message[0]);
        return 0;
    }
    struct arena *a = arena_new();
    const struct json *header;
    uint64_t length = 0;
    for (int i = 8; i-- > 0;)
        length = length << 8 | data[i];
    must(json_parse(a, (struct str){bytes.p + 8, length}, 0, &header, NULL) == ERR_OK);
    read_all(s, header);
    arena_free(a);
    safetensors_close(s);
    return 0;
}
