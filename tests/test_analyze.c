/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver: which hooks are called in which order with which masks, whatever stays in memory. */
#include "tests/hand_fixture.h"

#include "analyze/analyze.h"
#include "analyze/runs.h"

enum { N_RUNS = 3, N_WEIGHTS = 6 };

/* Every mask of the test says what it is: its first entries are the record in balanced ternary digits, then the run. */
static int8_t entry(size_t run, size_t record, size_t i) {
    size_t number = record * 9 + run;
    for (size_t k = 0; k < i; k++) number /= 3;
    return (int8_t)((int)(number % 3) - 1);
}

static bool is_mask(const int8_t *mask, size_t run, size_t record) {
    for (size_t i = 0; i < N_WEIGHTS; i++)
        if (mask[i] != entry(run, record, i)) return false;
    return true;
}

/* N_WEIGHTS weights to n_out units. */
static void make_run(const char *path, size_t run, size_t n_records, size_t n_out) {
    struct sm_network net = {.name = "net", .input_channels = 1, .input_height = 1, .input_width = N_WEIGHTS / n_out};
    struct sm_layer *layer = sm_network_append(&net, "dense1", 1);
    assert_non_null(layer);
    layer->n_in = N_WEIGHTS / n_out;
    layer->n_out = n_out;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    float weights[N_WEIGHTS], scores[N_WEIGHTS] = {0};
    for (size_t i = 0; i < N_WEIGHTS; i++) weights[i] = (float)(10 * run + i);
    const float *all_weights[] = {weights}, *all_scores[] = {scores};
    const double threshold[] = {0.01};
    const struct sm_run_header header = {.program_version = "0",
                                         .command_line = "test",
                                         .recipe = "name: test\n",
                                         .recipe_name = "test",
                                         .dataset = "digits",
                                         .method = "signed-supermask",
                                         .dataset_sha256 =
                                             "0000000000000000000000000000000000000000000000000000000000000000",
                                         .weight_seed = run,
                                         .threshold = threshold};
    struct sm_error err = {.text = ""};
    struct sm_run_writer *writer;
    if (sm_run_create(&writer, path, &header, &net, all_weights, all_scores, &err) != 0) fail_msg("%s", err.text);
    for (size_t r = 0; r < n_records; r++) {
        int8_t mask[N_WEIGHTS];
        for (size_t i = 0; i < N_WEIGHTS; i++) mask[i] = entry(run, r, i);
        const int8_t *masks[] = {mask};
        assert_int_equal(sm_run_append_record(writer, (int64_t)(10 * r), (double)r, masks, NULL, &err), 0);
    }
    assert_int_equal(sm_run_finish(writer, all_scores, &err), 0);
    sm_network_destroy(&net);
}

/* ---- a statistic that writes down who calls it ---- */

static const struct sm_column columns[] = {{"call", "hook and what it was called with"}};

static void log_call(struct sm_table *table, const char *hook, size_t a, size_t b) {
    char text[64];
    snprintf(text, sizeof text, "%s %zu %zu", hook, a, b);
    sm_table_text(table, text);
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)err;
    size_t run = step->run_index, r = step->record;
    assert_true(is_mask(step->mask[0], run, r));
    assert_true(is_mask(step->initial[0], run, 0));
    assert_true(is_mask(step->final[0], run, step->run->n_records - 1));
    if (r == 0)
        assert_null(step->previous);
    else
        assert_true(is_mask(step->previous[0], run, r - 1));
    log_call(table, "record", run, r);
    return 0;
}

static void check_moment(const struct sm_moment *moment) {
    assert_true(is_mask(moment->mask[0], moment->run_index, moment->record));
    for (size_t i = 0; i < N_WEIGHTS; i++) assert_true(moment->weights[0][i] == (float)(10 * moment->run_index + i));
}

static int moment(void *state, const struct sm_moment *at, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)err;
    check_moment(at);
    log_call(table, "moment", at->run_index, at->record);
    return 0;
}

static int pair(void *state, const struct sm_pair *both, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)err;
    check_moment(both->a);
    check_moment(both->b);
    log_call(table, "pair", both->a->run_index, both->b->run_index);
    return 0;
}

static int finish(void *state, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)err;
    log_call(table, "close", 0, 0);
    return 0;
}

static int refuse(void *state, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)table;
    return sm_fail(err, "refused");
}

static const struct sm_statistic calls = {.name = "calls",
                                          .about = "Calls.",
                                          .columns = columns,
                                          .n_columns = 1,
                                          .record = record,
                                          .moment = moment,
                                          .pair = pair,
                                          .close = finish};
static int pair_only(void *state, const struct sm_pair *both, struct sm_table *table, struct sm_error *err) {
    (void)state, (void)err;
    log_call(table, "pair", both->a->run_index, both->b->run_index);
    return 0;
}

static const struct sm_statistic pairs_only = {
    .name = "calls", .about = "Pairs.", .columns = columns, .n_columns = 1, .pair = pair_only};
static const struct sm_statistic refusal = {
    .name = "refusal", .about = "None.", .columns = columns, .n_columns = 1, .close = refuse};

/* ---- tests ---- */

struct place {
    char directory[64], run[N_RUNS][96], out[80], table[96];
    char *paths[N_RUNS];
    struct sm_options options;
};

