/* Row numbers of the FTS5 table: 20 bits of session, 36 bits of seq, 7 bits of length. Why: a session
 * is then one range, the newest rows of a session come first in descending order, and BM25 needs no look-up. */
#include "index/intern.h"

#include <math.h>

/* Length codes grow by a tenth each, from 8 bytes: 127 stands for about 1.4 MB. */
static const double LENGTH_STEP = 1.1, LENGTH_UNIT = 8;

int row_length_of(size_t bytes)
{
    int code = (int)lround(log1p((double)bytes / LENGTH_UNIT) / log(LENGTH_STEP));
    return code < ROW_LENGTHS ? code : ROW_LENGTHS - 1;
}

int64_t row_make(int64_t session, int64_t seq, size_t bytes)
{
    int64_t slot = session & (ROW_SLOTS - 1);
    return (((slot << ROW_SEQ_BITS) | seq) << ROW_LEN_BITS) | row_length_of(bytes);
}

int64_t row_seq(int64_t row)
{
    return (row >> ROW_LEN_BITS) & (((int64_t)1 << ROW_SEQ_BITS) - 1);
}

int64_t row_slot(int64_t row)
{
    return row >> (ROW_LEN_BITS + ROW_SEQ_BITS);
}

int row_length(int64_t row)
{
    return (int)(row & (ROW_LENGTHS - 1));
}

void row_range(int64_t session, int64_t *from, int64_t *to)
{
    const int bits = ROW_LEN_BITS + ROW_SEQ_BITS;
    int64_t slot = session & (ROW_SLOTS - 1);
    *from = slot << bits;
    *to = *from + (((int64_t)1 << bits) - 1);
}

void row_lengths(double *out)
{
    for (int i = 0; i < ROW_LENGTHS; i++)
        out[i] = LENGTH_UNIT * (pow(LENGTH_STEP, i) - 1);
}
