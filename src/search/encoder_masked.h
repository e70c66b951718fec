/* Masking what an encoder elsewhere is given (encoder_masked.c). */
#ifndef CAIRN_SEARCH_ENCODER_MASKED_H
#define CAIRN_SEARCH_ENCODER_MASKED_H

#include "search/encoder.h"
#include "store/gate.h"

/* Puts a shell around a remote encoder that masks each text as for PUBLIC; any other, or without a gate, stays as it
 * is. On an error *encoder is unchanged. */
enum err_code encoder_mask(const struct store_gate *gate, struct encoder **encoder, struct err *e);

#endif
