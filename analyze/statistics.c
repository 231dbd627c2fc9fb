/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/statistics.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_log.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void sm_wilson_interval(size_t k, size_t n, double *low, double *high) {
    assert(k <= n);
    *low = *high = NAN;
    if (!n) return;
    const double z = 1.959963984540054, size = (double)n, share = (double)k / size; /* z: 97.5 % point of the normal */
    double centre = share + z * z / (2 * size);
    double half = z * sqrt(share * (1 - share) / size + z * z / (4 * size * size));
    double scale = 1 / (1 + z * z / size);
    *low = k == 0 ? 0 : scale * (centre - half); /* exact at the ends, where rounding could leave [0,1] */
    *high = k == n ? 1 : scale * (centre + half);
}

/* Two series for the same function; each converges within a few terms on its side of 1. */
double sm_kolmogorov_sf(double x) {
    if (!(x > 0)) return isnan(x) ? NAN : 1;
    double sum = 0;
    if (x < 1) {
        for (int k = 1; k <= 9; k += 2) sum += exp(-k * k * M_PI * M_PI / (8 * x * x));
        return 1 - sqrt(2 * M_PI) / x * sum;
    }
    for (int k = 5; k >= 1; k--) sum += (k % 2 ? 2 : -2) * exp(-2 * k * k * x * x);
    return sum;
}

static size_t skip_ties(const double *x, size_t n, size_t i, double value) {
    while (i < n && x[i] == value) i++;
    return i;
}

double sm_ks_two_sample(const double *a, size_t na, const double *b, size_t nb, double *p_value) {
    if (p_value) *p_value = NAN;
    if (!na || !nb) return NAN;
    double largest = 0;
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        double value = a[i] < b[j] ? a[i] : b[j];
        i = skip_ties(a, na, i, value);
        j = skip_ties(b, nb, j, value);
        double distance = fabs((double)i / (double)na - (double)j / (double)nb);
        if (distance > largest) largest = distance;
    }
    if (p_value) *p_value = sm_kolmogorov_sf(largest * sqrt((double)na * (double)nb / ((double)na + (double)nb)));
    return largest;
}

struct indexed {
    double x, y;
    size_t index;
};

static int compare_reals(double a, double b) {
    return (a > b) - (a < b);
}

static int by_x_then_y(const void *left, const void *right) {
    const struct indexed *a = left, *b = right;
    int order = compare_reals(a->x, b->x);
    return order ? order : compare_reals(a->y, b->y);
}

static struct indexed *sorted_points(const double *x, const double *y, size_t n, struct sm_error *err) {
    struct indexed *points = malloc((n ? n : 1) * sizeof *points);
    if (!points) {
        sm_fail(err, "out of memory for the ranks of %zu values", n);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) points[i] = (struct indexed){x[i], y ? y[i] : 0, i};
    qsort(points, n, sizeof *points, by_x_then_y);
    return points;
}

int sm_average_ranks(const double *x, size_t n, double *ranks, struct sm_error *err) {
    struct indexed *points = sorted_points(x, NULL, n, err);
    if (!points) return -1;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && points[end].x == points[first].x; end++) continue;
        for (size_t i = first; i < end; i++) ranks[points[i].index] = ((double)first + 1 + (double)end) / 2;
    }
    free(points);
    return 0;
}

static struct sm_correlation undefined_correlation(void) {
    return (struct sm_correlation){NAN, NAN};
}

