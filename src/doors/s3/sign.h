/* AWS Signature Version 4 for S3, in the Authorization header, the body's hash signed with it. Pure: bytes in, the
 * header's value out. */
#ifndef CAIRN_DOORS_S3_SIGN_H
#define CAIRN_DOORS_S3_SIGN_H

#include "base/buf.h"

enum { S3_TIME = 17, S3_HASH = 65 }; /* "20130524T000000Z" and 64 hex digits, each with its NUL */

struct s3_header {
    const char *name; /* in small letters */
    struct str value; /* without white space at its ends */
};
struct s3_to_sign {
    const char *key_id, *key, *region;
    const char *method;
    struct str path, query;          /* as they are sent: encoded; the query's parameters in the order of their names */
    const struct s3_header *headers; /* all that are signed, by name: host, x-amz-content-sha256, x-amz-date … */
    size_t n_headers;
    const char *body_sha256, *time;
};
/* "AWS4-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…", appended; out->failed: out of memory. */
void s3_sign(const struct s3_to_sign *s, struct buf *out);
/* Percent-encodes all but letters, digits and -_.~ (and '/', where `slashes` stay). */
void s3_encode(struct buf *out, struct str text, bool slashes);
void s3_time(int64_t ms, char out[static S3_TIME]);

#endif
