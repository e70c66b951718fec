/* docs: one page of the reference on standard output, or an example of cairn.toml. `make docs` writes the pages; a test
 * fails when what is checked in is not what this prints. Hidden from the overview: it is for those who build Cairn. */
#include "doors/cli/docs.h"

static const struct op_arg docs_args[] = {
    {"page", ARG_ENUM, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 0, 0, NULL,
     "operations|records|configuration|example", "which page"},
};

void docs_text(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '<')
            buf_cstr(out, "&lt;");
        else if (*text == '|' || *text == '*')
            buf_fmt(out, "\\%c", *text);
        else
            buf_char(out, *text);
    }
}

static void put_choices(struct buf *out, const char *choices)
{
    const char *before = "";
    for (struct str rest = str_of(choices); rest.p; before = ", ") {
        struct str choice = str_cut(&rest, '|');
        buf_fmt(out, "%s`%.*s`", before, STR_ARG(choice));
    }
}

void docs_range(struct buf *out, bool number, const char *choices, double min, double max)
{
    if (choices)
        put_choices(out, choices);
    else if (number && (min != 0 || max != 0))
        buf_fmt(out, "%.15g to %.15g", min, max);
    else if (!number && min > 0 && max > 0)
        buf_fmt(out, "%.15g to %.15g bytes", min, max);
    else if (!number && max > 0)
        buf_fmt(out, "to %.15g bytes", max);
}

void docs_head(struct buf *out, const char *title, const char *about)
{
    buf_fmt(out, "# %s\n\n<!-- Made from the tables by `make docs`; changes by hand are lost. -->\n\n%s\n", title,
            about);
}

static enum err_code run_docs(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g, (void)e;
    struct str page = op_text(call, "page");
    if (str_is(page, "operations"))
        docs_operations(c);
    else if (str_is(page, "records"))
        docs_records(c);
    else if (str_is(page, "configuration"))
        docs_configuration(c);
    else
        docs_example(c);
    return ERR_OK; /* out of memory shows in c->out, which is looked at before it is printed */
}

const struct command command_docs = {
    .name = "docs",
    .summary = "Print a page of the reference as Markdown, or an example of cairn.toml",
    .args = docs_args,
    .n_args = sizeof docs_args / sizeof docs_args[0],
    .hidden = true,
    .run = run_docs,
};