static bool is_constant(const double *x, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

/* Two-sided p of a correlation r over n points by Student's t, t^2 = (n-2) r^2 / (1-r^2), written as the incomplete
 * beta function I_{1-r^2}((n-2)/2, 1/2): gsl_cdf_tdist_Q loses nine digits in the tail. */
static double student_p(double r, size_t n) {
    return n < 3 || isnan(r) ? NAN : gsl_cdf_beta_P((1 - r) * (1 + r), (double)(n - 2) / 2, 0.5);
}

static double clamp_correlation(double r) {
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

/* Pearson's correlation of ranks, whose mean is known: the sums are exact below n = 300,000, so that equal ranks give
 * exactly 1, which gsl_stats_correlation misses by an ulp and p with it by eight orders of magnitude. */
static double rank_correlation(const double *a, const double *b, size_t n) {
    double mean = ((double)n + 1) / 2, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) {
        double x = a[i] - mean, y = b[i] - mean;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return clamp_correlation(ab / sqrt(aa * bb));
}

int sm_spearman(const double *x, const double *y, size_t n, struct sm_correlation *result, struct sm_error *err) {
    *result = undefined_correlation();
    if (n < 2 || is_constant(x, n) || is_constant(y, n)) return 0;
    int status = -1;
    double *ranks_x = malloc(n * sizeof *ranks_x), *ranks_y = malloc(n * sizeof *ranks_y);
    if (!ranks_x || !ranks_y) {
        sm_fail(err, "out of memory for the ranks of %zu values", n);
        goto done;
    }
    if (sm_average_ranks(x, n, ranks_x, err) || sm_average_ranks(y, n, ranks_y, err)) goto done;
    result->value = rank_correlation(ranks_x, ranks_y, n);
    result->p_value = student_p(result->value, n);
    status = 0;
done:
    free(ranks_x);
    free(ranks_y);
    return status;
}

/* Sums over the groups of tied values: pairs t(t-1)/2, and what the variance needs. */
struct ties {
    double pairs, cubic, variance; /* sum t(t-1)/2, sum t(t-1)(t-2), sum t(t-1)(2t+5) */
};

static void ties_add(struct ties *ties, size_t group) {
    double t = (double)group;
    ties->pairs += t * (t - 1) / 2;
    ties->cubic += t * (t - 1) * (t - 2);
    ties->variance += t * (t - 1) * (2 * t + 5);
}

/* Sorts y ascending by merging and returns the number of exchanges of neighbours: the discordant pairs. */
static double merge_sort_exchanges(double *y, double *scratch, size_t n) {
    double exchanges = 0;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t start = 0; start < n; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n;
            size_t end = start + 2 * width < n ? start + 2 * width : n;
            size_t left = start, right = middle;
            for (size_t k = start; k < end; k++) {
                bool take_right = right < end && (left == middle || y[right] < y[left]);
                if (take_right) exchanges += (double)(middle - left);
                scratch[k] = take_right ? y[right++] : y[left++];
            }
        }
        memcpy(y, scratch, n * sizeof *y);
    }
    return exchanges;
}

static struct ties count_ties_y(const double *sorted, size_t n) {
    struct ties ties = {0};
    for (size_t first = 0, end; first < n; first = end) {
        end = skip_ties(sorted, n, first, sorted[first]);
        ties_add(&ties, end - first);
    }
    return ties;
}

/* Ties of x, and joint ties of (x, y), in points sorted by x, then y. */
static struct ties count_ties_x(const struct indexed *points, size_t n, struct ties *joint) {
    struct ties ties = {0};
    *joint = ties;
    for (size_t i = 1, run = 1, joint_run = 1; i <= n; i++) {
        bool same_x = i < n && points[i].x == points[i - 1].x;
        bool same = same_x && points[i].y == points[i - 1].y;
        if (!same_x) ties_add(&ties, run);
        if (!same) ties_add(joint, joint_run);
        run = same_x ? run + 1 : 1;
        joint_run = same ? joint_run + 1 : 1;
    }
    return ties;
}

static struct sm_correlation tau_b(double n, struct ties x, struct ties y, double joint, double discordant) {
    double pairs = n * (n - 1) / 2;
    double surplus = pairs - x.pairs - y.pairs + joint - 2 * discordant; /* concordant minus discordant */
    struct sm_correlation tau = undefined_correlation();
    tau.value = clamp_correlation(surplus / sqrt(pairs - x.pairs) / sqrt(pairs - y.pairs));
    if (n < 3) return tau;
    double m = n * (n - 1);
    double variance = (m * (2 * n + 5) - x.variance - y.variance) / 18 + 2 * x.pairs * y.pairs / m +
                      x.cubic * y.cubic / (9 * m * (n - 2));
    tau.p_value = 2 * gsl_cdf_ugaussian_Q(fabs(surplus) / sqrt(variance));
    return tau;
}

int sm_kendall_tau_b(const double *x, const double *y, size_t n, struct sm_correlation *result, struct sm_error *err) {
    *result = undefined_correlation();
    if (n < 2 || is_constant(x, n) || is_constant(y, n)) return 0;
    struct indexed *points = sorted_points(x, y, n, err);
    if (!points) return -1;
    double *values = malloc(2 * n * sizeof *values);
    if (!values) {
        free(points);
        return sm_fail(err, "out of memory for the ranks of %zu values", n);
    }
    struct ties joint, ties_x = count_ties_x(points, n, &joint);
    for (size_t i = 0; i < n; i++) values[i] = points[i].y;
    double discordant = merge_sort_exchanges(values, values + n, n);
    *result = tau_b((double)n, ties_x, count_ties_y(values, n), joint.pairs, discordant);
    free(values);
    free(points);
    return 0;
}

