/* Code: a fenced block of a programming language that is recommended as the way to do something. Not code patterns:
 * what is merely shown ("here is what it looks like now"), the output of commands, settings. */
#include "service/patterns/extract.h"

#include "base/json_write.h"

#include <string.h>

enum { CODE_MIN = 20 };

static const char *const RECOMMENDED[] = {
    "always",        "the pattern",  "pattern to use", "use this pattern", "idiomatic",   "idiom",
    "reusable",      "helper",       "prefer",         "best practice",    "recommended", "the way to",
    "the right way", "standard way", "use this",       "should look like", "boilerplate", "convention",
    "snippet",       "wrap any",     "like this",      "the usual way",    "in every",    NULL};
static const char *const SHOWN[] = {"looks like now", "looks now", "currently",   "let me",        "the problem",
                                    "the bug",        "expects",   "i see",       "i need to see", "as it is",
                                    "before",         "output",    "the current", "what about",    NULL};
/* Fences of text, output, commands and settings: other extractors' business, or nobody's. */
static const char *const NO_LANGUAGE[] = {"text",   "txt",      "sh",   "bash", "shell",   "console", "zsh", "output",
                                          "log",    "diff",     "json", "yaml", "yml",     "toml",    "ini", "env",
                                          "dotenv", "markdown", "md",   "csv",  "mermaid", NULL};

/* After the code only a rule that begins there speaks of it. */
static const char *const RULES[] = {"never", "always", "use this", "prefer", "do not", NULL};

static bool listed(struct str s, const char *const *list)
{
    for (; *list; list++) {
        if (str_is(s, *list))
            return true;
    }
    return false;
}

/* Without a language: punctuation that prose and logs rarely end their lines with. */
static bool looks_like_code(struct str body)
{
    size_t lines = 0, marks = 0;
    while (body.p) {
        struct str line = str_trim(str_cut(&body, '\n'));
        if (!line.n)
            continue;
        char last = line.p[line.n - 1];
        lines++;
        marks += last == '{' || last == '}' || last == ';' || last == '(' || (last == ':' && line.n > 4);
    }
    return lines && marks * 2 >= lines;
}

static struct str block_text(const struct pattern_text *t, size_t i)
{
    bool prose = i < t->n_blocks && (t->blocks[i].kind == PT_PARAGRAPH || t->blocks[i].kind == PT_HEADING);
    return prose ? t->blocks[i].text : STR_NONE;
}

static size_t count_lines(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static double judge(const struct pt_block *b, struct str before, struct str after)
{
    if (b->kind != PT_CODE || b->text.n < CODE_MIN || listed(b->label, NO_LANGUAGE))
        return 0;
    if (!b->label.n && !looks_like_code(b->text))
        return 0;
    if (cue_any(before, SHOWN, NULL) || text_is_question(before))
        return 0;
    bool told_before = cue_any(before, RECOMMENDED, NULL) != NULL;
    bool told_after = cue_begins(after, RULES);
    return told_before && told_after ? 0.9 : told_before ? 0.8 : told_after ? 0.7 : 0;
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    const struct pt_block *best = NULL;
    for (size_t i = 0; i < t->n_blocks; i++) {
        struct str before = i ? block_text(t, i - 1) : STR_NONE, after = block_text(t, i + 1);
        double confidence = judge(&t->blocks[i], before, after);
        if (confidence <= out->confidence)
            continue;
        best = &t->blocks[i];
        out->confidence = confidence;
        out->description = before.n ? before : after;
    }
    if (!best)
        return ERR_OK;
    out->template = best->text;
    out->category = best->label;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "language", best->label.n ? best->label : STR_NONE);
    jw_kint(&w, "lines", (int64_t)count_lines(best->text));
    jw_end_object(&w);
    out->details = buf_take(&b, t->arena);
    return out->details.p ? ERR_OK : err_nomem(e);
}

const struct pattern_extractor extract_code = {"code", extract};
