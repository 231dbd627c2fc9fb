/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unit's tables, worked by hand: 3 inputs, 2 hidden units, 2 outputs, three records; the second run is the first with
 * its hidden units exchanged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/analyze.h"
#include "analyze/passport.h"
#include "analyze/tsv.h"

enum { N_RECORDS = 3 };

static const int8_t first_mask[N_RECORDS][6] = {{1, 1, 1, 1, 1, 1}, {1, -1, 1, 0, 0, 1}, {1, -1, 0, 0, 0, 1}};
static const int8_t second_mask[N_RECORDS][4] = {{1, 1, 1, 1}, {1, 0, 1, 1}, {1, 0, -1, 1}};
static const float first_weights[] = {1, 2, 3, 4, 5, 6}, second_weights[] = {1, -1, 2, 3};

struct fixture {
    char directory[64], path[2][128];
    struct sm_options options;
};

static void fixture_network(struct sm_network *net) {
    *net = (struct sm_network){.name = "net", .input_channels = 1, .input_height = 1, .input_width = 3};
    const size_t n_out[] = {2, 2}, n_in[] = {3, 2};
    for (size_t l = 0; l < 2; l++) {
        struct sm_layer *layer = sm_network_append(net, l ? "dense2" : "dense1", 1);
        assert_non_null(layer);
        layer->inputs[0] = l ? 0 : SM_NETWORK_INPUT;
        layer->n_in = n_in[l];
        layer->n_out = n_out[l];
        layer->kernel_height = layer->kernel_width = layer->stride = 1;
    }
}

/* Rows of the first layer and columns of the second change places. */
static void exchange_masks(int8_t first[6], int8_t second[4]) {
    const int8_t rows[6] = {first[3], first[4], first[5], first[0], first[1], first[2]};
    const int8_t columns[4] = {second[1], second[0], second[3], second[2]};
    memcpy(first, rows, sizeof rows);
    memcpy(second, columns, sizeof columns);
}

static void exchange_weights(float first[6], float second[4]) {
    const float rows[6] = {first[3], first[4], first[5], first[0], first[1], first[2]};
    const float columns[4] = {second[1], second[0], second[3], second[2]};
    memcpy(first, rows, sizeof rows);
    memcpy(second, columns, sizeof columns);
}

static void write_run(const char *path, bool exchanged) {
    struct sm_network net;
    struct sm_error err = {.text = ""};
    struct sm_run_writer *writer;
    float w1[6], w2[4];
    memcpy(w1, first_weights, sizeof w1);
    memcpy(w2, second_weights, sizeof w2);
    if (exchanged) exchange_weights(w1, w2);
    const float scores[6] = {0};
    const float *weights[] = {w1, w2}, *all_scores[] = {scores, scores};
    const double threshold[] = {0.01, 0.01};
    const struct sm_run_header header = {.program_version = "0",
                                         .command_line = "test",
                                         .recipe = "name: test\n",
                                         .recipe_name = "test",
                                         .dataset = "digits",
                                         .method = "signed-supermask",
                                         .dataset_sha256 =
                                             "0000000000000000000000000000000000000000000000000000000000000000",
                                         .threshold = threshold};
    fixture_network(&net);
    if (sm_run_create(&writer, path, &header, &net, weights, all_scores, &err) != 0) fail_msg("%s", err.text);
    for (size_t r = 0; r < N_RECORDS; r++) {
        int8_t g1[6], g2[4];
        memcpy(g1, first_mask[r], sizeof g1);
        memcpy(g2, second_mask[r], sizeof g2);
        if (exchanged) exchange_masks(g1, g2);
        const int8_t *masks[] = {g1, g2};
        assert_int_equal(sm_run_append_record(writer, (int64_t)(10 * r), (double)r, masks, NULL, &err), 0);
    }
    assert_int_equal(sm_run_finish(writer, all_scores, &err), 0);
    sm_network_destroy(&net);
}

static void fixture_init(struct fixture *f) {
    *f = (struct fixture){.directory = "/tmp/supermask-passport-XXXXXX"};
    assert_non_null(mkdtemp(f->directory));
    for (size_t i = 0; i < 2; i++) {
        snprintf(f->path[i], sizeof f->path[i], "%s/%c.h5", f->directory, (int)('a' + i));
        write_run(f->path[i], i == 1);
    }
    f->options = (struct sm_options){.directory = f->directory,
                                     .at_epoch = NAN,
                                     .n_nulls = 9,
                                     .seed = 1,
                                     .n_starts = 2,
                                     .quiet = true,
                                     .command_line = "test"};
}

