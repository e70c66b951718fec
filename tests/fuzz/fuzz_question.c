/* What rules read out of a question or a turn: dates, what is asked for, claims that correct one another. Whatever the
 * bytes: no crash, within bounds, and dates that can be matched. */
#include "search/corrections.h"
#include "search/intern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct dates asked, told;
    struct plain plain;
    struct claims claims;
    int64_t now = size >= 8 ? (int64_t)(data[0] | data[1] << 8 | data[2] << 16) * 200000000 : 1715774400000;
    dates_read(text, now, &asked);
    dates_read(str_skip(text, size / 2), now, &told);
    must(asked.n <= DATES_MAX && told.n <= DATES_MAX);
    double match = dates_match(&asked, now), meet = dates_meet(&asked, &told, now);
    must(match >= 0 && match <= 1 && meet >= 0 && meet <= 1);
    must(asks_read(text) <= (ASKS_TIME | ASKS_NUMBER | ASKS_SEVERAL));
    plain_split(text, &plain);
    must(plain.n <= PLAIN_MAX && asks_met(&plain) <= (ASKS_TIME | ASKS_NUMBER));
    claims_read(&plain, &claims);
    must(claims.n <= CLAIMS_MAX);
    claims_correct(&claims, &claims, 1);
    return 0;
}
