/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naive_graph.h - any graph of operators on a batch of images, in double precision, written from the formulas: what the
 * engine is compared with. */
#ifndef SUPERMASK_TESTS_NAIVE_GRAPH_H
#define SUPERMASK_TESTS_NAIVE_GRAPH_H

#include <supermask/network.h>

#include "tests/check.h"

/* Of a layer with batch norm; NULLs where there is none. */
struct naive_norm {
    double *gamma, *beta;    /* [channels] */
    double *mean, *variance; /* [channels]: in use; written where they are taken from the batch */
};

struct naive_graph {
    const struct sm_network *net;
    size_t capacity;         /* images */
    bool moving;             /* batch norm uses the mean and variance that it finds, not those of the batch */
    double **v;              /* [n_layers][weights] effective weights, [out][in][kh][kw] */
    struct naive_norm *norm; /* [n_layers] */
    double **output;         /* [n_nodes]: [image][channels][height][width] */
    bool **silent;           /* [n_nodes][channels] channels whose output is 0; NULL: none */
};

static inline size_t naive_size(const struct sm_node *node) {
    return node->channels * node->height * node->width;
}

static inline void naive_graph_init_batch(struct naive_graph *g, const struct sm_network *net, size_t capacity) {
    *g = (struct naive_graph){.net = net, .capacity = capacity};
    g->v = check_alloc(net->n_layers, sizeof *g->v);
    g->norm = check_alloc(net->n_layers, sizeof *g->norm);
    g->output = check_alloc(net->n_nodes, sizeof *g->output);
    for (size_t l = 0; l < net->n_layers; l++) g->v[l] = check_alloc(sm_layer_weights(&net->layers[l]), sizeof(double));
    for (size_t n = 0; n < net->n_nodes; n++) {
        const struct sm_node *node = &net->nodes[n];
        g->output[n] = check_alloc(capacity * naive_size(node), sizeof(double));
        if (!node->batch_norm) continue;
        struct naive_norm *norm = &g->norm[node->layer];
        double **const parts[] = {&norm->gamma, &norm->beta, &norm->mean, &norm->variance};
        for (size_t i = 0; i < 4; i++) *parts[i] = check_alloc(node->channels, sizeof(double));
        for (size_t c = 0; c < node->channels; c++) norm->gamma[c] = norm->variance[c] = 1;
    }
}

static inline void naive_graph_init(struct naive_graph *g, const struct sm_network *net) {
    naive_graph_init_batch(g, net, 1);
}

static inline void naive_graph_destroy(struct naive_graph *g) {
    for (size_t l = 0; l < g->net->n_layers; l++) {
        struct naive_norm *norm = &g->norm[l];
        free(g->v[l]);
        free(norm->gamma);
        free(norm->beta);
        free(norm->mean);
        free(norm->variance);
    }
    for (size_t n = 0; n < g->net->n_nodes; n++) free(g->output[n]);
    free(g->v);
    free(g->norm);
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

/* Value k of all: pixel k % pixels of channel c of image k / pixels. */
static inline double *naive_value_of_channel(const struct sm_node *node, double *out, size_t c, size_t k) {
    size_t pixels = node->height * node->width;
    return out + (k / pixels) * naive_size(node) + c * pixels + k % pixels;
}

/* gamma * (x - mean) / sqrt(variance + 1e-3) + beta, the variance over n; epsilon is Keras's. */
static inline void naive_normalize(struct naive_norm *norm, const struct sm_node *node, double *out, size_t n_images,
                                   bool moving) {
    size_t n = n_images * node->height * node->width;
    for (size_t c = 0; c < node->channels; c++) {
        double mean = 0, variance = 0;
        for (size_t k = 0; k < n; k++) mean += *naive_value_of_channel(node, out, c, k) / (double)n;
        for (size_t k = 0; k < n; k++) variance += pow(*naive_value_of_channel(node, out, c, k) - mean, 2) / (double)n;
        if (!moving) norm->mean[c] = mean, norm->variance[c] = variance;
        for (size_t k = 0; k < n; k++) {
            double *x = naive_value_of_channel(node, out, c, k);
            *x = norm->gamma[c] * (*x - norm->mean[c]) / sqrt(norm->variance[c] + 1e-3) + norm->beta[c];
        }
    }
}

/* Node n of image b, before batch norm and activation. */
static inline void naive_node(const struct naive_graph *g, size_t n, const double *images, size_t b) {
    const struct sm_node *node = &g->net->nodes[n];
    const double *in[2] = {0};
    for (size_t i = 0; i < node->n_inputs; i++)
        in[i] = node->inputs[i] == SM_NETWORK_INPUT
                    ? images + b * sm_network_inputs(g->net)
                    : g->output[node->inputs[i]] + b * naive_size(&g->net->nodes[node->inputs[i]]);
    double *out = g->output[n] + b * naive_size(node);
    for (size_t c = 0; c < node->channels; c++)
        for (size_t y = 0; y < node->height; y++)
            for (size_t x = 0; x < node->width; x++)
                *out++ = naive_value(g, node, in, sm_network_input_shape(g->net, n), c, y, x);
}

/* The logits [n_images][classes] of images [n_images][channels][height][width]; valid until the next call. */
static inline const double *naive_graph_run_batch(struct naive_graph *g, const double *images, size_t n_images) {
    const struct sm_network *net = g->net;
    assert_true(n_images <= g->capacity);
    for (size_t n = 0; n < net->n_nodes; n++) {
        const struct sm_node *node = &net->nodes[n];
        double *out = g->output[n];
        for (size_t b = 0; b < n_images; b++) naive_node(g, n, images, b);
        if (node->batch_norm) naive_normalize(&g->norm[node->layer], node, out, n_images, g->moving);
        for (size_t k = 0; k < n_images * naive_size(node); k++) out[k] = naive_activation(out[k], node->activation);
        for (size_t k = 0; g->silent && k < n_images * naive_size(node); k++)
            if (g->silent[n][k / (node->height * node->width) % node->channels]) out[k] = 0;
    }
    return g->output[net->n_nodes - 1];
}

/* The logits of one image. */
static inline const double *naive_graph_run(struct naive_graph *g, const double *image) {
    return naive_graph_run_batch(g, image, 1);
}

#endif
