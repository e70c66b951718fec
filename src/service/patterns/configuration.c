/* Configuration: settings with their values and what they are for. Three forms: NAME=value in code or between
 * back-quotes, "set `name` to `value`", and a fenced settings file whose sentence names the file. Without a purpose in
 * the turn a setting is only something that was shown. Values of names that sound secret are left out. */
#include "service/patterns/extract.h"

#include "base/json_write.h"

#include <string.h>

enum { SETTINGS_MAX = 40, NAME_MIN = 3, NAME_LONGEST = 80, VALUE_MAX = 400 };

static const char *const PURPOSE[] = {"so that",    "otherwise",  "because", "this keeps",  "keeps",      "chooses",
                                      "without it", "controls",   "limits",  "in order to", "needs this", "prevents",
                                      "avoids",     "makes sure", "ensures", "to switch",   "to turn on", "to enable",
                                      "to disable", "to use",     "allows",  NULL};
static const char *const CONFIG_WORD[] = {"config", "configuration", "setting", "settings", "environment", "env", NULL};
static const char *const CONFIG_FILE[] = {".json", ".yaml", ".yml", ".toml",       ".ini",
                                          ".conf", ".env",  ".cfg", ".properties", NULL};
static const char *const FILE_LANGUAGE[] = {"json", "yaml", "yml", "toml", "ini", "conf", "properties", NULL};
static const char *const SHOWN[] = {"let me", "i see", "i ran", "looking at", "output", "currently", NULL};
static const char *const SECRET[] = {"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", NULL};

struct setting {
    struct str name, value;
};
struct settings {
    struct setting list[SETTINGS_MAX];
    size_t n;
    struct str file; /* the fenced file's text */
    struct str lead;
};

static bool contains_any(struct str s, const char *const *list)
{
    for (; *list; list++) {
        if (str_find(s, str_of(*list)) >= 0)
            return true;
    }
    return false;
}

static bool upper_name(struct str s)
{
    bool upper = s.n >= NAME_MIN && s.n <= NAME_LONGEST && s.p[0] >= 'A' && s.p[0] <= 'Z';
    for (size_t i = 0; upper && i < s.n; i++)
        upper = (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_';
    return upper;
}

static void add(struct settings *s, struct str name, struct str value)
{
    if (s->n == SETTINGS_MAX || !value.n || value.n > VALUE_MAX)
        return;
    bool secret = contains_any(name, SECRET);
    s->list[s->n++] = (struct setting){name, secret ? STR("(secret)") : value};
}

/* "export NAME=value  # why" */
static void read_assignment(struct settings *s, struct str line)
{
    line = str_trim(line);
    if (str_starts(line, "export "))
        line = str_trim(str_skip(line, 7));
    struct str name = str_cut(&line, '=');
    if (!line.p || !upper_name(name))
        return;
    ptrdiff_t remark = str_find(line, STR(" #"));
    add(s, name, str_trim(remark >= 0 ? str_take(line, (size_t)remark) : line));
}

/* The next `…` of *rest; STR_NONE when there is none. *between: what stood before it. */
static struct str next_quoted(struct str *rest, struct str *between)
{
    ptrdiff_t from = str_find(*rest, STR("`"));
    if (from < 0)
        return STR_NONE;
    *between = str_take(*rest, (size_t)from);
    struct str inner = str_skip(*rest, (size_t)from + 1);
    *rest = inner;
    struct str text = str_cut(rest, '`');
    return rest->p ? text : STR_NONE;
}

/* `NAME=value` and "set `name` to `value`" in a sentence. */
static void read_sentence(struct settings *s, struct str sentence)
{
    static const char *const to[] = {"to", "=", "as", NULL};
    struct str rest = sentence, between = STR_NONE, name = STR_NONE;
    bool sets = cue_at(sentence, "set") >= 0 || cue_at(sentence, "setting") >= 0;
    for (;;) {
        struct str text = next_quoted(&rest, &between);
        if (!text.p)
            return;
        read_assignment(s, text);
        struct str joint = str_trim(between);
        if (sets && name.n && joint.n <= 6 && cue_begins(joint, to)) {
            add(s, name, text);
            name = STR_NONE;
        } else {
            name = text;
        }
    }
}

static bool is_settings_file(const struct pt_block *b, struct str lead)
{
    bool language = false;
    for (const char *const *l = FILE_LANGUAGE; *l; l++)
        language = language || str_is(b->label, *l);
    return language && (contains_any(lead, CONFIG_FILE) || cue_any(lead, CONFIG_WORD, NULL));
}

static void read_code(struct settings *s, const struct pattern_text *t, size_t i)
{
    const struct pt_block *b = &t->blocks[i];
    struct str lead = text_lead(t, i), rest = b->text;
    size_t before = s->n;
    if (cue_any(lead, SHOWN, NULL))
        return;
    if (is_settings_file(b, lead) && !s->file.n) {
        s->file = b->text;
        s->lead = lead;
        return;
    }
    bool plain = !b->label.n || str_is(b->label, "bash") || str_is(b->label, "sh") || str_is(b->label, "env") ||
                 str_is(b->label, "dotenv") || str_is(b->label, "ini");
    while (plain && rest.p)
        read_assignment(s, str_cut(&rest, '\n'));
    if (s->n > before && !s->lead.n)
        s->lead = lead;
}

static bool purpose(const struct pattern_text *t)
{
    for (size_t i = 0; i < t->n_sentences; i++) {
        if (cue_any(t->sentences[i].text, PURPOSE, NULL) && !text_is_question(t->sentences[i].text))
            return true;
    }
    return false;
}

static struct str write_settings(const struct pattern_text *t, const struct settings *s)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_key(&w, "settings");
    jw_array(&w);
    for (size_t i = 0; i < s->n; i++) {
        jw_object(&w);
        jw_kstr(&w, "name", s->list[i].name);
        jw_kstr(&w, "value", s->list[i].value);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    return buf_take(&b, t->arena);
}

static struct str write_template(const struct pattern_text *t, const struct settings *s)
{
    struct buf b;
    buf_init(&b, 0);
    buf_str(&b, s->file);
    for (size_t i = 0; i < s->n; i++)
        buf_fmt(&b, "%.*s=%.*s\n", STR_ARG(s->list[i].name), STR_ARG(s->list[i].value));
    return buf_take(&b, t->arena);
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct settings *s = arena_alloc(t->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    for (size_t i = 0; i < t->n_blocks; i++) {
        if (t->blocks[i].kind == PT_CODE)
            read_code(s, t, i);
    }
    for (size_t i = 0; i < t->n_sentences; i++) {
        size_t before = s->n;
        read_sentence(s, t->sentences[i].text);
        if (s->n > before && !s->lead.n)
            s->lead = t->sentences[i].text;
    }
    if ((!s->n && !s->file.n) || !purpose(t))
        return ERR_OK;
    out->confidence = s->n > 1 || s->file.n ? 0.85 : 0.7;
    out->description = s->lead;
    out->details = write_settings(t, s);
    out->template = write_template(t, s);
    /* the passage itself may hold what was left out above */
    out->example = out->template;
    return out->details.p && out->template.p ? ERR_OK : err_nomem(e);
}

const struct pattern_extractor extract_configuration = {"configuration", extract};
