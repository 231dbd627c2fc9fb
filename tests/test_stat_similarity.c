/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

static void run_similarity(const int8_t *const *masks, size_t n, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_similarity, n, masks, NULL, grid);
    fixture_destroy(&f);
}

static void assert_row(const struct grid *grid, size_t row, double from, double to, double jaccard, double agreement) {
    assert_near(grid_real(grid, row, "from_epoch"), from);
    assert_near(grid_real(grid, row, "to_epoch"), to);
    assert_near(grid_real(grid, row, "from_step"), 10 * from);
    assert_near(grid_real(grid, row, "to_step"), 10 * to);
    assert_near(grid_real(grid, row, "jaccard"), jaccard);
    assert_near(grid_real(grid, row, "agreement"), agreement);
}

/* + 0 -      + - -      0 - -
 * 0 + +  ->  0 - 0  ->  0 0 0: the sign of the fifth weight differs, its place is common. */
static void hand_worked(void **state) {
    (void)state;
    const int8_t m0[] = {1, 0, -1, 0, 1, 1}, m1[] = {1, -1, -1, 0, -1, 0}, m2[] = {0, -1, -1, 0, 0, 0};
    const int8_t *const masks[] = {m0, m1, m2};
    struct grid grid;
    run_similarity(masks, 3, &grid);
    assert_int_equal(grid.n_rows, 1 + 2 * 6);
    for (size_t first = 0; first < 12; first += 6) {
        assert_string_equal(grid_cell(&grid, first, "layer"), first ? "all" : "dense1");
        assert_row(&grid, first + 0, 0, 0, 1, 1);
        assert_row(&grid, first + 1, 0, 1, 3.0 / 5, 3.0 / 6);
        assert_row(&grid, first + 2, 0, 2, 1.0 / 5, 2.0 / 6);
        assert_row(&grid, first + 3, 1, 1, 1, 1);
        assert_row(&grid, first + 4, 1, 2, 2.0 / 4, 4.0 / 6);
        assert_row(&grid, first + 5, 2, 2, 1, 1);
    }
    grid_free(&grid);
}

static void all_hidden_is_undefined(void **state) {
    (void)state;
    const int8_t hidden[6] = {0}, kept[] = {1, 1, 1, 1, 1, 1}, inverted[] = {-1, -1, -1, -1, -1, -1};
    const int8_t *const masks[] = {hidden, kept, inverted};
    struct grid grid;
    run_similarity(masks, 3, &grid);
    assert_row(&grid, 0, 0, 0, NAN, 1);
    assert_row(&grid, 1, 0, 1, 0, 0);
    assert_row(&grid, 4, 1, 2, 1, 0);
    grid_free(&grid);
}

static void one_record(void **state) {
    (void)state;
    const int8_t mask[] = {1, 0, -1, 0, 1, 1}, *const masks[] = {mask};
    struct grid grid;
    run_similarity(masks, 1, &grid);
    assert_int_equal(grid.n_rows, 3);
    assert_row(&grid, 0, 0, 0, 1, 1);
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(all_hidden_is_undefined),
                                       cmocka_unit_test(one_record)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
