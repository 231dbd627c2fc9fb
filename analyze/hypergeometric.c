/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/hypergeometric.h"

#include <assert.h>
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_log.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- one layer ---- */

static size_t support_low(const struct sm_stratum *s) {
    return s->a + s->b > s->n ? s->a + s->b - s->n : 0;
}

static size_t support_high(const struct sm_stratum *s) {
    return s->a < s->b ? s->a : s->b;
}

/* Error of Stirling's formula: ln(n!) - ln(sqrt(2 pi n) (n/e)^n), for n >= 1. */
static double stirling_error(double n) {
    return log(gsl_sf_gammastar(n));
}

/* Loader's deviance part: x ln(x/mean) + mean - x, without cancellation. x > 0. */
static double deviance(double x, double mean) {
    return -x * gsl_sf_log_1plusx_mx((mean - x) / x);
}

/* ln p with full relative accuracy, where q = 1 - p is known too. */
static double log_share(double p, double q) {
    return p < 0.5 ? log(p) : log1p(-q);
}

/* ln P(X = x), X binomial(n, p), 0 < p < 1, q = 1 - p. */
static double log_binomial(double x, double n, double p, double q) {
    if (x <= 0) return n * log_share(q, p);
    if (x >= n) return n * log_share(p, q);
    return stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(x, n * p) - deviance(n - x, n * q) +
           0.5 * log(n / (2 * M_PI * x * (n - x)));
}

double sm_hypergeometric_log_pmf(const struct sm_stratum *s, size_t k) {
    assert(s->a <= s->n && s->b <= s->n);
    if (k < support_low(s) || k > support_high(s)) return -INFINITY;
    if (support_low(s) == support_high(s)) return 0; /* also where p would be 0 or 1 */
    double n = (double)s->n, a = (double)s->a, b = (double)s->b, x = (double)k, p = b / n, q = (n - b) / n;
    return log_binomial(x, a, p, q) + log_binomial(b - x, n - a, p, q) - log_binomial(b, n, p, q);
}

double sm_coincidence_mean(const struct sm_stratum *strata, size_t n_strata) {
    double mean = 0;
    for (size_t i = 0; i < n_strata; i++)
        if (strata[i].n) mean += (double)strata[i].a * (double)strata[i].b / (double)strata[i].n;
    return mean;
}

double sm_coincidence_variance(const struct sm_stratum *strata, size_t n_strata) {
    double variance = 0;
    for (size_t i = 0; i < n_strata; i++) {
        double n = (double)strata[i].n, a = (double)strata[i].a, b = (double)strata[i].b;
        if (n > 1) variance += a * b / n * ((n - a) / n) * ((n - b) / (n - 1));
    }
    return variance;
}

/* ---- windows: the part of a distribution that matters, tilted ---- */

/* value[i]: P(k) exp(theta (k - mode)) / P(mode) for k = first + i. */
struct window {
    size_t first, mode, n;
    double log_pmf; /* ln P(mode) */
    double *value;  /* [n], malloc'ed */
};

/* P(k + 1) / P(k) exp(theta), falling in k; odds = exp(theta). */
static double step_ratio(const struct sm_stratum *s, size_t k, double odds) {
    double x = (double)k;
    return (double)(s->a - k) * (double)(s->b - k) * odds / ((x + 1) * (double)(s->n + k + 1 - s->a - s->b));
}

