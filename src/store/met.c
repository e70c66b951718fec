/* Keys of what imports have met: see met.h. One table that holds nothing but them. */
#include "store/met.h"

#include "store/internal.h"

static struct str bytes_of(const unsigned char key[MET_KEY])
{
    return (struct str){(const char *)key, MET_KEY};
}

enum err_code met_add(struct store_tx *tx, const unsigned char key[MET_KEY], bool *added, struct err *e)
{
    int64_t before = tx->d->changed(tx->c);
    struct query q;
    query_fixed(&q, tx, STMT_MET_ADD, e);
    query_bytes(&q, bytes_of(key));
    enum err_code rc = query_run(&q);
    *added = !rc && tx->d->changed(tx->c) > before;
    return rc;
}

enum err_code met_has(struct store_tx *tx, const unsigned char key[MET_KEY], bool *has, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_MET_HAS, e);
    query_bytes(&q, bytes_of(key));
    *has = query_row(&q);
    return query_end(&q);
}

enum err_code met_any(struct store_tx *tx, bool *any, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_MET_ANY, e);
    *any = query_row(&q);
    return query_end(&q);
}