double sm_gini(const double *sorted, size_t n) {
    double weighted = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || sorted[i - 1] <= sorted[i]);
        weighted += (2 * (double)(i + 1) - (double)n - 1) * sorted[i];
        sum += sorted[i];
    }
    return sum > 0 ? weighted / ((double)n * sum) : NAN;
}

/* p ln(p/m) - p + m: the two linear parts sum to zero over all classes, and without them each term is >= 0 and small
 * where p is near m, so that nothing cancels. */
static double relative_entropy_term(double p, double m) {
    return p > 0 ? -p * gsl_sf_log_1plusx_mx((m - p) / p) : m;
}

double sm_js_distance(const double *p, const double *q, size_t n) {
    double sum_p = 0, sum_q = 0, divergence = 0;
    for (size_t i = 0; i < n; i++) {
        sum_p += p[i];
        sum_q += q[i];
    }
    if (!(sum_p > 0) || !(sum_q > 0)) return NAN;
    for (size_t i = 0; i < n; i++) {
        double a = p[i] / sum_p, b = q[i] / sum_q, m = (a + b) / 2;
        divergence += (relative_entropy_term(a, m) + relative_entropy_term(b, m)) / 2;
    }
    return sqrt(fmin(divergence / M_LN2, 1)); /* rounding can step out by an ulp */
}

int sm_holm(const double *p, size_t n, double *adjusted, struct sm_error *err) {
    size_t n_tests = 0; /* NaN must stay out of the sort */
    struct indexed *tests = malloc((n ? n : 1) * sizeof *tests);
    if (!tests) return sm_fail(err, "out of memory for %zu p-values", n);
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i])) tests[n_tests++] = (struct indexed){p[i], 0, i};
    qsort(tests, n_tests, sizeof *tests, by_x_then_y);
    for (size_t i = 0; i < n; i++) adjusted[i] = NAN;
    double largest = 0;
    for (size_t i = 0; i < n_tests; i++) {
        largest = fmax(largest, fmin(1, (double)(n_tests - i) * tests[i].x));
        adjusted[tests[i].index] = largest;
    }
    free(tests);
    return 0;
}

double sm_cohen_kappa(size_t table[3][3]) {
    double total = 0, equal = 0, rows[3] = {0}, columns[3] = {0};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            double count = (double)table[i][j];
            total += count;
            rows[i] += count;
            columns[j] += count;
            if (i == j) equal += count;
        }
    double chance = 0; /* times total squared */
    for (size_t i = 0; i < 3; i++) chance += rows[i] * columns[i];
    double range = total * total - chance;
    return range > 0 ? (equal * total - chance) / range : NAN;
}

/* The k largest values as a threshold: values above it belong to them, values at it with probability `share`. */
struct top {
    double threshold, share;
};

static int by_value(const void *a, const void *b) {
    return compare_reals(*(const double *)a, *(const double *)b);
}

/* `sorted`: scratch, [n]. */
static struct top top_of(const double *x, size_t n, size_t k, double *sorted) {
    memcpy(sorted, x, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    double threshold = sorted[n - k];
    size_t above = 0, tied = 0;
    for (size_t i = 0; i < n; i++) {
        above += x[i] > threshold;
        tied += x[i] == threshold;
    }
    return (struct top){threshold, (double)(k - above) / (double)tied};
}

static double top_membership(struct top top, double x) {
    return x > top.threshold ? 1 : x == top.threshold ? top.share : 0;
}

int sm_top_overlap(const double *x, const double *y, size_t n, size_t k, double *overlap, struct sm_error *err) {
    *overlap = NAN;
    if (k == 0) return 0;
    double *sorted = malloc(n * sizeof *sorted), sum = 0;
    if (!sorted) return sm_fail(err, "out of memory for the order of %zu values", n);
    struct top top_x = top_of(x, n, k, sorted), top_y = top_of(y, n, k, sorted);
    for (size_t i = 0; i < n; i++) sum += top_membership(top_x, x[i]) * top_membership(top_y, y[i]);
    *overlap = sum / (double)k;
    free(sorted);
    return 0;
}

void sm_poisson_binomial(const double *p, size_t n, double *probability) {
    probability[0] = 1;
    for (size_t i = 0; i < n; i++) {
        probability[i + 1] = probability[i] * p[i];
        for (size_t k = i; k > 0; k--) probability[k] = probability[k] * (1 - p[i]) + probability[k - 1] * p[i];
        probability[0] *= 1 - p[i];
    }
}
