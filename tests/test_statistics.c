/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases worked by hand, properties, and scipy on seeded random data with light and heavy ties. */
#include "tests/oracle_pipe.h"

#include <gsl/gsl_sort.h>

#include <supermask/rng.h>

#include "analyze/statistics.h"

enum { MOST = 300 };
static const double NEAR = 1e-11;

/* `levels` values 0 .. levels - 1: few levels make many ties; 0 means all different. */
static void fill(double *x, size_t n, uint32_t levels, uint32_t stream) {
    struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++) x[i] = levels ? (double)sm_rng_below(&rng, i, levels) : sm_rng_uniform(&rng, i);
}

static void assert_near(double got, double want) {
    assert_true(answers_agree(got, want, NEAR));
}

/* ---- by hand ---- */

static void test_wilson_ends(void **state) {
    (void)state;
    double low, high;
    sm_wilson_interval(0, 0, &low, &high);
    assert_true(isnan(low) && isnan(high));
    sm_wilson_interval(0, 10, &low, &high);
    assert_true(low == 0 && high > 0.27 && high < 0.28); /* 3.8416 / 13.8416 */
    sm_wilson_interval(10, 10, &low, &high);
    assert_true(high == 1 && low > 0.72 && low < 0.73);
}

static void test_ks_by_hand(void **state) {
    (void)state;
    const double a[] = {1, 2, 2, 3}, b[] = {2, 4};
    double p;
    assert_near(sm_ks_two_sample(a, 4, b, 2, &p), 0.5); /* at 3: 1 against 1/2 */
    assert_near(sm_ks_two_sample(a, 4, a, 4, &p), 0);
    assert_near(p, 1);
    assert_true(isnan(sm_ks_two_sample(a, 0, b, 2, &p)) && isnan(p));
    assert_near(sm_ks_two_sample(a, 1, b, 2, NULL), 1);
}

static void test_undefined_correlations(void **state) {
    (void)state;
    const double x[] = {1, 2, 3}, same[] = {5, 5, 5};
    struct sm_correlation r;
    struct sm_error err;
    int (*const correlate[])(const double *, const double *, size_t, struct sm_correlation *,
                             struct sm_error *) = {sm_spearman, sm_kendall_tau_b};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(correlate[i](x, x, 0, &r, &err), 0);
        assert_true(isnan(r.value) && isnan(r.p_value));
        assert_int_equal(correlate[i](x, x, 1, &r, &err), 0);
        assert_true(isnan(r.value) && isnan(r.p_value));
        assert_int_equal(correlate[i](x, same, 3, &r, &err), 0);
        assert_true(isnan(r.value) && isnan(r.p_value));
        assert_int_equal(correlate[i](x, x, 2, &r, &err), 0);
        assert_true(r.value == 1 && isnan(r.p_value));
        assert_int_equal(correlate[i](x, (double[]){-1, -2, -INFINITY}, 3, &r, &err), 0);
        assert_near(r.value, -1);
    }
}

static void test_gini_by_hand(void **state) {
    (void)state;
    assert_near(sm_gini((double[]){2, 2, 2}, 3), 0);
    assert_near(sm_gini((double[]){0, 0, 0, 9}, 4), 0.75);
    assert_true(isnan(sm_gini((double[]){0, 0}, 2)));
    assert_true(isnan(sm_gini(NULL, 0)));
}

static void test_js_by_hand(void **state) {
    (void)state;
    const double p[] = {1, 2, 3}, scaled[] = {2, 4, 6}, left[] = {1, 0, 0}, right[] = {0, 0, 5}, none[] = {0, 0, 0};
    assert_near(sm_js_distance(p, scaled, 3), 0);
    assert_near(sm_js_distance(left, right, 3), 1);
    assert_near(sm_js_distance(p, left, 3), sm_js_distance(left, p, 3));
    assert_true(isnan(sm_js_distance(p, none, 3)));
    /* (1 + h, 1 - h)/2 against (1, 1)/2: divergence h^2 / (8 ln 2) + O(h^3) */
    const double h = 1e-9, near[] = {1 + h, 1 - h}, even[] = {1, 1};
    assert_true(fabs(sm_js_distance(near, even, 2) / (h / sqrt(8 * log(2))) - 1) < 1e-6);
}

static void test_holm_by_hand(void **state) {
    (void)state;
    struct sm_error err;
    double p[] = {0.04, NAN, 0.01, 0.03, 0.5};
    assert_int_equal(sm_holm(p, 5, p, &err), 0);
    assert_near(p[0], 0.09); /* 2 * 0.04 = 0.08 may not be below 3 * 0.03 */
    assert_true(isnan(p[1]));
    assert_near(p[2], 0.04);
    assert_near(p[3], 0.09);
    assert_near(p[4], 0.5);
    assert_int_equal(sm_holm(p, 0, p, &err), 0);
}

