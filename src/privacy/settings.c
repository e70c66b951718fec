/* What the configuration says of privacy. */
#include "privacy/privacy_int.h"

enum err_code privacy_options_read(const struct config *c, struct arena *a, struct privacy_options *out, struct err *e)
{
    (void)c;
    (void)a;
    (void)e;
    *out = (struct privacy_options){0};
    return ERR_OK;
}
