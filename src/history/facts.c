/* Facts and texts: see facts.h. The forms are narrow; what has none of them is a text, and costs a look. */
#include "history/facts.h"

enum { WORD_BYTES = 48, PART_BYTES = 14, RUN_DIGITS = 8, ID_BYTES = 60, DEPTH = 4 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_uuid(struct str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

static size_t longest_digits(struct str s)
{
    size_t most = 0, run = 0;
    for (size_t i = 0; i < s.n; i++) {
        run = is_digit(s.p[i]) ? run + 1 : 0;
        most = run > most ? run : most;
    }
    return most;
}

/* "msg_01AbC", "req_…", "toolu_…": what the tool's servers number with. */
static bool is_id(struct str s)
{
    static const char *const begins[] = {"msg_", "req_", "toolu_", "srvtoolu_"};
    bool known = false;
    if (s.n > ID_BYTES || longest_digits(s) > RUN_DIGITS)
        return false;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        known = known || str_starts(s, begins[i]);
    for (size_t i = 0; known && i < s.n; i++)
        known =
            is_digit(s.p[i]) || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_';
    return known;
}

/* "2.1.40": not four parts, which could be an address. */
static bool is_version(struct str s)
{
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) && s.p[i] != '.')
            return false;
        dots += s.p[i] == '.';
    }
    return s.n && s.n <= 12 && dots <= 2 && longest_digits(s) <= 3;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* All letters, a small number, a date, or so short that letters and digits may mix. */
static bool is_part(struct str s)
{
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < s.n; i++) {
        digits += is_digit(s.p[i]);
        letters += is_letter(s.p[i]);
    }
    if (digits + letters != s.n || s.n > PART_BYTES)
        return false;
    return letters == s.n || s.n <= 3 || (digits == RUN_DIGITS && s.n == RUN_DIGITS && str_starts(s, "20"));
}

/* "claude-haiku-4-5-20251001", "end_turn", "main", "Bash". */
static bool is_word(struct str s)
{
    bool plain = s.n > 0 && s.n <= WORD_BYTES && is_letter(*s.p);
    for (size_t from = 0, i = 0; plain && i <= s.n; i++) {
        if (i < s.n && s.p[i] != '-' && s.p[i] != '_')
            continue;
        plain = is_part((struct str){s.p + from, i - from});
        from = i + 1;
    }
    return plain;
}

bool history_harmless(struct str s)
{
    return is_uuid(s) || is_word(s) || is_version(s) || is_id(s);
}

static bool figures_only(const struct json *v, int depth)
{
    if (depth > DEPTH)
        return false;
    if (v->type == JSON_STRING)
        return v->s.n == 0 || history_harmless(v->s);
    if (v->type == JSON_INT)
        return v->integer < 1000000000 && v->integer > -1000000000;
    if (v->type == JSON_NULL || v->type == JSON_BOOL)
        return true;
    bool plain = v->type == JSON_OBJECT || v->type == JSON_ARRAY;
    for (size_t i = 0; plain && i < v->n; i++)
        plain = figures_only(&v->items[i], depth + 1) && (v->type == JSON_ARRAY || history_harmless(v->keys[i].key));
    return plain;
}

/* ---- notes ---- */

void notes_init(struct history_notes *n)
{
    buf_init(&n->facts, 0);
    buf_init(&n->texts, 0);
    jw_init(&n->f, &n->facts);
    jw_init(&n->t, &n->texts);
}

void notes_clear(struct history_notes *n)
{
    buf_clear(&n->facts);
    buf_clear(&n->texts);
    jw_init(&n->f, &n->facts);
    jw_init(&n->t, &n->texts);
}

void notes_free(struct history_notes *n)
{
    buf_release(&n->facts);
    buf_release(&n->texts);
}

bool notes_failed(const struct history_notes *n)
{
    return n->facts.failed || n->texts.failed;
}

void notes_put(struct history_notes *n, const char *name, struct str value)
{
    if (value.n)
        jw_kstr(history_harmless(value) ? &n->f : &n->t, name, value);
}

void notes_flag(struct history_notes *n, const char *name)
{
    jw_kbool(&n->f, name, true);
}

void notes_object(struct history_notes *n, const char *name, const struct json *o)
{
    struct json_out *w = figures_only(o, 0) ? &n->f : &n->t;
    jw_key(w, name);
    jw_value(w, o);
}
