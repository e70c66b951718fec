/* OpenAI's old completions: {model, prompt}, answered by choices with a text. Memory works for one prompt that is a
 * string; lists of prompts and of tokens pass by. */
#include "doors/proxy/answer.h"

#include "base/json_write.h"

static void completions_read(struct arena *a, const struct json *body, struct wire_request *out)
{
    const struct json *prompt = json_get_type(body, "prompt", JSON_STRING);
    if (!wire_read_common(a, body, 1, out) || !prompt)
        return;
    struct wire_draft d;
    wire_draft_init(&d, a, STR("user"));
    wire_draft_text(&d, prompt->s);
    if (d.text.n) {
        out->place = prompt;
        out->prefix = prompt->raw;
    }
    wire_draft_finish(&d, out);
}

/* Into the string, right after its opening quote. */
static void completions_put(struct arena *a, const struct wire_request *r, struct str block, struct splice *s)
{
    struct buf b;
    buf_init(&b, 0);
    jw_escape(&b, block);
    buf_cstr(&b, "\\n\\n");
    if (b.failed)
        s->failed = true;
    else
        splice_insert(s, r->place->raw.p + 1, arena_str(a, buf_view(&b)));
    buf_release(&b);
}

static void take(struct answer *x, const struct json *body)
{
    const struct json *choices = json_get_type(body, "choices", JSON_ARRAY);
    answer_set_head(x, body);
    for (size_t i = 0; choices && i < choices->n; i++) {
        const struct json *c = &choices->items[i], *index = json_get_type(c, "index", JSON_INT);
        int64_t at = index ? index->integer : (int64_t)i;
        answer_add_text(x, at, 0, json_text(c, "text"));
        answer_set_finish(x, at, json_text(c, "finish_reason"));
    }
    answer_set_usage(x, json_get_type(body, "usage", JSON_OBJECT));
    if (json_get_type(body, "error", JSON_OBJECT))
        answer_set_failed(x);
}

static void completions_whole(struct answer *x, const struct json *body)
{
    take(x, body);
    answer_set_over(x);
}

static void completions_event(struct answer *x, struct str name, const struct json *data)
{
    if (!data || str_is(name, "error"))
        answer_set_failed(x);
    else
        take(x, data);
}

const struct wire wire_completions = {.name = "completions",
                                      .read = completions_read,
                                      .put = completions_put,
                                      .whole = completions_whole,
                                      .event = completions_event};
