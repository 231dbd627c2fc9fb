/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_fixture.h - a run in memory and the rows that a statistic writes about it, without run file and driver. Included
 * by one test binary at a time, hence functions here. */
#ifndef SUPERMASK_TESTS_STAT_FIXTURE_H
#define SUPERMASK_TESTS_STAT_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/align.h"
#include "analyze/overlap.h"
#include "analyze/stat.h"

enum { FIXTURE_LAYERS = 8 };

struct fixture {
    struct sm_run run;
    int8_t *mask[FIXTURE_LAYERS];
    float *weights[FIXTURE_LAYERS];
};

static void fixture_init(struct fixture *fixture, const char *name) {
    *fixture = (struct fixture){.run = {.path = (char *)name, .name = (char *)name}};
}

static void fixture_destroy(struct fixture *fixture) {
    for (size_t l = 0; l < fixture->run.net.n_layers; l++) {
        free(fixture->mask[l]);
        free(fixture->weights[l]);
    }
    sm_network_destroy(&fixture->run.net);
}

/* Adds a layer that is fed by `input` (and `other`, unless it is -2). mask: n_out * n_in * kernel^2 entries; weights
 * the same or NULL for ones. */
static void fixture_layer(struct fixture *fixture, const char *name, size_t n_out, size_t n_in, size_t kernel,
                          int input, int other, const int8_t *mask, const float *weights) {
    size_t l = fixture->run.net.n_layers;
    assert_true(l < FIXTURE_LAYERS);
    struct sm_layer *layer = sm_network_append(&fixture->run.net, name, other == -2 ? 1 : 2);
    assert_non_null(layer);
    layer->kind = kernel > 1 ? SM_CONV2D : SM_DENSE;
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = kernel;
    layer->stride = 1;
    layer->inputs[0] = input;
    if (other != -2) layer->inputs[1] = other;
    size_t n = sm_layer_weights(layer);
    fixture->mask[l] = malloc(n);
    fixture->weights[l] = malloc(n * sizeof(float));
    assert_true(fixture->mask[l] && fixture->weights[l]);
    memcpy(fixture->mask[l], mask, n);
    for (size_t i = 0; i < n; i++) fixture->weights[l][i] = weights ? weights[i] : 1;
}

static struct sm_moment fixture_moment(struct fixture *fixture) {
    return (struct sm_moment){.run = &fixture->run, .mask = fixture->mask, .weights = fixture->weights};
}

static char *read_text(const char *path) {
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    size_t n = fread(text, 1, (1 << 16) - 1, in);
    assert_true(n > 0);
    fclose(in);
    return text;
}

/* The whole file that the statistic writes about a (and b, for a statistic of pairs). The caller frees. */
static inline char *fixture_table(const struct sm_statistic *statistic, const struct sm_analysis *analysis,
                                  struct fixture *a, struct fixture *b) {
    char directory[] = "/tmp/supermask-stat-XXXXXX", path[256];
    struct sm_error err = {{0}};
    struct sm_table *table;
    void *state = NULL;
    struct sm_moment first = fixture_moment(a), second = {0};
    struct sm_alignments alignments;
    struct sm_overlaps overlaps = {0};
    const struct sm_pair pair = {&first, &second, &alignments, &overlaps};
    if (b) second = fixture_moment(b);
    second.run_index = 1;
    sm_alignments_init(&alignments, analysis ? analysis->options : NULL);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sm_table_open(&table, directory, statistic->name, statistic->about, NULL, statistic->columns,
                                   statistic->n_columns, &err),
                     0);
    if (statistic->open) assert_int_equal(statistic->open(&state, analysis, &err), 0);
    if (b)
        assert_int_equal(statistic->pair(state, &pair, table, &err), 0);
    else
        assert_int_equal(statistic->moment(state, &first, table, &err), 0);
    if (statistic->free) statistic->free(state);
    sm_overlaps_destroy(&overlaps);
    sm_alignments_destroy(&alignments);
    assert_int_equal(sm_table_close(table, &err), 0);
    snprintf(path, sizeof path, "%s/%s.tsv", directory, statistic->name);
    char *text = read_text(path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(directory), 0);
    return text;
}

static int cells_agree(const char *got, const char *want) {
    char *got_end, *want_end;
    double x = strtod(got, &got_end), y = strtod(want, &want_end);
    if (*got_end || *want_end) return strcmp(got, want) == 0;
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    return x == y || fabs(x - y) <= 1e-12 * fabs(y);
}

/* The next line of *text that is no comment, ended by 0; NULL at the end. */
static char *next_line(char **text) {
    for (char *line; (line = strsep(text, "\n"));)
        if (*line && *line != '#') return line;
    return NULL;
}

/* Compares header and rows with `expected`: the same with cells apart by blanks; numbers to 1e-12. Frees `table`. */
static inline void assert_table(char *table, const char *expected) {
    char *copy = strdup(expected), *got_rest = table, *want_rest = copy, *got, *want;
    assert_non_null(copy);
    for (size_t row = 0; (got = next_line(&got_rest)); row++) {
        want = next_line(&want_rest);
        if (!want) fail_msg("row %zu is too much: %s", row, got);
        char *got_cell, *want_cell;
        for (size_t column = 0; (got_cell = strsep(&got, "\t")); column++) {
            while ((want_cell = strsep(&want, " ")) && !*want_cell) continue;
            if (!want_cell || !cells_agree(got_cell, want_cell))
                fail_msg("row %zu, column %zu: %s instead of %s", row, column, got_cell, want_cell ? want_cell : "end");
        }
        assert_null(want);
    }
    assert_null(next_line(&want_rest));
    free(copy);
    free(table);
}

#endif
