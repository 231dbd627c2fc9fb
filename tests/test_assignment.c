/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear assignment: on paper, against every permutation of small problems, and against scipy on larger ones. */
#include "tests/check.h"
#include "tests/oracle_pipe.h"

#include "analyze/assignment.h"

enum { MOST = 220 };

/* ---- one problem ---- */

static int64_t sum_of(const int32_t *profit, size_t n, const uint32_t *column) {
    int64_t sum = 0;
    for (size_t r = 0; r < n; r++) sum += profit[r * n + column[r]];
    return sum;
}

static void assert_permutation(const uint32_t *column, size_t n) {
    bool seen[MOST] = {false};
    for (size_t r = 0; r < n; r++) {
        assert_true(column[r] < n && !seen[column[r]]);
        seen[column[r]] = true;
    }
}

/* No row would rather have another column at the prices that are left: the proof that the sum is largest. */
static void assert_prices_prove(const int32_t *profit, size_t n, const int32_t *price, const uint32_t *column) {
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            assert_true(profit[r * n + c] + price[c] <= profit[r * n + column[r]] + price[column[r]]);
}

static int64_t solve(struct sm_assignment *scratch, const int32_t *profit, size_t n, int32_t *price) {
    uint32_t column[MOST] = {0};
    assert_int_equal(sm_assignment_solve(scratch, profit, n, price, column), 0);
    assert_permutation(column, n);
    assert_prices_prove(profit, n, price, column);
    return sum_of(profit, n, column);
}

static int64_t solve_cold(struct sm_assignment *scratch, const int32_t *profit, size_t n) {
    int32_t price[MOST] = {0};
    return solve(scratch, profit, n, price);
}

/* The largest sum of rows r .. n - 1 over the columns that are open, by trying all. */
static int64_t try_all(const int32_t *profit, size_t n, size_t r, unsigned open) {
    if (r == n) return 0;
    int64_t best = INT64_MIN;
    for (size_t c = 0; c < n; c++) {
        if (!(open >> c & 1)) continue;
        int64_t sum = profit[r * n + c] + try_all(profit, n, r + 1, open & ~(1u << c));
        if (sum > best) best = sum;
    }
    return best;
}

/* ---- random problems ---- */

