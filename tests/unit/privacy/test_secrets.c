/* Secrets in texts: each case of tests/labelled/secrets.jsonl gives exactly what it is labelled with, whole and in
 * pieces, and its mask is no find; and the rules on values at their bounds.
 *
 * A case is {"text": […]}: its pieces in order; a piece that is an array is a secret, its type first, its own pieces
 * behind it. Nothing in the file is a whole token, so that nothing that looks for leaked tokens takes it for one. */
#include "unit/base/unit.h"

#include "base/buf.h"
#include "base/json.h"
#include "privacy/detector.h"
#include "privacy/privacy.h"
#include "privacy/secret_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct privacy *privacy;

static int open_all(void **state)
{
    (void)state;
    struct err e = {0};
    return privacy_open(&(struct privacy_options){0}, &privacy, &e) == ERR_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    privacy_free(privacy);
    return 0;
}

enum { MOST = 8 };

struct labelled {
    struct str text;
    struct privacy_span secrets[MOST];
    size_t n;
};

static void read_case(struct arena *a, const struct json *o, struct labelled *out)
{
    const struct json *parts = json_get_type(o, "text", JSON_ARRAY);
    char type[40];
    struct buf b;
    assert_non_null(parts);
    *out = (struct labelled){0};
    buf_init(&b, 0);
    for (size_t i = 0; i < parts->n; i++) {
        const struct json *p = &parts->items[i];
        if (p->type == JSON_STRING) {
            buf_str(&b, p->s);
            continue;
        }
        assert_true(p->type == JSON_ARRAY && p->n >= 2 && out->n < MOST && p->items[0].s.n < sizeof type);
        struct privacy_span *s = &out->secrets[out->n++];
        s->start = b.n;
        s->type = arena_str(a, p->items[0].s).p;
        for (size_t k = 1; k < p->n; k++)
            buf_str(&b, p->items[k].s);
        s->end = b.n;
    }
    out->text = buf_take(&b, a);
}

static size_t scan_secrets(struct arena *a, struct str text, struct privacy_span *out)
{
    const struct privacy_span *spans;
    struct err e = {0};
    size_t n, kept = 0;
    assert_int_equal(privacy_scan(privacy, PRIVACY_PRIVATE, text, a, &spans, &n, &e), ERR_OK);
    for (size_t i = 0; i < n && kept < MOST; i++) {
        if (spans[i].by && spans[i].by->class == PRIVACY_SECRET)
            out[kept++] = spans[i];
    }
    return kept;
}

static size_t hits(const struct labelled *c, const struct privacy_span *got, size_t n)
{
    size_t same = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < c->n; k++)
            same += got[i].start == c->secrets[k].start && got[i].end == c->secrets[k].end &&
                    !strcmp(got[i].type, c->secrets[k].type);
    }
    return same;
}

static struct str masked(struct arena *a, struct str text)
{
    struct err e = {0};
    struct str out;
    assert_int_equal(privacy_mask(privacy, PRIVACY_PUBLIC, text, a, &out, &e), ERR_OK);
    return out;
}

static struct str masked_in_pieces(struct arena *a, struct str text, size_t piece)
{
    struct privacy_stream *s;
    struct err e = {0};
    struct str out;
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(privacy_stream_new(privacy, PRIVACY_PUBLIC, &s, &e), ERR_OK);
    for (struct str rest = text; rest.n; rest = str_skip(rest, piece)) {
        assert_int_equal(privacy_stream_feed(s, str_take(rest, piece), &out, &e), ERR_OK);
        buf_str(&b, out);
    }
    assert_int_equal(privacy_stream_end(s, &out, &e), ERR_OK);
    buf_str(&b, out);
    privacy_stream_free(s);
    return buf_take(&b, a);
}

/* What a case's mask must be: no secret of it left, the same in pieces, and final. */
static void check_mask(struct arena *a, const struct labelled *c)
{
    struct str once = masked(a, c->text);
    for (size_t i = 0; i < c->n; i++) {
        struct str secret = {c->text.p + c->secrets[i].start, c->secrets[i].end - c->secrets[i].start};
        if (secret.n > 8 && str_find(once, secret) >= 0)
            fail_msg("left in: %.*s", STR_ARG(once));
    }
    if (!str_eq(masked(a, once), once))
        fail_msg("masked again: %.*s\n%.*s", STR_ARG(once), STR_ARG(masked(a, once)));
    struct str whole = masked_in_pieces(a, c->text, c->text.n + 1);
    if (!str_eq(masked_in_pieces(a, c->text, 1 + c->text.n / 3), whole))
        fail_msg("not the same in pieces: %.*s", STR_ARG(whole));
}

struct counts {
    size_t cases, bare, secrets, found, right;
};

