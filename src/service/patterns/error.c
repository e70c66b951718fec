/* Errors: a message or code that can be met again, with its cause and what mends it. All three must be there: a message
 * alone is a complaint, a fix alone a change. Not errors: "let me fix it", "still failing". */
#include "service/patterns/extract.h"

#include "base/json_write.h"

#include <string.h>

static const char *const FAILS[] = {"error",     "errors", "fails",     "failed", "failing", "failure",
                                    "exception", "panic",  "panics",    "crash",  "crashes", "crashed",
                                    "stops",     "breaks", "not found", "cannot", "refused", "traceback",
                                    "requires",  "shows",  "timed out", "denied", NULL};
static const char *const CAUSE[] = {"root cause", "caused by",    "the cause",       "because",
                                    "due to",     "happens when", "happens because", "comes from",
                                    "the reason", "turned out",   "was missing",     NULL};
static const char *const CAUSE_HEAD[] = {"root cause", "cause", "reason", "why", NULL};
static const char *const FIX[] = {"the fix",   "fix is",      "fixed by", "to fix",     "fixed it",
                                  "solved",    "resolved by", "solution", "workaround", "solves",
                                  "mended by", "went away",   "cured by", NULL};
static const char *const FIX_HEAD[] = {"solution", "fix", "resolution", "the fix", "how it was fixed", NULL};
/* Somebody is still at it. */
static const char *const INTENT[] = {"let me", "i will", "i'll", "i need to", "trying to", "should i", NULL};
static const char *const LOG_SIGNS[] = {"error",  "panic", "fatal", "traceback", "exception", "exited with code",
                                        "failed", NULL};

struct fault {
    struct str symptom, message, cause, fix;
    size_t at; /* sentence of the symptom */
};

enum { WITHIN = 12 }; /* sentences from the failure to its cause and fix: further on it is another matter */

/* A message has words, an error code capitals and digits ("E0425", "ERR_BUSY"); a name alone is neither. */
static bool is_message(struct str s)
{
    bool words = s.n >= 8 && str_find(s, STR(" ")) > 0, code = s.n >= 4;
    for (size_t i = 0; i < s.n && code; i++)
        code = (s.p[i] >= 'A' && s.p[i] <= 'Z') || (i && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'));
    return words || code;
}

/* The first message between marks: `…` or "…". */
static struct str quoted(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '`' && s.p[i] != '"')
            continue;
        const char *end = memchr(s.p + i + 1, s.p[i], s.n - i - 1);
        if (!end)
            return STR_NONE;
        struct str inner = {s.p + i + 1, (size_t)(end - s.p) - i - 1};
        if (is_message(inner))
            return inner;
        i += inner.n + 1;
    }
    return STR_NONE;
}

static bool after_heading(const struct pattern_text *t, size_t sentence, const char *const *heads)
{
    size_t b = t->sentences[sentence].block;
    return b > 0 && t->blocks[b - 1].kind == PT_HEADING && cue_begins(t->blocks[b - 1].text, heads);
}

/* The line of a fenced log that tells the error. */
static struct str logged(const struct pattern_text *t)
{
    for (size_t i = 0; i < t->n_blocks; i++) {
        struct str rest = t->blocks[i].kind == PT_CODE ? t->blocks[i].text : STR_NONE;
        while (rest.p) {
            struct str line = str_trim(str_cut(&rest, '\n'));
            if (line.n >= 6 && cue_any(line, LOG_SIGNS, NULL))
                return line;
        }
    }
    return STR_NONE;
}

static void find_symptom(const struct pattern_text *t, struct fault *f)
{
    struct str log = logged(t);
    for (size_t i = 0; i < t->n_sentences && !f->symptom.n; i++) {
        struct str s = t->sentences[i].text, message = quoted(s);
        bool fails = cue_any(s, FAILS, NULL) || cue_any(message, FAILS, NULL);
        if (!fails || t->blocks[t->sentences[i].block].kind == PT_HEADING || (!message.n && !log.n))
            continue;
        f->symptom = s;
        f->message = log.n ? log : message;
        f->at = i;
    }
}

static bool says(const struct pattern_text *t, size_t i, const char *const *cues, const char *const *heads)
{
    struct str s = t->sentences[i].text;
    if (t->blocks[t->sentences[i].block].kind == PT_HEADING)
        return false;
    return !cue_any(s, INTENT, NULL) && (cue_any(s, cues, NULL) || after_heading(t, i, heads));
}

static void find_cause_and_fix(const struct pattern_text *t, struct fault *f)
{
    size_t end = f->at + WITHIN < t->n_sentences ? f->at + WITHIN : t->n_sentences;
    for (size_t i = f->at; i < end; i++) {
        if (!f->fix.n && says(t, i, FIX, FIX_HEAD))
            f->fix = t->sentences[i].text;
        else if (!f->cause.n && says(t, i, CAUSE, CAUSE_HEAD))
            f->cause = t->sentences[i].text;
    }
    /* what is said between the failure and its fix explains it, though no word says so */
    for (size_t i = f->at + 1; f->fix.n && !f->cause.n && i < end; i++) {
        struct str s = t->sentences[i].text;
        if (s.p == f->fix.p)
            break;
        if (!cue_any(s, INTENT, NULL) && !text_is_question(s) && t->blocks[t->sentences[i].block].kind != PT_HEADING)
            f->cause = s;
    }
}

static enum err_code finish(const struct pattern_text *t, const struct fault *f, struct pattern_found *out,
                            struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "message", f->message);
    jw_kstr(&w, "symptom", f->symptom);
    jw_kstr(&w, "cause", f->cause);
    jw_kstr(&w, "fix", f->fix);
    jw_end_object(&w);
    out->details = buf_take(&b, t->arena);
    out->name = f->message;
    out->description = f->symptom;
    out->template = arena_fmt(t->arena, "Error: %.*s\nCause: %.*s\nFix: %.*s", STR_ARG(f->message), STR_ARG(f->cause),
                              STR_ARG(f->fix));
    return out->details.p && out->template.p ? ERR_OK : err_nomem(e);
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct fault f = {0};
    find_symptom(t, &f);
    if (!f.symptom.n)
        return ERR_OK;
    find_cause_and_fix(t, &f);
    if (!f.cause.n || !f.fix.n)
        return ERR_OK;
    out->confidence = cue_any(f.cause, CAUSE, NULL) ? 0.9 : 0.75;
    return finish(t, &f, out, e);
}

const struct pattern_extractor extract_error = {"error", extract};
