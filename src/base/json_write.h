/* Writing JSON straight into a buffer: sticky, no tree. Commas and colons come by themselves.
 * Strings are escaped to valid JSON; invalid UTF-8 becomes U+FFFD. NaN and infinities become null. */
#ifndef CAIRN_BASE_JSON_WRITE_H
#define CAIRN_BASE_JSON_WRITE_H

#include "base/buf.h"
#include "base/json.h"

struct json_out {
    struct buf *b;
    bool comma; /* the next value needs one before it */
};

void jw_init(struct json_out *w, struct buf *b);
void jw_object(struct json_out *w);
void jw_end_object(struct json_out *w);
void jw_array(struct json_out *w);
void jw_end_array(struct json_out *w);
void jw_key(struct json_out *w, const char *key);
void jw_key_str(struct json_out *w, struct str key);
void jw_str(struct json_out *w, struct str s); /* p == NULL writes null */
void jw_cstr(struct json_out *w, const char *s);
void jw_int(struct json_out *w, int64_t v);
void jw_num(struct json_out *w, double v); /* shortest form that reads back the same */
void jw_bool(struct json_out *w, bool v);
void jw_null(struct json_out *w);
void jw_raw(struct json_out *w, struct str json); /* trusted JSON text, as it is */
void jw_time(struct json_out *w, int64_t ms);     /* RFC 3339 UTC with milliseconds; 0 writes null */
/* A parsed value, minified. */
void jw_value(struct json_out *w, const struct json *v);
/* Only the escaped inside of a string, without quotes. */
void jw_escape(struct buf *b, struct str s);

/* key and value in one */
void jw_kstr(struct json_out *w, const char *key, struct str v);
void jw_kcstr(struct json_out *w, const char *key, const char *v);
void jw_kint(struct json_out *w, const char *key, int64_t v);
void jw_knum(struct json_out *w, const char *key, double v);
void jw_kbool(struct json_out *w, const char *key, bool v);
void jw_ktime(struct json_out *w, const char *key, int64_t ms);
void jw_kraw(struct json_out *w, const char *key, struct str json);

#endif
