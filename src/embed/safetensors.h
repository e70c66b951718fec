/* Reading a .safetensors file: 8 bytes of header length (little endian), a JSON header that names each tensor's type,
 * shape and place, then the tensors' bytes. Nothing in it is trusted: every number is checked against the file's size
 * when the file is opened, every shape when a tensor is asked for. Immutable, any number of threads may read. */
#ifndef CAIRN_EMBED_SAFETENSORS_H
#define CAIRN_EMBED_SAFETENSORS_H

#include "base/err.h"
#include "base/str.h"

enum { TENSOR_DIMS = 8, TENSOR_HEADER_MAX = 16 << 20 };

enum tensor_type { TENSOR_F32, TENSOR_F16, TENSOR_BF16 };

/* A matrix of `rows` × `cols` numbers, row after row; a vector has one row. `data` is borrowed from the file and need
 * not be aligned. */
struct tensor {
    enum tensor_type type;
    size_t rows, cols;
    const unsigned char *data;
};

struct safetensors;

/* Of bytes that the caller keeps for as long as the result is used. */
enum err_code safetensors_open(struct str bytes, struct safetensors **out, struct err *e);
void safetensors_close(struct safetensors *s);
bool safetensors_has(const struct safetensors *s, const char *name);
/* ERR_INVALID with the tensor's name when it is absent, not of this shape ([rows, cols], or [cols] when rows is 1),
 * or neither F32, F16 nor BF16. */
enum err_code safetensors_get(const struct safetensors *s, const char *name, size_t rows, size_t cols,
                              struct tensor *out, struct err *e);

/* One row as floats into out[t->cols]; row < t->rows. */
void tensor_row(const struct tensor *t, size_t row, float *out);

#endif
