/* The steps of the schema, oldest first. A step that was released is never changed: a new one is added. */
#include "store/migrations.h"

#include "store/audit_int.h"
#include "store/pack_int.h"

#include <sodium.h>

/* Scripts: several statements, no parameters. */
static enum err_code run(struct store_tx *tx, const char *sql, struct err *e)
{
    return tx->d->exec(tx->c, sql, "change the schema", e);
}

/* ---- 1: a table for every kind ---- */

static enum err_code kinds_up(struct store_tx *tx, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 0);
    ddl_all(&sql, tx->d->dialect);
    buf_char(&sql, '\0');
    enum err_code rc = sql.failed ? err_nomem(e) : run(tx, sql.p, e);
    buf_release(&sql);
    return rc;
}

/* The way back to nothing is only open while there is nothing: records are never dropped with their tables. */
static enum err_code kinds_down(struct store_tx *tx, struct err *e)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    struct buf sql;
    buf_init(&sql, 0);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        struct query q;
        query_kind(&q, tx, &all[i], SQL_AFTER, e);
        query_int(&q, 0);
        query_int(&q, 1);
        bool any = query_row(&q);
        rc = query_end(&q);
        if (any)
            rc = err_set(e, ERR_CONFLICT, NULL, "cannot take the schema back to version 0: there are %s in the store",
                         all[i].plural);
        buf_fmt(&sql, "DROP TABLE IF EXISTS \"%s\";\n", all[i].name);
    }
    buf_char(&sql, '\0');
    if (!rc)
        rc = sql.failed ? err_nomem(e) : run(tx, sql.p, e);
    buf_release(&sql);
    return rc;
}

/* ---- 2: the store's own settings, and its identity ---- */

static enum err_code meta_up(struct store_tx *tx, struct err *e)
{
    enum err_code rc = run(tx, "CREATE TABLE store_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)", e);
    return rc ? rc : schema_new_identity(tx, e);
}

static enum err_code meta_down(struct store_tx *tx, struct err *e)
{
    return run(tx, "DROP TABLE store_meta", e);
}

/* ---- 3: packed contents ---- */

static enum err_code pack_up(struct store_tx *tx, struct err *e)
{
    return run(
        tx,
        tx->d->dialect == SQL_SQLITE
            ? "CREATE TABLE pack_dictionary (id BIGINT PRIMARY KEY, turns BIGINT NOT NULL, bytes BLOB NOT NULL)"
            : "CREATE TABLE pack_dictionary (id BIGINT PRIMARY KEY, turns BIGINT NOT NULL, bytes BYTEA NOT NULL)",
        e);
}

static enum err_code pack_down(struct store_tx *tx, struct err *e)
{
    enum err_code rc = unpack_all(tx, e);
    return rc ? rc : run(tx, "DROP TABLE pack_dictionary; DELETE FROM store_meta WHERE key = 'pack_place'", e);
}

/* ---- 4: the audit log: a chain of rows found by their number alone, and what files them under records ---- */

static enum err_code audit_up(struct store_tx *tx, struct err *e)
{
    unsigned char salt[AUDIT_SALT];
    char hex[2 * AUDIT_SALT + 1];
    enum err_code rc = run(tx,
                           "DROP INDEX IF EXISTS ix_audit_entry_id; DROP INDEX IF EXISTS ix_audit_entry_newest;"
                           "DROP INDEX IF EXISTS ix_audit_entry_record_id;",
                           e);
    if (!rc)
        rc = run(tx,
                 tx->d->dialect == SQL_SQLITE
                     ? "CREATE TABLE audit_mention (record INTEGER NOT NULL, seq INTEGER NOT NULL,"
                       " PRIMARY KEY (record, seq)) WITHOUT ROWID"
                     : "CREATE TABLE audit_mention (record BIGINT NOT NULL, seq BIGINT NOT NULL,"
                       " PRIMARY KEY (record, seq))",
                 e);
    if (rc)
        return rc;
    id_random(salt, sizeof salt);
    sodium_bin2hex(hex, sizeof hex, salt, sizeof salt);
    struct query q;
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, STR(AUDIT_META_SALT));
    query_text(&q, str_of(hex));
    return query_run(&q);
}

/* An older Cairn knows no chain and reads none; what was noted stays where it is, and goes on with a later step up. */
static enum err_code audit_down(struct store_tx *tx, struct err *e)
{
    return run(tx, "DROP TABLE audit_mention; DELETE FROM store_meta WHERE key = 'audit_indexed'", e);
}

/* ---- 5: keys of what imports have met (met.h) ---- */

static enum err_code met_up(struct store_tx *tx, struct err *e)
{
    return run(tx,
               tx->d->dialect == SQL_SQLITE ? "CREATE TABLE import_key (key BLOB PRIMARY KEY) WITHOUT ROWID"
                                            : "CREATE TABLE import_key (key BYTEA PRIMARY KEY)",
               e);
}

static enum err_code met_down(struct store_tx *tx, struct err *e)
{
    return run(tx, "DROP TABLE import_key", e);
}

/* ---- 6: the words that imports have met, and turns that several conversations tell (met.h) ---- */

static enum err_code said_up(struct store_tx *tx, struct err *e)
{
    bool sqlite = tx->d->dialect == SQL_SQLITE;
    enum err_code rc = run(tx,
                           sqlite ? "CREATE TABLE import_said (words INTEGER, time INTEGER, turn INTEGER, how INTEGER,"
                                    " PRIMARY KEY (words, time, turn)) WITHOUT ROWID"
                                  : "CREATE TABLE import_said (words BIGINT, time BIGINT, turn BIGINT, how BIGINT,"
                                    " PRIMARY KEY (words, time, turn))",
                           e);
    if (!rc)
        rc = run(tx,
                 sqlite ? "CREATE TABLE import_place (conversation INTEGER, turn INTEGER, after INTEGER, line INTEGER,"
                          " PRIMARY KEY (conversation, turn)) WITHOUT ROWID"
                        : "CREATE TABLE import_place (conversation BIGINT, turn BIGINT, after BIGINT, line BIGINT,"
                          " PRIMARY KEY (conversation, turn))",
                 e);
    return rc ? rc : run(tx, "CREATE INDEX ix_import_place_turn ON import_place (turn)", e);
}

static enum err_code said_down(struct store_tx *tx, struct err *e)
{
    return run(tx, "DROP TABLE import_place; DROP TABLE import_said", e);
}

static const struct migration steps[] = {
    {1, "a table for every kind", kinds_up, kinds_down},
    {2, "the store's own settings", meta_up, meta_down},
    {3, "packed contents", pack_up, pack_down},
    {4, "the audit log", audit_up, audit_down},
    {5, "keys of what imports have met", met_up, met_down},
    {6, "words that imports have met", said_up, said_down},
};

const struct migration *migrations_all(size_t *n)
{
    *n = sizeof steps / sizeof *steps;
    return steps;
}
