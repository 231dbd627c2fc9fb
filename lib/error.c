/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sm_fail(struct sm_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -1;
}

int sm_fail_prefix(struct sm_error *err, const char *format, ...) {
    char rest[sizeof err->text];
    memcpy(rest, err->text, sizeof rest);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->text)
        snprintf(err->text + used, sizeof err->text - (size_t)used, ": %s", rest);
    return -1;
}
