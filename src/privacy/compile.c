/* Detectors' patterns into PCRE2 code, as machine code where the system lets us (a service that may not make memory
 * executable goes by the interpreter: slower, the same finds). PCRE2 takes its memory from malloc by itself: some
 * patterns' machine code is made without looking whether there was any. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

enum { PATTERN_OPTIONS = PCRE2_MULTILINE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_USE_OFFSET_LIMIT };

enum err_code pattern_code(struct str pattern, uint32_t more, pcre2_code **out, struct err *e)
{
    int number;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[120];
    pcre2_compile_context *how = mem_fail_now() ? NULL : pcre2_compile_context_create(NULL);
    if (!how)
        return err_nomem(e);
    pcre2_set_newline(how, PCRE2_NEWLINE_LF);
    *out = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PATTERN_OPTIONS | more, &number, &at, how);
    pcre2_compile_context_free(how);
    if (*out)
        return ERR_OK;
    if (number == PCRE2_ERROR_HEAP_FAILED || number == 121) /* its own number for malloc failing */
        return err_nomem(e);
    pcre2_get_error_message(number, why, sizeof why);
    return err_set(e, ERR_INVALID, "pattern", "at character %zu: %s", (size_t)at + 1, (const char *)why);
}

/* "ssn|social security" as whole words. */
static enum err_code compile_context(const char *words, pcre2_code **out, struct err *e)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_fmt(&b, "(?i)(?<![a-z])(?:%s)(?![a-z])", words);
    enum err_code code = b.failed ? err_nomem(e) : pattern_code(buf_view(&b), 0, out, e);
    buf_release(&b);
    return code;
}

enum err_code pattern_compile(struct pattern *out, struct err *e)
{
    enum err_code code = pattern_code(str_of(out->d->pattern), 0, &out->code, e);
    if (!code)
        (void)pcre2_pattern_info(out->code, PCRE2_INFO_MINLENGTH, &out->shortest);
    if (!code && out->d->context)
        code = compile_context(out->d->context, &out->context, e);
    return code;
}

bool pattern_quicken(struct pattern *pt)
{
    const uint32_t how = PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD;
    pt->jit = pcre2_jit_compile(pt->code, how) == 0 &&
              (!pt->context || pcre2_jit_compile(pt->context, PCRE2_JIT_COMPLETE) == 0);
    return pt->jit;
}

bool pattern_copy(const struct pattern *from, struct pattern *out)
{
    *out = *from;
    out->jit = false;
    out->code = pcre2_code_copy(from->code);
    out->context = from->context ? pcre2_code_copy(from->context) : NULL;
    return out->code && (out->context || !from->context);
}

void pattern_release(struct pattern *pt)
{
    pcre2_code_free(pt->code);
    pcre2_code_free(pt->context);
    pt->code = pt->context = NULL;
}
