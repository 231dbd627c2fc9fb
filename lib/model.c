/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/model.h"

#include <stdlib.h>

int sm_model_allocate(struct sm_model *model, struct sm_error *err) {
    model->layers = calloc(model->net.n_layers, sizeof *model->layers);
    return model->layers ? 0 : sm_fail(err, "network %s: out of memory", model->net.name);
}

int sm_model_allocate_layer(struct sm_model *model, size_t l, bool masked, struct sm_error *err) {
    struct sm_model_layer *layer = &model->layers[l];
    struct sm_padded_shape s = layer->shape = sm_padded_shape_of(&model->net.layers[l]);
    layer->weight = sm_aligned_zeros(s.n_rows * s.stride * sizeof(float));
    if (masked) layer->mask = sm_aligned_zeros(s.n_rows * s.stride);
    if (layer->weight && (layer->mask || !masked)) return 0;
    return sm_fail(err, "network %s: out of memory for layer %s", model->net.name, model->net.layers[l].name);
}

void sm_model_destroy(struct sm_model *model) {
    for (size_t l = 0; model->layers && l < model->net.n_layers; l++) {
        free(model->layers[l].weight);
        free(model->layers[l].mask);
        sm_batch_norm_destroy(&model->layers[l].norm);
    }
    free(model->layers);
    free(model->source.run);
    free(model->source.dataset_sha256);
    sm_network_destroy(&model->net);
    *model = (struct sm_model){0};
}

size_t sm_model_remaining(const struct sm_model *model, size_t l) {
    const struct sm_model_layer *layer = &model->layers[l];
    if (!layer->mask) return sm_layer_weights(&model->net.layers[l]);
    return sm_kernels_get()->count_kept(layer->mask, layer->shape.n_rows * layer->shape.stride);
}

struct sm_alive_mask *sm_model_alive_masks(const struct sm_model *model) {
    struct sm_alive_mask *masks = calloc(model->net.n_layers, sizeof *masks);
    for (size_t l = 0; masks && l < model->net.n_layers; l++)
        masks[l] = (struct sm_alive_mask){model->layers[l].mask, model->layers[l].shape.stride};
    return masks;
}
