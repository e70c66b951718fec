/* What the service does about recalled text that addresses the model. */
#include "service/suspect.h"

#include "base/metrics.h"
#include "config/config.h"

#include <math.h>

enum suspect_policy suspect_policy(const struct service *s)
{
    struct str chosen = str_of(config_text(s->options.config, "privacy.injection"));
    return str_is(chosen, "drop") ? SUSPECT_DROP : str_is(chosen, "off") ? SUSPECT_OFF : SUSPECT_FLAG;
}

bool suspect_text(enum suspect_policy policy, struct str text, struct injection *out)
{
    struct err ignored = {0};
    if (policy == SUSPECT_OFF || injection_judge(text, out, &ignored) || out->score < INJECTION_FLAGGED)
        return false;
    metric_add(M_INJECTION_FLAGGED, 1);
    return true;
}

static void write_found(struct json_out *w, const struct injection *found)
{
    bool told[INJECTION_REASONS] = {false};
    jw_key(w, "injection");
    jw_object(w);
    jw_knum(w, "score", round(found->score * 100) / 100);
    jw_key(w, "reasons");
    jw_array(w);
    for (int n = 0; n < INJECTION_REASONS; n++) {
        int best = -1;
        for (int r = 0; r < INJECTION_REASONS; r++) {
            if (!told[r] && found->by_reason[r] > 0 && (best < 0 || found->by_reason[r] > found->by_reason[best]))
                best = r;
        }
        if (best < 0)
            break;
        told[best] = true;
        jw_str(w, str_of(injection_reason_name((enum injection_reason)best)));
    }
    jw_end_array(w);
    jw_end_object(w);
}

void suspect_tell(const struct service *s, struct json_out *w, struct str text)
{
    struct injection found;
    if (suspect_text(suspect_policy(s), text, &found))
        write_found(w, &found);
}
