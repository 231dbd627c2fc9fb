/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_paths.c - data/input-pixels-classes.tsv: the signed weight of all paths from a pixel to a class.
 *
 * A path's weight is the product of its effective weights v = w g; the sum over the paths from input i to output c is
 * entry (c, i) of V_L ... V_2 V_1: what the network would compute if its activations were the identity. */
#include <stdlib.h>
#include <string.h>

#include "analyze/figure_data.h"
#include "analyze/moments.h"
#include "analyze/path_weights.h"

static const char *lacks(const struct sm_figure_context *context) {
    const struct sm_network *net = &context->analysis->runs[0].net;
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_layer *layer = &net->layers[l];
        int before = l == 0 ? SM_NETWORK_INPUT : (int)l - 1;
        if (layer->kind != SM_DENSE || layer->n_inputs != 1 || layer->inputs[0] != before)
            return "the network is not a stack of dense layers";
    }
    if (net->input_channels != 1 || net->input_height < 2 || net->input_width < 2)
        return "the input is not an image of one channel";
    return NULL;
}

/* *product [n_classes, widest layer], n_classes x n_out used, becomes product * V of a layer, n_classes x n_in. */
static void multiply_layer(long double **product, long double **spare, size_t n_classes, const struct sm_layer *layer,
                           const int8_t *mask, const float *weights) {
    for (size_t c = 0; c < n_classes; c++)
        sm_layer_pull(layer, mask, weights, *product + c * layer->n_out, *spare + c * layer->n_in);
    long double *swap = *product;
    *product = *spare;
    *spare = swap;
}

static size_t widest(const struct sm_network *net) {
    size_t most = net->layers[net->n_layers - 1].n_out;
    for (size_t l = 0; l < net->n_layers; l++)
        if (net->layers[l].n_in > most) most = net->layers[l].n_in;
    return most;
}

/* Adds the path weights under mask and weights to sum [n_classes, n_inputs]. */
static int add_paths(double *sum, const struct sm_network *net, int8_t *const *mask, float *const *weights,
                     struct sm_error *err) {
    size_t n_classes = net->layers[net->n_layers - 1].n_out, n_inputs = sm_network_inputs(net), wide = widest(net);
    long double *product = calloc(n_classes * wide, sizeof *product), *spare = calloc(n_classes * wide, sizeof *spare);
    int status = product && spare ? 0 : sm_fail(err, "figure input-pixels-classes: out of memory");
    for (size_t c = 0; status == 0 && c < n_classes; c++) product[c * n_classes + c] = 1;
    for (size_t l = net->n_layers; status == 0 && l-- > 0;)
        multiply_layer(&product, &spare, n_classes, &net->layers[l], mask[l], weights[l]);
    for (size_t k = 0; status == 0 && k < n_classes * n_inputs; k++) sum[k] += (double)product[k];
    free(product);
    free(spare);
    return status;
}

static const struct sm_column columns[] = {
    {"class", "output, from 0"},
    {"row", "row of the input pixel"},
    {"column", "its column"},
    {"runs", "number of runs in the mean: those of the first run's group"},
    {"first", "sum over the paths from the pixel to the class of the product of the weights w g, first run"},
    {"mean", "its mean over the runs"},
};

static int write_table(const struct sm_figure_context *context, const double *first, const double *sum,
                       struct sm_error *err) {
    const struct sm_network *net = &context->analysis->runs[0].net;
    size_t n_inputs = sm_network_inputs(net), n_classes = net->layers[net->n_layers - 1].n_out;
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "input-pixels-classes", "Signed path weights, activations left out.",
                      NULL, columns, sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t k = 0; k < n_classes * n_inputs; k++) {
        sm_table_int(table, (int64_t)(k / n_inputs));
        sm_table_int(table, (int64_t)(k % n_inputs / net->input_width));
        sm_table_int(table, (int64_t)(k % n_inputs % net->input_width));
        sm_table_int(table, (int64_t)context->groups->size[0]);
        sm_table_real(table, first[k]);
        sm_table_real(table, sum[k] / (double)context->groups->size[0]);
    }
    return sm_table_close(table, err);
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    const struct sm_analysis *analysis = context->analysis;
    const struct sm_network *net = &analysis->runs[0].net;
    size_t n = net->layers[net->n_layers - 1].n_out * sm_network_inputs(net);
    double *first = calloc(n, sizeof *first), *sum = calloc(n, sizeof *sum);
    int status = first && sum ? 0 : sm_fail(err, "figure input-pixels-classes: out of memory");
    for (size_t i = 0; status == 0 && i < analysis->n_runs; i++) {
        if (context->groups->group[i] != 0) continue;
        const struct sm_moment *moment = sm_moments_get(analysis->moments, i, err);
        status = moment ? add_paths(sum, net, moment->mask, moment->weights, err) : -1;
        sm_moments_release(analysis->moments, i);
        if (i == 0 && status == 0) memcpy(first, sum, n * sizeof *first);
    }
    if (status == 0) status = write_table(context, first, sum, err);
    free(first);
    free(sum);
    return status;
}

const struct sm_figure_data sm_figure_data_classes = {"input-pixels-classes", lacks, write, NULL};
