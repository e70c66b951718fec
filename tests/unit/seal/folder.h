/* A temporary data folder for keys, and shorthand, for the tests of sealing. */
#ifndef CAIRN_TEST_SEAL_FOLDER_H
#define CAIRN_TEST_SEAL_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "seal/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WANT(wanted, call)                                                                                             \
    do {                                                                                                               \
        struct err e = {0};                                                                                            \
        enum err_code got_ = (call);                                                                                   \
        if (got_ != (wanted))                                                                                          \
            print_message("%s: %s\n", err_code_name(e.code), e.message);                                               \
        assert_int_equal(got_, wanted);                                                                                \
        assert_int_equal(e.code, wanted);                                                                              \
    } while (0)
#define OK(call) WANT(ERR_OK, call)

static const struct seal_secret SECRET = {
    .key = {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64}};
static const struct seal_secret OTHER = {
    .key = {"ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64}};

struct folder {
    char dir[64], path[128];
    struct arena *a;
    struct keyring *k;
};

static inline const char *in(struct folder *f, const char *name)
{
    (void)snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static inline int folder_setup(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/cairn-test-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->a = arena_new();
    OK(keyring_make(f->dir, &SECRET, SEAL_SEALED, &f->k, &e));
    *state = f;
    return 0;
}

static inline int folder_teardown(void **state)
{
    struct folder *f = *state;
    char command[100];
    keyring_close(f->k);
    arena_free(f->a);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    int rc = system(command);
    free(f);
    return rc;
}

static inline void reopen(struct folder *f, const struct seal_secret *secret)
{
    keyring_close(f->k);
    f->k = NULL;
    OK(keyring_open(f->dir, secret, &f->k, &e));
}

static inline struct str read_file(struct folder *f, const char *name)
{
    struct buf b;
    buf_init(&b, 0);
    OK(file_read_all(in(f, name), 1 << 26, &b, &e));
    return buf_take(&b, f->a);
}

#endif