static void run_case(struct str line, struct counts *sum)
{
    struct arena *a = arena_new();
    struct err e = {0};
    const struct json *o;
    struct labelled c;
    struct privacy_span got[MOST];
    assert_int_equal(json_parse(a, line, 0, &o, &e), ERR_OK);
    read_case(a, o, &c);
    size_t n = scan_secrets(a, c.text, got), same = hits(&c, got, n);
    if (n != c.n || same != n) {
        print_error("not as labelled: %.*s\n", STR_ARG(c.text));
        for (size_t i = 0; i < n; i++)
            print_error("  %s: %.*s\n", got[i].by->name, (int)(got[i].end - got[i].start), c.text.p + got[i].start);
    } else {
        check_mask(a, &c);
    }
    sum->cases++;
    sum->bare += c.n == 0;
    sum->secrets += c.n;
    sum->found += n;
    sum->right += same;
    arena_free(a);
}

static void each_labelled_case(void **state)
{
    (void)state;
    FILE *f = fopen("tests/labelled/secrets.jsonl", "r");
    char *line = NULL;
    size_t room = 0;
    struct counts sum = {0};
    assert_non_null(f);
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
        run_case((struct str){line, (size_t)n}, &sum);
    free(line);
    assert_int_equal(fclose(f), 0);
    print_message("%zu cases, %zu without a secret; %zu of %zu secrets found, %zu finds\n", sum.cases, sum.bare,
                  sum.right, sum.secrets, sum.found);
    assert_true(sum.cases > 1200 && sum.bare > 600);
    assert_true(sum.right * 1000 >= sum.secrets * 985); /* recall */
    assert_true(sum.right * 1000 >= sum.found * 995);   /* precision */
}

/* Every detector has a name of its own, and bounds that its engine accepts (privacy_open compiles all of them). */
static void names_are_unique(void **state)
{
    static const struct detector *const tables[] = {detectors_vendors, detectors_keys, detectors_assigned};
    const size_t counts[] = {detectors_vendors_count, detectors_keys_count, detectors_assigned_count};
    const char *seen[400];
    size_t n = 0;
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        for (size_t i = 0; i < counts[t]; i++) {
            const struct detector *d = &tables[t][i];
            assert_true(d->class == PRIVACY_SECRET && d->most > 0 && d->most <= DETECTOR_MOST && d->prefilter);
            for (size_t k = 0; k < n; k++)
                assert_string_not_equal(d->name, seen[k]);
            assert_true(n < 400);
            seen[n++] = d->name;
        }
    }
}

static void places_and_values(void **state)
{
    static const char *const places[] = {"<token>",
                                         "${KEY}",
                                         "$KEY",
                                         "{{ key }}",
                                         "%KEY%",
                                         "YOUR_KEY",
                                         "your-api-key",
                                         "xxxxxxxx",
                                         "********",
                                         "changeme",
                                         "AKIA"
                                         "IOSFODNN7EXAMPLE",
                                         "...",
                                         "",
                                         "%s:%s",
                                         "REDACTED",
                                         "null",
                                         "#{secret}",
                                         "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"};
    static const char *const values[] = {
        "hunter2", "$ecr#t1", "%7Bpw", "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0uSeidKulI1Ypz3R7t", "p@ss", "q", "Xy7!pq"};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!secret_placeholder(str_of(places[i])))
            fail_msg("a value? %s", places[i]);
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        bool place = secret_placeholder(str_of(values[i]));
        if (place != !strcmp(values[i], "q"))
            fail_msg("a place? %s", values[i]);
    }
}

static void chance_and_words(void **state)
{
    static const char *const chance[] = {"d41d8cd98f00b204e9800998ecf8427e", "k3Jd9sLq0ZpX", "ABCDE-12345-FGHIJ-67890",
                                         "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "qWErtYuiOPasDFghJKlz"};
    static const char *const words[] = {"db-credentials",          "user_profile_v2",  "app.config.name",
                                        "EllipticCurvePrivateKey", "1.2.3-beta",       "2024-01-01T00:00",
                                        "synthetic-59177",         "192.168.0.1:8080", "short1"};
    (void)state;
    for (size_t i = 0; i < sizeof chance / sizeof chance[0]; i++) {
        if (!secret_random(str_of(chance[i])))
            fail_msg("words? %s", chance[i]);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (secret_random(str_of(words[i])))
            fail_msg("chance? %s", words[i]);
    }
}

static void code_is_told(void **state)
{
    static const char *const code[] = {"getpass.getpass()",
                                       "config.password",
                                       "os.environ[\"X\"]",
                                       "this->token",
                                       "string",
                                       "Settings::KEY",
                                       "next(tokens)",
                                       "<div>"};
    static const char *const none[] = {"Pa55w.rd", "hunter2", "S3cr)t", "a.1b2c"};
    (void)state;
    for (size_t i = 0; i < sizeof code / sizeof code[0]; i++) {
        if (!secret_code(str_of(code[i])))
            fail_msg("no code? %s", code[i]);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        if (secret_code(str_of(none[i])))
            fail_msg("code? %s", none[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_labelled_case), cmocka_unit_test(names_are_unique), cmocka_unit_test(places_and_values),
        cmocka_unit_test(chance_and_words),   cmocka_unit_test(code_is_told),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
