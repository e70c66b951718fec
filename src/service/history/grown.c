/* A message that was imported while its tool still wrote it. When it has grown, the whole takes the place of what is
 * stored, under the id of its first new line: one message is one turn, with its words, thoughts and figures once. Where
 * what was stored has gone (it was erased) or does not begin as the whole does, only the new words become a turn. */
#include "service/history/extract.h"

#include "store/turns.h"

#include <string.h>

/* The turn that tells what is stored of it: by the last line that was known, or one before. */
static enum err_code told_last(struct store_tx *tx, const struct item *i, struct met_turn *out, struct err *e)
{
    enum err_code code = ERR_OK;
    out->seq = 0;
    for (size_t k = i->first; k && !code && !out->seq; k--) {
        code = met_turn_of(tx, k > 1 ? str_of(i->parts[k - 2].id) : i->turn.id, out, e);
        if (!code && out->seq && strcmp(out->conversation, i->place->conversation_id) != 0)
            out->seq = 0;
    }
    return code;
}

/* Its words as they were told: to the byte, where nothing of them was masked. */
static struct str words_of(const struct item *i, struct str stored)
{
    if (str_eq(str_take(i->raw, stored.n), stored))
        return stored;
    return str_take(i->raw, i->parts[i->first - 1].from);
}

enum err_code grown_look(struct store_tx *tx, struct batch *b, struct item *i, struct err *e)
{
    struct turn was;
    size_t bytes;
    if (!i->fresh || !i->first)
        return ERR_OK;
    enum err_code code = told_last(tx, i, &i->known_at, e);
    if (code || !i->known_at.seq)
        return code;
    code = turn_by_seq(tx, b->arena, i->known_at.seq, &was, e);
    if (!code && !str_eq(str_take(i->turn.content, was.content.n), was.content))
        i->known_at.seq = 0;
    if (code || !i->known_at.seq)
        return code;
    i->grown = true;
    i->other_id = str_of(i->parts[i->first - 1].id);
    i->poorer = (struct met_said){.time = i->said.time, .turn = i->known_at.seq, .how = i->said.how};
    return extraction_words(b->x, words_of(i, was.content), &i->poorer.words, &bytes, e);
}
