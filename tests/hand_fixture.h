/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hand_fixture.h - runs a statistic's hooks on masks that stand in the test, without a run file, and gives back the
 * cells of the table that it wrote. The run is one dense layer, 2 units with 3 inputs each, unless the test changes it.
 * Included by one test binary at a time, hence functions here. */
#ifndef SUPERMASK_TESTS_HAND_FIXTURE_H
#define SUPERMASK_TESTS_HAND_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/stat.h"

#define FIXTURE_MOST 16

struct fixture {
    char directory[64];
    struct sm_run run;
    int64_t step[FIXTURE_MOST];
    double epoch[FIXTURE_MOST];
    struct sm_options options;
    struct sm_notes notes, written;
    size_t record[1];
    struct sm_analysis analysis;
};

/* The table's rows, split at their tabs. */
struct grid {
    char *text;
    char *cell[256][64]; /* row 0 is the header */
    size_t n_rows, n_columns;
};

static inline void fixture_init(struct fixture *f) {
    static char name[] = "hand", method[] = "signed-supermask", recipe[] = "", dataset[] = "digits";
    *f = (struct fixture){.directory = "/tmp/supermask-test-XXXXXX"};
    assert_non_null(mkdtemp(f->directory));
    f->run = (struct sm_run){.path = name,
                             .name = name,
                             .method = method,
                             .dataset = dataset,
                             .dataset_sha256 = name,
                             .recipe = recipe,
                             .recipe_name = name,
                             .complete = true,
                             .step = f->step,
                             .epoch = f->epoch,
                             .n_records = 1};
    for (size_t r = 0; r < FIXTURE_MOST; r++) {
        f->step[r] = 10 * (int64_t)r;
        f->epoch[r] = (double)r;
    }
    f->run.net.input_channels = f->run.net.input_height = 1;
    f->run.net.input_width = 3;
    strcpy(f->run.net.name, "net");
    struct sm_layer *layer = sm_network_append(&f->run.net, "dense1", 1);
    assert_non_null(layer);
    layer->n_in = 3;
    layer->n_out = 2;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    f->options = (struct sm_options){.directory = f->directory, .at_epoch = NAN, .n_nulls = 9, .command_line = "test"};
    f->analysis = (struct sm_analysis){.options = &f->options,
                                       .n_runs = 1,
                                       .runs = &f->run,
                                       .record = f->record,
                                       .notes = &f->notes,
                                       .written = &f->written};
}

static inline void fixture_destroy(struct fixture *f) {
    sm_network_destroy(&f->run.net);
    sm_notes_destroy(&f->notes);
    for (size_t i = 0; i < f->written.n; i++) unlink(f->written.text[i]);
    sm_notes_destroy(&f->written);
    assert_int_equal(rmdir(f->directory), 0);
}

static inline void grid_read(struct grid *grid, const char *path) {
    *grid = (struct grid){0};
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    grid->text = calloc(1, 1 << 20);
    assert_non_null(grid->text);
    char *next = grid->text;
    while (fgets(next, 1 << 14, file)) {
        if (*next == '#') continue;
        char *line = next;
        next += strlen(next) + 1;
        line[strcspn(line, "\n")] = '\0';
        assert_true(grid->n_rows < 256);
        size_t column = 0;
        while (line) grid->cell[grid->n_rows][column++] = strsep(&line, "\t");
        if (grid->n_rows++ == 0) grid->n_columns = column;
        assert_int_equal(column, grid->n_columns);
    }
    fclose(file);
}

static inline const char *grid_cell(const struct grid *grid, size_t row, const char *column) {
    assert_true(row + 1 < grid->n_rows);
    for (size_t c = 0; c < grid->n_columns; c++)
        if (strcmp(grid->cell[0][c], column) == 0) return grid->cell[row + 1][c];
    fail_msg("no column %s", column);
    return NULL;
}

static inline double grid_real(const struct grid *grid, size_t row, const char *column) {
    return strtod(grid_cell(grid, row, column), NULL);
}

static inline void grid_free(struct grid *grid) {
    free(grid->text);
}

/* Relative 1e-12; nan equals nan. */
static inline void assert_near(double got, double want) {
    if (isnan(want) ? isnan(got) : fabs(got - want) <= 1e-12 * fmax(fabs(want), 1e-3)) return;
    fail_msg("%.17g instead of %.17g", got, want);
}

/* Calls the hooks in the driver's order. layer[r]: the layers of record r. */
static inline void fixture_hooks(struct fixture *f, const struct sm_statistic *statistic, struct sm_table *table,
                                 int8_t *(*layer)[FIXTURE_MOST], float *const *weights) {
    struct sm_error err = {.text = ""};
    void *state = NULL;
    size_t last = f->run.n_records - 1;
    if (statistic->open) assert_int_equal(statistic->open(&state, &f->analysis, &err), 0);
    for (size_t r = 0; statistic->record && r <= last; r++) {
        const struct sm_step step = {.run = &f->run,
                                     .record = r,
                                     .mask = layer[r],
                                     .previous = r ? layer[r - 1] : NULL,
                                     .initial = layer[0],
                                     .final = layer[last]};
        assert_int_equal(statistic->record(state, &step, table, &err), 0);
    }
    const struct sm_moment moment = {.run = &f->run, .record = last, .mask = layer[last], .weights = weights};
    if (statistic->moment) assert_int_equal(statistic->moment(state, &moment, table, &err), 0);
    if (statistic->close) assert_int_equal(statistic->close(state, table, &err), 0);
    if (statistic->free) statistic->free(state);
}

/* masks[r]: all layers of record r behind one another; weights likewise, may be NULL. */
static inline void fixture_run(struct fixture *f, const struct sm_statistic *statistic, size_t n_records,
                               const int8_t *const *masks, const float *weights, struct grid *grid) {
    struct sm_error err = {.text = ""};
    struct sm_table *table;
    int8_t *layer[FIXTURE_MOST][FIXTURE_MOST];
    float *layer_weights[FIXTURE_MOST];
    char path[256];
    f->run.n_records = n_records;
    f->record[0] = n_records - 1;
    for (size_t r = 0; r < n_records; r++)
        for (size_t l = 0, at = 0; l < f->run.net.n_layers; at += sm_layer_weights(&f->run.net.layers[l++])) {
            layer[r][l] = (int8_t *)masks[r] + at;
            layer_weights[l] = weights ? (float *)weights + at : NULL;
        }
    assert_int_equal(sm_table_open(&table, f->directory, statistic->name, statistic->about, NULL, statistic->columns,
                                   statistic->n_columns, &err),
                     0);
    fixture_hooks(f, statistic, table, layer, layer_weights);
    assert_int_equal(sm_table_close(table, &err), 0);
    snprintf(path, sizeof path, "%s/%s.tsv", f->directory, statistic->name);
    grid_read(grid, path);
    unlink(path);
}

#endif
