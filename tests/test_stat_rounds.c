/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

/* 2 x 3 weights: all, then 4, 1 and none of them. */
static const int8_t whole[] = {1, 1, 1, 1, 1, 1}, four[] = {1, 0, 1, 0, 1, 1}, one[] = {0, 0, 0, 0, -1, 0},
                    none[6] = {0};
static const int8_t *const masks[] = {whole, four, one, none};

/* Columns in the order of the struct, all different. */
static struct sm_round numbered(double first) {
    return (struct sm_round){first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6, first + 7};
}

static const char *const measures[] = {"test_accuracy", "untrained_accuracy", "untrained_loss",  "trained_accuracy",
                                       "trained_loss",  "validation_loss",    "early_stop_step", "early_stop_accuracy"};

static void run_rounds(struct sm_round *rounds, size_t n_rounds, struct grid *grid, char note[256]) {
    struct fixture f;
    fixture_init(&f);
    f.run.in_rounds = rounds != NULL;
    f.run.rounds = rounds;
    f.run.n_rounds = n_rounds;
    fixture_run(&f, &sm_stat_rounds, 4, masks, NULL, grid);
    snprintf(note, 256, "%s", f.notes.n ? f.notes.text[0] : "");
    assert_true(f.notes.n <= 1);
    fixture_destroy(&f);
}

static void rows_by_hand(void **state) {
    (void)state;
    struct sm_round rounds[] = {numbered(1), numbered(10.5), numbered(-3), numbered(40)};
    static const double remaining[] = {1, 4.0 / 6, 1.0 / 6, 0};
    struct grid grid;
    char note[256];
    rounds[2].untrained_loss = NAN;
    run_rounds(rounds, 4, &grid, note);
    assert_string_equal(note, "");
    assert_int_equal(grid.n_rows, 5);
    for (size_t r = 0; r < 4; r++) {
        assert_string_equal(grid_cell(&grid, r, "run"), "hand");
        assert_string_equal(grid_cell(&grid, r, "method"), "signed-supermask");
        assert_string_equal(grid_cell(&grid, r, "recipe"), "hand");
        assert_near(grid_real(&grid, r, "round"), (double)r);
        assert_near(grid_real(&grid, r, "step"), 10.0 * (double)r);
        assert_near(grid_real(&grid, r, "epoch"), (double)r);
        assert_near(grid_real(&grid, r, "remaining"), remaining[r]);
        for (size_t m = 0; m < 8; m++)
            assert_near(grid_real(&grid, r, measures[m]), r == 2 && m == 2 ? NAN : rounds[r].test_accuracy + (double)m);
    }
    assert_string_equal(grid_cell(&grid, 2, "untrained_loss"), "nan");
    grid_free(&grid);
}

/* A record whose round is not over has no row. */
static void unfinished(void **state) {
    (void)state;
    struct sm_round rounds[] = {numbered(1), numbered(2)};
    struct grid grid;
    char note[256];
    run_rounds(rounds, 2, &grid, note);
    assert_int_equal(grid.n_rows, 3);
    assert_string_equal(note, "");
    grid_free(&grid);
    run_rounds(rounds, 0, &grid, note);
    assert_int_equal(grid.n_rows, 1);
    assert_string_equal(note, "rounds: hand has no rounds and no row");
    grid_free(&grid);
}

static void no_rounds(void **state) {
    (void)state;
    struct grid grid;
    char note[256];
    run_rounds(NULL, 0, &grid, note);
    assert_int_equal(grid.n_rows, 1);
    assert_string_equal(note, "rounds: hand has no rounds and no row");
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_by_hand), cmocka_unit_test(unfinished),
                                       cmocka_unit_test(no_rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
