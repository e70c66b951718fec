/* Generic JSONL: names of members that people use, and what is no message. */
#include "history/tables.h"
#include "unit/base/unit.h"
#include "unit/history/told.h"

#include <stdio.h>

static void assert_told(struct str bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_generic, "a/chat.jsonl", bytes, 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

static void test_messages(void **state)
{
    (void)state;
    assert_told(STR("{\"role\":\"Human\",\"content\":\"a\",\"session_id\":\"s\"}\n"
                    "{\"role\":\"model\",\"text\":\"b\",\"conversation_id\":\"s\"}\n"
                    "{\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]}}\n"
                    "{\"role\":\"function\",\"content\":\"d\"}\n"),
                "turn user s: a\nturn assistant s: b\nturn user a/chat: c\nturn tool a/chat: d\n");
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    assert_told(
        STR("{\"role\":\"chorus\",\"content\":\"a\"}\n{\"role\":\"user\"}\n{\"role\":\"user\",\"content\":\" \"}\n\n"
            "\0\0\0\n{\"role\":\n3\n"),
        "skip: unknown\nskip: empty\nskip: empty\nskip: blank\nskip: padding\nskip: damaged\nskip: damaged\n");
}

static void test_keys_are_of_a_session(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(&t, &history_generic, "chat.jsonl",
              STR("{\"role\":\"user\",\"content\":\"a\",\"id\":\"1\",\"session\":\"s\",\"model\":\"m\"}\n"
                  "{\"role\":\"user\",\"content\":\"a\",\"id\":\"1\",\"session\":\"t\"}\n{\"role\":\"user\","
                  "\"content\":\"a\"}\n"),
              0);
    assert_int_equal(t.turns, 3);
    assert_string_equal(t.keys[0], "s/1");
    assert_string_equal(t.keys[1], "t/1");
    assert_non_null(strstr(t.keys[2], "said:"));
    assert_string_equal(t.metadata[0], "\"id\":\"1\",\"model\":\"m\"");
    told_free(&t);
}

/* Without id and time it is the n-th of its words, wherever the line stands now; a time is left to the usual key. */
static void test_keys_without_ids(void **state)
{
    static const char first[] = "{\"role\":\"user\",\"content\":\"yes\"}\n",
                      timed[] = "{\"role\":\"user\",\"content\":\"yes\",\"ts\":1772355600}\n";
    struct told a = {0}, b = {0};
    char text[256];
    (void)state;
    snprintf(text, sizeof text, "%s%s%s", first, first, timed);
    told_read(&a, &history_generic, "chat.jsonl", str_of(text), 0);
    snprintf(text, sizeof text, "{\"role\":\"system\",\"content\":\"new\"}\n%s%s", first, first);
    told_read(&b, &history_generic, "chat.jsonl", str_of(text), 0);
    assert_string_not_equal(a.keys[0], a.keys[1]);
    assert_null(a.keys[2]);
    assert_string_equal(a.keys[0], b.keys[1]);
    assert_string_equal(a.keys[1], b.keys[2]);
    told_free(&b);
    told_read(&b, &history_generic, "chat.jsonl", str_of(text), 0);
    told_free(&a);
    told_read(&a, &history_generic, "chat.jsonl", str_of(text), b.mark - (int64_t)strlen(first)); /* going on */
    assert_int_equal(a.turns, 1);
    assert_string_equal(a.keys[0], b.keys[2]);
    told_free(&a);
    told_free(&b);
}

/* Times as programs and databases write them; what is none is no time. */
static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } of[] = {{"2026-03-01T09:00:00Z", 1772355600000},
              {"2026-03-01 09:00:00", 1772355600000},
              {"2026-03-01 09:00", 1772355600000},
              {"2026/03/01 09:00:00.25", 1772355600250},
              {"2026-03-01T10:00:00+0100", 1772355600000},
              {"2026-03-01 10:00:00 +01", 1772355600000},
              {"2026-03-01 09:00:00.5+00:00", 1772355600500},
              {"2026-03-01 09:00:00 UTC", 1772355600000},
              {"1772355600", 1772355600000},
              {"1772355600.5", 1772355600500},
              {"1772355600123", 1772355600123},
              {"1772355600123456", 1772355600123},
              {"1772355600123456789", 1772355600123},
              {"2026-03-01 09:00:00 noon", 0},
              {"2026-03-01 09:00:00 +1", 0},
              {"yesterday at nine o'clock", 0},
              {"-5", 0},
              {"", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        assert_int_equal(tables_time(str_of(of[i].text)), of[i].ms);
}

/* A last line without its end is taken when it is whole, and is read again. */
static void test_a_torn_line(void **state)
{
    static const char whole[] = "{\"role\":\"user\",\"content\":\"a\"}\n{\"role\":\"user\",\"content\":\"b\"}";
    struct told t = {0};
    (void)state;
    told_read(&t, &history_generic, "chat.jsonl", STR(whole), 0);
    assert_int_equal(t.turns, 2);
    assert_int_equal(t.mark, (int64_t)(strchr(whole, '\n') - whole) + 1);
    told_free(&t);
    told_read(&t, &history_generic, "chat.jsonl", str_take(STR(whole), sizeof whole - 3), 0);
    assert_int_equal(t.turns, 1);
    told_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_keys_are_of_a_session),
        cmocka_unit_test(test_keys_without_ids),
        cmocka_unit_test(test_a_torn_line),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