static void test_kappa_by_hand(void **state) {
    (void)state;
    size_t same[3][3] = {{2, 0, 0}, {0, 3, 0}, {0, 0, 4}}, independent[3][3] = {{1, 2, 1}, {2, 4, 2}, {1, 2, 1}};
    size_t one_class[3][3] = {{0}, {0, 7, 0}}, empty[3][3] = {{0}};
    assert_near(sm_cohen_kappa(same), 1);
    assert_near(sm_cohen_kappa(independent), 0);
    assert_true(isnan(sm_cohen_kappa(one_class)));
    assert_true(isnan(sm_cohen_kappa(empty)));
}

static void test_poisson_binomial_by_hand(void **state) {
    (void)state;
    double probability[3];
    sm_poisson_binomial((double[]){0.5, 0.25}, 2, probability);
    assert_near(probability[0], 0.375); /* 1/2 3/4 */
    assert_near(probability[1], 0.5);   /* 1/2 3/4 + 1/2 1/4 */
    assert_near(probability[2], 0.125); /* 1/2 1/4 */
    sm_poisson_binomial((double[]){1, 0}, 2, probability);
    assert_true(probability[0] == 0 && probability[1] == 1 && probability[2] == 0);
    sm_poisson_binomial(NULL, 0, probability);
    assert_true(probability[0] == 1);
}

static void assert_top_overlap(const double *x, const double *y, size_t n, size_t k, double want) {
    double overlap;
    struct sm_error err;
    assert_int_equal(sm_top_overlap(x, y, n, k, &overlap, &err), 0);
    assert_near(overlap, want);
}

static void test_top_overlap_by_hand(void **state) {
    (void)state;
    const double x[] = {5, 4, 3, 2}, y[] = {5, 3, 4, 1};
    assert_top_overlap(x, y, 4, 0, NAN);
    assert_top_overlap(x, y, 4, 1, 1);
    assert_top_overlap(x, y, 4, 2, 0.5); /* units 0, 1 and 0, 2 */
    assert_top_overlap(x, y, 4, 4, 1);
    /* The second place is one of two: units 0, 1 or 0, 2, each with probability 1/2, against 1, 2. */
    const double tied[] = {3, 2, 2, 1}, middle[] = {0, 1, 1, 0};
    assert_top_overlap(tied, middle, 4, 2, 0.5);
    /* Both draw: unit 0 for certain, then 1 or 2 twice independently: (1 + 1/4 + 1/4) / 2. */
    assert_top_overlap(tied, tied, 4, 2, 0.75);
    const double constant[] = {7, 7, 7, 7}, dead[] = {-INFINITY, -INFINITY, -INFINITY, 1};
    assert_top_overlap(x, constant, 4, 1, 0.25);
    assert_top_overlap(dead, dead, 4, 2, (1 + 3.0 / 9) / 2);
}

/* ---- scipy ---- */

static void ask_wilson(struct oracle *oracle, size_t k, size_t n) {
    double low, high;
    sm_wilson_interval(k, n, &low, &high);
    oracle_ask(oracle, "wilson");
    oracle_argument(oracle, (double[]){(double)k, (double)n}, 2);
    oracle_expect(oracle, "wilson low", low, NEAR);
    oracle_expect(oracle, "wilson high", high, NEAR);
    oracle_end(oracle);
}

static void ask_pair(struct oracle *oracle, const char *name, const double *x, const double *y, size_t n) {
    struct sm_correlation r;
    struct sm_error err;
    assert_int_equal((name[0] == 's' ? sm_spearman : sm_kendall_tau_b)(x, y, n, &r, &err), 0);
    oracle_ask(oracle, name);
    oracle_argument(oracle, x, n);
    oracle_argument(oracle, y, n);
    oracle_expect(oracle, name, r.value, NEAR);
    oracle_expect(oracle, "p of it", r.p_value, 1e-9);
    oracle_end(oracle);
}

static void ask_ks(struct oracle *oracle, double *x, size_t nx, double *y, size_t ny) {
    double p, distance;
    gsl_sort(x, 1, nx);
    gsl_sort(y, 1, ny);
    distance = sm_ks_two_sample(x, nx, y, ny, &p);
    oracle_ask(oracle, "ks");
    oracle_argument(oracle, x, nx);
    oracle_argument(oracle, y, ny);
    oracle_expect(oracle, "ks", distance, NEAR);
    oracle_expect(oracle, "p of ks", p, NEAR);
    oracle_end(oracle);
}

static void ask_ranks(struct oracle *oracle, const double *x, size_t n) {
    double ranks[MOST];
    struct sm_error err;
    assert_int_equal(sm_average_ranks(x, n, ranks, &err), 0);
    oracle_ask(oracle, "ranks");
    oracle_argument(oracle, x, n);
    for (size_t i = 0; i < n; i++) oracle_expect(oracle, "rank", ranks[i], 0);
    oracle_end(oracle);
}

