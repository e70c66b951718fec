/* The table of formats: one line each. */
#include "history/formats.h"

static const struct history_format *const table[] = {
    &history_claude,         //
    &history_codex,          //
    &history_chatgpt,        //
    &history_claude_ai,      //
    &history_gemini,         //
    &history_opencode,       //
    &history_cursor,         //
    &history_memory_context, //
    &history_ccc,            //
    &history_weaver,         //
    &history_generic,        //
};

const struct history_format *const *history_formats(size_t *n)
{
    *n = sizeof table / sizeof *table;
    return table;
}

const struct history_format *history_format_find(struct str name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_is(name, table[i]->name))
            return table[i];
    return NULL;
}
