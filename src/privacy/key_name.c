/* Names of keys and tokens: which of them open nothing. */
#include "privacy/key_name.h"

#include "privacy/secret_around.h"

/* The name as it stands before its sign, letters only, in lower case: "nextpagetoken". */
static void read_name(const struct detector_match *m, size_t start, char name[64])
{
    size_t from = m->from, n = 0, to = m->from;
    while (from > 0 && m->from - from < 40) {
        char c = m->text.p[from - 1];
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            break;
        from--;
    }
    while (to < start && (((m->text.p[to] | 32) >= 'a' && (m->text.p[to] | 32) <= 'z') || m->text.p[to] == '_' ||
                          m->text.p[to] == '-' || m->text.p[to] == ' '))
        to++;
    for (size_t i = from; i < to && n < 63; i++) {
        char c = m->text.p[i];
        if ((c | 32) >= 'a' && (c | 32) <= 'z')
            name[n++] = (char)(c | 32);
    }
    name[n] = 0;
}

static bool ends_with_one(const struct detector_match *m, size_t start, const char *const *ends, size_t n)
{
    char name[64];
    read_name(m, start, name);
    for (size_t i = 0; i < n; i++) {
        if (str_ends(str_of(name), ends[i]))
            return true;
    }
    return false;
}

bool key_name_open(const struct detector_match *m, size_t start)
{
    static const char *const open[] = {
        "publickey",      "publishablekey",    "pubkey",      "primarykey",     "foreignkey", "cachekey",
        "sortkey",        "partitionkey",      "hashkey",     "indexkey",       "rowkey",     "mapkey",
        "objectkey",      "routingkey",        "groupkey",    "sitekey",        "restorekey", "pagetoken",
        "publickeytoken", "nexttoken",         "maxtoken",    "padtoken",       "eostoken",   "bostoken",
        "masktoken",      "unktoken",          "septoken",    "clstoken",       "synctoken",  "starttoken",
        "stoptoken",      "continuationtoken", "registrykey", "translationkey", "hotkey",     "shortcutkey",
        "publictoken",    "webtoken",          "jauth"}; /* NEO4J_AUTH: of a user and a password */
    return ends_with_one(m, start, open, sizeof open / sizeof open[0]);
}

bool key_name_any(const struct detector_match *m, size_t start)
{
    struct str name = around_span(m, m->from, start);
    return str_starts(name, "Key") || str_starts(name, "key\"") || str_starts(name, "key'") ||
           str_starts(name, "_key") || str_starts(name, "-key");
}

bool key_name_of_tables(const struct detector_match *m, size_t start)
{
    static const char *const tables[] = {
        "idempotencykey", "dedupekey",  "dedupkey",  "rediskey",    "lookupkey",    "kmskey",     "naturalkey",
        "sequencekey",    "schemakey",  "bucketkey", "eventkey",    "storekey",     "filekey",    "itemkey",
        "messagekey",     "requestkey", "statekey",  "querykey",    "datakey",      "metakey",    "fieldkey",
        "lockkey",        "columnkey",  "configkey", "queuekey",    "topickey",     "projectkey", "issuekey",
        "entrykey",       "nodekey",    "recordkey", "trackingkey", "tagkey",       "labelkey",   "uniquekey",
        "rangekey",       "joinkey",    "pathkey",   "prefixkey",   "compositekey", "blobkey",    "imagekey",
        "uploadkey",      "searchkey",  "onkey",     "idkey",       "documentkey",  "resumekey",  "sskey",
        "contentkey",     "blockkey",   "itemskey",  "commitkey",   "buildkey",     "versionkey", "resultkey"};
    return ends_with_one(m, start, tables, sizeof tables / sizeof tables[0]);
}
