/* Deep merge of JSON objects, for preferences and agent states. */
#include "service/merge.h"

static void merge_member(struct json_out *w, const struct json *under, const struct json *over)
{
    if (over && over->type == JSON_OBJECT && under && under->type == JSON_OBJECT)
        json_merge(w, under, over); /* as deep as the shallower of two trees that json_parse bounded */
    else
        jw_value(w, over ? over : under);
}

void json_merge(struct json_out *w, const struct json *under, const struct json *over)
{
    jw_object(w);
    for (size_t i = 0; under && i < under->n; i++) {
        jw_key_str(w, under->keys[i].key);
        merge_member(w, &under->items[i], json_get_str(over, under->keys[i].key));
    }
    for (size_t i = 0; over && i < over->n; i++) {
        if (json_get_str(under, over->keys[i].key))
            continue;
        jw_key_str(w, over->keys[i].key);
        jw_value(w, &over->items[i]);
    }
    jw_end_object(w);
}

enum err_code json_merge_text(struct arena *a, struct str under, const struct json *over, struct str *out,
                              struct err *e)
{
    const struct json *stored = NULL;
    if (under.n && (json_parse(a, under, JSON_DUPLICATES_OK, &stored, NULL) || stored->type != JSON_OBJECT))
        stored = NULL;
    struct buf b;
    buf_init(&b, 0);
    struct json_out w;
    jw_init(&w, &b);
    json_merge(&w, stored, over);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}
