/* Signs that are no words: those of chat templates and tools, the block's own tag, links made to carry data away. They
 * are searched in the text as it reads, so that full width and entities make no difference. */
#include "privacy/injection_int.h"

struct sign {
    enum injection_reason reason;
    double weight;
    const char *text;
};

static const struct sign signs[] = {
    {INJECTION_TEMPLATE, 0.65, "<|im_start|>"},
    {INJECTION_TEMPLATE, 0.65, "<|im_end|>"},
    {INJECTION_TEMPLATE, 0.65, "<|system|>"},
    {INJECTION_TEMPLATE, 0.6, "<|user|>"},
    {INJECTION_TEMPLATE, 0.6, "<|assistant|>"},
    {INJECTION_TEMPLATE, 0.6, "<|endoftext|>"},
    {INJECTION_TEMPLATE, 0.65, "<|eot_id|>"},
    {INJECTION_TEMPLATE, 0.65, "<|start_header_id|>"},
    {INJECTION_TEMPLATE, 0.65, "<|begin_of_text|>"},
    {INJECTION_TEMPLATE, 0.6, "<|channel|>"},
    {INJECTION_TEMPLATE, 0.65, "[inst]"},
    {INJECTION_TEMPLATE, 0.65, "[/inst]"},
    {INJECTION_TEMPLATE, 0.65, "<<sys>>"},
    {INJECTION_TEMPLATE, 0.65, "<start_of_turn>"},
    {INJECTION_TEMPLATE, 0.65, "<end_of_turn>"},
    {INJECTION_TEMPLATE, 0.3, "\n\nhuman:"},
    {INJECTION_TEMPLATE, 0.3, "\n\nassistant:"},
    {INJECTION_TEMPLATE, 0.4, "### instruction:"},
    {INJECTION_TEMPLATE, 0.4, "### system:"},
    {INJECTION_SYSTEM, 0.5, "<system>"},
    {INJECTION_SYSTEM, 0.5, "</system>"},
    {INJECTION_SYSTEM, 0.5, "[system]"},
    {INJECTION_SYSTEM, 0.5, "[system:"},
    {INJECTION_SYSTEM, 0.5, "<system_prompt>"},
    {INJECTION_SYSTEM, 0.4, "<system-reminder>"},
    {INJECTION_SYSTEM, 0.5, "[system message]"},
    {INJECTION_SYSTEM, 0.5, "<admin>"},
    {INJECTION_SYSTEM, 0.5, "<instructions>"},
    {INJECTION_SYSTEM, 0.5, "<important>"},
    {INJECTION_TOOL, 0.55, "<tool_call>"},
    {INJECTION_TOOL, 0.55, "<function_calls>"},
    {INJECTION_TOOL, 0.55, "<function_results>"},
    {INJECTION_TOOL, 0.55, "<tool_result>"},
    {INJECTION_TOOL, 0.55, "<tool_response>"},
    {INJECTION_TOOL, 0.55, "<invoke name="},
    {INJECTION_TOOL, 0.55, "<tool_use>"},
    {INJECTION_TOOL, 0.55, "[tool_calls]"},
    {INJECTION_TOOL, 0.55, "<function="},
};

/* Whether a sign stands in quotes or in backticks: somebody writes about it. */
static bool is_shown(struct str s, size_t at, size_t n)
{
    char before = at ? s.p[at - 1] : '\n', behind = at + n < s.n ? s.p[at + n] : '\n';
    if (before == '`')
        return true;
    return (before == '"' || before == '\'') && (behind == before || behind == '`' || behind == '"' || behind == '\'');
}

static void find_signs(const struct injection_text *t, struct injection *out)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        struct str sign = str_of(signs[i].text);
        for (size_t from = 0; from < t->plain.n;) {
            ptrdiff_t at = str_find(str_skip(t->plain, from), sign);
            if (at < 0)
                break;
            from += (size_t)at;
            injection_note(out, signs[i].reason,
                           is_shown(t->plain, from, sign.n) ? 0.2 : signs[i].weight * (injection_about(t) ? 0.75 : 1));
            from += sign.n;
        }
    }
}

/* The tag of the recalled block, with whatever signs between its letters. */
static bool reads_tag(struct str s)
{
    static const char name[] = "recalledmemory";
    size_t k = 0;
    for (size_t i = 0; i < s.n && i < 80 && name[k]; i++) {
        char c = s.p[i];
        if (c == name[k])
            k++;
        else if ((c >= 'a' && c <= 'z') || c == '<')
            return false;
    }
    return !name[k];
}

static void find_block(const struct injection_text *t, struct injection *out)
{
    for (size_t i = 0; i < t->plain.n; i++) {
        if (t->plain.p[i] == '<' && reads_tag(str_skip(t->plain, i + 1)))
            injection_note(out, INJECTION_BLOCK, is_shown(t->plain, i, 1) ? 0.2 : 0.9);
    }
}

static bool names_data(struct str url)
{
    static const char *const data[] = {
        "{",     "[",      "<",      "$(",      "data",    "secret", "password", "conversation", "history",
        "token", "prompt", "memory", "summary", "api_key", "apikey", "context",  "chat"};
    ptrdiff_t query = str_find(url, STR("?"));
    if (query < 0)
        return false;
    struct str rest = str_skip(url, (size_t)query);
    ptrdiff_t value = str_find(rest, STR("="));
    if (value < 0)
        return false;
    rest = str_skip(rest, (size_t)value + 1);
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        ptrdiff_t at = str_find(rest, str_of(data[i]));
        if (at >= 0 && (i < 4 || at < 24))
            return true;
    }
    return false;
}

/* ![x](https://somewhere/?q={the conversation}): a picture whose address carries what the model puts into it. */
static void find_pictures(const struct injection_text *t, struct injection *out)
{
    struct str s = t->plain;
    for (size_t i = 0; i + 4 < s.n; i++) {
        if (s.p[i] != '!' || s.p[i + 1] != '[')
            continue;
        struct str rest = str_take(str_skip(s, i), 600);
        ptrdiff_t open = str_find(rest, STR("](http"));
        if (open < 0)
            continue;
        rest = str_skip(rest, (size_t)open + 2);
        ptrdiff_t close = str_find(rest, STR(")"));
        if (close > 0 && names_data(str_take(rest, (size_t)close)))
            injection_note(out, INJECTION_EXFILTRATE, 0.65 * (injection_about(t) ? 0.8 : 1));
    }
}

static void find_hidden(const struct injection_text *t, struct injection *out)
{
    if (t->tags >= 4)
        injection_note(out, INJECTION_HIDDEN, 0.8);
    if (t->hidden >= 8)
        injection_note(out, INJECTION_HIDDEN, 0.55);
    else if (t->hidden >= 3)
        injection_note(out, INJECTION_HIDDEN, 0.3);
    if (t->overridden)
        injection_note(out, INJECTION_HIDDEN, 0.4);
}

void injection_signs(const struct injection_text *t, struct injection *out)
{
    find_signs(t, out);
    find_block(t, out);
    find_pictures(t, out);
    find_hidden(t, out);
}