/* Profits low .. high; a share of `sparse` of them are 0, as where few entries meet. */
struct kind {
    int32_t low, high;
    double sparse;
};
static const struct kind kinds[] = {{0, 1, 0},    {0, 3, 0.8},    {-2, 2, 0.5},           {-50, 50, 0},
                                    {-9, -1, 0},  {0, 100000, 0}, {-1000000, 1000000, 0}, {7, 7, 0},
                                    {0, 40, 0.97}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void draw_problem(int32_t *profit, size_t n, const struct kind *kind, struct sm_draws *draws) {
    for (size_t i = 0; i < n * n; i++) {
        int32_t value = kind->low + (int32_t)sm_draws_below(draws, (uint32_t)(kind->high - kind->low + 1));
        profit[i] = sm_draws_below(draws, 1000) < 1000 * kind->sparse ? 0 : value;
    }
}

/* ---- by hand ---- */

static void test_nothing_and_one(void **state) {
    (void)state;
    struct sm_assignment scratch = {0};
    uint32_t column[1] = {9};
    int32_t price[1] = {0}, profit[1] = {-5};
    assert_int_equal(sm_assignment_solve(&scratch, profit, 0, price, column), 0);
    assert_int_equal(column[0], 9);
    assert_int_equal(sm_assignment_solve(&scratch, profit, 1, price, column), 0);
    assert_int_equal(column[0], 0);
    sm_assignment_destroy(&scratch);
}

static void test_by_hand(void **state) {
    (void)state;
    struct sm_assignment scratch = {0};
    int32_t price[4] = {0};
    uint32_t column[4];
    /* Each row's own best is column 0; only one can have it. 7 + 5 + 6 beats all else. */
    const int32_t three[] = {9, 7, 0, 8, 1, 5, 6, 2, 1};
    assert_int_equal(sm_assignment_solve(&scratch, three, 3, price, column), 0);
    assert_memory_equal(column, ((uint32_t[]){1, 2, 0}), 3 * sizeof *column);
    /* Losses everywhere: the smallest sum of losses, 1 + 2 + 1. */
    const int32_t losses[] = {-1, -4, -5, -5, -2, -7, -8, -3, -1};
    memset(price, 0, sizeof price);
    assert_int_equal(sm_assignment_solve(&scratch, losses, 3, price, column), 0);
    assert_memory_equal(column, ((uint32_t[]){0, 1, 2}), 3 * sizeof *column);
    /* A cycle of favourites, each contested by two. */
    const int32_t cycle[] = {5, 5, 0, 0, 0, 5, 5, 0, 0, 0, 5, 5, 5, 0, 0, 5};
    assert_int_equal(solve_cold(&scratch, cycle, 4), 20);
    sm_assignment_destroy(&scratch);
}

/* Where all is equal any permutation will do, but it is always the same one. */
static void test_ties_are_decided_alike(void **state) {
    (void)state;
    enum { N = 30 };
    int32_t profit[N * N], price[N] = {0}, again_price[N] = {0};
    uint32_t column[N], again[N];
    struct sm_assignment scratch = {0}, other = {0};
    struct sm_draws draws = sm_draws_make(sm_rng_make(1, SM_RNG_TEST, 0));
    for (size_t i = 0; i < N * N; i++) profit[i] = 3;
    assert_int_equal(solve_cold(&scratch, profit, N), 3 * N);
    draw_problem(profit, N, &kinds[0], &draws);
    assert_int_equal(sm_assignment_solve(&scratch, profit, N, price, column), 0);
    assert_int_equal(sm_assignment_solve(&other, profit, N, again_price, again), 0);
    assert_memory_equal(column, again, sizeof column);
    sm_assignment_destroy(&scratch);
    sm_assignment_destroy(&other);
}

/* ---- against every permutation ---- */

static void test_every_permutation(void **state) {
    (void)state;
    struct sm_assignment scratch = {0};
    int32_t profit[49];
    struct sm_draws draws = sm_draws_make(sm_rng_make(2, SM_RNG_TEST, 0));
    for (size_t trial = 0; trial < 4000; trial++) {
        size_t n = 1 + trial % 7;
        draw_problem(profit, n, &kinds[trial / 7 % N_KINDS], &draws);
        assert_int_equal(solve_cold(&scratch, profit, n), try_all(profit, n, 0, ~0u));
    }
    sm_assignment_destroy(&scratch);
}

/* ---- prices that are left over ---- */

static void test_warm_prices(void **state) {
    (void)state;
    struct sm_assignment scratch = {0};
    int32_t price[60] = {0}, profit[60 * 60];
    struct sm_draws draws = sm_draws_make(sm_rng_make(3, SM_RNG_TEST, 0));
    for (size_t trial = 0; trial < 1500; trial++) {
        size_t n = 1 + sm_draws_below(&draws, 60);
        if (trial % 50 == 0) memset(price, 0, sizeof price);
        draw_problem(profit, n, &kinds[sm_draws_below(&draws, N_KINDS)], &draws);
        int64_t cold = solve_cold(&scratch, profit, n);
        assert_int_equal(solve(&scratch, profit, n, price), cold);
        profit[sm_draws_below(&draws, (uint32_t)(n * n))] += 5; /* nearly the same problem */
        cold = solve_cold(&scratch, profit, n);
        assert_int_equal(solve(&scratch, profit, n, price), cold);
    }
    sm_assignment_destroy(&scratch);
}

/* ---- against scipy ---- */

static void ask(struct oracle *oracle, const int32_t *profit, size_t n, int64_t sum) {
    double *values = check_alloc(n * n, sizeof *values);
    for (size_t i = 0; i < n * n; i++) values[i] = profit[i];
    oracle_ask(oracle, "assignment");
    oracle_argument(oracle, values, n * n);
    oracle_end(oracle);
    oracle_expect(oracle, "largest sum", (double)sum, 0);
    free(values);
}

static void test_scipy(void **state) {
    (void)state;
    struct oracle oracle;
    oracle_open(&oracle);
    struct sm_assignment scratch = {0};
    static int32_t profit[MOST * MOST];
    struct sm_draws draws = sm_draws_make(sm_rng_make(4, SM_RNG_TEST, 0));
    for (size_t trial = 0; trial < 1000; trial++) {
        size_t n = 1 + sm_draws_below(&draws, trial % 100 == 0 ? MOST : 40);
        draw_problem(profit, n, &kinds[trial % N_KINDS], &draws);
        ask(&oracle, profit, n, solve_cold(&scratch, profit, n));
    }
    sm_assignment_destroy(&scratch);
    oracle_compare(&oracle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_and_one),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_ties_are_decided_alike),
        cmocka_unit_test(test_every_permutation),
        cmocka_unit_test(test_warm_prices),
        cmocka_unit_test(test_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
