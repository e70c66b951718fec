/* A service on a temporary data folder, and calling operations on it by name, for the tests of this room. */
#ifndef CAIRN_TESTS_SERVICE_FIXTURE_H
#define CAIRN_TESTS_SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "service/chat_memory.h"
#include "service/service.h"
#include "store/records.h"

struct fixture {
    char dir[64];
    struct service *svc;
    struct arena *arena;
    const struct caller *caller; /* who calls; NULL: this machine, everything */
};

static inline void fixture_open(struct fixture *f)
{
    struct err e = {0};
    struct service_options o = {.dir = f->dir, .background = true};
    assert_int_equal(service_open(&o, &f->svc, &e), ERR_OK);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/cairn-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->arena = arena_new();
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    service_close(f->svc);
    operations_free();
    arena_free(f->arena);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* Calls an operation with all its arguments as one JSON object; the answer's tree is in the fixture's arena. */
static inline enum err_code fixture_call(struct fixture *f, const char *name, const char *args,
                                         const struct json **answer, struct err *e)
{
    struct buf b;
    struct json_out w;
    struct op_call call = {
        .svc = f->svc, .op = operation_find(name), .arena = f->arena, .out = &w, .caller = f->caller};
    struct op_input in = {.body = arena_str(f->arena, str_of(args))};
    buf_init(&b, 0);
    jw_init(&w, &b);
    assert_non_null(call.op);
    enum err_code code = op_bind(&call, &in, e);
    if (!code)
        code = op_run(&call, e);
    if (!code && answer)
        assert_int_equal(json_parse(f->arena, arena_str(f->arena, buf_view(&b)), 0, answer, e), ERR_OK);
    buf_release(&b);
    return code;
}

/* The same, and it must succeed. */
static inline const struct json *fixture_ok(struct fixture *f, const char *name, const char *args)
{
    const struct json *answer = NULL;
    struct err e = {0};
    if (fixture_call(f, name, args, &answer, &e))
        fail_msg("%s(%s): %s: %s", name, args, e.field, e.message);
    return answer;
}

static inline const char *fixture_text(struct fixture *f, const struct json *o, const char *key)
{
    return arena_cstr(f->arena, json_text(o, key));
}

/* An operation's arguments, printed into the fixture's arena. */
static inline const char *fixture_args(struct fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline const char *fixture_args(struct fixture *f, const char *format, ...)
{
    va_list list;
    char text[4096];
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return arena_cstr(f->arena, str_of(text));
}

/* A stored record; it must be there. */
static inline struct record *fixture_record(struct fixture *f, const struct kind *k, const char *id)
{
    struct store_tx *tx;
    struct record *r = NULL;
    struct err e = {0};
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(record_get(tx, f->arena, k, str_of(id), STR_NONE, &r, &e), ERR_OK);
    store_read_end(tx);
    return r;
}

#endif
