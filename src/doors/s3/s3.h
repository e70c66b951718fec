/* A bucket as cold storage's driver, over libcurl. Nothing is asked when it is opened.
 *
 * What a call may end in: ERR_NOT_FOUND (no such object), ERR_DENIED (keys, rights), ERR_INVALID (no such bucket, the
 * wrong region, what the server does not take), ERR_UNAVAILABLE (not reached, broken off, 5xx and 429 after some tries,
 * an answer that is none), ERR_TIMEOUT, ERR_TOO_LARGE, ERR_NOMEM. The words name neither keys nor the address. */
#ifndef CAIRN_DOORS_S3_S3_H
#define CAIRN_DOORS_S3_S3_H

#include "service/cold_driver.h"

cold_dial s3_dial;

#endif
