/* What a value looks like, apart from where it stands: chance, a word, code, a place left for a value. */
#ifndef CAIRN_PRIVACY_SECRET_LOOK_H
#define CAIRN_PRIVACY_SECRET_LOOK_H

#include "base/str.h"

struct secret_look {
    size_t n, digits, lower, upper, other; /* bytes of each sort; those of other scripts are `other` */
    size_t distinct;                       /* different bytes */
    size_t turns;                          /* where lower case, upper case and digits follow one another */
    bool hex;                              /* hex digits only, of one case, at least 16 */
    bool uuid;
    bool words; /* letters in words, between - _ . / and spaces, the last maybe with digits: names, slugs, paths */
};

struct secret_look secret_look(struct str v);
/* Stands for a value that is to be put in: <token>, ${VAR}, {{ x }}, YOUR_KEY, EXAMPLE, xxxx, ****, "...", changeme. */
bool secret_placeholder(struct str v);
/* An expression that gives the value when it runs: f(x), config.password, os.environ[...], types such as string. */
bool secret_code(struct str v);
/* Such as only chance makes: an API key, whatever its maker. */
bool secret_random(struct str v);
/* A password that tells itself: not a word, not a number of something, not a name of a method. */
bool secret_strong(struct str v);
/* A number with dots, dashes, colons or a unit: versions, dates, times, sizes, addresses. */
bool secret_number(struct str v);
size_t secret_count(struct str v, char c);

/* secret_words.c */
/* list: words between bars, with a bar at both ends, in lower case. */
bool secret_listed(const char *list, struct str word);
/* A word as prose and forms have it behind "password is" or "password:". */
bool secret_prose_word(struct str v);
bool secret_names_one(struct str v); /* has "pass", "token", … in it */
bool secret_is_name(struct str v);   /* userPassword, challenge_password: the name of one */
bool secret_lower_words(struct str v);
bool secret_path(struct str v);     /* or a link */
bool secret_argument(struct str v); /* name=value */
bool secret_email(struct str v);
bool secret_named_hash(struct str v);    /* sha256-…: hashes that say what they are */
bool secret_type_or_color(struct str v); /* Ed25519PublicKey, #f8f8f2 */
/* Words with spaces: a passphrase has four or more of them, all in lower case, and says nothing. */
bool secret_passphrase(struct str v);

#endif
