/* What the configuration says of privacy. */
#include "privacy/privacy_int.h"

static const char GROUP[] = "privacy.custom";

static enum err_code read_custom(const struct config *c, struct arena *a, struct privacy_options *out, struct err *e)
{
    size_t n = 0;
    while (config_name(c, GROUP, n))
        n++;
    struct privacy_custom *all = arena_array(a, struct privacy_custom, n + 1);
    if (!all)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const char *name = config_name(c, GROUP, i);
        all[i] = (struct privacy_custom){
            .name = name,
            .pattern = config_named(c, "privacy.custom.*.pattern", name),
            .type = config_named(c, "privacy.custom.*.type", name),
            .context = config_named(c, "privacy.custom.*.context", name),
        };
        (void)privacy_level_parse(str_of(config_named(c, "privacy.custom.*.level", name)), &all[i].level);
    }
    out->custom = all;
    out->n_custom = n;
    return ERR_OK;
}

enum err_code privacy_options_read(const struct config *c, struct arena *a, struct privacy_options *out, struct err *e)
{
    *out = (struct privacy_options){
        .redaction_char = config_text(c, "privacy.redaction_char"),
        .plain_marks = !config_bool(c, "privacy.preserve_format"),
        .stable = config_bool(c, "privacy.stable"),
        .types = config_text(c, "privacy.pii_types_to_detect"),
        .allow = config_text(c, "privacy.allow"),
    };
    return read_custom(c, a, out, e);
}
