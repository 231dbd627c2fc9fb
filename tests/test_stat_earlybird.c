/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hand_fixture.h"

/* One layer of 20 weights, the first `remaining` of which are kept, but one more weight is inverted. */
enum { N = 20, NO_WEIGHT = N };

static void mask_fill(int8_t *mask, size_t remaining, size_t inverted) {
    for (size_t i = 0; i < N; i++) mask[i] = i < remaining;
    if (inverted < N) mask[inverted] = -1;
}

static struct sm_metrics measured(double epoch, double accuracy) {
    return (struct sm_metrics){.epoch = epoch, .test_accuracy = accuracy};
}

static void run_earlybird(int8_t (*mask)[N], size_t n, struct sm_metrics *metrics, size_t n_metrics,
                          struct grid *grid) {
    struct fixture f;
    const int8_t *masks[FIXTURE_MOST];
    for (size_t r = 0; r < n; r++) masks[r] = mask[r];
    fixture_init(&f);
    f.run.net.layers[0].n_in = N / 2;
    f.run.metrics = metrics;
    f.run.n_metrics = n_metrics;
    for (size_t r = 0; r < n; r++) f.epoch[r] = 0.5 * (double)r;
    fixture_run(&f, &sm_stat_earlybird, n, masks, NULL, grid);
    fixture_destroy(&f);
}

enum { HAMMING, JACCARD };

static void assert_none(const struct grid *grid, size_t row) {
    static const char *const cells[] = {"epoch", "step", "remaining", "jaccard_to_final", "test_accuracy"};
    for (size_t c = 0; c < 5; c++) assert_string_equal(grid_cell(grid, row, cells[c]), "nan");
}

/* Remaining: 8 of 20, then 6 6 6 7 7 7 7 7 7 7. Hamming .1 (not below), 0 0 .05 0 0 ..: five below with record 6.
 * Jaccard 2/8, 0 0 1/7 0 0 0 0 0: the distance to record 4 is too large, five in a row with record 9, epoch 4.5. */
static void hand_worked(void **state) {
    (void)state;
    static const size_t remaining[] = {8, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7};
    struct sm_metrics metrics[] = {measured(1, 0.5), measured(2, 0.6), measured(3, 0.75), measured(4, 0.875),
                                   measured(5, 0.8)};
    int8_t mask[11][N];
    struct grid grid;
    for (size_t r = 0; r < 11; r++) mask_fill(mask[r], remaining[r], NO_WEIGHT);
    mask_fill(mask[10], 10, NO_WEIGHT); /* behind both birds */
    run_earlybird(mask, 11, metrics, 5, &grid);
    assert_int_equal(grid.n_rows, 1 + 2 * 2);
    for (size_t row = 0; row < 4; row++) {
        assert_string_equal(grid_cell(&grid, row, "layer"), row < 2 ? "dense1" : "all");
        assert_string_equal(grid_cell(&grid, row, "distance"), row % 2 == HAMMING ? "hamming" : "jaccard");
        assert_string_equal(grid_cell(&grid, row, "epsilon"), "0.1");
        assert_string_equal(grid_cell(&grid, row, "window"), "5");
        assert_near(grid_real(&grid, row, "epoch"), row % 2 == HAMMING ? 3 : 4.5);
        assert_near(grid_real(&grid, row, "step"), row % 2 == HAMMING ? 60 : 90);
        assert_near(grid_real(&grid, row, "remaining"), 7.0 / 20);
        assert_near(grid_real(&grid, row, "jaccard_to_final"), 7.0 / 10);
        assert_near(grid_real(&grid, row, "test_accuracy"), row % 2 == HAMMING ? 0.75 : 0.875);
        assert_near(grid_real(&grid, row, "final_test_accuracy"), 0.8);
    }
    grid_free(&grid);
}

/* Of rounds the metrics tell of the networks in training, the whole one among them: what counts is what each round is
 * reported with. The last round is not over. */
