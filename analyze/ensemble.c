/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/ensemble.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/statistics.h"
#include "analyze/ternary.h"

int sm_ensemble_init(struct sm_ensemble *ensemble, const struct sm_network *net, size_t most_runs,
                     struct sm_error *err) {
    *ensemble = (struct sm_ensemble){
        .most_runs = most_runs, .n_layers = net->n_layers, .layers = calloc(net->n_layers, sizeof *ensemble->layers)};
    int status = ensemble->layers ? 0 : -1;
    for (size_t l = 0; l < net->n_layers && status == 0; l++) {
        struct sm_ensemble_layer *layer = &ensemble->layers[l];
        layer->n_weights = sm_layer_weights(&net->layers[l]);
        layer->times = calloc(layer->n_weights, sizeof *layer->times);
        layer->sum = calloc(layer->n_weights, sizeof *layer->sum);
        layer->kept = calloc(most_runs, sizeof *layer->kept);
        if (!layer->times || !layer->sum || !layer->kept) status = -1;
    }
    return status ? sm_fail(err, "out of memory for an ensemble of %zu runs", most_runs) : 0;
}

void sm_ensemble_destroy(struct sm_ensemble *ensemble) {
    for (size_t l = 0; ensemble->layers && l < ensemble->n_layers; l++) {
        free(ensemble->layers[l].times);
        free(ensemble->layers[l].sum);
        free(ensemble->layers[l].kept);
    }
    free(ensemble->layers);
    *ensemble = (struct sm_ensemble){0};
}

/* mask, sign: [n_weights], in the order of the ensemble. */
static void add_layer(struct sm_ensemble_layer *layer, size_t run, const int8_t *mask, const int8_t *sign) {
    for (size_t i = 0; i < layer->n_weights; i++) {
        layer->times[i] += mask[i] != 0;
        layer->sum[i] += sign[i];
        layer->kept[run] += mask[i] != 0;
    }
}

int sm_ensemble_add(struct sm_ensemble *ensemble, const struct sm_moment *moment, const struct sm_graph *graph,
                    const struct sm_alignment *alignment, struct sm_error *err) {
    assert(ensemble->n_runs < ensemble->most_runs);
    int status = 0;
    for (size_t l = 0; l < ensemble->n_layers && status == 0; l++) {
        size_t n = ensemble->layers[l].n_weights;
        int8_t *block = malloc(3 * n), *sign = block, *aligned_sign = block + n, *aligned_mask = block + 2 * n;
        status = block ? 0 : -1;
        if (status == 0) sm_ternary_signs(moment, l, SM_COMPARE_WEIGHT, sign);
        if (status == 0 && alignment) {
            status = sm_alignment_apply(alignment, graph, l, sign, aligned_sign, 1);
            if (status == 0) status = sm_alignment_apply(alignment, graph, l, moment->mask[l], aligned_mask, 1);
        }
        if (status == 0)
            add_layer(&ensemble->layers[l], ensemble->n_runs, alignment ? aligned_mask : moment->mask[l],
                      alignment ? aligned_sign : sign);
        free(block);
    }
    ensemble->n_runs++;
    return status ? sm_fail(err, "%s: out of memory for its part in the ensemble", moment->run->path) : 0;
}

void sm_ensemble_histogram(const struct sm_ensemble *ensemble, size_t l, size_t *weights) {
    const struct sm_ensemble_layer *layer = &ensemble->layers[l];
    memset(weights, 0, (ensemble->n_runs + 1) * sizeof *weights);
    for (size_t i = 0; i < layer->n_weights; i++) weights[layer->times[i]]++;
}

void sm_ensemble_expected(const struct sm_ensemble *ensemble, size_t l, double *density, double *expected) {
    const struct sm_ensemble_layer *layer = &ensemble->layers[l];
    for (size_t r = 0; r < ensemble->n_runs; r++) density[r] = (double)layer->kept[r] / (double)layer->n_weights;
    sm_poisson_binomial(density, ensemble->n_runs, expected);
    for (size_t k = 0; k <= ensemble->n_runs; k++) expected[k] *= (double)layer->n_weights;
}

static int sign_of(double x) {
    return (x > 0) - (x < 0);
}

/* Entry of the mask that gives the effective weight w g the sign `sum` has; for no sign the first run's own entry. */
static int8_t entry_of(int32_t sum, float w, int8_t own) {
    return sum ? (int8_t)(sign_of(sum) * sign_of((double)w)) : own;
}

void sm_ensemble_mask(const struct sm_ensemble *ensemble, const struct sm_moment *first, size_t times,
                      int8_t *const *mask) {
    for (size_t l = 0; l < ensemble->n_layers; l++) {
        const struct sm_ensemble_layer *layer = &ensemble->layers[l];
        for (size_t i = 0; i < layer->n_weights; i++)
            mask[l][i] = layer->times[i] < times ? 0 : entry_of(layer->sum[i], first->weights[l][i], first->mask[l][i]);
    }
}
