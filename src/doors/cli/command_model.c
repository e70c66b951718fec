/* model: which embedding model is used and where it was found; --pack writes it into one small file. How it is found is
 * service/model.h's to say. */
#include "doors/cli/command.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json_write.h"
#include "doors/proxy/endpoint.h"
#include "embed/embed.h"
#include "service/model.h"

#include <sys/stat.h>

static const struct op_arg args[] = {
    {"pack", ARG_TEXT, ARG_IN_QUERY, 0, 1, 3500, NULL, NULL,
     "file to write: the model quantised, in a quarter of the room; CAIRN_MODEL may name it, and data/model.cairn is "
     "found"},
};

static const char *place_name(enum model_place p)
{
    switch (p) {
    case MODEL_OFF:
        return "switched off";
    case MODEL_NAMED:
        return "named by search.model";
    case MODEL_ENDPOINT:
        return "the endpoint embedding.url";
    case MODEL_FOUND:
        return "found";
    case MODEL_INSIDE:
        return "inside the program";
    case MODEL_NONE:
        break;
    }
    return "none";
}

static enum err_code open_model(struct cli *c, const struct model_choice *choice, struct encoder **out, struct err *e)
{
    struct endpoint at;
    switch (choice->place) {
    case MODEL_ENDPOINT:
        model_endpoint(c->config, &at);
        return endpoint_dial(&at, out, e);
    case MODEL_NAMED:
    case MODEL_FOUND:
        return encoder_open(choice->path, STR_NONE, out, e);
    case MODEL_INSIDE:
        return encoder_open(NULL, model_inside(), out, e);
    case MODEL_NONE:
    case MODEL_OFF:
        break;
    }
    return ERR_OK;
}

/* One line for a person, or one member. */
static void tell(struct cli *c, struct json_out *w, const char *name, struct str value)
{
    if (c->json)
        jw_kstr(w, name, value);
    else
        buf_fmt(&c->out, "%-12s%.*s\n", name, STR_ARG(clean_line(c->arena, value)));
}

static void show(struct cli *c, const struct model_choice *choice, const struct encoder *m, int64_t us)
{
    struct json_out w;
    jw_init(&w, &c->out);
    if (c->json)
        jw_object(&w);
    tell(c, &w, "model", str_of(m ? m->id : "none: recall goes by words alone"));
    tell(c, &w, "from", str_of(place_name(choice->place)));
    if (choice->path[0])
        tell(c, &w, "path", str_of(choice->path));
    if (m && c->json) {
        jw_kint(&w, "dimensions", (int64_t)m->dimensions);
        jw_kcstr(&w, "by", m->how);
        jw_knum(&w, "opened_ms", (double)us / 1000);
    } else if (m) {
        buf_fmt(&c->out, "%-12s%zu\n%-12s%s\n%-12s%.1f ms\n", "dimensions", m->dimensions, "by", m->how, "opened in",
                (double)us / 1000);
    }
    if (c->json) {
        jw_end_object(&w);
        buf_char(&c->out, '\n');
    }
}

static enum err_code pack(struct cli *c, const struct model_choice *choice, const char *file, struct err *e)
{
    struct stat st;
    bool here = choice->place == MODEL_NAMED || choice->place == MODEL_FOUND;
    if (!here || (stat(choice->path, &st) == 0 && !S_ISDIR(st.st_mode)))
        return err_set(e, ERR_INVALID, "pack", "only a model in a folder can be packed; the one here is %s%s%.150s",
                       place_name(choice->place), here ? ": " : "", choice->path);
    enum err_code code = embed_pack(choice->path, file, e);
    if (!code && !c->json)
        buf_fmt(&c->out, "packed %.*s into %.*s (%lld bytes)\n", STR_ARG(clean_line(c->arena, str_of(choice->path))),
                STR_ARG(clean_line(c->arena, str_of(file))), (long long)file_size(file));
    return code;
}

static enum err_code run_model(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct str file = op_text(call, "pack");
    const char *path = file.p ? arena_cstr(c->arena, file) : NULL;
    struct model_choice *choice = arena_alloc(c->arena, sizeof *choice);
    struct encoder *m = NULL;
    enum err_code code = settings_config(c, NULL, e);
    if (!code && (!choice || (file.p && !path)))
        code = err_nomem(e);
    if (code)
        return code;
    model_choose(c->config, c->data, choice);
    if (path && (code = pack(c, choice, path, e)) != ERR_OK)
        return code;
    if (path && !c->json)
        return ERR_OK;
    int64_t start = clock_mono_us();
    code = open_model(c, choice, &m, e);
    if (!code)
        show(c, choice, m, clock_mono_us() - start);
    encoder_close(m);
    return code;
}

const struct command command_model = {
    .name = "model",
    .summary = "Which embedding model is used, and where it is; --pack: in one file",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .run = run_model,
    .details =
        "Looked for in this order: search.model (--model, CAIRN_MODEL; \"off\": none), embedding.url (an endpoint),\n"
        "<data>/model, $XDG_DATA_HOME/cairn/model, model/ and ../share/cairn/model beside the program, and what is\n"
        "inside the program. Each may be a model's folder, hold one called all-MiniLM-L6-v2, or be a packed file\n"
        "(model.cairn). A checkout of Cairn fetches the default one: tools/get-model FOLDER.\n",
};
