/* The tokenizer as a table: a text, and its forms in order. !word is a stop word, /form a part, *form a whole, =form an
 * exact form; the others are words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "index/tokens.h"

#include <stdio.h>
#include <string.h>

static int write_token(void *arg, const struct token *t)
{
    static const char *const SIGN[TOKEN_KINDS] = {
        [TOKEN_WORD] = "", [TOKEN_STOP] = "!", [TOKEN_EXACT] = "", [TOKEN_PART] = "/", [TOKEN_WHOLE] = "*"};
    struct buf *b = arg;
    buf_fmt(b, "%s%s%.*s", buf_view(b).n ? " " : "", SIGN[t->kind], STR_ARG(t->form));
    return 0;
}

struct row {
    const char *text, *forms;
};

static bool gives(const struct row *r)
{
    struct buf b;
    buf_init(&b, 0);
    tokens_walk(str_of(r->text), TOKENS_ALL, write_token, &b);
    bool same = str_is(buf_view(&b), r->forms);
    if (!same)
        print_error("%s\n  gives  %.*s\n  wanted %s\n", r->text, STR_ARG(buf_view(&b)), r->forms);
    buf_release(&b);
    return same;
}

#define CHECK(rows)                                                                                                    \
    do {                                                                                                               \
        size_t wrong = 0;                                                                                              \
        (void)state;                                                                                                   \
        for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                                     \
            wrong += !gives(&(rows)[i]);                                                                               \
        assert_int_equal(wrong, 0);                                                                                    \
    } while (0)

static void words_give_their_stem_and_where_it_differs_themselves(void **state)
{
    static const struct row ROWS[] = {
        {"", ""},
        {" ,.;!? -- ... ", ""},
        {"dog", "dog"},
        {"The dog", "!the dog"},
        {"running dogs", "run =running dog =dogs"},
        {"RUNNING", "run =running"},
        {"happy, hopeful: universities", "happi =happy hope =hopeful univers =universities"},
        {"a b", "!a b"},
    };
    CHECK(ROWS);
}

static void accents_case_and_width_are_folded_and_letters_of_their_own_kept(void **state)
{
    static const struct row ROWS[] = {
        {"café CAFÉ cafe\u0301 cafe", "cafe cafe cafe cafe"},
        {"cafés", "cafe =cafes"},
        {"naïve Ångström", "naiv =naive angstrom"},
        {"straße STRASSE", "strass =strasse strass =strasse"},
        {"ＦＵＬＬ　ｗｉｄｔｈ １２", "full width 12"},
        {"ﬁle ½ ²", "file 1/2 2"},
        {"co\u00ADoperate", "cooper =cooperate"},
        {"Łódź Ørsted", "łodz ørsted"},
        {"йод ЙОД и\u0306од иод", "йод йод йод иод"},
        {"Ёлка елка їжак", "елка елка їжак"},
        {"ΑΒΓ άβγ", "αβγ αβγ"},
        {"कितना हिन्दी", "कितना हिन्दी"},
        {"مَرْحَبًا مرحبا", "مرحبا مرحبا"},
    };
    CHECK(ROWS);
}

static void scripts_without_spaces_give_pairs(void **state)
{
    static const struct row ROWS[] = {
        {"猫", "猫"},
        {"天气很好", "天气 /天 气很 /气 很好 /很 /好"},
        {"猫の名前は", "猫 の 名前 /名 /前 は"},
        {"データベース", "デー ータ タベ ベー ース"},
        {"ﾃﾞｰﾀ", "デー ータ"},
        {"か\u3099く がく", "がく がく"},
        {"고양이가 좋아", "고양 양이 이가 좋아"},
        {"\u1100\u1161\u1102\u1161", "가나"},
        {"ภาษาไทย", "ภา าษ ษา าไ ไท ทย"},
        {"ที่นี่", "ที่นี่"},
        {"ລາວ", "ລາ າວ"},
        {"ខ្មែរ", "ខ្មែ មែរ"},
        {"GPTモデル5月", "gpt モデ デル 5 月"},
    };
    CHECK(ROWS);
}

static void names_of_code_give_the_whole_and_their_words(void **state)
{
    static const struct row ROWS[] = {
        {"getUserName", "getusernam =getusername /user /name"},
        {"get_user_name", "*getusernam !get user name"},
        {"get-user-name", "*getusernam !get user name"},
        {"HTTPServer", "httpserver /http /server"},
        {"PDFs", "pdf =pdfs"},
        {"MAX_RETRIES", "*maxretri max retri =retries"},
        {"__init__ --no-cache", "init *nocach !no cach =cache"},
        {"os.path.join()", "*os.path.join os path join"},
        {"std::string a->b", "*std:string std string !a b"},
        {"utf8 sha256 E1234 ERR_FOO", "utf8 /utf sha256 /sha /256 e1234 /1234 *errfoo err foo"},
        {"C++ C# c", "c *c++ c *c# c"},
        {"год2024", "год2024 /год /2024"},
        {"4f2a9c1", "4f2a9c1"},
        {"123e4567-e89b-12d3-a456-426614174000",
         "*123e4567e89b12d3a456426614174000 123e4567 e89b 12d3 a456 /456 426614174000"},
    };
    CHECK(ROWS);
}

static void numbers_dates_and_times_are_found_whole_and_by_their_parts(void **state)
{
    static const struct row ROWS[] = {
        {"1,000 1,234,567.89 1,2 1,0000", "1000 1234567.89 1 2 1 0000"},
        {"3.14 -5 50% 99.9%", "3.14 5 50 *50% 99.9 *99.9%"},
        {"v1.2.3 1.2.3-rc1", "v1.2.3 /1.2.3 *1.2.3rc1 1.2.3 rc1 /rc"},
        {"1.5GB 5pm 3rd", "1.5gb /1.5 /gb 5pm /5 /pm 3rd /3 /rd"},
        {"2023-05-08", "*2023-05-08 2023 05 08"},
        {"08/05/2023 3-4", "*08/05/2023 08 05 2023 *3-4 3 4"},
        {"10:30 10:30:15 10:30am", "*10:30 10 30 *10:30:15 *10:30 10 30 15 *10:30 10 30 !am"},
        {"2023-05-08T10:30Z", "*2023-05-08 2023 05 08 *10:30 10 30 z"},
        {"192.168.0.1:8080", "*192.168.0.1:8080 192.168.0.1 8080"},
    };
    CHECK(ROWS);
}

static void files_addresses_and_tags_are_found_whole_and_by_their_words(void **state)
{
    static const struct row ROWS[] = {
        {"src/index/words.c:42", "*src/index/words.c src index *words.c word =words c 42"},
        {"C:\\Users\\ann\\notes.txt", "c *users/ann/notes.txt user =users ann *notes.txt note =notes txt"},
        {"https://example.org/a/page.html?x=1",
         "http =https *example.org/a/page.html *example.org exampl =example org !a *page.html page html x 1"},
        {"ann.b@example.org", "*ann.b@example.org *ann.b ann b *example.org exampl =example org"},
        {"@ann #release-notes #12", "*@@ann ann *#releasenotes *releasenot releas =release note =notes *#12 12"},
    };
    CHECK(ROWS);
}

static void apostrophes_hyphens_and_points_within_words(void **state)
{
    static const struct row ROWS[] = {
        {"didn't don’t it's we'll", "!didn !t !don !t !it !s !we !ll"},
        {"Ann's O'Brien O’Brien", "ann !s *obrien o brien *obrien o brien"},
        {"e-mail email E\u2011Mail", "*email e mail email *email e mail"},
        {"to-do and/or U.S.A.", "*todo !to !do !and !or *usa u !s !a"},
        {"AT&T R&D", "*at&t !at !t *r&d r !d"},
        {"end.Start", "*end.start end start"},
    };
    CHECK(ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_give_their_stem_and_where_it_differs_themselves),
        cmocka_unit_test(accents_case_and_width_are_folded_and_letters_of_their_own_kept),
        cmocka_unit_test(scripts_without_spaces_give_pairs),
        cmocka_unit_test(names_of_code_give_the_whole_and_their_words),
        cmocka_unit_test(numbers_dates_and_times_are_found_whole_and_by_their_parts),
        cmocka_unit_test(files_addresses_and_tags_are_found_whole_and_by_their_words),
        cmocka_unit_test(apostrophes_hyphens_and_points_within_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
