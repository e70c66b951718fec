/* Escaping of recalled text. The brackets themselves go, instead of being written as entities, because models read
 * entities as what they stand for. */
#include "service/chat_escape.h"

#include "privacy/lookalike.h"

#include <string.h>

enum {
    NAME_MOST = 256,   /* characters within which a name must be read: what is drawn out further reads as no tag */
    TEMPLATE_MOST = 48 /* between two bars */
};

/* May stand between the bracket and the name, and between the name's letters, without changing what is read. */
static bool is_between(const struct lookalike *c)
{
    return c->c == LOOKALIKE_NOTHING || strchr(" \t\r\n/\\!?'\"`-_.:*|=~^+,;@#$&()[]{}<", c->c) != NULL;
}

static bool reads_as(unsigned char c, char wanted)
{
    if (c == (unsigned char)wanted)
        return true;
    switch (wanted) {
    case 'l':
        return c == '1' || c == 'i' || c == '|' || c == '!';
    case 'o':
        return c == '0';
    case 'e':
        return c == '3';
    case 'a':
        return c == '4' || c == '@';
    default:
        return false;
    }
}

/* Whether the text reads as that name, whatever stands between its letters, and however often one is repeated. */
static bool reads_name(struct str s, const char *name)
{
    const char *begin = name;
    for (size_t read = 0; *name; read++) {
        if (!s.n || read == NAME_MOST)
            return false;
        struct lookalike c = lookalike_read(s);
        if (reads_as(c.c, *name))
            name++;
        else if (!is_between(&c) && !(name > begin && reads_as(c.c, name[-1])))
            return false;
        s = str_skip(s, c.n);
    }
    return true;
}

/* <|im_start|>: a word between bars, however the bars look. x <| y and <|> are operators. */
static bool opens_template(struct str s)
{
    size_t letters = 0;
    if (!s.n || lookalike_read(s).c != '|')
        return false;
    for (size_t read = 0; read < TEMPLATE_MOST; read++) {
        s = str_skip(s, lookalike_read(s).n);
        if (!s.n)
            return false;
        struct lookalike c = lookalike_read(s);
        bool letter = c.c >= 'a' && c.c <= 'z';
        letters += letter;
        if (c.c == '|')
            return letters > 0;
        if (!letter && !(c.c >= '0' && c.c <= '9') && c.c > LOOKALIKE_OTHER && c.c != '_' && c.c != '-')
            return false;
    }
    return false;
}

/* Names in tags that are no text's business: the block's own, and turns of chat templates. */
static bool opens_tag(struct str behind)
{
    static const char *const names[] = {"recalledmemory", "startofturn", "endofturn", "sys>"};
    if (opens_template(behind))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (reads_name(behind, names[i]))
            return true;
    }
    return false;
}

/* "[12]" */
static bool opens_entry(struct str s)
{
    size_t i = 1;
    if (s.p[0] != '[')
        return false;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i > 1 && i < s.n && s.p[i] == ']';
}

static void escape(struct buf *b, struct str text, bool one_line)
{
    bool line_start = !one_line;
    while (text.n) {
        struct lookalike c = lookalike_read(text);
        struct str behind = str_skip(text, c.n);
        if (c.c == '<' && opens_tag(behind)) {
            buf_char(b, '[');
        } else if (c.c == '[' && reads_name(behind, "inst]")) {
            buf_char(b, '(');
        } else if (c.c == '[' && line_start && opens_entry(text)) {
            buf_cstr(b, "\\[");
        } else if (one_line && (c.c == '\n' || c.c == '\r')) {
            buf_char(b, ' ');
        } else {
            buf_str(b, str_take(text, c.n));
        }
        if (c.c != LOOKALIKE_NOTHING && c.c != ' ' && c.c != '\t')
            line_start = !one_line && (c.c == '\n' || c.c == '\r');
        text = behind;
    }
}

void chat_escape(struct buf *b, struct str text)
{
    escape(b, text, false);
}

void chat_escape_line(struct buf *b, struct str text)
{
    escape(b, text, true);
}
