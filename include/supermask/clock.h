/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SUPERMASK_CLOCK_H
#define SUPERMASK_CLOCK_H

#include <time.h>

/* Seconds since some moment, by a clock that never goes back. */
static inline double sm_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