static size_t tilted_mode(const struct sm_stratum *s, double odds) {
    size_t low = support_low(s), high = support_high(s);
    while (low < high) { /* the first k from which on it does not rise */
        size_t middle = low + (high - low) / 2;
        if (step_ratio(s, middle, odds) > 1)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Ends of the window: where the tilted probability falls below `negligible` of that at the mode. */
static int window_init(struct window *window, const struct sm_stratum *s, double theta, struct sm_error *err) {
    const double negligible = 1e-22;
    const double odds = exp(theta);
    size_t mode = tilted_mode(s, odds), first = mode, last = mode, low = support_low(s), high = support_high(s);
    double value = 1;
    while (first > low && value > negligible) value /= step_ratio(s, --first, odds);
    for (value = 1; last < high && value > negligible; last++) value *= step_ratio(s, last, odds);
    *window = (struct window){first, mode, last - first + 1, sm_hypergeometric_log_pmf(s, mode), NULL};
    window->value = malloc(window->n * sizeof *window->value);
    if (!window->value) return sm_fail(err, "out of memory for a distribution over %zu values", window->n);
    window->value[mode - first] = 1;
    for (size_t k = mode; k > first; k--)
        window->value[k - 1 - first] = window->value[k - first] / step_ratio(s, k - 1, odds);
    for (size_t k = mode; k < last; k++)
        window->value[k + 1 - first] = window->value[k - first] * step_ratio(s, k, odds);
    return 0;
}

static void multiply_halfcomplex(double *a, const double *b, size_t n) {
    a[0] *= b[0];
    a[n / 2] *= b[n / 2];
    for (size_t i = 1; i < n / 2; i++) {
        double real = a[i] * b[i] - a[n - i] * b[n - i];
        a[n - i] = a[i] * b[n - i] + a[n - i] * b[i];
        a[i] = real;
    }
}

/* Drops the ends that are below the rounding errors of the transform; keeps the next convolution short. */
static void window_trim(struct window *window) {
    double largest = 0;
    for (size_t i = 0; i < window->n; i++) largest = fmax(largest, window->value[i]);
    size_t first = 0, end = window->n;
    while (window->value[first] < 1e-15 * largest) first++;
    while (window->value[end - 1] < 1e-15 * largest) end--;
    memmove(window->value, window->value + first, (end - first) * sizeof *window->value);
    window->first += first;
    window->n = end - first;
}

/* a becomes the distribution of the sum of a's and b's variables. The values near the mode are right to some 1e-15 of
 * the largest, which is why the tilt brings there what is asked for. */
static int window_convolve(struct window *a, const struct window *b, struct sm_error *err) {
    size_t n = a->n + b->n - 1, size = 2;
    while (size < n) size *= 2;
    double *x = calloc(2 * size, sizeof *x), *y = x + size;
    if (!x) return sm_fail(err, "out of memory for a distribution over %zu values", n);
    memcpy(x, a->value, a->n * sizeof *x);
    memcpy(y, b->value, b->n * sizeof *y);
    gsl_fft_real_radix2_transform(x, 1, size);
    gsl_fft_real_radix2_transform(y, 1, size);
    multiply_halfcomplex(x, y, size);
    gsl_fft_halfcomplex_radix2_inverse(x, 1, size);
    free(a->value);
    *a = (struct window){a->first + b->first, a->mode + b->mode, n, a->log_pmf + b->log_pmf, x};
    window_trim(a);
    return 0;
}

/* The distribution of S, tilted by theta. The caller frees sum->value, also after a failure. */
static int sum_window(struct window *sum, const struct sm_stratum *strata, size_t n_strata, double theta,
                      struct sm_error *err) {
    const struct sm_stratum nothing = {0, 0, 0};
    if (window_init(sum, n_strata ? &strata[0] : &nothing, theta, err)) return -1;
    for (size_t i = 1; i < n_strata; i++) {
        struct window next;
        if (window_init(&next, &strata[i], theta, err)) return -1;
        int status = next.n > 1 ? window_convolve(sum, &next, err) : 0;
        if (next.n == 1) { /* a constant */
            sum->first += next.mode;
            sum->mode += next.mode;
            sum->log_pmf += next.log_pmf;
        }
        free(next.value);
        if (status) return -1;
    }
    return 0;
}

/* ---- what is asked for ---- */

/* theta at which the modes of the layers add up to about `target`. */
static double find_tilt(const struct sm_stratum *strata, size_t n_strata, size_t target) {
    double low = -100, high = 100;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        size_t sum = 0;
        for (size_t j = 0; j < n_strata; j++) sum += tilted_mode(&strata[j], exp(middle));
        if (sum < target)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* P(S >= from) for theta >= 0 (upward), P(S <= from) for theta <= 0: the tilt is taken back term by term. */
static double one_sided_sum(const struct window *sum, size_t from, double theta, bool upward) {
    double total = 0;
    for (size_t i = 0; i < sum->n; i++) {
        size_t k = sum->first + i;
        double distance = k >= from ? (double)(k - from) : -(double)(from - k);
        if (upward ? k >= from : k <= from) total += sum->value[i] * exp(-theta * distance);
    }
    double to_mode = (double)sum->mode - (double)from;
    return exp(log(total) + sum->log_pmf + theta * to_mode); /* one exp: no underflow on the way */
}

int sm_coincidence_tail(const struct sm_stratum *strata, size_t n_strata, size_t both, double *p_value,
                        struct sm_error *err) {
    size_t low = 0;
    for (size_t i = 0; i < n_strata; i++) low += support_low(&strata[i]);
    *p_value = 1;
    if (both <= low) return 0;
    bool upward = (double)both > sm_coincidence_mean(strata, n_strata); /* else 1 - P(S <= both - 1) */
    size_t from = upward ? both : both - 1;
    double theta = find_tilt(strata, n_strata, from);
    theta = upward ? fmax(theta, 0) : fmin(theta, 0);
    struct window sum = {0};
    int status = sum_window(&sum, strata, n_strata, theta, err);
    if (!status) {
        double tail = fmin(one_sided_sum(&sum, from, theta, upward), 1);
        *p_value = upward ? tail : 1 - tail;
    }
    free(sum.value);
    return status;
}

int sm_coincidence_jaccard(const struct sm_stratum *strata, size_t n_strata, double *expected, struct sm_error *err) {
    double marks = 0, weight = 0, total = 0;
    for (size_t i = 0; i < n_strata; i++) marks += (double)strata[i].a + (double)strata[i].b;
    *expected = NAN;
    if (!(marks > 0)) return 0;
    struct window sum = {0};
    int status = sum_window(&sum, strata, n_strata, 0, err);
    for (size_t i = 0; !status && i < sum.n; i++) {
        double k = (double)(sum.first + i);
        weight += sum.value[i];
        total += sum.value[i] * k / (marks - k);
    }
    if (!status) *expected = total / weight;
    free(sum.value);
    return status;
}
