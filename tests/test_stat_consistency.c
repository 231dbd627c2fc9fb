/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranks of units on paper. */
#include "tests/stat_fixture.h"

static char *consistency(struct fixture *a, struct fixture *b) {
    const struct sm_options options = {.compare = SM_COMPARE_MASK, .seed = 1, .n_starts = 4};
    const struct sm_analysis analysis = {.options = &options, .n_runs = 2};
    return fixture_table(&sm_stat_consistency, &analysis, a, b);
}

enum { MOST_ROWS = 64, MOST_CELLS = 14 };
struct rows {
    char *text, *cell[MOST_ROWS][MOST_CELLS]; /* row 0: the header */
    size_t n;
};

static struct rows rows_of(char *table) {
    struct rows rows = {.text = table};
    for (char *line; (line = next_line(&table)); rows.n++) {
        assert_true(rows.n < MOST_ROWS);
        size_t c = 0;
        for (char *cell; (cell = strsep(&line, "\t")); c++) rows.cell[rows.n][c] = cell;
        assert_int_equal(c, MOST_CELLS);
    }
    return rows;
}

/* A cell of the row with that layer, statistic and among; fails where there is none. */
static double cell_of(const struct rows *rows, const char *layer, const char *statistic, const char *among,
                      const char *column) {
    size_t c = 0;
    while (strcmp(rows->cell[0][c], column) != 0) c++;
    for (size_t r = 1; r < rows->n; r++)
        if (strcmp(rows->cell[r][2], layer) == 0 && strcmp(rows->cell[r][3], statistic) == 0 &&
            strcmp(rows->cell[r][5], among) == 0)
            return strtod(rows->cell[r][c], NULL);
    fail_msg("no row %s %s %s", layer, statistic, among);
    return NAN;
}

static bool has_row(const struct rows *rows, const char *layer, const char *statistic) {
    for (size_t r = 1; r < rows->n; r++)
        if (strcmp(rows->cell[r][2], layer) == 0 && strcmp(rows->cell[r][3], statistic) == 0) return true;
    return false;
}

static void assert_close(double got, double want) {
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) < 1e-12)) fail_msg("%.17g instead of %.17g", got, want);
}

static void single_layer(struct fixture *fixture, const char *name, const int8_t *mask, const float *weights) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "output", 3, 4, 1, SM_NETWORK_INPUT, -2, mask, weights);
}

/* Fan-outs of the inputs 3, 2, 1, 0 and 3, 1, 2, 0: one of six pairs is in another order; among the three that are
 * alive in both, one of three. Each weight of a is 1, of b 2. */
