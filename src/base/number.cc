/* C++ for its <charconv>: C's printf and strtod follow the locale and know no shortest form. */
#include "base/number.h"

#include <charconv>
#include <cmath>
#include <cstdint>

/* Whole numbers up to here are exact, and written without exponent or fraction. */
static constexpr double WHOLE_MAX = 9007199254740992.0;

extern "C" size_t number_write(double v, char *out)
{
    std::to_chars_result r;
    if (v == std::trunc(v) && std::fabs(v) <= WHOLE_MAX && !(v == 0 && std::signbit(v)))
        r = std::to_chars(out, out + NUMBER_TEXT, static_cast<int64_t>(v));
    else
        r = std::to_chars(out, out + NUMBER_TEXT, v);
    return r.ec == std::errc() ? static_cast<size_t>(r.ptr - out) : 0;
}

extern "C" size_t number_write_float(float v, char *out)
{
    std::to_chars_result r = std::to_chars(out, out + NUMBER_TEXT, v);
    return r.ec == std::errc() ? static_cast<size_t>(r.ptr - out) : 0;
}

extern "C" bool number_read(const char *p, size_t n, double *out)
{
    if (n == 0)
        return false;
    double v = 0;
    std::from_chars_result r = std::from_chars(p, p + n, v, std::chars_format::general);
    if (r.ec != std::errc() || r.ptr != p + n || !std::isfinite(v))
        return false;
    *out = v;
    return true;
}
