/* Words that are no flags: joined, read from standard input for "-", or key=value members of a record. */
#include "doors/cli/arguments_words.h"

#include "base/json_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { STDIN_MAX = 16 << 20, READ_STEP = 64 << 10 };

/* To its end, however it comes: a file, a pipe, typed. */
enum err_code words_stdin(struct cli *c, struct str *out, struct err *e)
{
    struct buf b;
    enum err_code code = ERR_OK;
    buf_init(&b, STDIN_MAX + READ_STEP);
    for (;;) {
        char *room = buf_room(&b, READ_STEP);
        if (!room) {
            code = b.n >= STDIN_MAX
                       ? err_set(e, ERR_TOO_LARGE, NULL, "standard input is longer than %d MiB", STDIN_MAX >> 20)
                       : err_nomem(e);
            break;
        }
        ssize_t n = read(STDIN_FILENO, room, READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = err_errno(e, "read", "standard input");
        if (n <= 0)
            break;
        buf_added(&b, (size_t)n);
    }
    while (b.n > 0 && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r'))
        b.n--; /* the end of the last line is the shell's, not the text's */
    if (!code) {
        *out = arena_str(c->arena, b.n ? buf_view(&b) : STR(""));
        code = out->p ? ERR_OK : err_nomem(e);
    }
    buf_release(&b);
    return code;
}

/* `cairn recall what did we decide` needs no quotes. */
static enum err_code join(struct words *w, struct str *out, struct err *e)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t first = w->at; w->at < w->n; w->at++) {
        if (w->at > first)
            buf_char(&b, ' ');
        buf_str(&b, w->words[w->at]);
    }
    *out = b.failed ? STR_NONE : arena_str(w->c->arena, b.n ? buf_view(&b) : STR(""));
    buf_release(&b);
    return out->p ? ERR_OK : err_nomem(e);
}

enum err_code words_take(struct words *w, const struct op_arg *arg, struct str *out, bool *found, struct err *e)
{
    *found = w->at < w->n;
    if (!*found)
        return ERR_OK;
    if (arg->type == ARG_TEXT && str_is(w->words[w->at], "-") && w->at + 1 == w->n) {
        w->at++;
        return words_stdin(w->c, out, e);
    }
    if (arg->flags & ARG_REST)
        return join(w, out, e);
    *out = w->words[w->at++];
    return ERR_OK;
}

enum err_code words_unexpected(const struct words *w, struct str word, struct err *e)
{
    struct str shown = clean_line(w->c->arena, str_take(word, 60));
    return err_set(e, ERR_INVALID, NULL, "%s does not know what to do with \"%.*s\"", w->c->command, STR_ARG(shown));
}

static enum field_type member_type(const struct kind *k, struct str key)
{
    int i = kind_field(k, key);
    return i < 0 ? FIELD_TEXT : k->fields[i].type;
}

/* One member's value as JSON: what is no number or no JSON where it should be goes in as a string, so that the
 * record's own check says what is wrong. */
static void write_member(struct cli *c, struct json_out *w, enum field_type type, struct str v)
{
    const struct json *parsed;
    bool text = type == FIELD_TEXT || type == FIELD_ENUM || type == FIELD_TIME;
    if (text && (type == FIELD_TEXT || v.n > 0))
        jw_str(w, v);
    else if (v.n == 0)
        jw_null(w);
    else if (type == FIELD_BOOL && (str_is(v, "yes") || str_is(v, "1")))
        jw_bool(w, true);
    else if (type == FIELD_BOOL && (str_is(v, "no") || str_is(v, "0")))
        jw_bool(w, false);
    else if (json_parse(c->arena, v, 0, &parsed, NULL) == ERR_OK)
        jw_value(w, parsed);
    else
        jw_str(w, v);
}

enum err_code arguments_record(struct cli *c, const struct kind *k, const struct str *words, size_t n, struct str *out,
                               struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        struct str value = words[i], key = str_cut(&value, '=');
        if (!value.p || key.n == 0) {
            struct str shown = clean_line(c->arena, str_take(words[i], 60));
            code = err_set(e, ERR_INVALID, NULL, "\"%.*s\" is not of the form field=value", STR_ARG(shown));
            break;
        }
        if (str_is(value, "-") && member_type(k, key) == FIELD_TEXT)
            code = words_stdin(c, &value, e);
        jw_key_str(&w, key);
        write_member(c, &w, member_type(k, key), value);
    }
    jw_end_object(&w);
    if (!code) {
        *out = b.failed ? STR_NONE : arena_str(c->arena, buf_view(&b));
        code = out->p ? ERR_OK : err_nomem(e);
    }
    buf_release(&b);
    return code;
}
