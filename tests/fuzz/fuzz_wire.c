/* Requests and answers in all four wire formats. Whatever the bytes: no crash; a body that is an object stays valid
 * JSON when our members go and a block comes in; the messages read are bounded and valid text; an answer read whole or
 * as a stream gives valid metadata. */
#include "base/text.h"
#include "doors/proxy/answer.h"
#include "doors/proxy/ask.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire *const wires[] = {&wire_chat, &wire_completions, &wire_responses, &wire_messages};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_object(struct arena *a, struct str s)
{
    const struct json *v;
    must(json_parse(a, s, JSON_DUPLICATES_OK, &v, NULL) == ERR_OK && v->type == JSON_OBJECT);
}

static void check_messages(struct arena *a, const struct wire_request *r)
{
    for (size_t i = 0; i < r->n_messages; i++) {
        const struct chat_message *m = &r->messages[i];
        must(m->text.p && text_utf8_valid(m->text));
        must(str_is(m->role, "user") || str_is(m->role, "assistant") || str_is(m->role, "tool"));
        if (m->metadata.p)
            must_be_object(a, m->metadata);
    }
}

static void check_splice(struct arena *a, const struct wire *wire, struct str text, const struct json *body,
                         const struct wire_request *r)
{
    struct splice s;
    struct buf out;
    splice_init(&s, text);
    splice_remove_members(&s, body, ask_members);
    if (r->place)
        wire->put(a, r, STR("recalled \"data\"\n"), &s);
    buf_init(&out, 0);
    splice_write(&s, &out);
    if (!out.failed) {
        const struct json *v;
        must(json_parse(a, buf_view(&out), JSON_DUPLICATES_OK, &v, NULL) == ERR_OK);
        for (const char *const *name = ask_members; *name; name++)
            must(!json_get(v, *name));
    }
    buf_release(&out);
}

static void check_request(const struct wire *wire, struct str text)
{
    struct arena *a = arena_new();
    const struct json *body;
    struct wire_request r;
    struct ask ask;
    struct err e = {0};
    if (json_parse(a, text, JSON_DUPLICATES_OK, &body, NULL) == ERR_OK && body->type == JSON_OBJECT) {
        if (ask_read(body, STR("s"), &ask, &e) == ERR_OK)
            must(ask.named && ask.session.n);
        else
            must(e.code == ERR_INVALID && e.field[0]);
        must(!json_get(body, "session_id") || ask_might_name(text));
        wire->read(a, body, &r);
        check_messages(a, &r);
        check_splice(a, wire, text, body, &r);
    }
    arena_free(a);
}

static void check_answer(const struct wire *wire, bool streamed, struct str text, size_t step)
{
    struct arena *a = arena_new();
    struct answer *x = answer_new(wire, streamed);
    while (text.n) {
        struct str piece = str_take(text, step);
        answer_feed(x, piece);
        text = str_skip(text, piece.n);
    }
    answer_end(x);
    must(text_utf8_valid(answer_turn(x, a)));
    must_be_object(a, answer_metadata(x, a, 1));
    answer_free(x);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const struct wire *wire = wires[data[0] & 3];
    size_t step = 1 + (data[0] >> 4) * 7u;
    struct str text = {(const char *)data + 1, size - 1};
    check_request(wire, text);
    check_answer(wire, true, text, step);
    check_answer(wire, false, text, step);
    return 0;
}
