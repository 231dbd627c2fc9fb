/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hypergeometric.h - how many entries two independent random masks have in common.
 *
 * In a layer of n weights one mask marks a, the other b of them, every choice equally likely; what both mark is
 * hypergeometric. A network is a list of such layers, independent of each other, and its count S their sum: layers of
 * different density must not be pooled into one, which would take equal densities for agreement. Everything is exact up
 * to rounding (relative error below 1e-11 at n = 5 million, far tails included). */
#ifndef SUPERMASK_ANALYZE_HYPERGEOMETRIC_H
#define SUPERMASK_ANALYZE_HYPERGEOMETRIC_H

#include <stddef.h>
#include <supermask/error.h>

struct sm_stratum {
    size_t n, a, b; /* a <= n, b <= n */
};

/* Natural logarithm of P(both = k) of one layer; -inf outside the support. Loader 2000, "Fast and accurate computation
 * of binomial probabilities": a product of binomial probabilities by their saddle-point expansions, because differences
 * of log-factorials lose nine digits at n in the millions. */
double sm_hypergeometric_log_pmf(const struct sm_stratum *stratum, size_t k);

double sm_coincidence_mean(const struct sm_stratum *strata, size_t n_strata);     /* sum of a b / n */
double sm_coincidence_variance(const struct sm_stratum *strata, size_t n_strata); /* sum of ab(n-a)(n-b)/(n^2(n-1)) */

/* P(S >= both). Sum of the probabilities, each layer's tilted by exp(theta k) so that `both` is in the middle of what
 * is summed (exact, not an approximation: the tilt is taken back), convolved over the layers. 0 only where the true
 * value is below the smallest double. */
int sm_coincidence_tail(const struct sm_stratum *strata, size_t n_strata, size_t both, double *p_value,
                        struct sm_error *err);

/* E[S / (A + B - S)] with A, B the sums of a and b: the expected Jaccard index. NaN where A + B = 0. */
int sm_coincidence_jaccard(const struct sm_stratum *strata, size_t n_strata, double *expected, struct sm_error *err);

#endif
