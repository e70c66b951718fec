/* The gate made of the privacy room and the settings. See masking.h. Why here: the store must not know detectors, the
 * privacy room no store. */
#include "service/masking.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct masking {
    const struct config *config;
    unsigned char key[32];
    bool contacts_stay; /* privacy.auto_redact is off */
    struct store_gate kept, shown;
    pthread_mutex_t lock; /* held while the detectors are compiled */
    _Atomic(struct privacy *) privacy;
};

/* ---- levels ---- */

static enum privacy_level level_named(struct str level)
{
    enum privacy_level out = PRIVACY_TEAM;
    if (level.n && (!privacy_level_parse(level, &out) || out == PRIVACY_EPHEMERAL))
        return PRIVACY_PUBLIC; /* what is not known is masked like what anybody may read */
    return out;
}

enum privacy_level masking_level(const struct masking *m, struct str level)
{
    return m->contacts_stay ? PRIVACY_PRIVATE : level_named(level);
}

struct str masking_default_level(const struct config *c)
{
    return str_of(config_text(c, "privacy.default_level"));
}

/* ---- the detectors ---- */

static enum err_code compile(struct masking *m, struct err *e)
{
    struct privacy_options o = {0};
    struct privacy *p = NULL;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = privacy_options_read(m->config, a, &o, e);
    memcpy(o.key, m->key, sizeof o.key);
    if (!code)
        code = privacy_open(&o, &p, e);
    atomic_store(&m->privacy, p);
    arena_free(a);
    return code;
}

const struct privacy *masking_privacy(struct masking *m, struct err *e)
{
    const struct privacy *p = atomic_load_explicit(&m->privacy, memory_order_acquire);
    if (p)
        return p;
    (void)pthread_mutex_lock(&m->lock);
    if (!atomic_load(&m->privacy))
        (void)compile(m, e);
    p = atomic_load(&m->privacy);
    (void)pthread_mutex_unlock(&m->lock);
    return p;
}

enum err_code masking_ready(struct masking *m, struct err *e)
{
    struct err why = {0};
    if (masking_privacy(m, &why))
        return ERR_OK;
    if (e && !e->code)
        *e = why;
    return why.code ? why.code : err_set(e, ERR_INTERNAL, NULL, "the detectors of privacy could not be made ready");
}

/* ---- the gates ---- */

/* A JSON column may hold what an older version took for JSON: then it is a text as any other. */
static enum err_code mask(struct masking *m, struct arena *a, enum privacy_level level, bool json, struct str text,
                          struct str *out, struct err *e)
{
    struct err why = {0};
    const struct privacy *p = masking_privacy(m, &why);
    *out = text;
    enum err_code code = !p     ? why.code ? why.code : ERR_INTERNAL
                         : json ? privacy_mask_json(p, level, text, a, out, &why)
                                : privacy_mask(p, level, text, a, out, &why);
    if (p && json && code == ERR_INVALID) {
        err_clear(&why);
        code = privacy_mask(p, level, text, a, out, &why);
    }
    if (code && e && !e->code)
        *e = why;
    return code;
}

static enum err_code mask_kept(void *arg, struct arena *a, struct str level, bool json, struct str text,
                               struct str *out, struct err *e)
{
    return mask(arg, a, masking_level(arg, level), json, text, out, e);
}

static enum err_code mask_shown(void *arg, struct arena *a, struct str level, bool json, struct str text,
                                struct str *out, struct err *e)
{
    return mask(arg, a, level_named(level), json, text, out, e);
}

const struct store_gate *masking_kept(struct masking *m)
{
    return &m->kept;
}

const struct store_gate *masking_shown(struct masking *m)
{
    return &m->shown;
}

/* ---- open and close ---- */

enum err_code masking_open(const struct config *c, struct masking **out, struct err *e)
{
    struct masking *m = mem_zalloc(sizeof *m);
    *out = m;
    if (!m)
        return err_nomem(e);
    m->config = c;
    m->contacts_stay = !config_bool(c, "privacy.auto_redact");
    m->kept =
        (struct store_gate){.mask = mask_kept, .arg = m, .default_level = config_text(c, "privacy.default_level")};
    m->shown = (struct store_gate){.mask = mask_shown, .arg = m};
    (void)pthread_mutex_init(&m->lock, NULL);
    atomic_init(&m->privacy, NULL);
    return ERR_OK;
}

/* Not with the first text: that may come on the writer's own thread, which cannot wait for a write. */
enum err_code masking_attach(struct masking *m, struct store *s, struct err *e)
{
    return config_bool(m->config, "privacy.stable") ? store_secret(s, "mask_key", m->key, e) : ERR_OK;
}

void masking_close(struct masking *m)
{
    if (!m)
        return;
    privacy_free(atomic_load(&m->privacy));
    (void)pthread_mutex_destroy(&m->lock);
    mem_free(m);
}
