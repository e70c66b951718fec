/* Workflows: steps that are to be done again. Three forms: a list of instructions, commands under a sentence that says
 * when to run them, and one paragraph with "first …, then …, finally …". Not workflows: what somebody is about to do
 * once ("I will: 1. …"), lists of results, findings, options or questions. */
#include "service/patterns/extract.h"

#include "base/json_write.h"

enum { STEPS_MIN = 3, STEPS_MAX = 40 };

/* Words that announce steps for everybody, any time. */
static const char *const PROCEDURE[] = {"steps",        "checklist",      "workflow",      "procedure",  "process",
                                        "runbook",      "how to",         "in this order", "whenever",   "every time",
                                        "each time",    "before each",    "before every",  "after each", "after every",
                                        "do these",     "routine",        "recipe",        "to release", "to deploy",
                                        "follow these", "these commands", "by hand",       NULL};
/* Words of a plan for now, or of a report. */
static const char *const ONCE[] = {
    "i will", "i'll",       "let me",   "i need to",    "i'm going to", "i am going to", "now",
    "todo",   "to do list", "to-do",    "remaining",    "done",         "completed",     "findings",
    "issues", "options",    "results",  "summary",      "what's left",  "what is left",  "i ran",
    "i did",  "next steps", "progress", "requirements", "task",         "tasks",         NULL};

struct steps {
    struct str lead;
    struct str items[STEPS_MAX];
    size_t n;
    double confidence;
};

static enum err_code finish(const struct pattern_text *t, const struct steps *s, struct pattern_found *out,
                            struct err *e)
{
    struct buf text, json;
    struct json_out w;
    buf_init(&text, 0);
    buf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w);
    jw_kstr(&w, "trigger", s->lead);
    jw_key(&w, "steps");
    jw_array(&w);
    for (size_t i = 0; i < s->n; i++) {
        buf_fmt(&text, "%zu. ", i + 1);
        buf_str(&text, s->items[i]);
        buf_char(&text, '\n');
        jw_str(&w, s->items[i]);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    struct str title = text_title(t, s->lead);
    out->description = title.n ? title : s->items[0];
    out->template = buf_take(&text, t->arena);
    out->details = buf_take(&json, t->arena);
    out->confidence = s->confidence;
    return out->template.p && out->details.p ? ERR_OK : err_nomem(e);
}

/* ---- a list of instructions ---- */

static double judge_list(const struct steps *s, size_t instructions, size_t questions, bool numbered)
{
    bool announced = cue_any(s->lead, PROCEDURE, NULL) != NULL;
    if (s->n < STEPS_MIN || questions || cue_any(s->lead, ONCE, NULL))
        return 0;
    if (announced && instructions * 3 >= s->n * 2)
        return numbered ? 0.9 : 0.85;
    /* an order alone speaks for steps only where each of them is an instruction */
    return numbered && instructions == s->n ? 0.7 : 0;
}

/* The list that begins at block i. Returns the block after it. */
static size_t read_list(const struct pattern_text *t, size_t i, struct steps *s)
{
    size_t instructions = 0, questions = 0;
    bool numbered = t->blocks[i].numbered;
    *s = (struct steps){.lead = text_lead(t, i)};
    for (; i < t->n_blocks && t->blocks[i].kind == PT_ITEM; i++) {
        if (s->n == STEPS_MAX)
            continue;
        s->items[s->n++] = t->blocks[i].text;
        instructions += text_is_instruction(t->blocks[i].text);
        questions += text_is_question(t->blocks[i].text);
    }
    s->confidence = judge_list(s, instructions, questions, numbered);
    return i;
}

/* ---- commands ---- */

static bool is_shell(struct str label)
{
    return label.n == 0 || str_is(label, "sh") || str_is(label, "bash") || str_is(label, "shell") ||
           str_is(label, "console") || str_is(label, "zsh");
}

static void read_commands(const struct pattern_text *t, size_t i, struct steps *s)
{
    struct str rest = t->blocks[i].text;
    *s = (struct steps){.lead = text_lead(t, i)};
    if (!is_shell(t->blocks[i].label) || !cue_any(s->lead, PROCEDURE, NULL) || cue_any(s->lead, ONCE, NULL))
        return;
    while (rest.p && s->n < STEPS_MAX) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        /* settings are no steps, comments neither */
        if (line.n && line.p[0] != '#' && !str_starts(line, "export "))
            s->items[s->n++] = line;
    }
    s->confidence = s->n >= STEPS_MIN ? 0.85 : 0;
}

/* ---- "first …, then …, finally …" ---- */

static const char *const FIRST[] = {"first", "first of all", "to begin", "start by", NULL};
static const char *const THEN[] = {"then", "after that", "next", "afterwards", "second", NULL};
static const char *const LAST[] = {"finally", "lastly", "last", "at the end", "and only then", NULL};

/* What stands between two marks, without the commas and "and" around it. */
static struct str step_between(struct str s, size_t from, size_t to)
{
    struct str step = str_trim((struct str){s.p + from, to - from});
    while (step.n && (step.p[0] == ',' || step.p[0] == ' ' || step.p[0] == ':'))
        step = str_skip(step, 1);
    while (step.n && (step.p[step.n - 1] == ',' || step.p[step.n - 1] == ' ' || step.p[step.n - 1] == ';'))
        step.n--;
    if (str_ends(step, " and"))
        step = str_trim(str_take(step, step.n - 4));
    while (step.n && (step.p[step.n - 1] == ',' || step.p[step.n - 1] == '.'))
        step.n--;
    return step;
}

static size_t after_word(struct str s, size_t at, const char *cue)
{
    size_t n = str_of(cue).n;
    return at + n > s.n ? s.n : at + n;
}

static void read_sequence(struct str p, struct steps *s)
{
    ptrdiff_t a = -1, b = -1, c = -1;
    const char *first = cue_any(p, FIRST, &a);
    struct str rest = a < 0 ? STR_NONE : str_skip(p, (size_t)a);
    const char *then = cue_any(rest, THEN, &b);
    struct str tail = b < 0 ? STR_NONE : str_skip(rest, (size_t)b);
    const char *last = cue_any(tail, LAST, &c);
    *s = (struct steps){0};
    if (!first || !then || !last || text_is_question(p))
        return;
    size_t second = (size_t)(a + b), third = second + (size_t)c;
    s->lead = str_trim(str_take(p, (size_t)a));
    s->items[0] = step_between(p, after_word(p, (size_t)a, first), second);
    s->items[1] = step_between(p, after_word(p, second, then), third);
    s->items[2] = step_between(p, after_word(p, third, last), p.n);
    s->n = 3;
    /* "first we went …" tells a story: steps are told to somebody */
    bool told =
        text_is_instruction(s->items[0]) && text_is_instruction(s->items[1]) && text_is_instruction(s->items[2]);
    s->confidence = told ? 0.8 : 0;
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct steps best = {0}, one;
    for (size_t i = 0; i < t->n_blocks; i++) {
        one.confidence = 0;
        if (t->blocks[i].kind == PT_ITEM)
            i = read_list(t, i, &one) - 1;
        else if (t->blocks[i].kind == PT_CODE)
            read_commands(t, i, &one);
        else if (t->blocks[i].kind == PT_PARAGRAPH)
            read_sequence(t->blocks[i].text, &one);
        if (one.confidence > best.confidence)
            best = one;
    }
    return best.confidence > 0 ? finish(t, &best, out, e) : ERR_OK;
}

const struct pattern_extractor extract_workflow = {"workflow", extract};
