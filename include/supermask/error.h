/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.h - how a failure travels: a function returns -1 and leaves one sentence in the caller's error object.
 *
 * The sentence names the file and the thing ("runs/a.h5: layer dense2: mask holds the value 7"), has no trailing full
 * stop or newline, and is printed once, by main. lib/ neither prints nor exits. What only a programmer can get wrong is
 * an assert; an undefined quantity is a documented NaN. */
#ifndef SUPERMASK_ERROR_H
#define SUPERMASK_ERROR_H

struct sm_error {
    char text[1024]; /* empty while nothing has failed */
};

/* Stores the formatted sentence and returns -1, so that `return sm_fail(err, ...)` is a whole error path. `err` may
 * not be NULL. A later failure replaces an earlier one. */
int sm_fail(struct sm_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the sentence that is already there and returns -1: context on the way up. */
int sm_fail_prefix(struct sm_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