static void test_inputs_by_hand(void **state) {
    (void)state;
    const int8_t mask_a[] = {1, 1, 1, 0, /**/ 1, -1, 0, 0, /**/ -1, 0, 0, 0};
    const int8_t mask_b[] = {1, 1, 1, 0, /**/ 1, 0, -1, 0, /**/ 1, 0, 0, 0};
    const float twos[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    struct fixture a, b;
    single_layer(&a, "a", mask_a, NULL);
    single_layer(&b, "b", mask_b, twos);
    struct rows rows = rows_of(consistency(&a, &b));
    const char *const same[] = {"fan_out", "strength_out", "log10_paths", "log10_synflow"};
    for (size_t i = 0; i < 4; i++) {
        assert_close(cell_of(&rows, "input", same[i], "all", "n"), 4);
        assert_close(cell_of(&rows, "input", same[i], "all", "spearman"), 0.8); /* 1 - 6 (1 + 1) / (4 (16 - 1)) */
        assert_close(cell_of(&rows, "input", same[i], "all", "kendall_tau_b"), 4.0 / 6);
        assert_close(cell_of(&rows, "input", same[i], "all", "p_value"), 0.2); /* t with 2 degrees: 1 - r */
        assert_close(cell_of(&rows, "input", same[i], "all", "top_k"), 1);
        assert_close(cell_of(&rows, "input", same[i], "all", "top_overlap"), 1);
        assert_close(cell_of(&rows, "input", same[i], "all", "expected_top_overlap"), 0.25);
        assert_close(cell_of(&rows, "input", same[i], "alive", "n"), 3);
        assert_close(cell_of(&rows, "input", same[i], "alive", "spearman"), 0.5);
        assert_close(cell_of(&rows, "input", same[i], "alive", "kendall_tau_b"), 1.0 / 3);
    }
    /* Fan-ins of the outputs 3, 2, 1 in both. */
    assert_close(cell_of(&rows, "output", "fan_in", "all", "spearman"), 1);
    assert_false(has_row(&rows, "input", "fan_in") || has_row(&rows, "output", "fan_out"));
    assert_string_equal(rows.cell[1][4], "identity");
    free(rows.text);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* a's hidden units 0, 1, 2 are b's 1, 2, 0: without alignment fan-ins 3, 2, 1 would stand against 1, 3, 2. */
static void test_hidden_units_stand_beside_their_partners(void **state) {
    (void)state;
    const int8_t hidden_a[] = {1, 1, 1, 0, /**/ 1, -1, 0, 0, /**/ -1, 0, 0, 0}, output_a[] = {1, 1, 1, /**/ 1, 0, -1};
    const int8_t hidden_b[] = {-1, 0, 0, 0, /**/ 1, 1, 1, 0, /**/ 1, -1, 0, 0}, output_b[] = {1, 1, 1, /**/ -1, 1, 0};
    struct fixture a, b;
    fixture_init(&a, "a");
    fixture_layer(&a, "hidden", 3, 4, 1, SM_NETWORK_INPUT, -2, hidden_a, NULL);
    fixture_layer(&a, "output", 2, 3, 1, 0, -2, output_a, NULL);
    fixture_init(&b, "b");
    fixture_layer(&b, "hidden", 3, 4, 1, SM_NETWORK_INPUT, -2, hidden_b, NULL);
    fixture_layer(&b, "output", 2, 3, 1, 0, -2, output_b, NULL);
    struct rows rows = rows_of(consistency(&a, &b));
    assert_close(cell_of(&rows, "hidden", "fan_in", "all", "spearman"), 1);
    assert_close(cell_of(&rows, "hidden", "fan_in", "all", "kendall_tau_b"), 1);
    assert_close(cell_of(&rows, "hidden", "log10_paths", "alive", "spearman"), 1); /* 6, 2, 2 routes */
    assert_close(cell_of(&rows, "hidden", "log10_paths", "alive", "n"), 3);
    assert_string_equal(rows.cell[9][2], "hidden");
    assert_string_equal(rows.cell[9][4], "aligned");
    free(rows.text);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static void test_nothing_is_alive(void **state) {
    (void)state;
    const int8_t hide[12] = {0};
    struct fixture a, b;
    single_layer(&a, "a", hide, NULL);
    single_layer(&b, "b", hide, NULL);
    struct rows rows = rows_of(consistency(&a, &b));
    assert_close(cell_of(&rows, "input", "log10_paths", "all", "spearman"), NAN);
    assert_close(cell_of(&rows, "input", "log10_paths", "all", "top_overlap"), 0.25); /* 4 units tie for one place */
    assert_close(cell_of(&rows, "input", "log10_paths", "alive", "n"), 0);
    assert_close(cell_of(&rows, "input", "log10_paths", "alive", "kendall_tau_b"), NAN);
    assert_close(cell_of(&rows, "input", "log10_paths", "alive", "top_overlap"), NAN);
    assert_close(cell_of(&rows, "input", "log10_paths", "alive", "expected_top_overlap"), NAN);
    free(rows.text);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs_by_hand),
        cmocka_unit_test(test_hidden_units_stand_beside_their_partners),
        cmocka_unit_test(test_nothing_is_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
