/* Asking the upstream's model, over libcurl's easy interface: a handle for each question, so that any thread may ask.
 * See asker.h. */
#include "doors/proxy/asker.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "doors/proxy/forward.h"
#include "doors/proxy/post.h"
#include "service/masking.h"

#include <curl/curl.h>
#include <stdatomic.h>

enum { CONNECT_TIMEOUT_MS = 30000, ANSWER_MAX = 1 << 20 };

struct model_asker {
    struct asker_options o;
    struct asker lent;
    char *url; /* of chat/completions */
    char *key; /* "Authorization: Bearer …", NULL: none */
    atomic_bool stopping;
};

/* One question. */
struct question {
    struct model_asker *m;
    struct post http;
    char error[CURL_ERROR_SIZE];
};

static void write_message(struct json_out *w, const char *role, struct str content)
{
    jw_object(w);
    jw_kcstr(w, "role", role);
    jw_kstr(w, "content", content);
    jw_end_object(w);
}

static void write_body(struct question *q, struct str system, struct str user, int max_tokens)
{
    struct json_out w;
    jw_init(&w, &q->http.body);
    jw_object(&w);
    jw_kcstr(&w, "model", q->m->o.model);
    jw_key(&w, "messages");
    jw_array(&w);
    write_message(&w, "system", system);
    write_message(&w, "user", user);
    jw_end_array(&w);
    jw_kint(&w, "max_tokens", max_tokens);
    jw_knum(&w, "temperature", 0.2);
    jw_kbool(&w, "stream", false);
    jw_end_object(&w);
}

static bool prepare(struct question *q, int timeout_ms)
{
    const int connect_ms = q->m->o.connect_timeout_ms;
    const struct post_to to = {q->m->url, q->m->key, connect_ms > 0 ? connect_ms : CONNECT_TIMEOUT_MS, timeout_ms};
    return post_prepare(&q->http, &to) && curl_easy_setopt(q->http.easy, CURLOPT_ERRORBUFFER, q->error) == CURLE_OK;
}

static enum err_code failed(const struct question *q, CURLcode rc, struct err *e)
{
    const char *why = q->error[0] ? q->error : curl_easy_strerror(rc);
    if (rc == CURLE_OUT_OF_MEMORY)
        return err_nomem(e);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, NULL, "the model did not answer in time (%s)", why);
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the server is stopping");
    if (rc == CURLE_WRITE_ERROR)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the model's answer is longer than %d bytes", ANSWER_MAX);
    return err_set(e, ERR_UNAVAILABLE, NULL, "the model cannot be asked (%s)", why);
}

/* choices[0].message.content */
static enum err_code read_answer(struct question *q, struct arena *a, struct str *answer, struct err *e)
{
    long status = 0;
    const struct json *o = NULL;
    curl_easy_getinfo(q->http.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the model's server answered with status %ld", status);
    struct str text = arena_str(a, buf_view(&q->http.answer));
    if (!text.p)
        return err_nomem(e);
    const struct json *choices =
        json_parse(a, text, JSON_DUPLICATES_OK, &o, NULL) ? NULL : json_get_type(o, "choices", JSON_ARRAY);
    const struct json *message = choices && choices->n ? json_get(&choices->items[0], "message") : NULL;
    const struct json *content = json_get_type(message, "content", JSON_STRING);
    if (!content)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the model's server answered without a text");
    *answer = content->s;
    return ERR_OK;
}

/* What Cairn asks by itself leaves this machine: nobody chose that each of these texts should. */
static enum err_code mask_question(const struct model_asker *m, struct arena *a, struct str *user, struct err *e)
{
    const struct store_gate *g = masking_shown(m->o.svc->masking);
    return user->n ? g->mask(g->arg, a, STR("PUBLIC"), false, *user, user, e) : ERR_OK;
}

static enum err_code ask(void *arg, struct arena *a, struct str system, struct str user, int max_tokens, int timeout_ms,
                         struct str *answer, struct err *e)
{
    struct question q = {.m = arg};
    enum err_code code;
    q.http = (struct post){.easy = curl_easy_init(), .stop = &q.m->stopping};
    buf_init(&q.http.body, 0);
    buf_init(&q.http.answer, ANSWER_MAX);
    code = mask_question(q.m, a, &user, e);
    write_body(&q, system, user, max_tokens);
    if (code) {
        ; /* nothing leaves unmasked */
    } else if (atomic_load(&q.m->stopping)) {
        code = err_set(e, ERR_UNAVAILABLE, NULL, "the server is stopping");
    } else if (!prepare(&q, timeout_ms)) {
        code = err_nomem(e);
    } else {
        CURLcode rc = curl_easy_perform(q.http.easy);
        code = rc == CURLE_OK ? read_answer(&q, a, answer, e) : failed(&q, rc, e);
    }
    curl_slist_free_all(q.http.headers);
    if (q.http.easy)
        curl_easy_cleanup(q.http.easy);
    buf_release(&q.http.body);
    buf_release(&q.http.answer);
    return code;
}

static enum err_code make_strings(struct model_asker *m, struct err *e)
{
    struct arena *a = arena_new();
    const char *key = m->o.upstream_key;
    if (!a)
        return err_nomem(e);
    const char *url = forward_url(a, str_of(m->o.upstream_url), STR("/v1/chat/completions"), STR_NONE);
    m->url = url ? mem_strdup(url) : NULL;
    struct str line = key && key[0] ? arena_fmt(a, "Authorization: Bearer %s", key) : STR_NONE;
    m->key = line.p ? mem_strdup(line.p) : NULL;
    arena_free(a);
    return m->url && (m->key || !key || !key[0]) ? ERR_OK : err_nomem(e);
}

enum err_code asker_open(const struct asker_options *o, struct model_asker **out, struct err *e)
{
    *out = NULL;
    if (!o->upstream_url || !o->upstream_url[0] || !o->model || !o->model[0])
        return ERR_OK;
    struct model_asker *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        mem_free(m);
        return err_set(e, ERR_INTERNAL, NULL, "libcurl does not start");
    }
    m->o = *o;
    m->lent = (struct asker){ask, m};
    enum err_code code = make_strings(m, e);
    if (code) {
        m->o.svc = NULL;
        asker_free(m);
        return code;
    }
    o->svc->asker = &m->lent;
    *out = m;
    return ERR_OK;
}

void asker_stop(struct model_asker *m)
{
    if (!m)
        return;
    atomic_store(&m->stopping, true);
    m->o.svc->asker = NULL;
}

void asker_free(struct model_asker *m)
{
    if (!m)
        return;
    mem_free(m->url);
    mem_free(m->key);
    curl_global_cleanup();
    mem_free(m);
}
