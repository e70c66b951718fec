/* The table of kinds keeps its own rules: what generic code takes for granted about every entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/record.h"

#include <string.h>

static void every_entry_is_whole(void **state)
{
    (void)state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    assert_true(n >= 17);
    for (size_t i = 0; i < n; i++) {
        const struct kind *k = &all[i];
        assert_non_null(k->name);
        assert_non_null(k->plural);
        assert_non_null(k->id_name);
        assert_non_null(k->help);
        assert_int_equal(k->id_prefix == NULL, (k->flags & KIND_KEYED) != 0);
        assert_true(k->id_prefix == NULL || strlen(k->id_prefix) <= 8);
        assert_int_equal(kind_number(k), i);
        assert_ptr_equal(kind_find(str_of(k->name)), k);
        assert_ptr_equal(kind_find(str_of(k->plural)), k);
        for (size_t j = 0; j < k->n_fields; j++) {
            assert_non_null(k->fields[j].help);
            assert_int_equal(kind_field(k, str_of(k->fields[j].name)), j);
            assert_int_equal(k->fields[j].type == FIELD_ENUM, k->fields[j].choices != NULL);
        }
    }
}

static void prefixes_differ(void **state)
{
    (void)state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (all[i].id_prefix && all[j].id_prefix)
                assert_string_not_equal(all[i].id_prefix, all[j].id_prefix);
}

/* A default goes through the same checks as a caller's value, so it must be one a caller could give. */
static void defaults_pass_their_own_checks(void **state)
{
    (void)state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    struct arena *a = arena_new();
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < all[i].n_fields; j++) {
            const struct field *f = &all[i].fields[j];
            if (!f->fallback || (f->flags & FIELD_READ_ONLY))
                continue;
            const struct json *o;
            struct err e = {0};
            struct record *r = record_new(a, &all[i]);
            assert_int_equal(json_parse(a, arena_fmt(a, "{\"%s\":%s}", f->name, f->fallback), 0, &o, &e), ERR_OK);
            assert_int_equal(record_from_json(a, o, RECORD_PATCH, r, &e), ERR_OK);
            struct value v = field_default(f);
            assert_int_equal(r->v[j].type, v.type);
            assert_int_equal(r->v[j].i, v.i);
            assert_true(r->v[j].d == v.d);
            assert_true(str_eq(r->v[j].s, v.s));
        }
    arena_free(a);
}

static void named_kinds_are_themselves(void **state)
{
    (void)state;
    assert_string_equal(KIND_PROJECT->name, "project");
    assert_string_equal(KIND_SESSION->name, "session");
    assert_string_equal(KIND_CONVERSATION->name, "conversation");
    assert_string_equal(KIND_TURN->name, "turn");
    assert_string_equal(KIND_AGENT->name, "agent");
    assert_string_equal(KIND_AGENT_STATE->name, "agent_state");
    assert_string_equal(KIND_SUMMARY->name, "summary");
    assert_string_equal(KIND_CONTEXT_LOAD->name, "context_load");
    assert_null(kind_find(STR("sess")));
    /* Reading the small columns of a turn must not walk through its text. */
    assert_string_equal(KIND_TURN->fields[KIND_TURN->n_fields - 1].name, "content");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_whole),
        cmocka_unit_test(prefixes_differ),
        cmocka_unit_test(defaults_pass_their_own_checks),
        cmocka_unit_test(named_kinds_are_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
