/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network_compare.h - are two networks the same in every field? */
#ifndef SUPERMASK_TESTS_NETWORK_COMPARE_H
#define SUPERMASK_TESTS_NETWORK_COMPARE_H

#include <stdbool.h>
#include <string.h>
#include <supermask/network.h>

static inline bool same_layer(const struct sm_layer *a, const struct sm_layer *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->activation == b->activation &&
           a->n_out == b->n_out && a->n_in == b->n_in && a->kernel_height == b->kernel_height &&
           a->kernel_width == b->kernel_width && a->stride == b->stride && a->padding == b->padding &&
           a->n_inputs == b->n_inputs && memcmp(a->inputs, b->inputs, a->n_inputs * sizeof *a->inputs) == 0;
}

static inline bool same_node(const struct sm_node *a, const struct sm_node *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->layer == b->layer && a->n_inputs == b->n_inputs &&
           memcmp(a->inputs, b->inputs, a->n_inputs * sizeof *a->inputs) == 0 && a->activation == b->activation &&
           a->batch_norm == b->batch_norm && a->size == b->size && a->stride == b->stride && a->padding == b->padding &&
           a->pad_top == b->pad_top && a->pad_left == b->pad_left && a->channels == b->channels &&
           a->height == b->height && a->width == b->width;
}

static inline bool same_network(const struct sm_network *a, const struct sm_network *b) {
    bool same = strcmp(a->name, b->name) == 0 && a->input_channels == b->input_channels &&
                a->input_height == b->input_height && a->input_width == b->input_width && a->n_layers == b->n_layers &&
                a->n_nodes == b->n_nodes;
    for (size_t l = 0; same && l < a->n_layers; l++) same = same_layer(&a->layers[l], &b->layers[l]);
    for (size_t n = 0; same && n < a->n_nodes; n++) same = same_node(&a->nodes[n], &b->nodes[n]);
    return same;
}

#endif
