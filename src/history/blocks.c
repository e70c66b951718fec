/* Messages from parts: see blocks.h. */
#include "history/blocks.h"

#include "base/text.h"

void blocks_init(struct blocks *b)
{
    buf_init(&b->text, 0);
    buf_init(&b->thinking, 0);
    buf_init(&b->tools, 0);
    b->n_calls = 0;
}

void blocks_clear(struct blocks *b)
{
    buf_clear(&b->text);
    buf_clear(&b->thinking);
    buf_clear(&b->tools);
    b->n_calls = 0;
}

void blocks_free(struct blocks *b)
{
    buf_release(&b->text);
    buf_release(&b->thinking);
    buf_release(&b->tools);
}

static void paragraph(struct buf *b, struct str text)
{
    if (!str_trim(text).n)
        return;
    if (b->n)
        buf_cstr(b, "\n\n");
    buf_str(b, text);
}

void blocks_text(struct blocks *b, struct str text)
{
    paragraph(&b->text, text);
}

void blocks_thought(struct blocks *b, struct str text)
{
    paragraph(&b->thinking, text);
}

void blocks_tool(struct blocks *b, struct str name, struct str id, const struct json *input, struct str result)
{
    struct json_out w;
    size_t before = b->text.n;
    paragraph(&b->text, STR("\xe2\x86\x92 ")); /* an arrow */
    if (b->n_calls < BLOCKS_CALLS) {
        b->calls[b->n_calls].id = id;
        b->calls[b->n_calls++].from = before ? before + 2 : 0;
    }
    buf_str(&b->text, name.n ? name : STR("tool"));
    if (input && input->type != JSON_NULL) {
        buf_char(&b->text, ' ');
        jw_init(&w, &b->text);
        if (input->type == JSON_STRING)
            buf_str(&b->text, input->s);
        else
            jw_value(&w, input);
    }
    jw_init(&w, &b->tools);
    w.comma = b->tools.n > 0;
    jw_object(&w);
    if (name.n)
        jw_kstr(&w, "name", name);
    if (id.n)
        jw_kstr(&w, "id", id);
    if (result.n)
        jw_kstr(&w, "result", text_cut(result, BLOCKS_RESULT_MOST));
    if (result.n > BLOCKS_RESULT_MOST)
        jw_kbool(&w, "cut", true);
    jw_end_object(&w);
}

void blocks_metadata(const struct blocks *b, struct json_out *w)
{
    if (b->thinking.n)
        jw_kstr(w, "thinking", buf_view(&b->thinking));
    if (!b->tools.n)
        return;
    jw_key(w, "tools");
    jw_array(w);
    jw_raw(w, buf_view(&b->tools));
    jw_end_array(w);
}

size_t blocks_words(const struct blocks *b)
{
    size_t from = b->n_calls ? b->calls[0].from : 0;
    return !b->n_calls ? b->text.n : from > 2 ? from - 2 : 0; /* before the blank line */
}

bool blocks_failed(const struct blocks *b)
{
    return b->text.failed || b->thinking.failed || b->tools.failed;
}
