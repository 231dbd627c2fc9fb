/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

static void run_oscillation(const int8_t *const *masks, size_t n, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_oscillation, n, masks, NULL, grid);
    fixture_destroy(&f);
}

static void assert_row(const struct grid *grid, size_t row, int weights, int reentered, int remaining) {
    assert_near(grid_real(grid, row, "weights"), weights);
    assert_near(grid_real(grid, row, "share"), weights / 6.0);
    assert_near(grid_real(grid, row, "reentered"), reentered);
    assert_near(grid_real(grid, row, "remaining"), remaining);
}

/* Weights from left to right, records downwards. The first never changes; the second enters once: no return; the third
 * flips its sign: no return either; the fourth leaves; the fifth leaves and comes back inverted; the sixth leaves,
 * comes back, leaves. */
static void hand_worked(void **state) {
    (void)state;
    const int8_t m0[] = {1, 0, 1, 1, 1, -1}, m1[] = {1, 0, -1, 1, 0, 0}, m2[] = {1, 1, 1, 0, 0, -1},
                 m3[] = {1, 1, 1, 0, -1, 0};
    const int8_t *const masks[] = {m0, m1, m2, m3};
    struct grid grid;
    run_oscillation(masks, 4, &grid);
    assert_int_equal(grid.n_rows, 1 + 2 * 4);
    for (size_t first = 0; first < 8; first += 4) {
        assert_string_equal(grid_cell(&grid, first, "layer"), first ? "all" : "dense1");
        for (size_t k = 0; k < 4; k++) assert_near(grid_real(&grid, first + k, "changes"), (double)k);
        assert_row(&grid, first + 0, 1, 0, 1);
        assert_row(&grid, first + 1, 2, 0, 1);
        assert_row(&grid, first + 2, 2, 1, 2);
        assert_row(&grid, first + 3, 1, 1, 0);
    }
    grid_free(&grid);
}

/* Rows without weights stand between those with some, none behind the last. */
static void gaps_are_zero(void **state) {
    (void)state;
    const int8_t m0[6] = {0}, m1[] = {0, 0, 0, 0, 0, 1}, m2[6] = {0}, *const masks[] = {m0, m1, m2};
    struct grid grid;
    run_oscillation(masks, 3, &grid);
    assert_int_equal(grid.n_rows, 1 + 2 * 3);
    assert_row(&grid, 0, 5, 0, 0);
    assert_row(&grid, 1, 0, 0, 0);
    assert_row(&grid, 2, 1, 0, 0);
    grid_free(&grid);
}

static void never_changing(void **state) {
    (void)state;
    const int8_t kept[] = {1, 1, 1, 1, 1, 1}, hidden[6] = {0};
    const int8_t *const same[] = {kept, kept, kept}, *const one[] = {hidden};
    struct grid grid;
    run_oscillation(same, 3, &grid);
    assert_int_equal(grid.n_rows, 3);
    assert_row(&grid, 0, 6, 0, 6);
    grid_free(&grid);
    run_oscillation(one, 1, &grid);
    assert_int_equal(grid.n_rows, 3);
    assert_row(&grid, 0, 6, 0, 0);
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(gaps_are_zero),
                                       cmocka_unit_test(never_changing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
