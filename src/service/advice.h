/* What helps after an error that is nobody's mistake: one line for a person, under the error's own. */
#ifndef CAIRN_SERVICE_ADVICE_H
#define CAIRN_SERVICE_ADVICE_H

#include "base/err.h"

/* NULL: nothing more to say. */
const char *advice_of(const struct err *e);

#endif
