/* An operation's arguments as an HTTP request, from the operation's own table entry. */
#ifndef CAIRN_DOORS_CLI_ASK_REQUEST_H
#define CAIRN_DOORS_CLI_ASK_REQUEST_H

#include "doors/cli/command.h"

/* "/api/v2/sessions/sess_1/context/search?limit=5": the first of the operation's paths whose names are all given. */
enum err_code ask_target(struct cli *c, const struct given *g, struct str *out, struct err *e);
/* The JSON body; STR_NONE when the operation takes none. `call` holds the checked values. */
enum err_code ask_body(struct cli *c, const struct given *g, const struct op_call *call, struct str *out,
                       struct err *e);

#endif
