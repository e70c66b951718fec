/* Detectors that the configuration brings, [privacy.custom.NAME]: made and tried before any text is searched by them,
 * so that a slip is told at start and not found in the store later. What runs wild in spite of that on some text is
 * bounded by PCRE2's limit on steps (scratch.c) and logged (search.c). */
#include "privacy/privacy_int.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

enum { TRY_BYTES = 2000, TRY_LIMIT = 200000, NAME_MOST = 40 };

static const char NOTHING[] = "the pattern matches where there is nothing; it must take one byte at least";

static bool name_right(const char *name)
{
    const size_t n = strlen(name);
    return n > 0 && n <= NAME_MOST && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

/* What a pattern over bytes of a text that may come in pieces cannot have. Classes with letters beyond ASCII would
 * take single bytes of them. */
static const char *unfit(const char *pattern)
{
    static const char *const no[] = {"\\A", "\\z", "\\Z", "\\G", "\\K", "\\p",
                                     "\\P", "\\X", "\\R", "\\h", "\\H", "\\C"};
    bool class = false;
    if (strncmp(pattern, "(*", 2) == 0)
        return "no (*…) at the beginning";
    for (const char *c = pattern; *c; c++) {
        for (size_t i = 0; c[0] == '\\' && i < sizeof no / sizeof no[0]; i++) {
            if (c[1] == no[i][1])
                return "no \\A \\z \\Z \\G \\K \\p \\P \\X \\R \\h \\H \\C: patterns are over bytes, of texts that "
                       "come in pieces";
        }
        if (c[0] == '\\' && c[1])
            c++;
        else if (*c == '[' && !class)
            class = true;
        else if (*c == ']')
            class = false;
        if (class && (unsigned char)*c >= 0x80)
            return "letters beyond ASCII are several bytes each: write (?:ä|ö) instead of [äö]";
    }
    return NULL;
}

/* Bytes of the longest match as Hyperscan counts them; without bound, the most there may be. *empty: the shortest has
 * none, which PCRE2 does not tell of lookarounds. */
static size_t longest(const char *pattern, bool *empty)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    size_t most = DETECTOR_MOST;
    if (hs_expression_info(pattern, HS_FLAG_PREFILTER | HS_FLAG_MULTILINE, &info, &why) == HS_SUCCESS && info) {
        most = info->max_width < DETECTOR_MOST ? info->max_width : DETECTOR_MOST;
        *empty = info->min_width == 0;
    }
    hs_free_compile_error(why);
    free(info);
    return most;
}

static const char *copy(struct arena *a, const char *s)
{
    return s ? arena_cstr(a, str_of(s)) : NULL;
}

enum err_code custom_make(struct privacy *p, const struct privacy_custom *c, const struct detector **out, struct err *e)
{
    static const enum privacy_class class_of[PRIVACY_LEVELS] = {PRIVACY_ADDRESS, PRIVACY_CONTACT, PRIVACY_SECRET,
                                                                PRIVACY_SECRET};
    const char *type = c->type ? c->type : c->name, *why = c->pattern ? unfit(c->pattern) : "it has no pattern";
    struct detector *d = arena_alloc(p->arena, sizeof *d);
    bool empty = false;
    if (!name_right(c->name) || !name_right(type))
        why = "names and types are made of a-z, 0-9 and _, at most 40 of them";
    if (why)
        return err_set(e, ERR_INVALID, NULL, "%s", why);
    if (!d)
        return err_nomem(e);
    *d = (struct detector){
        .name = copy(p->arena, c->name),
        .type = copy(p->arena, type),
        .class = class_of[c->level],
        .pattern = copy(p->arena, c->pattern),
        .context = copy(p->arena, c->context),
        .confidence = 0.9,
        .mask = MASK_ALL,
        .most = longest(c->pattern, &empty),
    };
    if (empty)
        return err_set(e, ERR_INVALID, NULL, "%s", NOTHING);
    *out = d;
    return d->name && d->type && d->pattern && (d->context || !c->context) ? ERR_OK : err_nomem(e);
}

/* ---- trying ---- */
/* Plain texts of the kinds on which patterns run wild, the last sign apart. */
static void fill(char *text, size_t n, const char *of)
{
    const size_t m = strlen(of);
    for (size_t i = 0; i < n; i++)
        text[i] = of[i % m];
    text[n - 1] = '!';
}

static enum err_code never_empty(const struct pattern *pt, pcre2_match_data *match, struct err *e)
{
    uint32_t least = 0;
    if (pcre2_pattern_info(pt->code, PCRE2_INFO_MINLENGTH, &least) == 0 && least > 0 &&
        pcre2_match(pt->code, (PCRE2_SPTR) "", 0, 0, 0, match, NULL) < 0)
        return ERR_OK;
    return err_set(e, ERR_INVALID, NULL, "%s", NOTHING);
}

/* `code` is without the shortcuts that would spare it the plain texts, though others would not spare it. */
static enum err_code never_wild(const pcre2_code *code, pcre2_match_data *match, struct err *e)
{
    static const char *const kinds[] = {"a", "1", " ", "A", "-", "a ", "a1", "a.", "aa-", "a@", "=", "\"a\",", "ab12_"};
    char text[TRY_BYTES];
    enum err_code result = ERR_OK;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!limits)
        return err_nomem(e);
    pcre2_set_match_limit(limits, TRY_LIMIT);
    for (size_t i = 0; !result && i < sizeof kinds / sizeof kinds[0]; i++) {
        fill(text, sizeof text, kinds[i]);
        int rc = pcre2_match(code, (PCRE2_SPTR)text, sizeof text, 0, PCRE2_NO_JIT, match, limits);
        if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
            result =
                err_set(e, ERR_INVALID, NULL,
                        "the pattern takes too many steps on plain text; bound its repeats, and none inside another");
    }
    pcre2_match_context_free(limits);
    return result;
}

enum err_code custom_try(const struct pattern *pt, struct err *e)
{
    pcre2_code *code = NULL;
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    enum err_code result = match ? ERR_OK : err_nomem(e);
    if (!result)
        result = never_empty(pt, match, e);
    if (!result)
        result = pattern_code(str_of(pt->d->pattern), PCRE2_NO_START_OPTIMIZE, &code, e);
    if (!result)
        result = never_wild(code, match, e);
    pcre2_code_free(code);
    pcre2_match_data_free(match);
    return result;
}
