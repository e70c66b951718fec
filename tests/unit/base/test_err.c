/* The error idiom, and that its table agrees with the public contract. */
#include "unit/base/unit.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static void test_first_error_stays(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_INVALID, "limit", "must be at most %d", 100), ERR_INVALID);
    assert_int_equal(err_set(&e, ERR_IO, NULL, "later"), ERR_IO);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.field, "limit");
    assert_string_equal(e.message, "must be at most 100");
    err_clear(&e);
    assert_int_equal(e.code, ERR_OK);
    assert_string_equal(e.message, "");
}

static void test_null_is_fine(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_BUSY, NULL, "x"), ERR_BUSY);
    assert_int_equal(err_nomem(NULL), ERR_NOMEM);
    errno = ENOSPC;
    assert_int_equal(err_errno(NULL, "write", NULL), ERR_DISK_FULL);
    err_clear(NULL);
}

static void test_api_names(void **state)
{
    (void)state;
    struct err e = {0};
    err_named(&e, ERR_NOT_FOUND, "SESSION_NOT_FOUND", "there is no session %s", "x");
    assert_string_equal(err_api_name(&e), "SESSION_NOT_FOUND");
    e = (struct err){.code = ERR_NOT_FOUND};
    assert_string_equal(err_api_name(&e), "NOT_FOUND");
}

static void test_every_code_has_a_meaning(void **state)
{
    (void)state;
    for (int c = ERR_OK; c < ERR_CODE_COUNT; c++) {
        assert_non_null(err_code_name((enum err_code)c));
        assert_in_range(err_http_status((enum err_code)c), c == ERR_OK ? 200 : 400, c == ERR_OK ? 200 : 599);
        assert_true((err_exit_status((enum err_code)c) == 0) == (c == ERR_OK));
    }
    assert_int_equal(err_http_status((enum err_code)999), 500);
}

static void test_contract(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *name;
        int status;
    } rows[] = {{ERR_INVALID, "VALIDATION_FAILED", 400}, {ERR_TOO_LARGE, "PAYLOAD_TOO_LARGE", 413},
                {ERR_LIMIT, "RATE_LIMIT_EXCEEDED", 429}, {ERR_DENIED, "INVALID_SESSION_TOKEN", 401},
                {ERR_GONE, "SESSION_EXPIRED", 401},      {ERR_UNAVAILABLE, "MEMORY_SERVICE_ERROR", 503},
                {ERR_NOT_FOUND, "NOT_FOUND", 404}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(err_code_name(rows[i].code), rows[i].name);
        assert_int_equal(err_http_status(rows[i].code), rows[i].status);
    }
    assert_int_equal(err_exit_status(ERR_INVALID), 2);
    assert_int_equal(err_exit_status(ERR_NOT_FOUND), 3);
    assert_int_equal(err_exit_status(ERR_IO), 1);
}

static void test_errno(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum err_code code;
    } rows[] = {{ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}, {EFBIG, ERR_DISK_FULL}, {EROFS, ERR_READ_ONLY},
                {EACCES, ERR_READ_ONLY}, {EPERM, ERR_READ_ONLY},  {ENOMEM, ERR_NOMEM},    {EIO, ERR_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        errno = rows[i].number;
        assert_int_equal(err_errno(&e, "write", "/data/cairn.db"), rows[i].code);
        assert_true(strncmp(e.message, "cannot write /data/cairn.db: ", 29) == 0);
        assert_true(strlen(e.message) > 32);
    }
}

static void test_long_messages_are_cut_cleanly(void **state)
{
    (void)state;
    char path[600];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct err e = {0};
    errno = ENOSPC;
    err_errno(&e, "write", path);
    assert_non_null(strstr(e.message, strerror(ENOSPC)));
    for (size_t lead = 0; lead < 4; lead++) {
        struct err cut = {0};
        char text[400] = "";
        memset(text, 'a', lead);
        while (strlen(text) < sizeof text - 8)
            strcat(text, "€");
        err_set(&cut, ERR_INVALID, text, "%s", text);
        assert_true(text_utf8_valid(str_of(cut.message)));
        assert_true(text_utf8_valid(str_of(cut.field)));
        assert_true(strlen(cut.message) > sizeof cut.message - 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_null_is_fine),
        cmocka_unit_test(test_api_names),
        cmocka_unit_test(test_every_code_has_a_meaning),
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_long_messages_are_cut_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
