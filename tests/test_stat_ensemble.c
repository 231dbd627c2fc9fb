/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several runs laid upon each other, on paper: three runs that are one network with its hidden units in another order.
 */
#include "tests/stat_fixture.h"

#include "analyze/ensemble.h"

#define HEADER "group runs layer alignment times weights expected at_least accuracy first_accuracy"

/* Unit u reads input u; b's units begin with a's second, c's with a's third. */
static const int8_t hidden[3][9] = {{1, 0, 0, /**/ 0, 1, 0, /**/ 0, 0, 1},
                                    {0, 1, 0, /**/ 0, 0, 1, /**/ 1, 0, 0},
                                    {0, 0, 1, /**/ 1, 0, 0, /**/ 0, 1, 0}};
static const int8_t output[] = {1, 1, 1};

static void describe(struct fixture *fixture, char *recipe) {
    static char method[] = "signed-supermask", dataset[] = "none", name[] = "test", digest[] = "";
    fixture->run.method = method;
    fixture->run.dataset = dataset;
    fixture->run.recipe_name = name;
    fixture->run.dataset_sha256 = digest;
    fixture->run.recipe = recipe;
}

static void fixture_of(struct fixture *fixture, size_t i, char *recipe) {
    static const char *const names[] = {"a", "b", "c"};
    fixture_init(fixture, names[i]);
    describe(fixture, recipe);
    fixture_layer(fixture, "hidden", 3, 3, 1, SM_NETWORK_INPUT, -2, hidden[i], NULL);
    fixture_layer(fixture, "output", 1, 3, 1, 0, -2, output, NULL);
}

/* All pairs in the driver's order. */
static void walk_pairs(void *state, const struct sm_options *options, const struct sm_moment *moments, size_t n,
                       struct sm_table *table) {
    struct sm_error err = {{0}};
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            struct sm_alignments alignments;
            sm_alignments_init(&alignments, options);
            const struct sm_pair pair = {&moments[i], &moments[j], &alignments, NULL};
            assert_int_equal(sm_stat_ensemble.pair(state, &pair, table, &err), 0);
            sm_alignments_destroy(&alignments);
        }
}

static char *ensemble(struct fixture *fixtures, size_t n, struct sm_notes *notes) {
    char directory[] = "/tmp/supermask-stat-XXXXXX", path[256];
    const struct sm_options options = {.compare = SM_COMPARE_MASK, .seed = 1, .n_starts = 4};
    struct sm_run runs[3];
    struct sm_moment moments[3];
    struct sm_table *table;
    struct sm_error err = {{0}};
    void *state;
    for (size_t i = 0; i < n; i++) {
        runs[i] = fixtures[i].run;
        moments[i] = fixture_moment(&fixtures[i]);
        moments[i].run = &runs[i];
        moments[i].run_index = i;
    }
    const struct sm_analysis analysis = {.options = &options, .n_runs = n, .runs = runs, .notes = notes};
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sm_table_open(&table, directory, "ensemble", "", NULL, sm_stat_ensemble.columns,
                                   sm_stat_ensemble.n_columns, &err),
                     0);
    assert_int_equal(sm_stat_ensemble.open(&state, &analysis, &err), 0);
    walk_pairs(state, &options, moments, n, table);
    sm_stat_ensemble.free(state);
    assert_int_equal(sm_table_close(table, &err), 0);
    snprintf(path, sizeof path, "%s/ensemble.tsv", directory);
    char *text = read_text(path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(directory), 0);
    return text;
}

/* The table without its last column, whose values go to last [n]. */
static char *without_last(char *table, double *last, size_t n) {
    size_t row = 0;
    char *shorter = calloc(1, strlen(table) + 1), *rest = table, *line;
    assert_non_null(shorter);
    while ((line = next_line(&rest))) {
        char *cell = strrchr(line, '\t');
        assert_non_null(cell);
        if (row > 0 && row <= n) last[row - 1] = strtod(cell + 1, NULL);
        row++;
        *cell = '\0';
        strcat(strcat(shorter, line), "\n");
    }
    assert_int_equal(row, n + 1);
    free(table);
    return shorter;
}

/* A network of the same degrees has one entry in each row and column, too: as it stands it is any such, matched it is
 * the first run again. */
static void check_degree(const double degree[24]) {
    static const double matched[12] = {6, 0, 0, 3, /**/ 0, 0, 0, 3, /**/ 6, 0, 0, 6};
    double weights = 0, kept = 0;
    for (size_t times = 0; times <= 3; times++) {
        weights += degree[times];
        kept += (double)times * degree[times];
    }
    assert_true(fabs(weights - 9) < 1e-12 && fabs(kept - 9) < 1e-12);
    for (size_t k = 0; k < 12; k++) assert_true(fabs(degree[12 + k] - matched[k]) < 1e-12);
}

/* Each of the nine first weights is kept by one run as they stand, three of them by all runs once units are matched. By
 * chance, with density 1/3: 9 times 8, 12, 6 and 1 of 27. */
