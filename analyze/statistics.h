/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statistics.h - the statistics that GSL lacks. Data come as double arrays without NaN (infinities are ordered like any
 * other value) and are never changed; what a function needs sorted, it says. An undefined result is NaN. A function
 * that needs scratch memory returns -1 and a sentence when there is none. */
#ifndef SUPERMASK_ANALYZE_STATISTICS_H
#define SUPERMASK_ANALYZE_STATISTICS_H

#include <stddef.h>
#include <supermask/error.h>

/* Wilson's score interval, 95 %, for a share k/n (Wilson 1927). Both NaN for n = 0. */
void sm_wilson_interval(size_t k, size_t n, double *low, double *high);

/* Kolmogorov-Smirnov distance of two samples, both sorted ascending, ties allowed: the largest |F_a - F_b|, in [0,1].
 * p_value (may be NULL): limiting distribution, P(K >= sqrt(na nb / (na + nb)) d); equals
 * scipy.stats.kstwobign.sf(sqrt(na nb / (na + nb)) d). With ties it is conservative. NaN where a sample is empty. */
double sm_ks_two_sample(const double *a, size_t na, const double *b, size_t nb, double *p_value);

/* P(K >= x) of the Kolmogorov distribution, Kolmogorov 1933; relative error about 1e-15. 1 for x <= 0. */
double sm_kolmogorov_sf(double x);

/* Ranks 1..n of x, the smallest first; equal values share the average of their ranks. */
int sm_average_ranks(const double *x, size_t n, double *ranks, struct sm_error *err);

struct sm_correlation {
    double value;   /* in [-1, 1]; NaN for n < 2 and where x or y is constant */
    double p_value; /* two-sided; NaN for n < 3 and where value is NaN */
};

/* Spearman's rank correlation: Pearson's on average ranks. p by Student's t with n - 2 degrees of freedom; equals
 * scipy.stats.spearmanr. */
int sm_spearman(const double *x, const double *y, size_t n, struct sm_correlation *result, struct sm_error *err);

/* Kendall's tau-b in O(n log n) (Knight 1966). p by the normal approximation with the variance corrected for ties
 * (Kendall 1970, section 4); equals scipy.stats.kendalltau(method='asymptotic'). */
int sm_kendall_tau_b(const double *x, const double *y, size_t n, struct sm_correlation *result, struct sm_error *err);

/* Gini coefficient of n values >= 0, sorted ascending: sum_i (2i - n - 1) x_i / (n sum x), i from 1; 0 = all equal,
 * (n-1)/n = one has everything. NaN for n = 0 and where the sum is 0. */
double sm_gini(const double *sorted, size_t n);

/* Jensen-Shannon distance, base 2, of two distributions over n classes, each normalized to sum 1 first: the root of the
 * divergence, in [0,1]. NaN where one sums to 0. */
double sm_js_distance(const double *p, const double *q, size_t n);

/* Holm's step-down adjustment (Holm 1979). NaN stays NaN and does not count as a test. adjusted may be p. */
int sm_holm(const double *p, size_t n, double *adjusted, struct sm_error *err);

/* Cohen's kappa of two raters over three classes; table[i][j]: entries that a put in class i and b in class j. NaN for
 * an empty table and where chance agreement is 1. */
double sm_cohen_kappa(size_t table[3][3]);

/* Of the units with the k largest x, the share that is also among the k largest y, in [0,1]; k <= n. Where values tie
 * at the k-th place each of them belongs to the k with probability (places left) / (values tied), in x and in y
 * independently, and the result is the expectation. NaN for k = 0. */
int sm_top_overlap(const double *x, const double *y, size_t n, size_t k, double *overlap, struct sm_error *err);

/* How many of n independent events happen, event i with probability p[i]: probability [n + 1] of 0, 1, .. n of them
 * (Poisson-binomial distribution), event after event. All terms are positive, so the relative error is about n units
 * in the last place. */
void sm_poisson_binomial(const double *p, size_t n, double *probability);

#endif
