/* The judgement: phrases and signs of a text, and of what it hides (tags, base64), one score of all. */
#include "privacy/injection.h"

#include "base/text.h"
#include "privacy/injection_int.h"

#include <sodium.h>

enum { DEPTH = 2, ENCODED_LEAST = 24 };

void injection_note(struct injection *out, enum injection_reason r, double weight)
{
    if (weight > out->by_reason[r])
        out->by_reason[r] = weight;
}

static void sum_up(struct injection *out)
{
    double none = 1;
    for (int r = 0; r < INJECTION_REASONS; r++)
        none *= 1 - out->by_reason[r];
    out->score = 1 - none;
}

static enum err_code judge(struct arena *a, struct str text, int depth, struct injection *out, struct err *e);

/* Something that was hidden in the text is judged as a text; what it asks for counts, and that it was hidden. */
static enum err_code judge_hidden(struct arena *a, struct str told, enum injection_reason r, int depth,
                                  struct injection *out, struct err *e)
{
    struct injection within = {0};
    enum err_code code = judge(a, told, depth + 1, &within, e);
    if (!code && within.score >= 0.3)
        injection_note(out, r, within.score > 0.8 ? within.score : 0.8);
    return code;
}

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '-' || c == '_';
}

/* What a run of base64 says, when it is text with blanks in it; else STR_NONE. */
static struct str decoded(struct arena *a, struct str run)
{
    size_t most = run.n / 4 * 3 + 3, n = 0, blanks = 0;
    unsigned char *p = arena_alloc(a, most);
    int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    for (size_t i = 0; i < run.n; i++) {
        if (run.p[i] == '-' || run.p[i] == '_')
            variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    }
    run.n -= run.n % 4 == 1;
    const char *end = NULL;
    if (!p)
        return STR_NONE;
    sodium_base642bin(p, most, run.p, run.n, NULL, &n, &end, variant);
    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x20 && p[i] != '\n' && p[i] != '\t' && p[i] != '\r')
            return STR_NONE;
        blanks += p[i] == ' ';
    }
    struct str s = {(const char *)p, n};
    return blanks >= 2 && text_utf8_valid(s) ? s : STR_NONE;
}

static enum err_code judge_encoded(struct arena *a, struct str text, int depth, struct injection *out, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < text.n;) {
        size_t n = 0;
        while (i + n < text.n && is_base64(text.p[i + n]))
            n++;
        if (n >= ENCODED_LEAST) {
            struct str told = decoded(a, (struct str){text.p + i, n});
            if (arena_failed(a))
                return err_nomem(e);
            if (told.n)
                code = judge_hidden(a, told, INJECTION_ENCODED, depth, out, e);
        }
        i += n + 1;
    }
    return code;
}

static enum err_code judge(struct arena *a, struct str text, int depth, struct injection *out, struct err *e)
{
    struct injection_text t;
    enum err_code code = injection_read(a, text, &t, e);
    if (code)
        return code;
    injection_phrases(&t, out);
    injection_signs(&t, out);
    if (depth < DEPTH) {
        if (t.told.n >= 4)
            code = judge_hidden(a, t.told, INJECTION_HIDDEN, depth, out, e);
        if (!code)
            code = judge_encoded(a, text, depth, out, e);
    }
    sum_up(out);
    return code;
}

/* Of a long text its beginning and its end. */
static enum err_code judge_parts(struct arena *a, struct str text, struct injection *out, struct err *e)
{
    if (text.n <= INJECTION_BYTES)
        return judge(a, text, 0, out, e);
    enum err_code code = judge(a, text_cut(text, INJECTION_BYTES / 2), 0, out, e);
    if (!code)
        code = judge(a, str_skip(text, text.n - INJECTION_BYTES / 2), 0, out, e);
    return code;
}

enum err_code injection_judge(struct str text, struct injection *out, struct err *e)
{
    struct arena *a = arena_new();
    *out = (struct injection){0};
    if (!a)
        return err_nomem(e);
    enum err_code code = judge_parts(a, text, out, e);
    arena_free(a);
    return code;
}

const char *injection_reason_name(enum injection_reason r)
{
    static const char *const names[INJECTION_REASONS] = {"override", "role",    "system",     "template",
                                                         "tool",     "block",   "exfiltrate", "reveal",
                                                         "secrecy",  "address", "hidden",     "encoded"};
    return names[r];
}
