/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_fixture.h - models of small networks with random masks, for compact files. */
#ifndef SUPERMASK_TESTS_MODEL_FIXTURE_H
#define SUPERMASK_TESTS_MODEL_FIXTURE_H

#include "lib/model.h"
#include "tests/check.h"

enum { FIXTURE_SIDE = 9, FIXTURE_CHANNELS = 2, FIXTURE_CLASSES = 3 };

/* Descriptions of layers; with more than 1,024 weights, so that products occur, and fewer. */
static const char fixture_stack[] = "[{kind: dense, units: 40}, {kind: dense, units: 30}, {kind: dense, units: 3}]";
static const char fixture_plain[] =
    "[{kind: conv2d, filters: 12, kernel: 3}, {kind: conv2d, filters: 16, kernel: 3},"
    " {kind: max-pool, size: 2}, {kind: conv2d, filters: 14, kernel: 3, padding: valid},"
    " {kind: max-pool, size: 2, stride: 1, padding: same},"
    " {kind: dense, units: 20}, {kind: dense, units: 3}]";
static const char fixture_residual[] =
    "[{kind: conv2d, filters: 12, kernel: 3}, {kind: max-pool, size: 3, stride: 1, padding: same},"
    " {kind: residual, repeat: 2, branch: [{kind: conv2d, filters: 12, kernel: 3},"
    "  {kind: conv2d, filters: 12, kernel: 3, activation: linear}]},"
    " {kind: residual, branch: [{kind: conv2d, filters: 14, kernel: 1, stride: 2},"
    "  {kind: conv2d, filters: 14, kernel: 3}],"
    "  shortcut: [{kind: conv2d, filters: 14, kernel: 1, stride: 2, activation: linear}]},"
    " {kind: global-average-pool}, {kind: dense, units: 3}]";

static inline void fixture_network(struct sm_network *net, const char *layers, enum sm_activation activation) {
    struct sm_error err = {{0}};
    char text[2048];
    const struct sm_network_options options = {.activation = activation, .width = 1};
    snprintf(text, sizeof text, "name: test\ninput: [%d, %d, %d]\nlayers: %s\n", FIXTURE_CHANNELS, FIXTURE_SIDE,
             FIXTURE_SIDE, layers);
    if (sm_network_parse(net, text, "text", &options, &err)) fail_msg("%s", err.text);
}

/* What is chosen for a weight, from random numbers: state, sign, size. */
struct fixture_choice {
    const double *density; /* of layer l: density[l % n_densities] */
    size_t n_densities;
    bool one_size;    /* else uniform sizes */
    bool zero_hidden; /* hidden weights are 0, as a heuristic's are */
    bool with_dead;   /* every fifth unit is fed by nothing, the next one read by nothing */
    uint32_t seed;
};

static inline int8_t fixture_state(const struct fixture_choice *c, const struct sm_layer *layer, size_t l, size_t o,
                                   size_t i, double u) {
    double density = c->density[l % c->n_densities];
    size_t unit = i / (layer->kernel_height * layer->kernel_width);
    if (c->with_dead && (o % 5 == 0 || unit % 5 == 1) && l) return 0;
    return u < density / 2 ? -1 : u < density ? 1 : 0;
}

static inline void fixture_fill(struct sm_model *model, const struct fixture_choice *c, size_t l) {
    const struct sm_layer *of = &model->net.layers[l];
    struct sm_model_layer *layer = &model->layers[l];
    const struct sm_rng rng = sm_rng_make(c->seed, SM_RNG_TEST, 100 + (uint32_t)l);
    for (size_t o = 0; o < layer->shape.n_out; o++)
        for (size_t i = 0; i < layer->shape.n_in; i++) {
            size_t k = 3 * (o * layer->shape.n_in + i), at = o * layer->shape.stride + i;
            float size = c->one_size ? 0.3f : (float)(0.01 + 0.3 * sm_rng_uniform(&rng, k));
            layer->weight[at] = sm_rng_uniform(&rng, k + 1) < 0.5 ? -size : size;
            if (layer->mask) layer->mask[at] = fixture_state(c, of, l, o, i, sm_rng_uniform(&rng, k + 2));
            if (c->zero_hidden && !layer->mask[at]) layer->weight[at] = 0;
        }
}

/* The forms are those that the masks ask for. Without densities every weight is kept and there are no masks. */
static inline void fixture_model(struct sm_model *model, const char *layers, enum sm_activation activation,
                                 const struct fixture_choice *c) {
    struct sm_error err = {{0}};
    *model = (struct sm_model){0};
    fixture_network(&model->net, layers, activation);
    sm_recipe_defaults(&model->source.recipe);
    const char *const settings[] = {"name=fixture", "dataset=digits", "batch=32"};
    if (sm_recipe_set_all(&model->source.recipe, settings, 3, &err)) fail_msg("%s", err.text);
    model->source.run = strdup("a run");
    model->source.dataset_sha256 = strdup("abc");
    model->source.weights = sm_network_weights(&model->net);
    model->source.record = 7;
    model->source.step = 70;
    model->source.epoch = 3.5;
    if (sm_model_allocate(model, &err)) fail_msg("%s", err.text);
    for (size_t l = 0; l < model->net.n_layers; l++) {
        if (sm_model_allocate_layer(model, l, c->n_densities > 0, &err)) fail_msg("%s", err.text);
        fixture_fill(model, c, l);
        model->source.remaining += sm_model_remaining(model, l);
    }
}

#endif
