/* The table of operations: complete, unambiguous, and CRUD on every kind is in it. */
#include "service_fixture.h"

static int setup(void **state)
{
    (void)state;
    return operations_init(NULL) != ERR_OK;
}

static int teardown(void **state)
{
    (void)state;
    operations_free();
    return 0;
}

static void every_entry_is_complete(void **state)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    (void)state;
    assert_true(n > 60);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(all[i].name);
        assert_non_null(all[i].method);
        assert_int_equal(all[i].path[0], '/');
        assert_non_null(all[i].summary);
        assert_non_null(all[i].answer);
        assert_true(all[i].status >= 200 && all[i].status < 300);
        assert_true((all[i].fn != NULL) == !(all[i].flags & OP_PROXY));
        assert_true(!(all[i].flags & OP_STREAM) || ((all[i].flags & OP_TEXT) && !(all[i].flags & OP_INLINE)));
        for (size_t k = 0; k < all[i].n_args; k++) {
            const struct op_arg *arg = &all[i].args[k];
            assert_non_null(arg->help);
            assert_true((arg->type == ARG_ENUM) == (arg->choices != NULL));
            if (arg->where == ARG_IN_PATH) {
                char part[64];
                snprintf(part, sizeof part, "{%s}", arg->name);
                assert_non_null(strstr(all[i].path, part));
            }
        }
    }
}

static void names_and_routes_are_unique(void **state)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            assert_string_not_equal(all[i].name, all[k].name);
            if (strcmp(all[i].method, all[k].method) == 0)
                assert_string_not_equal(all[i].path, all[k].path);
        }
    }
}

static void every_kind_can_be_listed(void **state)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        char name[80];
        if (kinds[i].flags & KIND_INTERNAL)
            continue;
        snprintf(name, sizeof name, "%s.list", kinds[i].name);
        assert_non_null(operation_find(name));
        snprintf(name, sizeof name, "%s.create", kinds[i].name);
        bool own = strcmp(kinds[i].name, "session") == 0 || strcmp(kinds[i].name, "conversation") == 0;
        if (!own)
            assert_int_equal(operation_find(name) != NULL, !(kinds[i].flags & KIND_NO_CRUD));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_complete),
        cmocka_unit_test(names_and_routes_are_unique),
        cmocka_unit_test(every_kind_can_be_listed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
