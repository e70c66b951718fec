/* What is wrong with a text that the JSON reader refused, and where. Only for json_read.cc. */
#ifndef CAIRN_BASE_JSON_FAULT_H
#define CAIRN_BASE_JSON_FAULT_H

#include "base/err.h"
#include "base/str.h"

/* Fills *e with the first fault's line, column and cause; always ERR_INVALID. */
enum err_code json_fault(struct str text, struct err *e);

#endif
