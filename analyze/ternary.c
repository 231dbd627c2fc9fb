/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/ternary.h"

#include <stdlib.h>
#include <string.h>

static int layer_init(struct sm_ternary_layer *layer, size_t n_rows, size_t n_columns, size_t n_entries) {
    *layer = (struct sm_ternary_layer){.n_rows = n_rows, .n_columns = n_columns, .n_entries = n_entries};
    layer->start = calloc(n_rows + 1, sizeof *layer->start);
    layer->column = malloc((n_entries + 1) * sizeof *layer->column);
    layer->sign = malloc(n_entries + 1);
    return layer->start && layer->column && layer->sign ? 0 : -1;
}

/* 0 where the entry counts as hidden. */
static int8_t sign_of(enum sm_compare compare, int8_t g, float w) {
    if (compare == SM_COMPARE_MASK) return g;
    return (int8_t)(((w > 0) - (w < 0)) * g);
}

void sm_ternary_signs(const struct sm_moment *moment, size_t l, enum sm_compare compare, int8_t *sign) {
    const int8_t *g = moment->mask[l];
    const float *w = moment->weights[l];
    size_t n = sm_layer_weights(&moment->run->net.layers[l]);
    for (size_t i = 0; i < n; i++) sign[i] = g[i] ? sign_of(compare, g[i], w[i]) : 0;
}

static size_t count_entries(const int8_t *mask, const float *weights, size_t n, enum sm_compare compare) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += mask[i] && sign_of(compare, mask[i], weights[i]);
    return count;
}

static void fill(struct sm_ternary_layer *layer, const int8_t *mask, const float *weights, enum sm_compare compare) {
    uint32_t at = 0;
    for (size_t r = 0; r < layer->n_rows; r++) {
        layer->start[r] = at;
        for (size_t c = 0; c < layer->n_columns; c++) {
            size_t i = r * layer->n_columns + c;
            int8_t sign = mask[i] ? sign_of(compare, mask[i], weights[i]) : 0;
            if (!sign) continue;
            layer->column[at] = (uint32_t)c;
            layer->sign[at++] = sign;
        }
    }
    layer->start[layer->n_rows] = at;
}

static int allocate(struct sm_ternary *ternary, size_t n_layers, struct sm_error *err) {
    *ternary = (struct sm_ternary){.n_layers = n_layers, .layers = calloc(n_layers + 1, sizeof *ternary->layers)};
    return ternary->layers ? 0 : sm_fail(err, "out of memory for the entries of %zu layers", n_layers);
}

int sm_ternary_init(struct sm_ternary *ternary, const struct sm_moment *moment, enum sm_compare compare,
                    struct sm_error *err) {
    const struct sm_network *net = &moment->run->net;
    if (allocate(ternary, net->n_layers, err) != 0) return -1;
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_layer *layer = &net->layers[l];
        size_t n = sm_layer_weights(layer);
        if (n > UINT32_MAX) return sm_fail(err, "layer %s has more weights than can be compared", layer->name);
        size_t n_entries = count_entries(moment->mask[l], moment->weights[l], n, compare);
        if (layer_init(&ternary->layers[l], layer->n_out, sm_layer_fan_in(layer), n_entries) != 0)
            return sm_fail(err, "out of memory for the entries of layer %s", layer->name);
        fill(&ternary->layers[l], moment->mask[l], moment->weights[l], compare);
    }
    return 0;
}

int sm_ternary_copy(struct sm_ternary *ternary, const struct sm_ternary *from, struct sm_error *err) {
    if (allocate(ternary, from->n_layers, err) != 0) return -1;
    for (size_t l = 0; l < from->n_layers; l++) {
        const struct sm_ternary_layer *source = &from->layers[l];
        struct sm_ternary_layer *layer = &ternary->layers[l];
        if (layer_init(layer, source->n_rows, source->n_columns, source->n_entries) != 0)
            return sm_fail(err, "out of memory for %zu entries of a mask", source->n_entries);
        memcpy(layer->start, source->start, (source->n_rows + 1) * sizeof *layer->start);
        memcpy(layer->column, source->column, source->n_entries * sizeof *layer->column);
        memcpy(layer->sign, source->sign, source->n_entries);
    }
    return 0;
}

void sm_ternary_destroy(struct sm_ternary *ternary) {
    for (size_t l = 0; ternary->layers && l < ternary->n_layers; l++) {
        free(ternary->layers[l].start);
        free(ternary->layers[l].column);
        free(ternary->layers[l].sign);
    }
    free(ternary->layers);
    *ternary = (struct sm_ternary){0};
}
