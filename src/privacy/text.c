/* Masking a whole text. After a pass it is searched again, for a mask may bring together what was apart; what comes out
 * is changed by no further pass. */
#include "privacy/privacy_int.h"

enum { PASSES = 8 };

void masked_put(const struct privacy *p, struct str text, size_t from, size_t to, const struct finds *kept,
                struct buf *out)
{
    for (size_t i = 0; i < kept->n; i++) {
        const struct find *f = &kept->at[i];
        buf_put(out, text.p + from, f->start - from);
        mask_put(p, f, (struct str){text.p + f->start, f->end - f->start}, out);
        from = f->end;
    }
    buf_put(out, text.p + from, to - from);
}

static enum err_code pass(const struct privacy *p, enum privacy_level level, struct str text, struct arena *a,
                          struct str *out, struct err *e)
{
    struct scratch *s;
    struct buf b;
    enum err_code code = scan_text(p, level, text, &s, e);
    *out = text;
    if (code || !s->kept.n)
        return code;
    buf_init(&b, 0);
    masked_put(p, text, 0, text.n, &s->kept, &b);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

enum err_code privacy_mask(const struct privacy *p, enum privacy_level level, struct str text, struct arena *a,
                           struct str *out, struct err *e)
{
    *out = text;
    for (int i = 0; i < PASSES; i++) {
        struct str before = *out;
        enum err_code code = pass(p, level, before, a, out, e);
        if (code || out->p == before.p || str_eq(*out, before))
            return code;
    }
    return ERR_OK;
}
