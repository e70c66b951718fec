/* What the name of a key says of its value: many keys open nothing. */
#ifndef CAIRN_PRIVACY_KEY_NAME_H
#define CAIRN_PRIVACY_KEY_NAME_H

#include "privacy/detector.h"

/* public_key, primary_key, next_page_token: what opens nothing. start: the value's. */
bool key_name_open(const struct detector_match *m, size_t start);
/* weather_key, herokuKey: some word and "key", nobody knows whose. */
bool key_name_any(const struct detector_match *m, size_t start);
/* Of these, those that programs give to tables, caches and queues. */
bool key_name_of_tables(const struct detector_match *m, size_t start);

#endif
