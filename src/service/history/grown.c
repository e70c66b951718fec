/* A message that was imported while its tool still wrote it, line by line. When it has grown, the whole takes the place
 * of what is stored, under the id of its first new line: one message is one turn, with its words, thoughts and figures
 * once. Where what was stored has gone (it was erased), is in pieces, or has other turns behind it, only the new
 * words become a turn. */
#include "service/history/extract.h"

#include "store/records.h"

#include <string.h>

/* Whether nothing was said behind it: else its place would be lost. */
static enum err_code is_last(struct store_tx *tx, struct arena *a, const struct met_turn *t, bool *out, struct err *e)
{
    struct record *r;
    enum err_code code = record_get(tx, a, KIND_CONVERSATION, str_of(t->conversation), STR_NONE, &r, e);
    *out = !code && t->number >= record_int(r, "turn_count");
    return code;
}

enum err_code grown_look(struct store_tx *tx, struct arena *a, struct item *i, struct err *e)
{
    enum err_code code = ERR_OK;
    int found = 0;
    bool last = false;
    i->grown = NULL;
    if (!i->fresh || !i->first)
        return ERR_OK;
    for (size_t k = i->first; k && !code && found < 2; k--) {
        struct met_turn t;
        struct str id = k > 1 ? str_of(i->parts[k - 2].id) : i->turn.id;
        code = met_turn_of(tx, id, &t, e);
        if (code || !t.seq || strcmp(t.conversation, i->place->conversation_id) != 0)
            continue;
        found++;
        i->known_at = t;
    }
    if (!code && found == 1)
        code = is_last(tx, a, &i->known_at, &last, e);
    if (last) {
        i->grown = i->parts[i->first - 1].id;
        i->poorer = (struct met_said){.turn = i->known_at.seq, .how = i->said.how};
    } else {
        i->known_at.seq = 0;
    }
    return code;
}
