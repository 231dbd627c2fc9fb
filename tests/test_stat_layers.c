/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

static void append_layer(struct sm_network *net, size_t n_out, size_t n_in) {
    struct sm_layer *layer = sm_network_append(net, "dense2", 1);
    assert_non_null(layer);
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    layer->inputs[0] = 0;
}

static void run_two_layers(const int8_t *mask, struct grid *grid) {
    struct fixture f;
    fixture_init(&f);
    append_layer(&f.run.net, 2, 2);
    fixture_run(&f, &sm_stat_layers, 1, &mask, NULL, grid);
    fixture_destroy(&f);
}

/* Layer 1 is all keep, layer 2 half keep, half hide: with m = (3/4, 1/4) the divergence is
 * (log2(4/3) + (log2(2/3) + log2 2) / 2) / 2. */
static void hand_worked(void **state) {
    (void)state;
    const int8_t mask[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
    struct grid grid;
    run_two_layers(mask, &grid);
    assert_int_equal(grid.n_rows, 5);
    const double divergence = (log2(4.0 / 3) + (log2(2.0 / 3) + log2(2.0)) / 2) / 2;
    const double want[] = {0, sqrt(divergence), sqrt(divergence), 0};
    for (size_t row = 0; row < 4; row++) {
        assert_string_equal(grid_cell(&grid, row, "layer_a"), row < 2 ? "dense1" : "dense2");
        assert_string_equal(grid_cell(&grid, row, "layer_b"), row % 2 == 0 ? "dense1" : "dense2");
        assert_near(grid_real(&grid, row, "js_distance"), want[row]);
    }
    grid_free(&grid);
}

/* Disjoint shares are at distance 1, whatever they are. */
static void disjoint(void **state) {
    (void)state;
    const int8_t mask[] = {1, 0, 1, 0, 1, 0, -1, -1, -1, -1};
    struct grid grid;
    run_two_layers(mask, &grid);
    assert_near(grid_real(&grid, 1, "js_distance"), 1);
    assert_near(grid_real(&grid, 0, "js_distance"), 0);
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hand_worked), cmocka_unit_test(disjoint)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
