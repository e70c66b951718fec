/* Configuration: which source counts, what is refused, and how it is said. */
#include "unit/base/unit.h"

#include "base/file.h"
#include "base/mem.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct arena *a;
    char dir[64], file[96];
};

static int begin(void **state)
{
    static struct fixture f;
    (void)snprintf(f.dir, sizeof f.dir, "/tmp/cairn-config-XXXXXX");
    f.a = arena_new();
    if (!f.a || !mkdtemp(f.dir))
        return -1;
    (void)snprintf(f.file, sizeof f.file, "%s/cairn.toml", f.dir);
    *state = &f;
    static const char *const variables[] = {"CAIRN_CONFIG",          "CAIRN_LISTEN",   "CAIRN_SERVER_WORKERS",
                                            "CAIRN_CONNECT_TIMEOUT", "OPENAI_API_KEY", "CAIRN_UPSTREAM_KEY",
                                            "XDG_CONFIG_HOME",       "CAIRN_LOG_LEVEL"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    setenv("HOME", f.dir, 1);
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    (void)file_remove(f->file, NULL);
    (void)rmdir(f->dir);
    arena_free(f->a);
    return 0;
}

static void put(const struct fixture *f, const char *text)
{
    assert_int_equal(file_write_atomic(f->file, str_of(text), NULL), ERR_OK);
}

static const struct config *load(struct fixture *f, const struct config_flag *flags, size_t n)
{
    const struct config *c = NULL;
    struct err e = {0};
    enum err_code code = config_load(f->a, file_exists(f->file) ? f->file : NULL, flags, n, &c, &e);
    assert_string_equal(e.message, "");
    assert_int_equal(code, ERR_OK);
    return c;
}

static void refuse(struct fixture *f, const char *text, const char *part)
{
    const struct config *c = NULL;
    struct err e = {0};
    put(f, text);
    assert_int_equal(config_load(f->a, f->file, NULL, 0, &c, &e), ERR_INVALID);
    assert_null(c);
    if (!strstr(e.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e.message);
}

static void test_without_any_source_the_table_counts(void **state)
{
    const struct config *c = load(*state, NULL, 0);
    const char *where = NULL;
    assert_string_equal(config_text(c, "server.listen"), "127.0.0.1:5111");
    assert_int_equal(config_int(c, "memory.tokens"), config_int(NULL, "memory.tokens"));
    assert_null(config_text(c, "upstream.url"));
    assert_string_equal(config_shown(c, setting_find(STR("server.workers")), &where), "8");
    assert_string_equal(where, "default");
}

static void test_flag_over_environment_over_file_over_default(void **state)
{
    struct fixture *f = *state;
    const struct config_flag flag = {STR("server.listen"), STR("127.0.0.1:3")};
    const struct setting *s = setting_find(STR("server.listen"));
    const char *where = NULL;
    put(f, "# ports\n[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n");
    assert_string_equal(config_shown(load(f, NULL, 0), s, &where), "127.0.0.1:1");
    assert_non_null(strstr(where, "cairn.toml:3"));
    setenv("CAIRN_LISTEN", "127.0.0.1:2", 1);
    assert_string_equal(config_shown(load(f, NULL, 0), s, &where), "127.0.0.1:2");
    assert_string_equal(where, "CAIRN_LISTEN");
    const struct config *c = load(f, &flag, 1);
    assert_string_equal(config_shown(c, s, &where), "127.0.0.1:3");
    assert_string_equal(where, "--listen");
    assert_int_equal(config_source(c, s), FROM_FLAG);
    assert_int_equal(config_int(c, "server.workers"), 3);
    setenv("CAIRN_LISTEN", "", 1); /* empty is not set */
    assert_string_equal(config_shown(load(f, NULL, 0), s, &where), "127.0.0.1:1");
}

static void test_variables_and_flags_are_made_of_names(void **state)
{
    struct fixture *f = *state;
    const struct setting *s = setting_find(STR("server.workers"));
    assert_string_equal(setting_variable(f->a, s), "CAIRN_SERVER_WORKERS");
    assert_string_equal(setting_flag(f->a, s), "server_workers");
    setenv("CAIRN_SERVER_WORKERS", "5", 1);
    assert_int_equal(config_int(load(f, NULL, 0), "server.workers"), 5);
}

static void test_an_unknown_key_names_the_nearest(void **state)
{
    struct fixture *f = *state;
    refuse(f, "[server]\n\nlissten = \"x:1\"\n",
           "cairn.toml:3: there is no setting \"server.lissten\"; did you mean "
           "\"server.listen\"?");
    refuse(f, "server = 5\n", "cairn.toml:1: there is no setting \"server\"");
    refuse(f, "[colours]\n", "there is no setting \"colours\"");
    refuse(f, "\"server.listen\" = \"127.0.0.1:1\"\n", "there is no setting \"\"server.listen\"\"");
    refuse(f, "[server]\nlisten.port = 1\n", "there is no setting \"server.listen.port\"");
}

static void test_wrong_values_say_what_would_be_right(void **state)
{
    struct fixture *f = *state;
    refuse(f, "[server]\nworkers = \"many\"\n",
           "cairn.toml:2: server.workers must be a whole number from 1 to 64, not "
           "text in quotes");
    refuse(f, "[server]\nworkers = 65\n", "server.workers must be a whole number from 1 to 64, not \"65\"");
    refuse(f, "[server]\nworkers = 1.5\n", "not a number");
    refuse(f, "[server]\nworkers = [1]\n", "not a list");
    refuse(f, "[server]\nworkers = 2026-01-01\n", "not a list or a time");
    refuse(f, "[server]\nworkers = 9223372036854775808\n", "not TOML");
    refuse(f, "[server]\nlisten = 5111\n", "server.listen must be a line of 3 to 300 bytes in quotes, not a number");
    refuse(f, "[server]\nlisten = \"a\"\n", "a line of 3 to 300 bytes, not \"a\"");
    refuse(f, "[server]\nlisten = \"a\\nb:1\"\n", "a line of 3 to 300 bytes");
    refuse(f, "[server]\nlisten = \"a\\u0000b:1\"\n", "a line of 3 to 300 bytes");
    refuse(f, "[server]\nlog_level = \"loud\"\n", "one of debug|info|warn|error|off, not \"loud\"");
    refuse(f, "[server\n", "cairn.toml:1: this is not TOML");
    refuse(f, "[[[[\n", "cairn.toml:1: this is not TOML");
    refuse(f, "# é\n[server]\nlisten = \"é \\\" é\"\nworkers = 1 é\n", "cairn.toml:4: this is not TOML");
    refuse(f, "a = '''é''é\n'''''\nb = \"\"\"\"\"\"\né = 1\n", "cairn.toml:4: this is not TOML");
    refuse(f, "[server]\nworkers = 1\nworkers = 2\n", "cairn.toml:3: this is not TOML");
}

static void test_wrong_variables_and_flags_are_named(void **state)
{
    struct fixture *f = *state;
    const struct config *c = NULL;
    struct err e = {0};
    setenv("CAIRN_CONNECT_TIMEOUT", "soon", 1);
    assert_int_equal(config_load(f->a, NULL, NULL, 0, &c, &e), ERR_INVALID);
    assert_string_equal(e.message, "CAIRN_CONNECT_TIMEOUT: upstream.connect_seconds must be a whole number from 1 to "
                                   "3600, not \"soon\"");
    unsetenv("CAIRN_CONNECT_TIMEOUT");
    const struct config_flag flag = {STR("upstream.connect_seconds"), STR("0")};
    err_clear(&e);
    assert_int_equal(config_load(f->a, NULL, &flag, 1, &c, &e), ERR_INVALID);
    assert_string_equal(e.message, "--connect-timeout: upstream.connect_seconds must be a whole number from 1 to 3600, "
                                   "not \"0\"");
    assert_string_equal(e.field, "upstream.connect_seconds");
    const struct config_flag nothing = {STR("upstream.sped"), STR("1")};
    err_clear(&e);
    assert_int_equal(config_load(f->a, NULL, &nothing, 1, &c, &e), ERR_INVALID);
}

static void test_secrets_are_never_shown(void **state)
{
    struct fixture *f = *state;
    const struct setting *s = setting_find(STR("upstream.key"));
    struct err e = {0};
    const struct config *c = NULL;
    setenv("CAIRN_UPSTREAM_KEY", "sk-very-secret", 1);
    c = load(f, NULL, 0);
    assert_string_equal(config_shown(c, s, NULL), "set");
    assert_string_equal(config_text(c, "upstream.key"), "sk-very-secret");
    setenv("CAIRN_UPSTREAM_KEY", "sk-very\nsecret", 1);
    assert_int_equal(config_load(f->a, NULL, NULL, 0, &c, &e), ERR_INVALID);
    assert_null(strstr(e.message, "sk-very"));
    unsetenv("CAIRN_UPSTREAM_KEY");
    const struct config_flag flag = {STR("upstream.key"), STR("sk-very-secret")};
    err_clear(&e);
    assert_int_equal(config_load(f->a, NULL, &flag, 1, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "CAIRN_UPSTREAM_KEY"));
    static const char *const broken[] = {"[upstream]\nkey = 'sk-very-secret\n",
                                         "[upstream]\nkey = sk-very-secret\n",
                                         "[upstream]\nkey = \"sk-very-secret\n",
                                         "[upstream]\nkey \"sk-very-secret\"\n",
                                         "[upstream]\nkey = 12345678901234567890\n",
                                         "[upstream]\nkey = 123456\n",
                                         "[upstream]\nkey = \"sk-very-secret\" sk-very-secret\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        put(f, broken[i]);
        err_clear(&e);
        assert_int_equal(config_load(f->a, f->file, NULL, 0, &c, &e), ERR_INVALID);
        if (strstr(e.message, "very-secret") || strstr(e.message, "sk-very") || strstr(e.message, "12345"))
            fail_msg("%s", e.message);
    }
}

/* The keys of a bucket, which others would pay for. */
static void test_some_secrets_need_a_file_of_its_owner_s_alone(void **state)
{
    struct fixture *f = *state;
    const struct config *c = NULL;
    struct err e = {0};
    put(f, "[cold]\nkey = \"very-secret\"\n");
    assert_int_equal(chmod(f->file, 0640), 0);
    assert_int_equal(config_load(f->a, f->file, NULL, 0, &c, &e), ERR_INVALID);
    assert_string_equal(e.field, "cold.key");
    assert_non_null(strstr(e.message, "chmod 600"));
    assert_non_null(strstr(e.message, "$CAIRN_COLD_KEY"));
    assert_null(strstr(e.message, "very-secret"));
    assert_int_equal(chmod(f->file, 0600), 0);
    c = load(f, NULL, 0);
    assert_string_equal(config_text(c, "cold.key"), "very-secret");
    assert_string_equal(config_shown(c, setting_find(STR("cold.key")), NULL), "set");
}

/* The key of another program's must not take the place of one that was set for Cairn. */
static void test_another_programs_variable_is_the_last_resort(void **state)
{
    struct fixture *f = *state;
    setenv("OPENAI_API_KEY", "sk-other", 1);
    assert_string_equal(config_text(load(f, NULL, 0), "upstream.key"), "sk-other");
    put(f, "[upstream]\nkey = \"sk-file\"\n");
    assert_string_equal(config_text(load(f, NULL, 0), "upstream.key"), "sk-file");
    setenv("CAIRN_UPSTREAM_KEY", "sk-own", 1);
    assert_string_equal(config_text(load(f, NULL, 0), "upstream.key"), "sk-own");
}

static void test_where_the_file_is_looked_for(void **state)
{
    struct fixture *f = *state;
    const char *found = NULL;
    struct err e = {0};
    assert_int_equal(config_find(f->a, NULL, f->dir, &found, &e), ERR_OK);
    assert_null(found);
    put(f, "");
    assert_int_equal(config_find(f->a, NULL, f->dir, &found, &e), ERR_OK);
    assert_string_equal(found, f->file);
    setenv("CAIRN_CONFIG", "/dev/null", 1);
    assert_int_equal(config_find(f->a, NULL, f->dir, &found, &e), ERR_OK);
    assert_string_equal(found, "/dev/null");
    assert_int_equal(config_find(f->a, f->file, NULL, &found, &e), ERR_OK);
    assert_string_equal(found, f->file);
    assert_int_equal(config_find(f->a, "/nowhere/cairn.toml", f->dir, &found, &e), ERR_INVALID);
}

static void test_texts_may_hold_any_letters(void **state)
{
    struct fixture *f = *state;
    put(f, "\xEF\xBB\xBF# \u00fc\n[upstream]\nmodel = \"m\u00fcller\" # \u00fc \"\nurl = \'\'\'http://\u00e9\'\'\'\n");
    const struct config *c = load(f, NULL, 0);
    assert_string_equal(config_text(c, "upstream.model"), "m\u00fcller");
    assert_string_equal(config_text(c, "upstream.url"), "http://\u00e9");
}

static void test_the_library_reads_no_environment(void **state)
{
    struct fixture *f = *state;
    const struct config *c = NULL;
    setenv("CAIRN_LISTEN", "127.0.0.1:2", 1);
    put(f, "[server]\nworkers = 2\n");
    assert_int_equal(config_load_file(f->a, f->file, &c, NULL), ERR_OK);
    assert_string_equal(config_text(c, "server.listen"), "127.0.0.1:5111");
    assert_int_equal(config_int(c, "server.workers"), 2);
}

static void test_bounds(void **state)
{
    struct fixture *f = *state;
    const struct config *c = NULL;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < CONFIG_FILE_MAX + 1; i++)
        buf_char(&b, '#');
    assert_int_equal(file_write_atomic(f->file, buf_view(&b), NULL), ERR_OK);
    assert_int_equal(config_load(f->a, f->file, NULL, 0, &c, &e), ERR_TOO_LARGE);
    buf_clear(&b);
    for (size_t i = 0; i < CONFIG_FILE_MAX / 2; i++) /* half a million tables in one another */
        buf_cstr(&b, i ? ".a" : "a");
    buf_cstr(&b, "=1");
    assert_int_equal(file_write_atomic(f->file, buf_view(&b), NULL), ERR_OK);
    err_clear(&e);
    assert_true(config_load(f->a, f->file, NULL, 0, &c, &e) != ERR_OK);
    buf_release(&b);
}

static void test_lists(void **state)
{
    struct fixture *f = *state;
    put(f, "[privacy]\npii_types_to_detect = [\"email\", \"phone\"]\nallow = \"a@b.co, c@d.co\"\n");
    const struct config *c = load(f, NULL, 0);
    assert_string_equal(config_text(c, "privacy.pii_types_to_detect"), "email,phone");
    assert_string_equal(config_text(c, "privacy.allow"), "a@b.co, c@d.co");
    refuse(f, "[privacy]\nallow = [\"a,b\"]\n", "not a list or a time");
    refuse(f, "[privacy]\nallow = [1]\n", "not a list or a time");
    refuse(f, "[privacy]\nallow = []\n", "a line of 1 to 4000 bytes");
    refuse(f, "[server]\nlisten = [\"127.0.0.1:1\"]\n", "in quotes, not a list");
}

static void test_settings_below_names_of_the_files_own(void **state)
{
    struct fixture *f = *state;
    const char *name, *text, *where;
    put(f, "[privacy.custom]\n[privacy.custom.b_2]\npattern = 'B-\\d+'\nlevel = "
           "\"TEAM\"\n[privacy.custom.a]\npattern='A'\n");
    const struct config *c = load(f, NULL, 0);
    assert_string_equal(config_name(c, "privacy.custom", 0), "a");
    assert_string_equal(config_name(c, "privacy.custom", 1), "b_2");
    assert_null(config_name(c, "privacy.custom", 2));
    assert_null(config_name(NULL, "privacy.custom", 0));
    assert_string_equal(config_named(c, "privacy.custom.*.pattern", "b_2"), "B-\\d+");
    assert_string_equal(config_named(c, "privacy.custom.*.level", "b_2"), "TEAM");
    assert_string_equal(config_named(c, "privacy.custom.*.level", "a"), "PRIVATE");
    assert_null(config_named(c, "privacy.custom.*.context", "a"));
    assert_true(config_named_shown(c, f->a, 0, &name, &text, &where));
    assert_string_equal(name, "privacy.custom.a.pattern");
    assert_string_equal(text, "A");
    assert_non_null(strstr(where, "cairn.toml:6"));
    assert_false(config_named_shown(c, f->a, 3, &name, &text, &where));
    refuse(f, "[privacy.custom.a]\npatern = \"x\"\n", "there is no setting \"privacy.custom.a.patern\"");
    refuse(f, "[privacy.custom.A]\npattern = \"x\"\n", "there is no setting");
    refuse(f, "[privacy.custom.\"a.b\"]\npattern = \"x\"\n", "there is no setting");
    refuse(f, "[privacy.custom.a]\nlevel = \"SECRET\"\n", "must be one of PUBLIC|TEAM|PRIVATE, not \"SECRET\"");
    refuse(f, "[privacy.custom.a]\npattern = 5\n", "in quotes, not a number");
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    struct fixture *f = *state;
    put(f, "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[privacy.custom.a]\npattern = 'A'\n");
    for (int64_t n = 0;; n++) {
        const struct config *c = NULL;
        struct arena *a = arena_new();
        assert_non_null(a);
        mem_fail_after(n, true);
        enum err_code code = config_load(a, f->file, NULL, 0, &c, NULL);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code != ERR_OK, c == NULL);
        assert_int_equal(code != ERR_OK, hit);
        arena_free(a);
        if (!hit)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_any_source_the_table_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_flag_over_environment_over_file_over_default, begin, end),
        cmocka_unit_test_setup_teardown(test_variables_and_flags_are_made_of_names, begin, end),
        cmocka_unit_test_setup_teardown(test_an_unknown_key_names_the_nearest, begin, end),
        cmocka_unit_test_setup_teardown(test_wrong_values_say_what_would_be_right, begin, end),
        cmocka_unit_test_setup_teardown(test_wrong_variables_and_flags_are_named, begin, end),
        cmocka_unit_test_setup_teardown(test_secrets_are_never_shown, begin, end),
        cmocka_unit_test_setup_teardown(test_some_secrets_need_a_file_of_its_owner_s_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_another_programs_variable_is_the_last_resort, begin, end),
        cmocka_unit_test_setup_teardown(test_where_the_file_is_looked_for, begin, end),
        cmocka_unit_test_setup_teardown(test_texts_may_hold_any_letters, begin, end),
        cmocka_unit_test_setup_teardown(test_the_library_reads_no_environment, begin, end),
        cmocka_unit_test_setup_teardown(test_bounds, begin, end),
        cmocka_unit_test_setup_teardown(test_lists, begin, end),
        cmocka_unit_test_setup_teardown(test_settings_below_names_of_the_files_own, begin, end),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_is_an_error, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
