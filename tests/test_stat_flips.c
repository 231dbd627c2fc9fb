/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

#include <supermask/rng.h>

static void run_flips(const int8_t *const *masks, size_t n, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, &sm_stat_flips, n, masks, NULL, grid);
    fixture_destroy(&f);
}

/* + 0 -      + - -      0 - +
 * 0 + +  ->  0 + 0  ->  0 + 0 */
static const int8_t first[] = {1, 0, -1, 0, 1, 1}, second[] = {1, -1, -1, 0, 1, 0}, third[] = {0, -1, 1, 0, 1, 0};

static void hand_worked(void **state) {
    (void)state;
    const int8_t *const masks[] = {first, second, third};
    struct grid grid;
    run_flips(masks, 3, &grid);
    assert_int_equal(grid.n_rows, 5);
    /* two transitions, each for the layer and for all */
    static const char *const want[2][12] = {
        {"0", "10", "2", "2", "1", "0", "0", "1", "1", "0", "0", "1"},
        {"10", "20", "2", "1", "1", "0", "0", "2", "0", "1", "0", "1"},
    };
    static const char *const columns[] = {"from_step",   "to_step",     "flips",       "keep_keep",
                                          "keep_hide",   "keep_invert", "hide_keep",   "hide_hide",
                                          "hide_invert", "invert_keep", "invert_hide", "invert_invert"};
    for (size_t row = 0; row < 4; row++)
        for (size_t c = 0; c < 12; c++) assert_string_equal(grid_cell(&grid, row, columns[c]), want[row / 2][c]);
    assert_near(grid_real(&grid, 0, "flip_rate"), 1.0 / 3);
    assert_near(grid_real(&grid, 0, "distance_to_initial"), 1.0 / 3);
    assert_near(grid_real(&grid, 2, "distance_to_initial"), 4.0 / 6);
    assert_near(grid_real(&grid, 0, "distance_to_final"), 1.0 / 3);
    assert_near(grid_real(&grid, 2, "distance_to_final"), 0);
    assert_near(grid_real(&grid, 0, "jaccard_to_final"), 3.0 / 4);
    assert_near(grid_real(&grid, 2, "jaccard_to_final"), 1);
    grid_free(&grid);
}

static void one_record_has_no_rows(void **state) {
    (void)state;
    const int8_t *const masks[] = {first};
    struct grid grid;
    run_flips(masks, 1, &grid);
    assert_int_equal(grid.n_rows, 1);
    grid_free(&grid);
}

static void all_hidden(void **state) {
    (void)state;
    const int8_t none[6] = {0}, *const masks[] = {none, none};
    struct grid grid;
    run_flips(masks, 2, &grid);
    assert_near(grid_real(&grid, 0, "flip_rate"), 0);
    assert_string_equal(grid_cell(&grid, 0, "hide_hide"), "6");
    assert_string_equal(grid_cell(&grid, 0, "jaccard_to_final"), "nan");
    grid_free(&grid);
}

/* Backwards in time the transitions are transposed; the counts add up to the weights. */
static void properties(void **state) {
    (void)state;
    static const char *const names[] = {"keep", "hide", "invert"};
    const struct sm_rng rng = sm_rng_make(8, SM_RNG_TEST, 0);
    for (uint64_t trial = 0; trial < 50; trial++) {
        int8_t mask[2][6];
        for (size_t i = 0; i < 12; i++) mask[i / 6][i % 6] = (int8_t)((int)sm_rng_below(&rng, trial * 12 + i, 3) - 1);
        const int8_t *const masks[] = {mask[0], mask[1]}, *const reversed[] = {mask[1], mask[0]};
        struct grid there, back;
        run_flips(masks, 2, &there);
        run_flips(reversed, 2, &back);
        double sum = 0;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 3; j++) {
                char forth_name[32], back_name[32];
                snprintf(forth_name, sizeof forth_name, "%s_%s", names[i], names[j]);
                snprintf(back_name, sizeof back_name, "%s_%s", names[j], names[i]);
                assert_string_equal(grid_cell(&there, 0, forth_name), grid_cell(&back, 0, back_name));
                sum += grid_real(&there, 0, forth_name);
            }
        assert_near(sum, 6);
        assert_near(grid_real(&there, 0, "distance_to_initial"), grid_real(&there, 0, "flip_rate"));
        grid_free(&there);
        grid_free(&back);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(one_record_has_no_rows),
                                       cmocka_unit_test(all_hidden), cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