static void ask_one(struct oracle *oracle, const char *name, const double *x, size_t n, double answer) {
    oracle_ask(oracle, name);
    oracle_argument(oracle, x, n);
    oracle_expect(oracle, name, answer, NEAR);
    oracle_end(oracle);
}

static void ask_top_overlap(struct oracle *oracle, const double *x, const double *y, size_t n) {
    double overlap;
    struct sm_error err;
    size_t k = (n + 9) / 10;
    assert_int_equal(sm_top_overlap(x, y, n, k, &overlap, &err), 0);
    oracle_ask(oracle, "top_overlap");
    oracle_argument(oracle, x, n);
    oracle_argument(oracle, y, n);
    oracle_argument(oracle, (double[]){(double)k}, 1);
    oracle_expect(oracle, "top overlap", overlap, NEAR);
    oracle_end(oracle);
}

static void ask_poisson_binomial(struct oracle *oracle, const double *p, size_t n) {
    double probability[MOST + 1];
    sm_poisson_binomial(p, n, probability);
    oracle_ask(oracle, "poisson_binomial");
    oracle_argument(oracle, p, n);
    for (size_t k = 0; k <= n; k++) oracle_expect(oracle, "poisson_binomial", probability[k], NEAR);
    oracle_end(oracle);
}

static void test_rank_statistics_against_scipy(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    const size_t sizes[] = {3, 4, 17, 64, MOST};
    const uint32_t levels[] = {2, 3, 10, 0};
    uint32_t stream = 0;
    for (size_t s = 0; s < 5; s++)
        for (size_t a = 0; a < 4; a++)
            for (size_t b = 0; b < 4; b++) {
                double x[MOST], y[MOST];
                fill(x, sizes[s], levels[a], stream++);
                fill(y, sizes[s], levels[b], stream++);
                if (b % 2) /* related, so that small p-values come too */
                    for (size_t i = 0; i < sizes[s]; i++) y[i] += x[i];
                ask_pair(&oracle, "spearman", x, y, sizes[s]);
                ask_pair(&oracle, "kendall", x, y, sizes[s]);
                ask_ranks(&oracle, x, sizes[s]);
                if (sizes[s] > 0) ask_top_overlap(&oracle, x, y, sizes[s]);
                ask_ks(&oracle, x, sizes[s], y, 1 + sizes[s] / 2);
            }
    oracle_compare(&oracle);
}

static void test_others_against_scipy(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    const size_t shares[][2] = {{0, 1},   {1, 1},      {0, 10},      {3, 10},
                                {10, 10}, {500, 1000}, {2, 5000000}, {4999999, 5000000}};
    for (size_t i = 0; i < 8; i++) ask_wilson(&oracle, shares[i][0], shares[i][1]);
    for (double x = 0.05; x < 12; x += 0.05) ask_one(&oracle, "kolmogorov", &x, 1, sm_kolmogorov_sf(x));
    for (uint32_t trial = 0; trial < 20; trial++) {
        double x[100], y[100], adjusted[100];
        size_t table[3][3], n = 5 + 4 * trial;
        struct sm_error err;
        fill(x, n, trial % 2 ? 4 : 0, 1000 + trial);
        fill(y, n, trial % 3 ? 0 : 5, 2000 + trial);
        oracle_ask(&oracle, "js");
        oracle_argument(&oracle, x, n);
        oracle_argument(&oracle, y, n);
        oracle_expect(&oracle, "js", sm_js_distance(x, y, n), NEAR);
        oracle_end(&oracle);
        for (size_t i = 0; i < n; i++) y[i] = trial % 5 == 0 && i % 3 == 0 ? NAN : pow(y[i] / 5, 4);
        assert_int_equal(sm_holm(y, n, adjusted, &err), 0);
        oracle_ask(&oracle, "holm");
        oracle_argument(&oracle, y, n);
        for (size_t i = 0; i < n; i++) oracle_expect(&oracle, "holm", adjusted[i], NEAR);
        oracle_end(&oracle);
        gsl_sort(x, 1, n);
        ask_one(&oracle, "gini", x, n, sm_gini(x, n));
        fill(x, n, 0, 4000 + trial);
        ask_poisson_binomial(&oracle, x, n);
        fill(x, 9, 50, 3000 + trial);
        for (size_t i = 0; i < 9; i++) table[i / 3][i % 3] = (size_t)x[i];
        ask_one(&oracle, "kappa", x, 9, sm_cohen_kappa(table));
    }
    oracle_compare(&oracle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson_ends),
        cmocka_unit_test(test_ks_by_hand),
        cmocka_unit_test(test_undefined_correlations),
        cmocka_unit_test(test_gini_by_hand),
        cmocka_unit_test(test_js_by_hand),
        cmocka_unit_test(test_holm_by_hand),
        cmocka_unit_test(test_kappa_by_hand),
        cmocka_unit_test(test_poisson_binomial_by_hand),
        cmocka_unit_test(test_top_overlap_by_hand),
        cmocka_unit_test(test_rank_statistics_against_scipy),
        cmocka_unit_test(test_others_against_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
