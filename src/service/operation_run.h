/* For operation functions: the ways to read and write the store within a call. */
#ifndef CAIRN_SERVICE_OPERATION_RUN_H
#define CAIRN_SERVICE_OPERATION_RUN_H

#include "service/access.h"
#include "service/operation.h"
#include "service/service.h"
#include "store/records.h"

/* Runs fn(tx, arg) in the writer's group, then answer(call, arg) to write the reply. Where the door can
 * wait (call->finish is set) it returns OP_PENDING at once and the rest happens on the writer thread, so answer
 * must be quick; otherwise it waits. arg lives in the call's arena. */
enum err_code op_write(struct op_call *call, store_fn *fn, void *arg, void (*answer)(struct op_call *call, void *arg),
                       struct err *e);

/* A read snapshot that shows records as the call's caller may see them (store_reader). */
enum err_code op_read_begin(struct op_call *call, struct store_tx **out, struct err *e);
/* Runs fn(call, tx) on such a snapshot. */
typedef enum err_code op_read_fn(struct op_call *call, struct store_tx *tx, struct err *e);
enum err_code op_read(struct op_call *call, op_read_fn *fn, struct err *e);

/* The session or conversation the call names, when its caller may read it, or write to it where the operation writes.
 * Else "there is no session …" with the contract's name SESSION_NOT_FOUND (CONVERSATION_NOT_FOUND), as if it were not
 * there; FORBIDDEN where it may be read only; SESSION_EXPIRED. In the write of an operation that writes, the session's
 * last_active moves. */
enum err_code op_get_session(struct op_call *call, struct store_tx *tx, struct str id, struct record **out,
                             struct err *e);
enum err_code op_get_conversation(struct op_call *call, struct store_tx *tx, struct str id, struct record **out,
                                  struct err *e);

/* Answers show projects as the caller names them (caller_shown_project), so records are written by these. */
void op_write_record(struct op_call *call, const struct record *r); /* as a JSON object */
void op_write_members(struct op_call *call, const struct record *r);
struct str op_shown_project(struct op_call *call, struct str full);

#endif
