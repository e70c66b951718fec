/* Answers of an embeddings endpoint. Whatever the bytes: no crash, and what is taken is n vectors of one length, made
 * of finite numbers, each as long as 1. The first byte says how many were asked for and whether the length is known. */
#include "doors/proxy/endpoint_int.h"
#include "search/encoder.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t known = data[0] & 1 ? 3 : 0, n = known ? 1 + (data[0] >> 1) % 4 : 1;
    float *out = malloc(n * (known ? known : ENCODER_DIMENSIONS_MAX) * sizeof *out);
    struct endpoint_answer a = {.out = out, .dimensions = known};
    struct err e = {0};
    must(out != NULL);
    enum err_code code = endpoint_read((struct str){(const char *)data + 1, size - 1}, n, &a, &e);
    must(code == e.code && (code == ERR_OK || code == ERR_UNAVAILABLE || code == ERR_NOMEM));
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < a.dimensions; k++)
            sum += (double)out[i * a.dimensions + k] * (double)out[i * a.dimensions + k];
        must(a.dimensions > 0 && fabs(sum - 1) < 1e-3 && a.tokens >= 0);
    }
    free(out);
    return 0;
}
