/* What every unit test program of this room includes first: cmocka needs these headers before it. */
#ifndef CAIRN_TEST_UNIT_H
#define CAIRN_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, text)                                                                                            \
    do {                                                                                                               \
        struct str given_ = (s);                                                                                       \
        assert_int_equal(given_.n, sizeof(text) - 1);                                                                  \
        assert_memory_equal(given_.p, text, sizeof(text) - 1);                                                         \
    } while (0)

#endif
