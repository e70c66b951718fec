/* The checks of the tables of secrets: each judges one match by its value and by the text around it. */
#ifndef CAIRN_PRIVACY_SECRET_CHECKS_H
#define CAIRN_PRIVACY_SECRET_CHECKS_H

#include "privacy/detector.h"

typedef double secret_check(const struct detector_match *m, size_t *start, size_t *end);

/* check_secret.c: values that have a form of their own. */
secret_check secret_check_token, secret_check_aws_id, secret_check_jwt, secret_check_pem, secret_check_aws_secret,
    secret_check_aws_named, secret_check_basic, secret_check_url, secret_check_pair;
/* check_table.c: values of a column that is called so. */
secret_check secret_check_password_column, secret_check_key_column;
/* check_password.c, check_told.c, check_key.c: values behind a name; in running text, in command lines. */
secret_check secret_check_password, secret_check_password_said, secret_check_password_given, secret_check_call,
    secret_check_password_before, secret_check_phrase, secret_check_code, secret_check_netrc, secret_check_key,
    secret_check_key_said, secret_check_key_alone, secret_check_key_given;

#endif
