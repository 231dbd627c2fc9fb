/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/path_weights.h"

#include <stdlib.h>
#include <string.h>

/* ---- one layer ---- */

/* Sum of the entries of a kernel: v = w g, or |g| without weights. */
static double kernel_sum(const int8_t *mask, const float *weights, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += weights ? (double)weights[k] * mask[k] : (double)(mask[k] != 0);
    return sum;
}

/* The kernel between unit o and input i: it begins at this entry of the layer. */
static size_t entry_of(const struct sm_layer *layer, size_t o, size_t i) {
    return (o * layer->n_in + i) * layer->kernel_height * layer->kernel_width;
}

void sm_layer_pull(const struct sm_layer *layer, const int8_t *mask, const float *weights, const long double *out,
                   long double *in) {
    size_t kernel = layer->kernel_height * layer->kernel_width;
    for (size_t i = 0; i < layer->n_in; i++) in[i] = 0;
    for (size_t o = 0; o < layer->n_out; o++) {
        if (out[o] == 0) continue;
        for (size_t i = 0; i < layer->n_in; i++) {
            size_t entry = entry_of(layer, o, i);
            in[i] += out[o] * (long double)kernel_sum(mask + entry, weights ? weights + entry : NULL, kernel);
        }
    }
}

void sm_layer_push(const struct sm_layer *layer, const int8_t *mask, const float *weights, const long double *in,
                   long double *out) {
    size_t kernel = layer->kernel_height * layer->kernel_width;
    for (size_t o = 0; o < layer->n_out; o++) {
        out[o] = 0;
        for (size_t i = 0; i < layer->n_in; i++) {
            size_t entry = entry_of(layer, o, i);
            if (in[i] != 0)
                out[o] += in[i] * (long double)kernel_sum(mask + entry, weights ? weights + entry : NULL, kernel);
        }
    }
}

/* ---- the whole network ---- */

static size_t widest_input(const struct sm_network *net) {
    size_t most = 0;
    for (size_t l = 0; l < net->n_layers; l++)
        if (net->layers[l].n_in > most) most = net->layers[l].n_in;
    return most;
}

/* Values of one layer's inputs; NULL and a sentence without memory. */
static long double *inputs_new(const struct sm_graph *graph, struct sm_error *err) {
    size_t n = widest_input(graph->net);
    long double *input = calloc(n + 1, sizeof *input);
    if (!input) sm_fail(err, "out of memory for %zu inputs of a layer", n);
    return input;
}

static void start_at(const struct sm_graph *graph, size_t unit, long double *value) {
    for (size_t u = 0; u < sm_graph_n_units(graph); u++) value[u] = 0;
    value[unit] = 1;
}

static size_t level_of(const struct sm_graph *graph, size_t unit) {
    size_t level = 0;
    while (unit >= graph->offset[level + 1]) level++;
    return level;
}

int sm_paths_to_unit(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, size_t unit,
                     long double *value, struct sm_error *err) {
    long double *input = inputs_new(graph, err);
    if (!input) return -1;
    start_at(graph, unit, value);
    for (size_t l = level_of(graph, unit); l-- > 0;) {
        const struct sm_layer *layer = &graph->net->layers[l];
        sm_layer_pull(layer, mask[l], weights ? weights[l] : NULL, value + graph->offset[l + 1], input);
        for (size_t k = 0; k < layer->n_inputs; k++) {
            size_t level = sm_graph_feeding_level(graph, l, k);
            size_t block = layer->n_in / sm_graph_level_units(graph, level);
            for (size_t i = 0; i < layer->n_in; i++) value[graph->offset[level] + i / block] += input[i];
        }
    }
    free(input);
    return 0;
}

int sm_paths_from_unit(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, size_t unit,
                       long double *value, struct sm_error *err) {
    long double *input = inputs_new(graph, err);
    if (!input) return -1;
    start_at(graph, unit, value);
    for (size_t l = level_of(graph, unit); l < graph->net->n_layers; l++) {
        const struct sm_layer *layer = &graph->net->layers[l];
        memset(input, 0, layer->n_in * sizeof *input);
        for (size_t k = 0; k < layer->n_inputs; k++) {
            size_t level = sm_graph_feeding_level(graph, l, k);
            size_t block = layer->n_in / sm_graph_level_units(graph, level);
            for (size_t i = 0; i < layer->n_in; i++) input[i] += value[graph->offset[level] + i / block];
        }
        sm_layer_push(layer, mask[l], weights ? weights[l] : NULL, input, value + graph->offset[l + 1]);
    }
    free(input);
    return 0;
}
