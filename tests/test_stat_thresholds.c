/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks for other thresholds, from a run file whose scores stand here. */
#include "tests/hand_fixture.h"

#include "analyze/analyze.h"

enum { N_WEIGHTS = 6 };

/* tau = 0.5, exact in binary: the multiples 0, 0.125, 0.25, 0.375, 0.45, 0.5, 0.55, 0.625, 0.75, 1, 1.5 ... */
static const float scores[N_WEIGHTS] = {0, 0.25f, -0.25f, 0.5f, -0.75f, 2};

static void write_run(const char *path, bool finish) {
    struct sm_network net = {.name = "net", .input_channels = 1, .input_height = 1, .input_width = 3};
    struct sm_layer *layer = sm_network_append(&net, "dense1", 1);
    assert_non_null(layer);
    layer->n_in = 3;
    layer->n_out = 2;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    static const float weights[N_WEIGHTS] = {1, 1, 1, 1, 1, 1};
    static const int8_t mask[N_WEIGHTS] = {0, 0, 0, 0, -1, 1};
    const float *all_weights[] = {weights}, *all_scores[] = {scores};
    const int8_t *masks[] = {mask};
    const double threshold[] = {0.5};
    const struct sm_run_header header = {.program_version = "0",
                                         .command_line = "test",
                                         .recipe = "name: test\n",
                                         .recipe_name = "test",
                                         .dataset = "digits",
                                         .method = "signed-supermask",
                                         .dataset_sha256 = "none",
                                         .threshold = threshold};
    struct sm_error err = {.text = ""};
    struct sm_run_writer *writer;
    if (sm_run_create(&writer, path, &header, &net, all_weights, all_scores, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(sm_run_append_record(writer, 0, 0, masks, NULL, &err), 0);
    assert_int_equal(finish ? sm_run_finish(writer, all_scores, &err) : sm_run_close(writer, &err), 0);
    sm_network_destroy(&net);
}

/* The table and the notes of one run. */
static void analyze(bool finish, struct grid *grid, char *notes, size_t size) {
    char directory[] = "/tmp/supermask-test-XXXXXX", run[64], table[64], *paths[] = {run};
    const struct sm_statistic *const statistics[] = {&sm_stat_thresholds};
    struct sm_session session;
    struct sm_error err = {.text = ""};
    assert_non_null(mkdtemp(directory));
    snprintf(run, sizeof run, "%s/run.h5", directory);
    snprintf(table, sizeof table, "%s/thresholds.tsv", directory);
    write_run(run, finish);
    const struct sm_options options = {
        .directory = directory, .at_epoch = NAN, .n_nulls = 1, .quiet = true, .command_line = "t"};
    if (sm_session_open(&session, &options, paths, 1, &err) != 0) fail_msg("%s", err.text);
    if (sm_session_run(&session, statistics, 1, &err) != 0) fail_msg("%s", err.text);
    *notes = '\0';
    for (size_t i = 0; i < session.notes.n; i++)
        snprintf(notes + strlen(notes), size - strlen(notes), "%s\n", session.notes.text[i]);
    sm_session_destroy(&session);
    grid_read(grid, table);
    unlink(table);
    unlink(run);
    assert_int_equal(rmdir(directory), 0);
}

/* A score on the threshold is hidden, at factor 1 (0.5) as at factor 0 (0). */
static void masks_by_hand(void **state) {
    (void)state;
    static const struct {
        double factor;
        const char *keep, *hide, *invert;
    } want[] = {{0, "3", "1", "2"},   {0.25, "3", "1", "2"}, {0.5, "2", "3", "1"}, {0.75, "2", "3", "1"},
                {0.9, "2", "3", "1"}, {1, "1", "4", "1"},    {1.1, "1", "4", "1"}, {1.25, "1", "4", "1"},
                {1.5, "1", "5", "0"}, {2, "1", "5", "0"},    {3, "1", "5", "0"},   {4, "0", "6", "0"},
                {6, "0", "6", "0"},   {8, "0", "6", "0"},    {12, "0", "6", "0"},  {16, "0", "6", "0"}};
    struct grid grid;
    char notes[1024];
    analyze(true, &grid, notes, sizeof notes);
    assert_int_equal(grid.n_rows, 1 + 2 * sizeof want / sizeof *want);
    for (size_t row = 0; row + 1 < grid.n_rows; row++) {
        bool all = row % 2;
        size_t k = row / 2;
        assert_string_equal(grid_cell(&grid, row, "layer"), all ? "all" : "dense1");
        assert_near(grid_real(&grid, row, "factor"), want[k].factor);
        assert_near(grid_real(&grid, row, "threshold"), all ? NAN : 0.5 * want[k].factor);
        assert_string_equal(grid_cell(&grid, row, "n_keep"), want[k].keep);
        assert_string_equal(grid_cell(&grid, row, "n_hide"), want[k].hide);
        assert_string_equal(grid_cell(&grid, row, "n_invert"), want[k].invert);
        assert_near(grid_real(&grid, row, "remaining"), 1 - atof(want[k].hide) / N_WEIGHTS);
        assert_string_equal(grid_cell(&grid, row, "accuracy"), "nan"); /* digits have 784 pixels */
        assert_string_equal(grid_cell(&grid, row, "loss"), "nan");
    }
    assert_non_null(strstr(notes, "not evaluated on test images: run: its network takes 3 inputs"));
    grid_free(&grid);
}

static void without_final_scores_there_is_a_note(void **state) {
    (void)state;
    struct grid grid;
    char notes[1024];
    analyze(false, &grid, notes, sizeof notes);
    assert_int_equal(grid.n_rows, 1);
    assert_non_null(strstr(notes, "thresholds: run is left out: the run has not stored its final scores yet"));
    grid_free(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_by_hand),
        cmocka_unit_test(without_final_scores_there_is_a_note),
    };
    return cmocka_run_group_tests_name("stat_thresholds", tests, NULL, NULL);
}