static void test_relabelled_runs(void **state) {
    (void)state;
    char recipe[] = "name: test\n";
    struct fixture fixtures[3];
    struct sm_notes notes = {0};
    for (size_t i = 0; i < 3; i++) fixture_of(&fixtures[i], i, recipe);
    double degree[24];
    assert_table(without_last(ensemble(fixtures, 3, &notes), degree, 24),
                 HEADER "\n"
                        "test 3 hidden raw 0 0 2.6666666666666667 9 nan nan\n"
                        "test 3 hidden raw 1 9 4 9 nan nan\n"
                        "test 3 hidden raw 2 0 2 0 nan nan\n"
                        "test 3 hidden raw 3 0 .33333333333333333 0 nan nan\n"
                        "test 3 output raw 0 0 0 3 nan nan\n"
                        "test 3 output raw 1 0 0 3 nan nan\n"
                        "test 3 output raw 2 0 0 3 nan nan\n"
                        "test 3 output raw 3 3 3 3 nan nan\n"
                        "test 3 all raw 0 0 2.6666666666666667 12 nan nan\n"
                        "test 3 all raw 1 9 4 12 nan nan\n"
                        "test 3 all raw 2 0 2 3 nan nan\n"
                        "test 3 all raw 3 3 3.3333333333333333 3 nan nan\n"
                        "test 3 hidden aligned 0 6 2.6666666666666667 9 nan nan\n"
                        "test 3 hidden aligned 1 0 4 3 nan nan\n"
                        "test 3 hidden aligned 2 0 2 3 nan nan\n"
                        "test 3 hidden aligned 3 3 .33333333333333333 3 nan nan\n"
                        "test 3 output aligned 0 0 0 3 nan nan\n"
                        "test 3 output aligned 1 0 0 3 nan nan\n"
                        "test 3 output aligned 2 0 0 3 nan nan\n"
                        "test 3 output aligned 3 3 3 3 nan nan\n"
                        "test 3 all aligned 0 6 2.6666666666666667 12 nan nan\n"
                        "test 3 all aligned 1 0 4 6 nan nan\n"
                        "test 3 all aligned 2 0 2 6 nan nan\n"
                        "test 3 all aligned 3 6 3.3333333333333333 6 nan nan\n");
    check_degree(degree);
    assert_int_equal(notes.n, 1); /* no data, no accuracies */
    assert_non_null(strstr(notes.text[0], "accurac"));
    sm_notes_destroy(&notes);
    for (size_t i = 0; i < 3; i++) fixture_destroy(&fixtures[i]);
}

static void test_a_run_that_stands_alone(void **state) {
    (void)state;
    char recipe[] = "name: test\n", other[] = "name: test\nlearning_rate: 0.01\n";
    struct fixture fixtures[2];
    struct sm_notes notes = {0};
    fixture_of(&fixtures[0], 0, recipe);
    fixture_of(&fixtures[1], 1, other);
    assert_table(ensemble(fixtures, 2, &notes), HEADER " expected_degree\n");
    assert_int_equal(notes.n, 2);
    sm_notes_destroy(&notes);
    for (size_t i = 0; i < 2; i++) fixture_destroy(&fixtures[i]);
}

/* What stands over each weight: the first run's w, and g of three runs, of which the second and third have w = 1. */
static void test_signs_of_a_majority(void **state) {
    (void)state;
    const float weights[] = {1, -1, 1, 1, 0, 1};
    const int8_t masks[3][6] = {{1, 1, 1, 0, 0, 0}, {1, -1, -1, 1, 1, 0}, {-1, -1, 0, -1, 1, -1}};
    /* + + -; - - -; a tie that the first run's + breaks; a tie that it hides; no |w| to carry a sign; one - */
    const int8_t at_least_1[] = {1, 1, 1, 0, 0, -1}, at_least_2[] = {1, 1, 1, 0, 0, 0},
                 at_least_3[] = {1, 1, 0, 0, 0, 0};
    const int8_t *const expected[] = {at_least_1, at_least_2, at_least_3};
    struct fixture fixtures[3];
    struct sm_ensemble ensemble;
    struct sm_error err;
    int8_t layer[6], *mask[] = {layer};
    size_t histogram[4];
    for (size_t i = 0; i < 3; i++) {
        fixture_init(&fixtures[i], "run");
        fixture_layer(&fixtures[i], "output", 1, 6, 1, SM_NETWORK_INPUT, -2, masks[i], i ? NULL : weights);
        const struct sm_moment moment = fixture_moment(&fixtures[i]);
        if (i == 0) assert_int_equal(sm_ensemble_init(&ensemble, &fixtures[0].run.net, 3, &err), 0);
        assert_int_equal(sm_ensemble_add(&ensemble, &moment, NULL, NULL, &err), 0);
    }
    const struct sm_moment first = fixture_moment(&fixtures[0]);
    for (size_t times = 1; times <= 3; times++) {
        sm_ensemble_mask(&ensemble, &first, times, mask);
        assert_memory_equal(layer, expected[times - 1], 6);
    }
    sm_ensemble_histogram(&ensemble, 0, histogram);
    assert_memory_equal(histogram, ((size_t[]){0, 1, 3, 2}), sizeof histogram);
    sm_ensemble_destroy(&ensemble);
    for (size_t i = 0; i < 3; i++) fixture_destroy(&fixtures[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relabelled_runs),
        cmocka_unit_test(test_a_run_that_stands_alone),
        cmocka_unit_test(test_signs_of_a_majority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
