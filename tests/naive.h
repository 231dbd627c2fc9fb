/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naive.h - a stack of dense layers in double precision, written from the formulas: what the engine is compared with.
 *
 * a_0 = x;  z_l = V_l a_(l-1);  a_l = act(z_l), the last layer linear;  p = softmax(z);  loss = -ln p[label], where p
 * is clipped to [1e-7, 1 - 1e-7] (as floats) for the clipped loss; mean over the images. */
#ifndef SUPERMASK_TESTS_NAIVE_H
#define SUPERMASK_TESTS_NAIVE_H

#include <supermask/network.h>
#include <supermask/recipe.h>

#include "tests/check.h"

enum { NAIVE_LAYERS = 4, NAIVE_WIDTH = 1024 };

struct naive {
    const struct sm_network *net;
    enum sm_loss_kind loss;
    double *v[NAIVE_LAYERS]; /* effective weights [out][in] */
    size_t n;                /* images */
    double *input;           /* [n][inputs] */
    uint8_t *labels;         /* [n] */
};

struct naive_result {
    double loss, accuracy;
};

static inline void naive_init(struct naive *naive, const struct sm_network *net, enum sm_loss_kind loss, size_t n) {
    *naive = (struct naive){.net = net, .loss = loss, .n = n};
    for (size_t l = 0; l < net->n_layers; l++)
        naive->v[l] = check_alloc(sm_layer_weights(&net->layers[l]), sizeof(double));
    naive->input = check_alloc(n * sm_network_inputs(net), sizeof(double));
    naive->labels = check_alloc(n, 1);
}

static inline void naive_destroy(struct naive *naive) {
    for (size_t l = 0; l < naive->net->n_layers; l++) free(naive->v[l]);
    free(naive->input);
    free(naive->labels);
}

/* x = (pixel - mean) / max(sd, 1/sqrt(pixels)), mean and sd (over n) in two passes; or pixel / 255. */
static inline void naive_standardize(double *x, const uint8_t *pixels, size_t n, enum sm_standardize_kind kind) {
    double mean = 0, variance = 0;
    for (size_t p = 0; p < n; p++) mean += pixels[p] / (double)n;
    for (size_t p = 0; p < n; p++) variance += (pixels[p] - mean) * (pixels[p] - mean) / (double)n;
    double sd = fmax(sqrt(variance), 1 / sqrt((double)n));
    for (size_t p = 0; p < n; p++) x[p] = kind == SM_STANDARDIZE_IMAGE ? (pixels[p] - mean) / sd : pixels[p] / 255.0;
}

static inline void naive_layer(double *out, const double *in, const double *v, const struct sm_layer *layer) {
    for (size_t o = 0; o < layer->n_out; o++) {
        double z = 0;
        for (size_t i = 0; i < layer->n_in; i++) z += v[o * layer->n_in + i] * in[i];
        if (layer->activation == SM_ELU && z <= 0) z = expm1(z);
        if (layer->activation == SM_RELU && z <= 0) z = 0;
        out[o] = z;
    }
}

/* Loss of image b; whether its label has the (first) largest logit in *correct. */
static inline double naive_image(const struct naive *naive, size_t b, bool *correct) {
    double a[2][NAIVE_WIDTH], sum = 0;
    const struct sm_network *net = naive->net;
    size_t n_classes = net->layers[net->n_layers - 1].n_out, best = 0;
    const double *in = naive->input + b * sm_network_inputs(net);
    for (size_t l = 0; l < net->n_layers; l++) {
        naive_layer(a[l % 2], in, naive->v[l], &net->layers[l]);
        in = a[l % 2];
    }
    for (size_t c = 1; c < n_classes; c++)
        if (in[c] > in[best]) best = c;
    for (size_t c = 0; c < n_classes; c++) sum += exp(in[c] - in[best]);
    *correct = best == naive->labels[b];
    double log_p = in[naive->labels[b]] - in[best] - log(sum);
    if (naive->loss == SM_LOSS_LOGITS) return -log_p;
    return -log(fmin(fmax(exp(log_p), (double)1e-7f), (double)(1.0f - 1e-7f)));
}

static inline struct naive_result naive_evaluate(const struct naive *naive) {
    struct naive_result mean = {0};
    for (size_t b = 0; b < naive->n; b++) {
        bool correct;
        mean.loss += naive_image(naive, b, &correct) / (double)naive->n;
        mean.accuracy += correct / (double)naive->n;
    }
    return mean;
}

/* d loss / d v[l][k] by a central difference, sign and all; NaN at a kink (a ReLU unit whose sum is exactly 0: no kept
 * weights, or two equal pixels of opposite sign), where the differences to both sides disagree. */
static inline double naive_difference(const struct naive *naive, size_t l, size_t k) {
    const double h = 1e-6, v = naive->v[l][k], here = naive_evaluate(naive).loss;
    naive->v[l][k] = v + h;
    double up = (naive_evaluate(naive).loss - here) / h;
    naive->v[l][k] = v - h;
    double down = (here - naive_evaluate(naive).loss) / h;
    naive->v[l][k] = v;
    return fabs(up - down) > 1e-4 * (1 + fabs(up)) ? NAN : (up + down) / 2;
}

#endif
