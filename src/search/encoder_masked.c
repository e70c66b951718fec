/* An encoder whose texts leave this machine: they are masked before. Why a shell around another: whoever embeds, turns,
 * records or questions, goes through an encoder, so none can forget it. */
#include "search/encoder_masked.h"

#include "base/mem.h"

struct masked {
    struct encoder encoder; /* first */
    struct encoder *inner;
    const struct store_gate *gate;
};

static enum err_code mask_texts(const struct masked *m, struct arena *a, const struct encoder_task *task,
                                struct str **out, struct err *e)
{
    enum err_code code = ERR_OK;
    *out = arena_array(a, struct str, task->n ? task->n : 1);
    if (!*out)
        return err_nomem(e);
    for (size_t i = 0; i < task->n && !code; i++) {
        (*out)[i] = task->texts[i];
        if (task->texts[i].n)
            code = m->gate->mask(m->gate->arg, a, STR("PUBLIC"), false, task->texts[i], &(*out)[i], e);
    }
    return code;
}

static enum err_code encode(const struct encoder *c, const struct encoder_task *task, float *out, struct err *e)
{
    const struct masked *m = (const struct masked *)c;
    struct encoder_task masked = *task;
    struct str *texts;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = mask_texts(m, a, task, &texts, e);
    masked.texts = texts;
    if (!code)
        code = m->inner->encode(m->inner, &masked, out, e);
    arena_free(a);
    return code;
}

static void close_masked(struct encoder *c)
{
    struct masked *m = (struct masked *)c;
    encoder_close(m->inner);
    mem_free(m);
}

enum err_code encoder_mask(const struct store_gate *gate, struct encoder **encoder, struct err *e)
{
    if (!gate || !(*encoder)->remote)
        return ERR_OK;
    struct masked *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    m->encoder = **encoder;
    m->encoder.encode = encode;
    m->encoder.close = close_masked;
    m->inner = *encoder;
    m->gate = gate;
    *encoder = &m->encoder;
    return ERR_OK;
}
