/* What a turn says is found by a question that says it, whatever kind of thing it is, before turns that only say
 * something alike; and the exact word before others with its stem. */
#include "unit/index/shelf.h"

struct row {
    const char *kind, *said, *asked, *alike;
};

static struct index_hits ask(struct shelf *s, struct str session, const char *text)
{
    struct index_question *asked = arena_alloc(s->arena, sizeof *asked);
    assert_non_null(asked);
    OK(index_question(s->arena, str_of(text), asked, &e));
    struct index_query q = {
        .terms = asked->terms, .weights = asked->weights, .n_terms = asked->n, .session_id = session, .limit = 50};
    return shelf_search(s, &q);
}

static const struct row ROWS[] = {
    {"an exact word", "she was running late", "running", "she runs, they run, a runner"},
    {"a stem", "the universities agreed", "university", "the union agreed"},
    {"an accent", "we met at the café", "cafe", "we met at the cave"},
    {"full width", "ＡＢＣ１２３ is the code", "abc123", "abc124 is the code"},
    {"Chinese", "我们明天去北京大学", "北京大学", "我们明天去南京东路"},
    {"one Chinese character", "我家的猫很可爱", "猫", "我家的狗很可爱"},
    {"Japanese", "猫の名前はタマです", "名前はタマ？", "犬はポチです"},
    {"Korean", "고양이가 좋아요", "고양이", "강아지도 싫어요"},
    {"Thai", "ฉันชอบภาษาไทย", "ภาษาไทย", "คุณมีรถ"},
    {"a camel", "call getUserName first", "getUserName", "call the user by name"},
    {"a word of a camel", "the HTTPServer starts", "server", "the service starts"},
    {"a name in another spelling", "call get_user_name first", "getUserName", "call the user by name"},
    {"a snake", "set max_retries here", "max_retries", "max has retries"},
    {"a dotted name", "import os.path today", "os.path", "the os has a path"},
    {"a path", "see src/index/words.c there", "src/index/words.c", "see the src index: words, c"},
    {"a file name", "see src/index/words.c there", "words.c", "see words in c"},
    {"an address of the web", "at https://example.org/a/page.html now", "example.org/a/page.html",
     "example page org html"},
    {"an e-mail address", "write to ann.b@example.org", "ann.b@example.org", "ann b example org"},
    {"a version", "it broke in v1.2.3", "v1.2.3", "it broke in v1.2.4 and 1 2 3"},
    {"a version without its v", "it broke in v1.2.3", "1.2.3", "it broke in v1.2.4 and 1 2 3"},
    {"an error code", "it said E1234 again", "E1234", "it said E1235 again"},
    {"an error's name", "it said ERR_FOO_BAR", "ERR_FOO_BAR", "err foo and bar"},
    {"a hash", "commit 4f2a9c1b7d", "4f2a9c1b7d", "commit 4f2a9c1b7e"},
    {"a UUID", "id 123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000",
     "id 123e4567-e89b-12d3-a456-426614174001"},
    {"a number", "it cost 1,000 crowns", "1000", "it cost 1001 crowns"},
    {"a decimal", "pi is 3.14 or so", "3.14", "3 apples, 14 pears"},
    {"a share", "sales rose by 50%", "50%", "50 sales rose"},
    {"a date", "we met on 2023-05-08", "2023-05-08", "in 2023, 08 of 05"},
    {"a part of a date", "we met on 2023-05-08", "2023", "we met in 2024"},
    {"a time", "the train at 10:30", "10:30", "10 trains, 30 buses"},
    {"a time with seconds", "at 2023-05-08T10:30:15Z it fell", "10:30", "10 fell, 30 rose"},
    {"a handle", "ask @bea_k about it", "@bea_k", "bea has a k"},
    {"a tag", "see #release-notes", "#release-notes", "notes of the release"},
    {"a number of an issue", "fixed in #123 today", "#123", "123 were fixed"},
    {"a name with an apostrophe", "Mrs O’Brien called", "O'Brien", "o, it was Brian"},
    {"a contraction", "she didn't bake bread", "didn't bake", "she did take bread"},
    {"a hyphen", "send an e-mail", "email", "send a mail"},
    {"a language", "written in C++ once", "C++", "written in c once"},
};

static void what_is_said_is_found_first(void **state)
{
    struct shelf *s = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct str session = shelf_session(s, "");
        struct str talk = shelf_conversation(s, session);
        int64_t seq = shelf_say(s, talk, "ann", ROWS[i].said);
        shelf_say(s, talk, "ann", ROWS[i].alike);
        for (int fed = 0; fed < 2; fed++) { /* from the fresh tail, then from the index */
            struct index_hits h = ask(s, session, ROWS[i].asked);
            if (h.n == 0 || h.hits[0].seq != seq) {
                print_error("%s: \"%s\" does not find \"%s\" first (%s)\n", ROWS[i].kind, ROWS[i].asked, ROWS[i].said,
                            fed ? "index" : "tail");
                wrong++;
            }
            OK(index_flush(s->index, &e));
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(what_is_said_is_found_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
