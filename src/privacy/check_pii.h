/* The checks behind detectors_pii.c: what a pattern cannot say of what it matched. See detector.h for what a check is
 * given and gives back. */
#ifndef CAIRN_PRIVACY_CHECK_PII_H
#define CAIRN_PRIVACY_CHECK_PII_H

#include "privacy/detector.h"

double check_email(const struct detector_match *m, size_t *start, size_t *end);
double check_phone(const struct detector_match *m, size_t *start, size_t *end);
double check_ssn(const struct detector_match *m, size_t *start, size_t *end);
double check_card(const struct detector_match *m, size_t *start, size_t *end);
double check_ipv4(const struct detector_match *m, size_t *start, size_t *end);
double check_ipv6(const struct detector_match *m, size_t *start, size_t *end);
double check_iban(const struct detector_match *m, size_t *start, size_t *end);

#endif
