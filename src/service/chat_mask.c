/* What of a chat may be kept, made on the request's own thread: for the journal, which is written before the store is,
 * and so that the store's one writer need not look at every text again. The raw texts stay in memory; they go to the
 * store, whose gate has the last word, with the hash by which the chat is recognised when its client sends them again.
 *
 * The level is the session's. Where it could not be looked up in time, the journal is masked as for PUBLIC. */
#include "service/chat.h"
#include "service/masking.h"

static const struct store_gate *gate_of(const struct chat *c)
{
    return masking_kept(c->svc->masking);
}

void chat_mask_level(struct chat *c)
{
    struct str level = c->placed ? str_of(c->level) : STR("PUBLIC");
    c->kept_level = masking_level(c->svc->masking, level);
    c->kept_name = c->placed ? arena_str(c->arena, level) : level;
}

/* Nothing found for PUBLIC means nothing found at any level: *clean is then what was looked at. */
static enum err_code keep(struct chat *c, bool json, struct str text, struct str *kept, struct str *clean,
                          struct err *e)
{
    const struct store_gate *g = gate_of(c);
    *clean = *kept = text;
    if (!text.n)
        return ERR_OK;
    enum err_code code = g->mask(g->arg, c->arena, STR("PUBLIC"), json, text, kept, e);
    if (code || kept->p == text.p)
        return code;
    *clean = STR_NONE;
    return str_is(c->kept_name, "PUBLIC") ? ERR_OK : g->mask(g->arg, c->arena, c->kept_name, json, text, kept, e);
}

static enum err_code keep_part(struct chat *c, struct chat_kept *k, struct str text, struct str metadata, struct err *e)
{
    if (!k->hash[0])
        id_sha256(text, k->hash);
    enum err_code code = keep(c, false, text, &k->text, &k->clean_text, e);
    if (!code)
        code = keep(c, true, metadata, &k->metadata, &k->clean_metadata, e);
    k->looked = !code;
    return code;
}

const struct chat_kept *chat_kept_message(struct chat *c, size_t i, struct err *e)
{
    struct chat_kept *k = &c->kept[i];
    if (!k->looked && keep_part(c, k, c->req.messages[i].text, c->req.messages[i].metadata, e))
        return NULL;
    return k;
}

const struct chat_kept *chat_kept_answer(struct chat *c, struct err *e)
{
    struct chat_kept *k = &c->kept[c->req.n_messages];
    if (!k->looked && keep_part(c, k, c->text, c->metadata, e))
        return NULL;
    return k;
}

enum err_code chat_mask_request(struct chat *c, struct err *e)
{
    struct str ignored;
    enum err_code code = keep(c, true, c->req.metadata, &c->kept_metadata, &ignored, e);
    if (!code)
        code = keep(c, false, c->req.model, &c->kept_model, &ignored, e);
    for (size_t i = c->placed ? c->first_new : 0; !code && i < c->req.n_messages; i++)
        if (!chat_kept_message(c, i, e))
            code = e->code;
    return code;
}

/* ---- the answer as it streams by ---- */

static enum err_code begin_stream(struct chat *c, struct err *e)
{
    const struct privacy *p = masking_privacy(c->svc->masking, e);
    return p ? privacy_stream_new(p, c->kept_level, &c->stream, e) : e->code;
}

/* A stream that failed says nothing any more: the end's line holds the whole. */
struct str chat_mask_delta(struct chat *c, struct str text)
{
    struct str out = STR_NONE;
    struct err ignored = {0};
    if (c->stream_failed)
        return STR_NONE;
    enum err_code code = c->stream ? ERR_OK : begin_stream(c, &ignored);
    if (!code)
        code = privacy_stream_feed(c->stream, text, &out, &ignored);
    c->stream_failed = code != ERR_OK;
    return code ? STR_NONE : out;
}

void chat_mask_free(struct chat *c)
{
    privacy_stream_free(c->stream);
    c->stream = NULL;
}
