/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - what every benchmark does with time: read it, take the median. */
#ifndef SUPERMASK_BENCH_CLOCK_H
#define SUPERMASK_BENCH_CLOCK_H

#include <stdlib.h>
#include <supermask/clock.h>

static inline int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values; of an even number the upper of the two in the middle. n >= 1. */
static inline double median(double *values, size_t n) {
    qsort(values, n, sizeof *values, ascending);
    return values[n / 2];
}

#endif