static void fixture_destroy(struct fixture *f) {
    static const char *const names[] = {"passport.tsv",
                                        "passport-fields.tsv",
                                        "passport-links.tsv",
                                        "passport-classes.tsv",
                                        "passport-settling.tsv",
                                        "passport-partners.tsv",
                                        "passport.html",
                                        "a.h5",
                                        "b.h5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->directory, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->directory), 0);
}

static int make(struct fixture *f, size_t n_runs, const char *layer, size_t unit, struct sm_error *err) {
    struct sm_session session;
    char *paths[] = {f->path[0], f->path[1]};
    assert_int_equal(sm_session_open(&session, &f->options, paths, n_runs, err), 0);
    int status = sm_passport_make(&session.analysis, layer, unit, "none", err);
    sm_session_destroy(&session);
    return status;
}

static void read_table(struct sm_tsv *tsv, const struct fixture *f, const char *name, size_t n_rows) {
    char path[128];
    struct sm_error err = {.text = ""};
    snprintf(path, sizeof path, "%s/%s.tsv", f->directory, name);
    assert_int_equal(sm_tsv_read(tsv, path, &err), 0);
    assert_int_equal(tsv->n_rows, n_rows);
}

static void assert_cell(const struct sm_tsv *tsv, size_t row, const char *column, double want) {
    double got = sm_tsv_real(tsv, row, column);
    if (isnan(want) ? isnan(got) && strcmp(sm_tsv_text(tsv, row, column), "nan") == 0 : fabs(got - want) < 1e-9) return;
    fail_msg("row %zu, %s: %s instead of %g", row, column, sm_tsv_text(tsv, row, column), want);
}

static void assert_measure(const struct sm_tsv *tsv, const char *measure, double value, double rank, double surpassed) {
    for (size_t row = 0; row < tsv->n_rows; row++) {
        if (!sm_tsv_is(tsv, row, "measure", measure)) continue;
        assert_cell(tsv, row, "value", value);
        assert_cell(tsv, row, "rank", rank);
        assert_cell(tsv, row, "surpassed", surpassed);
        assert_cell(tsv, row, "of", 2);
        return;
    }
    fail_msg("no measure %s", measure);
}

/* ---- tests ---- */

/* Unit 0 reads 1 and -2 and is read by 1 and -2: four of the five routes. Unit 1 reads 6 and is read by 3. */
static void test_measures(void **state) {
    (void)state;
    struct fixture f;
    struct sm_tsv tsv;
    struct sm_error err = {.text = ""};
    fixture_init(&f);
    assert_int_equal(make(&f, 1, "dense1", 0, &err), 0);
    read_table(&tsv, &f, "passport", 25);
    assert_measure(&tsv, "alive", 1, NAN, NAN);
    assert_measure(&tsv, "possible_in", 3, NAN, NAN);
    assert_measure(&tsv, "possible_out", 2, NAN, NAN);
    assert_measure(&tsv, "kept_in", 1, NAN, NAN);
    assert_measure(&tsv, "inverted_in", 1, NAN, NAN);
    assert_measure(&tsv, "positive_out", 1, NAN, NAN);
    assert_measure(&tsv, "negative_out", 1, NAN, NAN);
    assert_measure(&tsv, "path_share", 0.8, NAN, NAN);
    assert_measure(&tsv, "fan_in", 2, 1, 1);
    assert_measure(&tsv, "strength_in", 3, 2, 0);
    assert_measure(&tsv, "strength_out", 3, 1.5, 0.5);
    assert_measure(&tsv, "balance_in", 0, 2, 0);
    assert_measure(&tsv, "log10_paths", log10(4), 1, 1);
    assert_measure(&tsv, "log10_synflow", log10(9), 2, 0);
    assert_measure(&tsv, "ablation_accuracy_drop", NAN, NAN, NAN); /* no forward pass for 3 inputs of digits */
    sm_tsv_destroy(&tsv);
    fixture_destroy(&f);
}

static void test_classes_and_links(void **state) {
    (void)state;
    struct fixture f;
    struct sm_tsv tsv;
    struct sm_error err = {.text = ""};
    fixture_init(&f);
    assert_int_equal(make(&f, 1, "dense1", 0, &err), 0);
    read_table(&tsv, &f, "passport-classes", 2);
    const double weight[] = {1, -2};
    for (size_t c = 0; c < 2; c++) {
        assert_cell(&tsv, c, "log10_routes", 0);
        assert_cell(&tsv, c, "route_share", 0.5);
        assert_cell(&tsv, c, "weight", weight[c]);
    }
    sm_tsv_destroy(&tsv);
    read_table(&tsv, &f, "passport-links", 4);
    const double links[] = {1, -2, 1, -2};
    for (size_t row = 0; row < 4; row++) {
        assert_string_equal(sm_tsv_text(&tsv, row, "direction"), row < 2 ? "in" : "out");
        assert_cell(&tsv, row, "unit", (double)(row % 2));
        assert_cell(&tsv, row, "weight", links[row]);
        assert_cell(&tsv, row, "inverted", (double)(row % 2));
    }
    sm_tsv_destroy(&tsv);
    fixture_destroy(&f);
}

/* Incoming entries by record: 1 1 1, 1 -1 1, 1 -1 0; outgoing ones: 1 1, 1 1, 1 -1. */
static void test_settling(void **state) {
    (void)state;
    struct fixture f;
    struct sm_tsv tsv;
    struct sm_error err = {.text = ""};
    const double kept[] = {3, 2, 1, 2, 2, 1}, inverted[] = {0, 1, 1, 0, 0, 1}, changed[] = {NAN, 1, 1, NAN, 0, 1};
    const double settled[] = {1.0 / 3, 2.0 / 3, 1, 0.5, 0.5, 1}, remaining[] = {0.5, 1, 1, 0.5, 0.5, 1};
    fixture_init(&f);
    f.options.at_epoch = 1; /* the trajectory is whole whatever moment is described */
    assert_int_equal(make(&f, 1, "dense1", 0, &err), 0);
    read_table(&tsv, &f, "passport-settling", 6);
    for (size_t row = 0; row < 6; row++) {
        assert_string_equal(sm_tsv_text(&tsv, row, "direction"), row < 3 ? "in" : "out");
        assert_cell(&tsv, row, "epoch", (double)(row % 3));
        assert_cell(&tsv, row, "kept", kept[row]);
        assert_cell(&tsv, row, "inverted", inverted[row]);
        assert_cell(&tsv, row, "changed", changed[row]);
        assert_cell(&tsv, row, "settled", settled[row]);
        assert_cell(&tsv, row, "remaining_settled", remaining[row]);
    }
    sm_tsv_destroy(&tsv);
    fixture_destroy(&f);
}

/* The partner of unit 0 is unit 1, which is the same; the other unit has nothing in common with it. */
static void test_partner(void **state) {
    (void)state;
    struct fixture f;
    struct sm_tsv tsv;
    struct sm_error err = {.text = ""};
    fixture_init(&f);
    assert_int_equal(make(&f, 2, "dense1", 0, &err), 0);
    read_table(&tsv, &f, "passport-partners", 1);
    assert_string_equal(sm_tsv_text(&tsv, 0, "run"), "b");
    assert_string_equal(sm_tsv_text(&tsv, 0, "alignment"), "aligned");
    const struct {
        const char *column;
        double value;
    } cells[] = {{"unit", 1},
                 {"counterpart", 1},
                 {"fan_in", 2},
                 {"rank", 1},
                 {"both_in", 2},
                 {"either_in", 2},
                 {"jaccard_in", 1},
                 {"sign_agreement_in", 1},
                 {"alike_in", 1},
                 {"better_in", 0},
                 {"both_out", 2},
                 {"jaccard_out", 1},
                 {"median_alike_in", 0.5}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) assert_cell(&tsv, 0, cells[i].column, cells[i].value);
    sm_tsv_destroy(&tsv);
    read_table(&tsv, &f, "passport-fields", 6);
    const double field[] = {1, -2, 0};
    for (size_t row = 0; row < 6; row++) assert_cell(&tsv, row, "value", field[row % 3]);
    sm_tsv_destroy(&tsv);
    fixture_destroy(&f);
}

static void test_wrong_units(void **state) {
    (void)state;
    struct fixture f;
    struct sm_error err = {.text = ""};
    fixture_init(&f);
    assert_int_equal(make(&f, 1, "dense1", 2, &err), -1);
    assert_non_null(strstr(err.text, "dense1: its units are 0 to 1"));
    assert_int_equal(make(&f, 1, "dens1", 0, &err), -1);
    assert_non_null(strstr(err.text, "'dens1' (nearest: dense1)"));
    fixture_destroy(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_measures), cmocka_unit_test(test_classes_and_links),
                                       cmocka_unit_test(test_settling), cmocka_unit_test(test_partner),
                                       cmocka_unit_test(test_wrong_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
