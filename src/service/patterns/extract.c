/* The table of extractors, and choosing the surest find of a turn. See extract.h. */
#include "service/patterns/extract.h"

#include "base/text.h"

enum { TURN_MIN = 60, NAME_MAX_CHARS = 80, TEXT_MAX = 16 * 1024 };

/* Ties go to the earlier: the more telling types stand first. */
static const struct pattern_extractor *const extractors[] = {
    &extract_error, &extract_decision, &extract_code, &extract_configuration, &extract_workflow, &extract_architecture,
};

const struct pattern_extractor *const *pattern_extractors(size_t *n)
{
    *n = sizeof extractors / sizeof *extractors;
    return extractors;
}

/* The first clause of the description, cut at a word. */
static struct str short_name(struct str s)
{
    s = str_trim(s);
    while (s.n && (s.p[s.n - 1] == ':' || s.p[s.n - 1] == '.'))
        s.n--;
    if (s.n <= NAME_MAX_CHARS)
        return s;
    s = text_cut(s, NAME_MAX_CHARS);
    for (size_t i = s.n; i > NAME_MAX_CHARS / 2; i--) {
        if (s.p[i - 1] == ' ')
            return str_trim(str_take(s, i));
    }
    return s;
}

enum err_code pattern_extract(struct arena *a, struct str turn, struct pattern_found *out, bool *found, struct err *e)
{
    struct pattern_text t;
    *found = false;
    *out = (struct pattern_found){0};
    if (turn.n < TURN_MIN)
        return ERR_OK;
    enum err_code code = pattern_text_read(a, turn, &t, e);
    for (size_t i = 0; !code && i < sizeof extractors / sizeof *extractors; i++) {
        struct pattern_found one = {0};
        code = extractors[i]->extract(&t, &one, e);
        one.type = extractors[i]->type;
        if (!code && one.confidence > out->confidence)
            *out = one;
    }
    if (code || out->confidence < PATTERN_CONFIDENCE_MIN)
        return code;
    if (!out->name.n)
        out->name = out->description.n ? out->description : out->template;
    out->name = short_name(out->name);
    out->description = text_cut(out->description, TEXT_MAX);
    out->template = text_cut(out->template, TEXT_MAX);
    out->example = text_cut(out->example.n ? out->example : turn, TEXT_MAX);
    *found = out->name.n > 0;
    return ERR_OK;
}
