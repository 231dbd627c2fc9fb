/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The independent null of the overlap: exact integers for small layers, 60-digit arithmetic for layers of millions. */
#include "tests/oracle_pipe.h"

#include <supermask/rng.h>

#include "analyze/hypergeometric.h"

static void ask_small(struct oracle *oracle, const struct sm_stratum *strata, size_t n_strata, size_t both) {
    double numbers[12], tail, jaccard;
    struct sm_error err;
    for (size_t i = 0; i < n_strata; i++) {
        numbers[3 * i] = (double)strata[i].n;
        numbers[3 * i + 1] = (double)strata[i].a;
        numbers[3 * i + 2] = (double)strata[i].b;
    }
    assert_int_equal(sm_coincidence_tail(strata, n_strata, both, &tail, &err), 0);
    assert_int_equal(sm_coincidence_jaccard(strata, n_strata, &jaccard, &err), 0);
    oracle_ask(oracle, "coincidence");
    oracle_argument(oracle, numbers, 3 * n_strata);
    oracle_argument(oracle, (double[]){(double)both}, 1);
    oracle_expect(oracle, "mean", sm_coincidence_mean(strata, n_strata), 1e-13);
    oracle_expect(oracle, "variance", sm_coincidence_variance(strata, n_strata), 1e-13);
    oracle_expect(oracle, "tail", tail, 1e-11);
    oracle_expect(oracle, "expected Jaccard", jaccard, 1e-12);
    oracle_end(oracle);
}

/* Every value of `both` that can occur, in single layers and in up to four together. */
static void test_small_layers_against_integers(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    const size_t sizes[] = {1, 2, 5, 12, 40};
    for (uint32_t trial = 0; trial < 60; trial++) {
        struct sm_rng rng = sm_rng_make(5, SM_RNG_TEST, trial);
        struct sm_stratum strata[4];
        size_t n_strata = 1 + trial % 4, most = 0;
        for (size_t i = 0; i < n_strata; i++) {
            size_t n = sizes[sm_rng_below(&rng, 3 * i, 5)];
            size_t a = sm_rng_below(&rng, 3 * i + 1, n + 1), b = sm_rng_below(&rng, 3 * i + 2, n + 1);
            strata[i] = (struct sm_stratum){n, a, b};
            most += a < b ? a : b;
        }
        for (size_t both = 0; both <= most; both++) ask_small(&oracle, strata, n_strata, both);
    }
    oracle_compare(&oracle);
}

/* Layers of one network with unlike densities, out to p = 1e-300 and where everything coincides. */
static void test_layers_of_a_network_against_integers(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    const struct sm_stratum strata[] = {{2352, 64, 70}, {900, 120, 90}, {100, 75, 80}};
    const size_t both[] = {1, 40, 60, 74, 75, 90, 120, 160, 200, 220, 229};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) ask_small(&oracle, strata, 3, both[i]);
    oracle_compare(&oracle);
}

static void ask_large(struct oracle *oracle, struct sm_stratum stratum, size_t k) {
    double tail;
    struct sm_error err;
    assert_int_equal(sm_coincidence_tail(&stratum, 1, k, &tail, &err), 0);
    oracle_ask(oracle, "hypergeometric");
    oracle_argument(oracle, (double[]){(double)stratum.n, (double)stratum.a, (double)stratum.b, (double)k}, 4);
    oracle_expect(oracle, "pmf", exp(sm_hypergeometric_log_pmf(&stratum, k)), 1e-12);
    oracle_expect(oracle, "tail", tail, 1e-11);
    oracle_end(oracle);
}

static void test_millions_of_weights(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    const struct sm_stratum sparse = {235200, 6350, 6350}, even = {5275840, 2500000, 2500000};
    const struct sm_stratum few = {5275840, 60000, 60000}, full = {5275840, 5200000, 5100000};
    for (size_t k = 172; k < 900; k += 37) ask_large(&oracle, sparse, k);
    for (size_t k = 1184650; k < 1204900; k += 1013) ask_large(&oracle, even, k);
    for (size_t k = 683; k < 1900; k += 61) ask_large(&oracle, few, k);
    for (size_t k = 5026700; k < 5034000; k += 367) ask_large(&oracle, full, k);
    ask_large(&oracle, (struct sm_stratum){5000000, 1, 1}, 1);
    ask_large(&oracle, (struct sm_stratum){5000000, 40, 40}, 40);
    ask_large(&oracle, (struct sm_stratum){5000000, 4999960, 4999960}, 4999960);
    oracle_compare(&oracle);
}

/* One certain layer changes nothing but the count. */
static void test_certain_layers(void **state) {
    (void)state;
    struct sm_error err;
    const struct sm_stratum strata[] = {{50, 50, 20}, {30, 10, 12}, {7, 0, 3}};
    double together, alone;
    assert_int_equal(sm_coincidence_tail(strata, 3, 27, &together, &err), 0);
    assert_int_equal(sm_coincidence_tail(&strata[1], 1, 7, &alone, &err), 0);
    assert_true(answers_agree(together, alone, 1e-13));
    assert_int_equal(sm_coincidence_tail(strata, 1, 20, &alone, &err), 0);
    assert_true(alone == 1);
    assert_int_equal(sm_coincidence_tail(NULL, 0, 0, &alone, &err), 0);
    assert_true(alone == 1);
    const struct sm_stratum nothing = {9, 0, 0};
    assert_int_equal(sm_coincidence_jaccard(&nothing, 1, &alone, &err), 0);
    assert_true(isnan(alone));
    assert_true(sm_hypergeometric_log_pmf(&strata[1], 11) == -INFINITY);
}

/* Counts of two random masks drawn 20,000 times: mean, tail and expected Jaccard of the definition itself. */
static void test_simulation(void **state) {
    (void)state;
    enum { N = 40, A = 12, B = 15, BOTH = 6, DRAWS = 20000 };
    struct sm_error err;
    uint32_t order[N];
    double tail = 0, jaccard = 0, p, expected;
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        struct sm_rng rng = sm_rng_make(11, SM_RNG_TEST, draw);
        sm_rng_permutation(&rng, order, N);
        size_t both = 0;
        for (size_t i = 0; i < B; i++) both += order[i] < A;
        tail += both >= BOTH;
        jaccard += (double)both / (double)(A + B - both);
    }
    const struct sm_stratum stratum = {N, A, B};
    assert_int_equal(sm_coincidence_tail(&stratum, 1, BOTH, &p, &err), 0);
    assert_int_equal(sm_coincidence_jaccard(&stratum, 1, &expected, &err), 0);
    assert_true(fabs(tail / DRAWS - p) < 4 * sqrt(p * (1 - p) / DRAWS));
    assert_true(fabs(jaccard / DRAWS - expected) < 0.003); /* four standard errors of a value with sd below 0.1 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_layers_against_integers),
        cmocka_unit_test(test_layers_of_a_network_against_integers),
        cmocka_unit_test(test_millions_of_weights),
        cmocka_unit_test(test_certain_layers),
        cmocka_unit_test(test_simulation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
