/* Reading ListObjectsV2's and ListObjectVersions' answers. They are not trusted: what does not add up is no listing. */
#ifndef CAIRN_DOORS_S3_LISTING_H
#define CAIRN_DOORS_S3_LISTING_H

#include "base/arena.h"
#include "base/err.h"

struct s3_object {
    struct str key, version; /* version: empty in a list of objects */
    int64_t bytes;           /* of what is no object: 0 */
    bool latest;
};
struct s3_listing {
    struct s3_object *objects; /* in the arena, as are the strings */
    size_t n;
    bool more;
    struct str token;                  /* of objects: where the next page begins */
    struct str key_marker, at_version; /* the same of versions */
};
/* ERR_UNAVAILABLE: it is none. */
enum err_code s3_listing_read(struct arena *a, struct str xml, bool versions, struct s3_listing *out, struct err *e);
/* The <Code> of an error's answer, as far as it is one plain word; "" else. */
void s3_error_code(struct str xml, char out[static 60]);

#endif
