/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naive_graph.h - any graph of operators on one image, in double precision, written from the formulas: what the engine
 * is compared with. Batch norm is not in it. */
#ifndef SUPERMASK_TESTS_NAIVE_GRAPH_H
#define SUPERMASK_TESTS_NAIVE_GRAPH_H

#include <supermask/network.h>

#include "tests/check.h"

struct naive_graph {
    const struct sm_network *net;
    double **v;      /* [n_layers][weights] effective weights, [out][in][kh][kw] */
    double **output; /* [n_nodes]: [channels][height][width] */
};

static inline void naive_graph_init(struct naive_graph *g, const struct sm_network *net) {
    *g = (struct naive_graph){.net = net};
    g->v = check_alloc(net->n_layers, sizeof *g->v);
    g->output = check_alloc(net->n_nodes, sizeof *g->output);
    for (size_t l = 0; l < net->n_layers; l++) g->v[l] = check_alloc(sm_layer_weights(&net->layers[l]), sizeof(double));
    for (size_t n = 0; n < net->n_nodes; n++) {
        const struct sm_node *node = &net->nodes[n];
        g->output[n] = check_alloc(node->channels * node->height * node->width, sizeof(double));
    }
}

static inline void naive_graph_destroy(struct naive_graph *g) {
    for (size_t l = 0; l < g->net->n_layers; l++) free(g->v[l]);
    for (size_t n = 0; n < g->net->n_nodes; n++) free(g->output[n]);
    free(g->v);
    free(g->output);
}

static inline double naive_activation(double z, enum sm_activation f) {
    return f == SM_ELU && z <= 0 ? expm1(z) : f == SM_RELU && z <= 0 ? 0 : z;
}

/* The value of a pixel, or `outside`. */
static inline double naive_pixel(const double *image, struct sm_shape s, size_t c, ptrdiff_t y, ptrdiff_t x,
                                 double outside) {
    bool inside = y >= 0 && x >= 0 && y < (ptrdiff_t)s.height && x < (ptrdiff_t)s.width;
    return inside ? image[(c * s.height + (size_t)y) * s.width + (size_t)x] : outside;
}

static inline double naive_conv(const struct naive_graph *g, const struct sm_node *node, const double *in,
                                struct sm_shape s, size_t o, size_t y, size_t x) {
    const struct sm_layer *layer = &g->net->layers[node->layer];
    const double *v = g->v[node->layer] + o * sm_layer_fan_in(layer);
    double z = 0;
    for (size_t i = 0; i < layer->n_in; i++)
        for (size_t r = 0; r < layer->kernel_height; r++)
            for (size_t t = 0; t < layer->kernel_width; t++)
                z += *v++ * naive_pixel(in, s, i, (ptrdiff_t)(y * node->stride + r) - (ptrdiff_t)node->pad_top,
                                        (ptrdiff_t)(x * node->stride + t) - (ptrdiff_t)node->pad_left, 0);
    return z;
}

static inline double naive_max(const struct sm_node *node, const double *in, struct sm_shape s, size_t c, size_t y,
                               size_t x) {
    double most = -INFINITY;
    for (size_t r = 0; r < node->size; r++)
        for (size_t t = 0; t < node->size; t++)
            most = fmax(most, naive_pixel(in, s, c, (ptrdiff_t)(y * node->stride + r) - (ptrdiff_t)node->pad_top,
                                          (ptrdiff_t)(x * node->stride + t) - (ptrdiff_t)node->pad_left, -INFINITY));
    return most;
}

static inline double naive_value(const struct naive_graph *g, const struct sm_node *node, const double *const in[2],
                                 struct sm_shape s, size_t c, size_t y, size_t x) {
    double sum = 0;
    size_t at = (c * node->height + y) * node->width + x;
    switch (node->kind) {
    case SM_NODE_ADD:
        return in[0][at] + in[1][at];
    case SM_NODE_MAX_POOL:
        return naive_max(node, in[0], s, c, y, x);
    case SM_NODE_AVERAGE_POOL:
        for (size_t p = 0; p < s.height * s.width; p++) sum += in[0][c * s.height * s.width + p];
        return sum / (double)(s.height * s.width);
    case SM_NODE_LAYER:
        break;
    }
    if (g->net->layers[node->layer].kind == SM_CONV2D) return naive_conv(g, node, in[0], s, c, y, x);
    size_t n = s.channels * s.height * s.width;
    for (size_t i = 0; i < n; i++) sum += g->v[node->layer][c * n + i] * in[0][i];
    return sum;
}

/* The logits of an image [channels][height][width]; valid until the next call. */
static inline const double *naive_graph_run(struct naive_graph *g, const double *image) {
    const struct sm_network *net = g->net;
    for (size_t n = 0; n < net->n_nodes; n++) {
        const struct sm_node *node = &net->nodes[n];
        const double *in[2] = {0};
        for (size_t i = 0; i < node->n_inputs; i++)
            in[i] = node->inputs[i] == SM_NETWORK_INPUT ? image : g->output[node->inputs[i]];
        struct sm_shape s = sm_network_input_shape(net, n);
        double *out = g->output[n];
        for (size_t c = 0; c < node->channels; c++)
            for (size_t y = 0; y < node->height; y++)
                for (size_t x = 0; x < node->width; x++)
                    *out++ = naive_activation(naive_value(g, node, in, s, c, y, x), node->activation);
    }
    return g->output[net->n_nodes - 1];
}

#endif
