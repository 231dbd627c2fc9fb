/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

/* Weight 0 never changes, 1 and 2 change at record 1 (2 changes back at 2), 3 at record 3, 4 and 5 at 2. */
static void hand_worked(void **state) {
    (void)state;
    const int8_t m0[] = {1, 0, 0, 1, 0, -1}, m1[] = {1, 1, -1, 1, 0, -1}, m2[] = {1, 1, 0, 1, 1, 1},
                 m3[] = {1, 1, 0, 0, 1, 1};
    const int8_t *const masks[] = {m0, m1, m2, m3};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_settling, 4, masks, NULL, &grid);
    assert_int_equal(grid.n_rows, 9);
    const double want[] = {1.0 / 6, 2.0 / 6, 5.0 / 6, 1};
    static const char *const steps[] = {"0", "10", "20", "30"};
    for (size_t row = 0; row < 8; row++) {
        assert_string_equal(grid_cell(&grid, row, "layer"), row < 4 ? "dense1" : "all");
        assert_string_equal(grid_cell(&grid, row, "step"), steps[row % 4]);
        assert_near(grid_real(&grid, row, "settled"), want[row % 4]);
    }
    grid_free(&grid);
    fixture_destroy(&f);
}

static void one_record(void **state) {
    (void)state;
    const int8_t m0[6] = {0}, *const masks[] = {m0};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_settling, 1, masks, NULL, &grid);
    assert_int_equal(grid.n_rows, 3);
    assert_near(grid_real(&grid, 0, "settled"), 1);
    grid_free(&grid);
    fixture_destroy(&f);
}

/* Every flip of sign alone is a change too. */
static void sign_changes_count(void **state) {
    (void)state;
    const int8_t m0[] = {1, 1, 1, 1, 1, 1}, m1[] = {-1, -1, -1, 1, 1, 1}, *const masks[] = {m0, m1};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_settling, 2, masks, NULL, &grid);
    assert_near(grid_real(&grid, 0, "settled"), 0.5);
    assert_near(grid_real(&grid, 1, "settled"), 1);
    grid_free(&grid);
    fixture_destroy(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(one_record),
                                       cmocka_unit_test(sign_changes_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
