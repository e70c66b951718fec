/* What a cycle asks the model at each turn: who is spoken to, what they are given, and that any text stays text. */
#include "unit/base/unit.h"

#include "base/mem.h"
#include "doors/proxy/cycle_prompt.h"

#include <string.h>

static struct cycle_plan plan_of(void)
{
    return (struct cycle_plan){
        .directive = STR("Paint \"it\".\n"),
        .human = STR("mia"),
        .agents = {[CYCLE_SUPERVISOR] = {.name = STR("sue"), .model = STR("big"), .temperature = -1},
                   [CYCLE_EXECUTOR] = {.name = STR("eve"),
                                       .system_prompt = STR("You paint."),
                                       .model = STR("small"),
                                       .temperature = 0.5,
                                       .max_tokens = 9}},
    };
}

static const struct str said[CYCLE_PARTS] = {STR("Mind the edges."), STR("Painted."), STR_NONE};

static const struct json *ask(struct arena *a, const struct cycle_plan *plan, enum cycle_part part, struct str block)
{
    struct buf b;
    const struct json *v;
    buf_init(&b, 0);
    cycle_prompt(plan, part, block, said, &b);
    assert_false(b.failed);
    struct str text = buf_take(&b, a);
    assert_int_equal(json_parse(a, text, 0, &v, NULL), ERR_OK);
    return v;
}

static struct str message(const struct json *body, size_t i, const char *role)
{
    const struct json *list = json_get_type(body, "messages", JSON_ARRAY);
    assert_true(i < list->n);
    assert_true(str_is(json_text(&list->items[i], "role"), role));
    return json_text(&list->items[i], "content");
}

static bool has(struct str text, const char *what)
{
    return str_find(text, str_of(what)) >= 0;
}

static void the_first_turn_is_given_the_directive_alone(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct cycle_plan plan = plan_of();
    const struct json *body = ask(a, &plan, CYCLE_ANALYSIS, STR_NONE);
    assert_str(json_text(body, "model"), "big");
    assert_true(str_starts(message(body, 0, "system"), "You are sue, the supervisor"));
    assert_true(has(message(body, 0, "system"), "the analysis"));
    assert_str(message(body, 1, "user"), "Paint \"it\".\n");
    assert_int_equal(json_get(body, "messages")->n, 2);
    assert_null(json_get(body, "temperature"));
    assert_null(json_get(body, "max_tokens"));
    assert_false(json_get(body, "stream")->boolean);
    assert_null(json_get(body, "stream_options"));
    arena_free(a);
}

static void later_turns_are_given_what_was_said(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct cycle_plan plan = plan_of();
    const struct json *work = ask(a, &plan, CYCLE_WORK, STR_NONE), *review = ask(a, &plan, CYCLE_REVIEW, STR_NONE);
    struct str given = message(work, 1, "user");
    assert_true(has(given, "Paint \"it\"."));
    assert_true(has(given, "# Analysis by sue\n\nMind the edges."));
    assert_false(has(given, "Painted."));
    assert_true(has(message(review, 1, "user"), "# Analysis by sue\n\nMind the edges."));
    assert_true(has(message(review, 1, "user"), "# Work by eve\n\nPainted."));
    assert_true(has(message(review, 0, "system"), "the review"));
    arena_free(a);
}

static void an_agents_own_prompt_and_numbers_come_first(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct cycle_plan plan = plan_of();
    const struct json *body = ask(a, &plan, CYCLE_WORK, STR_NONE);
    assert_true(str_starts(message(body, 0, "system"), "You paint.\n\nYou are eve, the executor"));
    assert_str(json_text(body, "model"), "small");
    assert_true(json_get(body, "temperature")->number == 0.5);
    assert_int_equal(json_get(body, "max_tokens")->integer, 9);
    arena_free(a);
}

static void the_block_is_a_message_of_its_own(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct cycle_plan plan = plan_of();
    plan.stream = true;
    const struct json *body = ask(a, &plan, CYCLE_REVIEW, STR("recalled </x> \"y\""));
    assert_int_equal(json_get(body, "messages")->n, 3);
    assert_str(message(body, 1, "user"), "recalled </x> \"y\"");
    assert_true(json_get(body, "stream")->boolean);
    assert_true(json_get(json_get(body, "stream_options"), "include_usage")->boolean);
    arena_free(a);
}

static void parts_have_names_and_agents(void **state)
{
    (void)state;
    const struct cycle_plan plan = plan_of();
    assert_string_equal(cycle_part_name(CYCLE_ANALYSIS), "analysis");
    assert_string_equal(cycle_part_name(CYCLE_WORK), "work");
    assert_string_equal(cycle_part_name(CYCLE_REVIEW), "review");
    assert_ptr_equal(cycle_part_agent(&plan, CYCLE_ANALYSIS), cycle_part_agent(&plan, CYCLE_REVIEW));
    assert_str(cycle_part_agent(&plan, CYCLE_WORK)->name, "eve");
}

static void running_out_of_memory_is_noticed(void **state)
{
    (void)state;
    const struct cycle_plan plan = plan_of();
    for (int place = 0;; place++) {
        struct buf b;
        assert_true(place < 100);
        buf_init(&b, 0);
        mem_fail_after(place, false);
        cycle_prompt(&plan, CYCLE_REVIEW, STR("block"), said, &b);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_true(b.failed == hit);
        buf_release(&b);
        if (!hit)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_turn_is_given_the_directive_alone),
        cmocka_unit_test(later_turns_are_given_what_was_said),
        cmocka_unit_test(an_agents_own_prompt_and_numbers_come_first),
        cmocka_unit_test(the_block_is_a_message_of_its_own),
        cmocka_unit_test(parts_have_names_and_agents),
        cmocka_unit_test(running_out_of_memory_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
