/* Conversations told as JSON. Whatever the JSON: no crash; what is accepted is within bounds, has one of the four roles
 * and an agent in every message, and metadata that reads back as an object. */
#include "service/told.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_object(struct arena *a, struct str text)
{
    const struct json *v;
    must(!text.p || (json_parse(a, text, 0, &v, NULL) == ERR_OK && v->type == JSON_OBJECT));
}

static void check_conversation(struct arena *a, const struct told_conversation *c)
{
    must(id_has_form(str_of(c->id), "conv"));
    check_object(a, c->metadata);
    for (size_t i = 0; i < c->n; i++) {
        const struct turn_new *t = &c->turns[i];
        must(str_is(t->role, "user") || str_is(t->role, "assistant") || str_is(t->role, "system") ||
             str_is(t->role, "tool"));
        must(t->agent.n > 0 && t->token_count >= -1);
        check_object(a, t->metadata);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    const struct json *v;
    struct told t;
    if (json_parse(a, (struct str){(const char *)data, size}, 0, &v, NULL) == ERR_OK) {
        struct err e = {0};
        enum err_code code = told_read(a, v, STR("sess_x"), &t, &e);
        size_t turns = 0;
        must(code == ERR_OK || code == ERR_INVALID || code == ERR_TOO_LARGE);
        for (size_t i = 0; !code && i < t.n; i++) {
            check_conversation(a, &t.conversations[i]);
            turns += t.conversations[i].n;
        }
        must(code || (turns == t.n_turns && turns <= TOLD_TURNS_MAX));
    }
    arena_free(a);
    return 0;
}
