/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

#include <supermask/rng.h>

static void run_one(const int8_t *mask, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_ratios, 1, &mask, NULL, grid);
    fixture_destroy(&f);
}

/* + 0 -
 * 0 + +   three kept, two hidden, one inverted of four that remain. */
static void hand_worked(void **state) {
    (void)state;
    const int8_t mask[] = {1, 0, -1, 0, 1, 1};
    struct grid grid;
    run_one(mask, &grid);
    assert_int_equal(grid.n_rows, 3);
    assert_string_equal(grid_cell(&grid, 0, "run"), "hand");
    assert_string_equal(grid_cell(&grid, 0, "layer"), "dense1");
    assert_string_equal(grid_cell(&grid, 1, "layer"), "all");
    for (size_t row = 0; row < 2; row++) {
        assert_string_equal(grid_cell(&grid, row, "record"), "0");
        assert_string_equal(grid_cell(&grid, row, "weights"), "6");
        assert_string_equal(grid_cell(&grid, row, "n_keep"), "3");
        assert_string_equal(grid_cell(&grid, row, "n_hide"), "2");
        assert_string_equal(grid_cell(&grid, row, "n_invert"), "1");
        assert_near(grid_real(&grid, row, "keep"), 1.0 / 2);
        assert_near(grid_real(&grid, row, "hide"), 1.0 / 3);
        assert_near(grid_real(&grid, row, "invert"), 1.0 / 6);
        assert_near(grid_real(&grid, row, "remaining"), 2.0 / 3);
        assert_near(grid_real(&grid, row, "effective_remaining"), 2.0 / 3);
        assert_near(grid_real(&grid, row, "inverted_share"), 1.0 / 4);
        /* Wilson: (z^2/2 + 1 -+ z sqrt(z^2/4 + 3/4)) / (4 + z^2) with z = 1.96 */
        assert_true(fabs(grid_real(&grid, row, "inverted_low") - 0.0456) < 5e-5);
        assert_true(fabs(grid_real(&grid, row, "inverted_high") - 0.6994) < 5e-5);
    }
    grid_free(&grid);
}

static void one_state_only(void **state) {
    (void)state;
    static const char *const share[] = {"invert", "hide", "keep"};
    for (int value = -1; value <= 1; value++) {
        const int8_t v = (int8_t)value, mask[] = {v, v, v, v, v, v};
        struct grid grid;
        run_one(mask, &grid);
        for (int other = -1; other <= 1; other++) assert_near(grid_real(&grid, 0, share[other + 1]), other == value);
        assert_near(grid_real(&grid, 0, "remaining"), value != 0);
        assert_near(grid_real(&grid, 0, "inverted_share"), value == 0 ? NAN : value < 0);
        assert_string_equal(grid_cell(&grid, 0, "inverted_low"),
                            value == 0 ? "nan" : grid_cell(&grid, 0, "inverted_low"));
        grid_free(&grid);
    }
}

/* 3 - 2 - 2 units. The second layer reads unit 0 only, which nothing feeds, so no path is left. */
static void path_without_beginning(void **state) {
    (void)state;
    const int8_t mask[] = {0, 0, 0, 1, 1, -1, 1, 0, -1, 0}, *masks[] = {mask};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    struct sm_layer *layer = sm_network_append(&f.run.net, "dense2", 1);
    layer->n_in = layer->n_out = 2;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    layer->inputs[0] = 0;
    fixture_run(&f, &sm_stat_ratios, 1, masks, NULL, &grid);
    assert_near(grid_real(&grid, 2, "remaining"), 0.5);
    for (size_t row = 0; row < 3; row++) assert_near(grid_real(&grid, row, "effective_remaining"), 0);
    grid_free(&grid);
    fixture_destroy(&f);
}

/* Shares sum to 1; swapping keep and invert swaps their counts. */
static void properties(void **state) {
    (void)state;
    const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, 0);
    for (uint64_t trial = 0; trial < 50; trial++) {
        int8_t mask[6], swapped[6];
        for (size_t i = 0; i < 6; i++) {
            mask[i] = (int8_t)((int)sm_rng_below(&rng, trial * 6 + i, 3) - 1);
            swapped[i] = (int8_t)-mask[i];
        }
        struct grid a, b;
        run_one(mask, &a);
        run_one(swapped, &b);
        assert_near(grid_real(&a, 0, "keep") + grid_real(&a, 0, "hide") + grid_real(&a, 0, "invert"), 1);
        assert_string_equal(grid_cell(&a, 0, "n_keep"), grid_cell(&b, 0, "n_invert"));
        assert_string_equal(grid_cell(&a, 0, "n_hide"), grid_cell(&b, 0, "n_hide"));
        assert_string_equal(grid_cell(&a, 0, "effective_remaining"), grid_cell(&b, 0, "effective_remaining"));
        assert_near(grid_real(&a, 0, "inverted_low"), 1 - grid_real(&b, 0, "inverted_high"));
        grid_free(&a);
        grid_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(one_state_only),
                                       cmocka_unit_test(path_without_beginning), cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
