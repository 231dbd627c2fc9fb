/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

static void run_weights(const int8_t *mask, const float *weights, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_weights, 1, &mask, weights, grid);
    fixture_destroy(&f);
}

/* |w| = 1 .. 6; kept 5 and 6, inverted 1, hidden 2, 3, 4. Just below 5 the kept ones have F = 0, the layer 4/6. */
static void hand_worked(void **state) {
    (void)state;
    const float weights[] = {-6, 1, 2, -3, 4, 5};
    const int8_t mask[] = {1, -1, 0, 0, 0, 1};
    struct grid grid;
    run_weights(mask, weights, &grid);
    assert_int_equal(grid.n_rows, 4);
    static const char *const states[] = {"keep", "invert", "hide"}, *const n[] = {"2", "1", "3"};
    const double mean[] = {5.5, 1, 3}, sd[] = {sqrt(0.5), NAN, 1}, distance[] = {4.0 / 6, 5.0 / 6, 2.0 / 6};
    for (size_t row = 0; row < 3; row++) {
        assert_string_equal(grid_cell(&grid, row, "state"), states[row]);
        assert_string_equal(grid_cell(&grid, row, "n"), n[row]);
        assert_near(grid_real(&grid, row, "mean_abs"), mean[row]);
        assert_near(grid_real(&grid, row, "sd_abs"), sd[row]);
        assert_near(grid_real(&grid, row, "ks_distance"), distance[row]);
    }
    grid_free(&grid);
}

static void signed_constants(void **state) {
    (void)state;
    const float weights[] = {-0.1f, 0.1f, 0.1f, -0.1f, 0.1f, 0.1f};
    const int8_t mask[] = {1, 1, 0, 0, 0, 1};
    struct grid grid;
    run_weights(mask, weights, &grid);
    for (size_t row = 0; row < 3; row++) {
        bool empty = row == 1;
        assert_near(grid_real(&grid, row, "mean_abs"), empty ? NAN : 0.1f);
        assert_near(grid_real(&grid, row, "sd_abs"), empty ? NAN : 0);
        assert_near(grid_real(&grid, row, "ks_distance"), empty ? NAN : 0);
        assert_near(grid_real(&grid, row, "ks_p_value"), empty ? NAN : 1);
    }
    grid_free(&grid);
}

static void nan_weight_is_refused(void **state) {
    (void)state;
    float weights[] = {1, 2, NAN, 4, 5, 6}, *layers[] = {weights};
    int8_t mask[6] = {0}, *masks[] = {mask};
    struct fixture f;
    fixture_init(&f);
    const struct sm_moment moment = {.run = &f.run, .mask = masks, .weights = layers};
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_stat_weights.moment(NULL, &moment, NULL, &err), -1);
    assert_non_null(strstr(err.text, "dense1"));
    fixture_destroy(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(signed_constants),
                                       cmocka_unit_test(nan_weight_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
