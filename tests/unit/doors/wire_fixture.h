/* Tests of the wire formats: a request's messages as lines, a body with a block put in, an answer's turn. */
#ifndef CAIRN_TEST_WIRE_FIXTURE_H
#define CAIRN_TEST_WIRE_FIXTURE_H

#include "unit/base/unit.h"

#include "doors/proxy/answer.h"
#include "doors/proxy/ask.h"
#include "doors/proxy/wire.h"

#include <string.h>

/* "role: text {metadata}\n" for each message. */
static inline const char *read_messages(struct arena *a, const struct wire *wire, const char *body,
                                        struct wire_request *out)
{
    const struct json *v;
    struct str text = arena_str(a, STR(""));
    struct wire_request own;
    if (!out)
        out = &own;
    assert_int_equal(json_parse(a, str_of(body), JSON_DUPLICATES_OK, &v, NULL), ERR_OK);
    wire->read(a, v, out);
    for (size_t i = 0; i < out->n_messages; i++) {
        const struct chat_message *m = &out->messages[i];
        assert_non_null(m->text.p);
        text = arena_fmt(a, "%.*s%.*s: %.*s%s%.*s\n", STR_ARG(text), STR_ARG(m->role), STR_ARG(m->text),
                         m->metadata.p ? " " : "", STR_ARG(m->metadata));
    }
    return text.p;
}

/* The body as it goes up: our members gone, the block put in. */
static inline const char *put_block(struct arena *a, const struct wire *wire, const char *body, const char *block)
{
    const struct json *v;
    struct wire_request r;
    struct splice s;
    struct buf b;
    assert_int_equal(json_parse(a, str_of(body), JSON_DUPLICATES_OK, &v, NULL), ERR_OK);
    wire->read(a, v, &r);
    splice_init(&s, str_of(body));
    splice_remove_members(&s, v, ask_members);
    if (r.place)
        wire->put(a, &r, str_of(block), &s);
    buf_init(&b, 0);
    splice_write(&s, &b);
    assert_false(b.failed);
    const struct json *again; /* whatever was done to it: it is JSON still */
    assert_int_equal(json_parse(a, buf_view(&b), JSON_DUPLICATES_OK, &again, NULL), ERR_OK);
    const char *out = arena_cstr(a, buf_view(&b));
    buf_release(&b);
    return out;
}

static inline struct answer *read_answer(const struct wire *wire, bool streamed, const char *bytes)
{
    struct answer *x = answer_new(wire, streamed);
    assert_non_null(x);
    answer_feed(x, str_of(bytes));
    answer_end(x);
    return x;
}

#define assert_text(s, text) assert_string_equal(arena_cstr(a, s), text)

#endif
