/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_architectures.c - data/architectures.tsv: what remains of every layer of every group, at the moment of the
 * tables. */
#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/figure_data.h"
#include "analyze/moments.h"

static const struct sm_column columns[] = {
    {"group", "number of the group of runs that differ in their seeds only, from 1"},
    {"label", "its name"},
    {"runs", "its runs"},
    {"layer", "layer"},
    {"index", "its place in the forward pass, from 0"},
    {"layers", "layers of the network"},
    {"keep", "share of kept weights, mean over the runs"},
    {"invert", "share of inverted weights, mean over the runs"},
    {"network_remaining", "share of the network's weights that remain, mean over the runs"},
};

static const char *lacks(const struct sm_figure_context *context) {
    return context->groups->n_groups > 1 ? NULL : "all runs differ in their seeds only";
}

/* Sums over the runs of a group. */
struct sums {
    size_t n_runs;
    double *keep, *invert; /* [n_layers] */
    double remaining;
};

static void add_moment(struct sums *sums, const struct sm_moment *moment) {
    const struct sm_network *net = &moment->run->net;
    double remaining = 0, n_weights = (double)sm_network_weights(net);
    for (size_t l = 0; l < net->n_layers; l++) {
        double n = (double)sm_layer_weights(&net->layers[l]);
        struct sm_counts counts = sm_counts_of(moment->mask[l], sm_layer_weights(&net->layers[l]));
        sums->keep[l] += (double)counts.keep / n;
        sums->invert[l] += (double)counts.invert / n;
        remaining += (double)(counts.keep + counts.invert) / n_weights;
    }
    sums->remaining += remaining;
    sums->n_runs++;
}

static int add_runs(struct sums *sums, const struct sm_figure_context *context, size_t group, struct sm_error *err) {
    struct sm_moments *moments = context->analysis->moments;
    for (size_t i = 0; i < context->analysis->n_runs; i++) {
        if (context->groups->group[i] != group) continue;
        const struct sm_moment *moment = sm_moments_get(moments, i, err);
        if (moment) add_moment(sums, moment);
        sm_moments_release(moments, i);
        if (!moment) return -1;
    }
    return 0;
}

static void write_sums(struct sm_table *table, const struct sm_figure_context *context, size_t group,
                       const struct sums *sums) {
    const struct sm_network *net = &context->analysis->runs[context->groups->first[group]].net;
    double n = (double)sums->n_runs;
    for (size_t l = 0; l < net->n_layers; l++) {
        sm_table_int(table, (int64_t)group + 1);
        sm_table_text(table, context->groups->label[group]);
        sm_table_int(table, (int64_t)sums->n_runs);
        sm_table_text(table, net->layers[l].name);
        sm_table_int(table, (int64_t)l);
        sm_table_int(table, (int64_t)net->n_layers);
        sm_table_real(table, sums->keep[l] / n);
        sm_table_real(table, sums->invert[l] / n);
        sm_table_real(table, sums->remaining / n);
    }
}

static int write_group(struct sm_table *table, const struct sm_figure_context *context, size_t group,
                       struct sm_error *err) {
    size_t n_layers = context->analysis->runs[context->groups->first[group]].net.n_layers;
    double *shares = calloc(2 * n_layers, sizeof *shares);
    if (!shares) return sm_fail(err, "figure architectures: out of memory");
    struct sums sums = {.keep = shares, .invert = shares + n_layers};
    int status = add_runs(&sums, context, group, err);
    if (status == 0) write_sums(table, context, group, &sums);
    free(shares);
    return status;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "architectures", "What remains of every layer.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t g = 0; g < context->groups->n_groups; g++) {
        if (write_group(table, context, g, err) == 0) continue;
        sm_table_abandon(table);
        return -1;
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_architectures = {"architectures", lacks, write, NULL};
