/* Decisions: what was chosen, over what, and why. A sentence that chooses, an alternative, and a reason in it or right
 * after it; or a passage headed "Decision" with its reason. Not decisions: questions, leanings and ideas. */
#include "service/patterns/extract.h"

#include "base/json_write.h"

enum { REASON_WITHIN = 3 };

static const char *const CHOICE[] = {"decided to use", "decided to", "decided on", "decided",    "chose to",
                                     "chose",          "opted for",  "opted to",   "went with",  "go with",
                                     "going with",     "settled on", "let's use",  "let us use", "we'll use",
                                     "we will use",    "picked",     "decision:",  NULL};
static const char *const OVER[] = {"instead of", "rather than", "over", "in favour of", "in favor of", "and not", NULL};
static const char *const REASON[] = {"because",    "since", "so that", "reason:",    "why:", "due to",
                                     "the reason", "as it", "as we",   "rationale:", NULL};
static const char *const REASON_HEAD[] = {"reason", "reasons", "why", "rationale", "because", NULL};
static const char *const DECISION_HEAD[] = {"decision", "decided", "adr", NULL};
/* A sentence that begins so explains the one before it. */
static const char *const EXPLAINS[] = {"it", "that", "this", "the reason", "reason", "they", NULL};
static const char *const UNSURE[] = {"should we",
                                     "i feel",
                                     "kind of",
                                     "might",
                                     "maybe",
                                     "perhaps",
                                     "i'd lean",
                                     "lean to",
                                     "not sure",
                                     "don't know",
                                     "could",
                                     "would you",
                                     "have decided nothing",
                                     "prefer?",
                                     NULL};
/* Everyday life knows choices too; a library of patterns is about work that others repeat. */
static const char *const PRIVATE[] = {"i decided to", "i chose to", "i've decided to", "i have decided to", NULL};

struct choice {
    struct str sentence, chosen, rejected, reason;
    double confidence;
};

static struct str trim_marks(struct str s)
{
    s = str_trim(s);
    while (s.n && (s.p[0] == ',' || s.p[0] == ':' || s.p[0] == ' '))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ',' || s.p[s.n - 1] == '.' || s.p[s.n - 1] == ';' || s.p[s.n - 1] == ' '))
        s.n--;
    return s;
}

/* "chosen over rejected because reason": cuts the sentence at its marks. */
static void cut_up(struct choice *c, const char *choice, size_t at)
{
    ptrdiff_t over = -1, why = -1;
    struct str rest = str_skip(c->sentence, at + str_of(choice).n);
    const char *alternative = cue_any(rest, OVER, &over);
    struct str tail = alternative ? str_skip(rest, (size_t)over + str_of(alternative).n) : rest;
    const char *reason = cue_any(tail, REASON, &why);
    c->chosen = trim_marks(alternative ? str_take(rest, (size_t)over) : why >= 0 ? str_take(rest, (size_t)why) : rest);
    if (alternative)
        c->rejected = trim_marks(why >= 0 ? str_take(tail, (size_t)why) : tail);
    if (reason)
        c->reason = trim_marks(str_skip(tail, (size_t)why + str_of(reason).n));
}

/* A reason in one of the next sentences. */
static void look_further(const struct pattern_text *t, size_t i, struct choice *c)
{
    for (size_t k = i + 1; !c->reason.n && k < t->n_sentences && k < i + REASON_WITHIN; k++) {
        struct str s = t->sentences[k].text;
        if (text_is_question(s))
            return;
        if (cue_any(s, REASON, NULL) || (k == i + 1 && cue_begins(s, EXPLAINS)))
            c->reason = trim_marks(s);
    }
}

static void read_sentence(const struct pattern_text *t, size_t i, struct choice *c)
{
    ptrdiff_t at = -1;
    *c = (struct choice){.sentence = t->sentences[i].text};
    const char *choice = cue_any(c->sentence, CHOICE, &at);
    if (!choice || text_is_question(c->sentence) || cue_any(c->sentence, UNSURE, NULL))
        return;
    cut_up(c, choice, (size_t)at);
    look_further(t, i, c);
    if (!c->chosen.n || !c->rejected.n || !c->reason.n)
        return;
    c->confidence = cue_begins(c->sentence, PRIVATE) ? 0.4 : str_is(str_of(choice), "decided") ? 0.7 : 0.85;
}

/* "## Decision", then what was decided, then "Why: …". */
static void read_passage(const struct pattern_text *t, size_t i, struct choice *c)
{
    const struct pt_block *b = t->blocks;
    *c = (struct choice){0};
    if (b[i].kind != PT_HEADING || !cue_any(b[i].text, DECISION_HEAD, NULL) || i + 1 >= t->n_blocks ||
        b[i + 1].kind != PT_PARAGRAPH)
        return;
    for (size_t k = i + 2; k < t->n_blocks && k < i + 6; k++) {
        if (b[k].kind == PT_CODE || !cue_begins(b[k].text, REASON_HEAD))
            continue;
        bool headed = b[k].kind == PT_HEADING && k + 1 < t->n_blocks;
        *c = (struct choice){b[i + 1].text, trim_marks(b[i + 1].text), STR_NONE, headed ? b[k + 1].text : b[k].text,
                             0.9};
        return;
    }
}

static enum err_code finish(const struct pattern_text *t, const struct choice *c, struct pattern_found *out,
                            struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "chosen", c->chosen);
    jw_kstr(&w, "rejected", c->rejected);
    jw_kstr(&w, "reason", c->reason);
    jw_end_object(&w);
    out->details = buf_take(&b, t->arena);
    out->description = c->sentence;
    out->name =
        c->rejected.n ? arena_fmt(t->arena, "%.*s over %.*s", STR_ARG(c->chosen), STR_ARG(c->rejected)) : c->chosen;
    out->template = arena_fmt(t->arena, "Choose: %.*s\nOver: %.*s\nBecause: %.*s", STR_ARG(c->chosen),
                              STR_ARG(c->rejected.n ? c->rejected : STR("-")), STR_ARG(c->reason));
    out->confidence = c->confidence;
    return out->details.p && out->name.p && out->template.p ? ERR_OK : err_nomem(e);
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct choice best = {0}, one;
    for (size_t i = 0; i < t->n_sentences; i++) {
        read_sentence(t, i, &one);
        if (one.confidence > best.confidence)
            best = one;
    }
    for (size_t i = 0; i < t->n_blocks; i++) {
        read_passage(t, i, &one);
        if (one.confidence > best.confidence)
            best = one;
    }
    return best.confidence > 0 ? finish(t, &best, out, e) : ERR_OK;
}

const struct pattern_extractor extract_decision = {"decision", extract};
