/* For operation functions: the ways to read and write the store within a call. */
#ifndef CAIRN_SERVICE_OPERATION_RUN_H
#define CAIRN_SERVICE_OPERATION_RUN_H

#include "service/operation.h"
#include "service/service.h"
#include "store/records.h"

/* Runs fn(tx, arg) in the writer's group, then answer(call, arg) to write the reply. Where the door can
 * wait (call->finish is set) it returns OP_PENDING at once and the rest happens on the writer thread, so answer
 * must be quick; otherwise it waits. arg lives in the call's arena. */
enum err_code op_write(struct op_call *call, store_fn *fn, void *arg, void (*answer)(struct op_call *call, void *arg),
                       struct err *e);

/* Runs fn(call, tx) on a read snapshot. */
typedef enum err_code op_read_fn(struct op_call *call, struct store_tx *tx, struct err *e);
enum err_code op_read(struct op_call *call, op_read_fn *fn, struct err *e);

/* "no session with session_id …" with the contract's name SESSION_NOT_FOUND, and likewise for conversations. */
enum err_code op_get_session(struct store_tx *tx, struct arena *a, struct str id, struct record **out, struct err *e);
enum err_code op_get_conversation(struct store_tx *tx, struct arena *a, struct str id, struct record **out,
                                  struct err *e);

#endif
