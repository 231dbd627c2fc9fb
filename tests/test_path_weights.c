/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed weights and numbers of routes from and to a unit, worked by hand. */
#include "tests/stat_fixture.h"

#include "analyze/path_weights.h"

static void assert_values(const long double *got, const double *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fabs((double)got[i] - want[i]) > 1e-6) fail_msg("value %zu: %g instead of %g", i, (double)got[i], want[i]);
}

enum direction { TO, FROM };

static void check(struct fixture *f, enum direction direction, bool signs, size_t unit, const double *want) {
    struct sm_graph graph;
    struct sm_error err = {{0}};
    long double value[32];
    assert_int_equal(sm_graph_init(&graph, &f->run.net, &err), 0);
    assert_int_equal((direction == TO ? sm_paths_to_unit : sm_paths_from_unit)(
                         &graph, f->mask, signs ? f->weights : NULL, unit, value, &err),
                     0);
    assert_values(value, want, sm_graph_n_units(&graph));
    sm_graph_destroy(&graph);
}

/* 3 inputs (units 0 1 2), 2 hidden (3 4), 2 outputs (5 6).
 * V1 = [2 -3 0; 0 0 5], V2 = [-1 4; 0 7]. */
static void test_dense(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "dense");
    fixture_layer(&f, "dense1", 2, 3, 1, -1, -2, (const int8_t[]){1, -1, 0, 0, 0, -1},
                  (const float[]){2, 3, 9, 9, 9, -5});
    fixture_layer(&f, "dense2", 2, 2, 1, 0, -2, (const int8_t[]){-1, 1, 0, 1}, (const float[]){1, 4, 9, 7});
    check(&f, TO, true, 3, (const double[]){2, -3, 0, 1, 0, 0, 0});
    check(&f, TO, true, 5, (const double[]){-2, 3, 20, -1, 4, 1, 0});
    check(&f, TO, false, 5, (const double[]){1, 1, 1, 1, 1, 1, 0});
    check(&f, FROM, true, 4, (const double[]){0, 0, 0, 0, 1, 4, 7});
    check(&f, FROM, true, 1, (const double[]){0, 1, 0, -3, 0, 3, 0});
    check(&f, FROM, false, 2, (const double[]){0, 0, 1, 0, 1, 1, 1});
    fixture_destroy(&f);
}

/* One input channel (0), two convolutions of one channel with 2 x 2 kernels (1, 2), a dense layer that reads the
 * sum of both, flattened to two positions (3). */
static void test_residual(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "residual");
    fixture_layer(&f, "conv1", 1, 1, 2, -1, -2, (const int8_t[]){1, 1, -1, 0}, (const float[]){1, 3, 2, 9});
    fixture_layer(&f, "conv2", 1, 1, 2, 0, -2, (const int8_t[]){0, 1, 0, 0}, (const float[]){9, 5, 9, 9});
    fixture_layer(&f, "dense1", 1, 2, 1, 0, 1, (const int8_t[]){1, -1}, (const float[]){7, 4});
    /* conv1: 1 + 3 - 2 = 2, three routes; conv2: 5, one; the positions of a channel: 7 - 4 = 3, two routes. */
    check(&f, TO, true, 3, (const double[]){2 * (3 + 5 * 3), 3 + 5 * 3, 3, 1});
    check(&f, TO, false, 3, (const double[]){3 * (2 + 1 * 2), 2 + 1 * 2, 2, 1});
    check(&f, FROM, true, 0, (const double[]){1, 2, 10, 36});
    check(&f, FROM, false, 1, (const double[]){0, 1, 1, 4});
    check(&f, TO, true, 0, (const double[]){1, 0, 0, 0});
    fixture_destroy(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense), cmocka_unit_test(test_residual)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
