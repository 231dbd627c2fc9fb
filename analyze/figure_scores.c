/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_scores.c - data/scores.tsv: histograms of the scores before and after training, for each group's first run. */
#include <math.h>
#include <stdlib.h>

#include "analyze/figure_data.h"

enum { N_BINS = 101 }; /* odd: zero lies in the middle of a bin */

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer"},
    {"low", "lower edge of the bin"},
    {"high", "upper edge"},
    {"initial_density", "share of the layer's scores before training in the bin / its width"},
    {"final_density", "the same for the record that --at picks, where its scores were recorded, else after training"},
    {"threshold", "the layer's threshold; nan where the method has none"},
};

static bool has_scores(const struct sm_run *run) {
    return run->has_scores && (run->has_final || run->has_score_records);
}

static bool has_group(const struct sm_figure_context *context, size_t group) {
    return has_scores(&context->analysis->runs[context->groups->first[group]]);
}

static const char *lacks(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_group(context, g)) return NULL;
    return "no run holds scores before and after training";
}

static float largest(const float *values, size_t n) {
    float most = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(values[i]) > most) most = fabsf(values[i]);
    return most;
}

/* Scores beyond the last edges by rounding count in the last bins. */
static void count_bins(const float *values, size_t n, double edge, size_t bins[N_BINS]) {
    for (size_t i = 0; i < n; i++) {
        double place = floor((values[i] + edge) / (2 * edge) * N_BINS);
        bins[place < 0 ? 0 : place >= N_BINS ? N_BINS - 1 : (size_t)place]++;
    }
}

static void write_bins(struct sm_table *table, const struct sm_run *run, size_t l, const float *before,
                       const float *after) {
    size_t n = sm_layer_weights(&run->net.layers[l]), initial[N_BINS] = {0}, final[N_BINS] = {0};
    double edge = fmax(largest(before, n), largest(after, n)), width;
    if (!(edge > 0)) edge = 1;
    width = 2 * edge / N_BINS;
    count_bins(before, n, edge, initial);
    count_bins(after, n, edge, final);
    for (size_t k = 0; k < N_BINS; k++) {
        sm_table_text(table, run->name);
        sm_table_text(table, run->net.layers[l].name);
        sm_table_real(table, -edge + width * (double)k);
        sm_table_real(table, -edge + width * (double)(k + 1));
        sm_table_real(table, (double)initial[k] / (double)n / width);
        sm_table_real(table, (double) final[k] / (double)n / width);
        sm_table_real(table, run->threshold[l]);
    }
}

static int read_after(const struct sm_run *run, size_t record, size_t l, float *after, struct sm_error *err) {
    if (run->has_score_records) return sm_run_read_scores(run, l, record, after, err);
    return sm_run_read_values(run, l, SM_FINAL_SCORES, after, err);
}

static int write_run(struct sm_table *table, const struct sm_run *run, size_t record, struct sm_error *err) {
    int status = 0;
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        float *before = malloc(n * sizeof *before), *after = malloc(n * sizeof *after);
        if (!before || !after) status = sm_fail(err, "figure scores: out of memory");
        if (status == 0) status = sm_run_read_values(run, l, SM_INITIAL_SCORES, before, err);
        if (status == 0) status = read_after(run, record, l, after, err);
        if (status == 0) write_bins(table, run, l, before, after);
        free(before);
        free(after);
    }
    return status;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "scores", "Histograms of the scores.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t g = 0; g < context->groups->n_groups; g++) {
        size_t i = context->groups->first[g];
        const struct sm_run *run = &context->analysis->runs[i];
        if (!has_scores(run) || write_run(table, run, context->analysis->record[i], err) == 0) continue;
        sm_table_abandon(table);
        return -1;
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_scores = {"scores", lacks, write, has_group};