static void rounds_are_told_by_their_own_accuracy(void **state) {
    (void)state;
    struct fixture f;
    struct sm_metrics metrics[] = {measured(1, 0.5), measured(2, 0.6), measured(3, 0.7)};
    struct sm_round rounds[8];
    int8_t mask[8][N];
    const int8_t *masks[8];
    struct grid grid;
    for (size_t r = 0; r < 8; r++) {
        mask_fill(mask[r], 7, NO_WEIGHT);
        masks[r] = mask[r];
        rounds[r] = (struct sm_round){.test_accuracy = 0.9 + 0.01 * (double)r};
    }
    for (size_t n_rounds = 7; n_rounds <= 8; n_rounds++) {
        fixture_init(&f);
        f.run.net.layers[0].n_in = N / 2;
        f.run.metrics = metrics;
        f.run.n_metrics = 3;
        f.run.in_rounds = true;
        f.run.rounds = rounds;
        f.run.n_rounds = n_rounds;
        fixture_run(&f, &sm_stat_earlybird, 8, masks, NULL, &grid);
        assert_near(grid_real(&grid, HAMMING, "step"), 50);
        assert_near(grid_real(&grid, HAMMING, "test_accuracy"), 0.95);
        assert_near(grid_real(&grid, HAMMING, "final_test_accuracy"), n_rounds == 8 ? 0.97 : NAN);
        grid_free(&grid);
        fixture_destroy(&f);
    }
}

/* A weight that only changes its sign is common to both places, but not to both masks. */
static void signs_count(void **state) {
    (void)state;
    int8_t mask[6][N];
    struct grid grid;
    for (size_t r = 0; r < 6; r++) mask_fill(mask[r], 4, r % 2 ? 3 : NO_WEIGHT);
    run_earlybird(mask, 6, NULL, 0, &grid);
    assert_near(grid_real(&grid, HAMMING, "epoch"), 2.5);
    assert_near(grid_real(&grid, HAMMING, "jaccard_to_final"), 1);
    assert_string_equal(grid_cell(&grid, HAMMING, "test_accuracy"), "nan");
    assert_none(&grid, JACCARD);
    grid_free(&grid);
}

/* Masks that hide all do not differ, but their Jaccard distance is undefined. */
static void all_hidden(void **state) {
    (void)state;
    int8_t mask[6][N] = {{0}};
    struct grid grid;
    run_earlybird(mask, 6, NULL, 0, &grid);
    assert_near(grid_real(&grid, HAMMING, "epoch"), 2.5);
    assert_near(grid_real(&grid, HAMMING, "remaining"), 0);
    assert_string_equal(grid_cell(&grid, HAMMING, "jaccard_to_final"), "nan");
    assert_none(&grid, JACCARD);
    grid_free(&grid);
}

/* Five records have four distances. */
static void too_few_records(void **state) {
    (void)state;
    struct sm_metrics metrics[] = {measured(1, 0.5), measured(1.5, NAN), measured(9, 0.9)};
    int8_t mask[6][N];
    struct grid grid;
    for (size_t r = 0; r < 6; r++) mask_fill(mask[r], 4, NO_WEIGHT);
    for (size_t n = 1; n <= 5; n++) {
        run_earlybird(mask, n, metrics, 3, &grid);
        assert_int_equal(grid.n_rows, 5);
        for (size_t row = 0; row < 4; row++) {
            assert_none(&grid, row);
            assert_near(grid_real(&grid, row, "final_test_accuracy"), n == 3 ? 0.5 : NAN);
        }
        grid_free(&grid);
    }
    run_earlybird(mask, 6, metrics, 3, &grid);
    assert_near(grid_real(&grid, JACCARD, "epoch"), 2.5);
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_worked), cmocka_unit_test(rounds_are_told_by_their_own_accuracy),
        cmocka_unit_test(signs_count), cmocka_unit_test(all_hidden), cmocka_unit_test(too_few_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
