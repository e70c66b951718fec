/* What is read with keys but written by anybody: a sealed file, a sealed record, the keyring's header. Nothing that was
 * not sealed with the key may open; nothing may crash. The input is also put over a rightly sealed file, so that the
 * parts behind the head are reached: what then opens must be the very file. */
#include "seal/keyring_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring *ring(void)
{
    static struct keyring *k;
    char dir[] = "/tmp/cairn-fuzz-XXXXXX", command[64];
    const struct seal_secret secret = {.key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")};
    if (k || !mkdtemp(dir))
        return k;
    if (keyring_make(dir, &secret, SEAL_SEALED, &k, NULL))
        abort();
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    if (system(command))
        abort();
    return k;
}

static void file_over(struct keyring *k, struct str input)
{
    static char good[400];
    static size_t n;
    char bytes[400];
    struct str out;
    if (!n) { /* sealed once, by way of a pipe */
        int fd[2];
        struct seal_writer *w;
        if (pipe(fd) || seal_writer_new(k, STR("f"), fd[1], &w, NULL) || seal_writer_put(w, STR("some text"), NULL) ||
            seal_writer_end(w, NULL))
            abort();
        seal_writer_free(w);
        close(fd[1]);
        n = (size_t)read(fd[0], good, sizeof good);
        close(fd[0]);
    }
    size_t at = input.n ? (unsigned char)input.p[0] % n : 0;
    struct str over = str_take(str_skip(input, 1), n - at);
    memcpy(bytes, good, n);
    if (over.n)
        memcpy(bytes + at, over.p, over.n);
    if (seal_file_open_bytes(k, STR("f"), (struct str){bytes, n}, &out, NULL) == ERR_OK) {
        if (memcmp(bytes, good, n) != 0 || !str_is(out, "some text"))
            abort();
        seal_file_release(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str out, input = {(const char *)data, size};
    struct keyring *k = ring();
    struct arena *a = arena_new();
    struct header h;
    if (!k || !a)
        goto out;
    if (seal_file_open_bytes(k, STR("f"), input, &out, NULL) == ERR_OK ||
        keyring_open_bytes(k, SEAL_STORE, input, STR("a"), a, &out, NULL) == ERR_OK ||
        keyring_open_bytes(k, 3, input, STR("a"), a, &out, NULL) == ERR_OK)
        abort();
    if (header_parse(input, &h, NULL) == ERR_OK) {
        struct data_keys keys;
        if (header_unwrap(input, k->master, &keys, NULL) == ERR_OK)
            abort();
    }
    file_over(k, input);
out:
    arena_free(a);
    return 0;
}
