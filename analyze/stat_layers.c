/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layers.tsv: how alike the layers of two runs are in their shares of keep, hide and invert. */
#include "analyze/stat.h"

#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run_a", "first run (file's base name)"},
    {"layer_a", "layer of the first run"},
    {"run_b", "second run; the first one again for the layers of one run among themselves"},
    {"layer_b", "layer of the second run"},
    {"js_distance", "Jensen-Shannon distance, base 2, of the keep, hide and invert shares: 0 equal, 1 disjoint"},
};

struct layers {
    const struct sm_analysis *analysis;
    struct sm_counts **counts; /* [n_runs][n_layers + 1] */
};

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct layers *layers = calloc(1, sizeof *layers);
    *state = layers;
    if (layers) layers->counts = calloc(analysis->n_runs, sizeof *layers->counts);
    if (!layers || !layers->counts) return sm_fail(err, "layers: out of memory");
    layers->analysis = analysis;
    return 0;
}

static void release(void *state) {
    struct layers *layers = state;
    for (size_t i = 0; layers->counts && i < layers->analysis->n_runs; i++) free(layers->counts[i]);
    free(layers->counts);
    free(layers);
}

static int moment(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    (void)table;
    struct layers *layers = state;
    struct sm_counts *counts = calloc(moment->run->net.n_layers + 1, sizeof *counts);
    if (!counts) return sm_fail(err, "%s: layers: out of memory", moment->run->path);
    sm_counts_layers(counts, &moment->run->net, moment->mask);
    layers->counts[moment->run_index] = counts;
    return 0;
}

static double distance(struct sm_counts a, struct sm_counts b) {
    const double p[] = {(double)a.keep, (double)a.hide, (double)a.invert};
    const double q[] = {(double)b.keep, (double)b.hide, (double)b.invert};
    return sm_js_distance(p, q, 3);
}

static void write_pair(const struct layers *layers, size_t i, size_t j, struct sm_table *table) {
    const struct sm_run *a = &layers->analysis->runs[i], *b = &layers->analysis->runs[j];
    for (size_t la = 0; la < a->net.n_layers; la++)
        for (size_t lb = 0; lb < b->net.n_layers; lb++) {
            sm_table_text(table, a->name);
            sm_table_text(table, a->net.layers[la].name);
            sm_table_text(table, b->name);
            sm_table_text(table, b->net.layers[lb].name);
            sm_table_real(table, distance(layers->counts[i][la], layers->counts[j][lb]));
        }
}

static int finish(void *state, struct sm_table *table, struct sm_error *err) {
    (void)err;
    const struct layers *layers = state;
    for (size_t i = 0; i < layers->analysis->n_runs; i++)
        for (size_t j = i; j < layers->analysis->n_runs; j++) write_pair(layers, i, j, table);
    return 0;
}

const struct sm_statistic sm_stat_layers = {
    .name = "layers",
    .help = "Jensen-Shannon distance of the mask shares of every two layers of every two runs",
    .about =
        "Jensen-Shannon distance (the root of the divergence, base 2) between the keep, hide and invert shares of\n"
        "two layers, for every layer of every two runs, a run with itself too (Lin 1991; Endres & Schindelin 2003).\n"
        "Runs may have different networks: only the shares are compared.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = open,
    .moment = moment,
    .close = finish,
    .free = release,
};
