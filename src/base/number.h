/* Doubles to text and back: shortest form, exact round trip, and whatever the process's locale says
 * (a program that loads the library may have set a decimal comma). */
#ifndef CAIRN_BASE_NUMBER_H
#define CAIRN_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NUMBER_TEXT = 32 };
/* The shortest decimal text that reads back as `v`, into out[NUMBER_TEXT], not NUL-terminated; its
 * length. Valid JSON for every finite v. */
size_t number_write(double v, char *out);
/* The same for a float: shorter, and reads back as the same float. */
size_t number_write_float(float v, char *out);
/* The whole of p[0..n) as a finite decimal number; false when it is none or out of range. */
bool number_read(const char *p, size_t n, double *out);

#ifdef __cplusplus
}
#endif

#endif
