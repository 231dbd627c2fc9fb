/* SPDX-License-Identifier: GPL-3.0-or-later */
/* running.h - mean, spread and range of numbers that come one by one; undefined ones (NaN) do not count. */
#ifndef SUPERMASK_ANALYZE_RUNNING_H
#define SUPERMASK_ANALYZE_RUNNING_H

#include <stddef.h>

/* All zeros: no number yet. */
struct sm_running {
    size_t n;
    double mean, squares; /* squares: sum of squared distances to the mean (Welford 1962) */
    double least, most;
};

void sm_running_add(struct sm_running *running, double value);

/* NaN without a number; the standard deviation (n - 1 in the denominator) with fewer than two. */
double sm_running_mean(const struct sm_running *running);
double sm_running_sd(const struct sm_running *running);
double sm_running_least(const struct sm_running *running);
double sm_running_most(const struct sm_running *running);

#endif