static int make_place(void **state) {
    static const size_t n_records[N_RUNS] = {1, 4, 6};
    static struct place place;
    place = (struct place){.directory = "/tmp/supermask-test-XXXXXX"};
    if (!mkdtemp(place.directory)) return -1;
    for (size_t i = 0; i < N_RUNS; i++) {
        snprintf(place.run[i], sizeof place.run[i], "%s/run%zu.h5", place.directory, i);
        place.paths[i] = place.run[i];
        make_run(place.run[i], i, n_records[i], 2);
    }
    snprintf(place.out, sizeof place.out, "%s/out", place.directory);
    snprintf(place.table, sizeof place.table, "%s/calls.tsv", place.out);
    place.options =
        (struct sm_options){.directory = place.out, .at_epoch = NAN, .n_nulls = 1, .quiet = true, .command_line = "t"};
    *state = &place;
    return 0;
}

static int remove_place(void **state) {
    struct place *place = *state;
    for (size_t i = 0; i < N_RUNS; i++) unlink(place->run[i]);
    unlink(place->table);
    rmdir(place->out);
    return rmdir(place->directory);
}

static void check_calls(const struct place *place, double at, const char *const *want, size_t n_want, size_t budget) {
    const struct sm_statistic *statistics[] = {&calls};
    struct sm_options options = place->options;
    struct sm_session session;
    struct sm_error err = {.text = ""};
    struct grid grid;
    options.at_epoch = at;
    if (sm_session_open(&session, &options, place->paths, N_RUNS, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(sm_session_set_budget(&session, budget, &err), 0);
    assert_int_equal(sm_session_run(&session, statistics, 1, &err), 0);
    assert_int_equal(session.written.n, 1);
    sm_session_destroy(&session);
    grid_read(&grid, place->table);
    assert_int_equal(grid.n_rows, n_want + 1);
    for (size_t i = 0; i < n_want; i++) assert_string_equal(grid_cell(&grid, i, "call"), want[i]);
    grid_free(&grid);
}

static void order_of_calls(void **state) {
    static const char *const want[] = {"record 0 0", "moment 0 0", "record 1 0", "record 1 1", "record 1 2",
                                       "record 1 3", "moment 1 3", "record 2 0", "record 2 1", "record 2 2",
                                       "record 2 3", "record 2 4", "record 2 5", "moment 2 5", "pair 0 1",
                                       "pair 0 2",   "pair 1 2",   "close 0 0"};
    static const size_t budgets[] = {0, 30, 60, SIZE_MAX}; /* a moment takes 6 * (1 + 4) bytes */
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++)
        check_calls(*state, NAN, want, sizeof want / sizeof *want, budgets[b]);
}

static void moments_at_an_epoch(void **state) {
    static const char *const want[] = {"record 0 0", "moment 0 0", "record 1 0", "record 1 1", "record 1 2",
                                       "record 1 3", "moment 1 2", "record 2 0", "record 2 1", "record 2 2",
                                       "record 2 3", "record 2 4", "record 2 5", "moment 2 2", "pair 0 1",
                                       "pair 0 2",   "pair 1 2",   "close 0 0"};
    check_calls(*state, 2.75, want, sizeof want / sizeof *want, SIZE_MAX);
}

/* Run 2 has two inputs, the others three. */
static void runs_with_other_layers_are_no_pair(void **state) {
    struct place *place = *state;
    const struct sm_statistic *statistics[] = {&pairs_only};
    struct sm_session session;
    struct sm_error err = {.text = ""};
    struct grid grid;
    assert_int_equal(unlink(place->run[2]), 0);
    make_run(place->run[2], 2, 1, 3);
    assert_int_equal(sm_session_open(&session, &place->options, place->paths, N_RUNS, &err), 0);
    assert_int_equal(sm_session_run(&session, statistics, 1, &err), 0);
    assert_int_equal(session.notes.n, 1);
    assert_string_equal(session.notes.text[0], "2 pairs of runs have different layers and were not compared: run0 and "
                                               "run2, run1 and run2");
    sm_session_destroy(&session);
    grid_read(&grid, place->table);
    assert_int_equal(grid.n_rows, 1 + 1); /* and the header */
    assert_string_equal(grid_cell(&grid, 0, "call"), "pair 0 1");
    grid_free(&grid);
}

static void a_failure_leaves_nothing(void **state) {
    struct place *place = *state;
    const struct sm_statistic *statistics[] = {&calls, &refusal};
    struct sm_session session;
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_session_open(&session, &place->options, place->paths, N_RUNS, &err), 0);
    assert_int_equal(sm_session_run(&session, statistics, 2, &err), -1);
    assert_string_equal(err.text, "refused");
    assert_int_equal(session.written.n, 0);
    sm_session_destroy(&session);
    assert_int_equal(rmdir(place->out), 0); /* empty */
}

static void records_at(void **state) {
    (void)state;
    double epoch[] = {1, 2, 4};
    char path[] = "r.h5";
    const struct sm_run run = {.path = path, .n_records = 3, .epoch = epoch};
    static const struct {
        double at;
        size_t record;
    } cases[] = {{NAN, 2}, {1, 0}, {1.5, 0}, {2, 1}, {3.9, 1}, {4, 2}, {100, 2}};
    struct sm_error err = {.text = ""};
    size_t found;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sm_run_record_at(&run, cases[i].at, &found, &err), 0);
        assert_int_equal(found, cases[i].record);
    }
    assert_int_equal(sm_run_record_at(&run, 0.5, &found, &err), -1);
    assert_non_null(strstr(err.text, "r.h5"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_of_calls, make_place, remove_place),
        cmocka_unit_test_setup_teardown(moments_at_an_epoch, make_place, remove_place),
        cmocka_unit_test_setup_teardown(runs_with_other_layers_are_no_pair, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, make_place, remove_place),
        cmocka_unit_test(records_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
