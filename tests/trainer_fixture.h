/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trainer_fixture.h - a trainer of a small convolutional network on made-up images, and the loss of a naive network
 * (naive_graph.h) on the batch that the trainer sees next. */
#ifndef SUPERMASK_TESTS_TRAINER_FIXTURE_H
#define SUPERMASK_TESTS_TRAINER_FIXTURE_H

#include "tests/check.h"
#include "tests/naive.h"
#include "tests/naive_graph.h"
#include "tests/tiny_data.h"
#include "train/trainer.h"

enum { SIDE = 9, CHANNELS = 2, CLASSES = 3, BATCH = 17, N_TRAIN = 45 };

struct bench {
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_dataset data;
    struct sm_trainer trainer;
};

/* The pooled form and a pool by itself, odd sizes, a stack of dense layers; layers large enough for dense products. */
static const char plain_layers[] = "[{kind: conv2d, filters: 12, kernel: 3}, {kind: conv2d, filters: 12, kernel: 3},"
                                   " {kind: max-pool, size: 2}, {kind: conv2d, filters: 6, kernel: 3, padding: valid},"
                                   " {kind: max-pool, size: 2, stride: 1, padding: same},"
                                   " {kind: dense, units: 5}, {kind: dense, units: 3}]";

static inline void bench_init(struct bench *b, const char *layers, const char *const *settings, size_t n_settings,
                              int n_threads) {
    struct sm_error err = {{0}};
    char text[2048];
    memset(b, 0, sizeof *b);
    sm_recipe_defaults(&b->recipe);
    b->recipe.batch = BATCH;
    b->recipe.threads = n_threads;
    if (sm_recipe_set_all(&b->recipe, settings, n_settings, &err)) fail_msg("%s", err.text);
    const struct sm_network_options options = {
        .activation = b->recipe.activation, .width = 1, .batch_norm = b->recipe.batch_norm};
    snprintf(text, sizeof text, "name: test\ninput: [%d, %d, %d]\nlayers: %s\n", CHANNELS, SIDE, SIDE, layers);
    if (sm_network_parse(&b->net, text, "text", &options, &err)) fail_msg("%s", err.text);
    b->data = tiny_data(CHANNELS * SIDE, SIDE, CLASSES, N_TRAIN, N_TRAIN);
    b->data.channels = CHANNELS;
    b->data.height = SIDE;
    if (sm_trainer_init(&b->trainer, &b->recipe, &b->net, &b->data, &err)) fail_msg("%s", err.text);
}

static inline void bench_destroy(struct bench *b) {
    sm_trainer_destroy(&b->trainer);
    sm_network_destroy(&b->net);
    tiny_destroy(&b->data);
}

static inline float **gradients_new(const struct bench *b) {
    float **gradient = check_alloc(b->net.n_layers, sizeof *gradient);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = b->trainer.layers[l].shape;
        gradient[l] = check_alloc(s.n_rows * s.stride, sizeof(float));
    }
    return gradient;
}

static inline void gradients_free(float **gradient, const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) free(gradient[l]);
    free(gradient);
}

/* Mean loss over the batch that the trainer sees next. */
static inline double naive_loss_of(struct naive_graph *g, const struct bench *b) {
    const struct sm_batch *batch = b->trainer.batch;
    double images[BATCH][CHANNELS * SIDE * SIDE], sum = 0;
    for (size_t k = 0; k < batch->n; k++)
        naive_standardize(images[k], batch->images[k], CHANNELS * SIDE * SIDE, b->recipe.standardize);
    const double *z = naive_graph_run_batch(g, images[0], batch->n);
    for (size_t k = 0; k < batch->n; k++, z += CLASSES) {
        double total = 0, most = fmax(z[0], fmax(z[1], z[2]));
        for (size_t c = 0; c < CLASSES; c++) total += exp(z[c] - most);
        sum -= z[batch->labels[k]] - most - log(total);
    }
    return sum / (double)batch->n;
}

#endif
