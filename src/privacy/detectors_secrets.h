/* What the tables of secrets share. Each table is a file: tokens with a form of their own, keys and tokens known by
 * their build, values that are secret because of the words before them. */
#ifndef CAIRN_PRIVACY_DETECTORS_SECRETS_H
#define CAIRN_PRIVACY_DETECTORS_SECRETS_H

#include "privacy/detector.h"

/* A token begins where no other word goes on: behind \n as two characters (JSON in a string) and %3D as well. */
#define SECRET_LEFT "(?:(?<![A-Za-z0-9])|(?<=\\\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=/bot))"
#define SECRET_RIGHT "(?![A-Za-z0-9])"

#endif
