/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - what a run will need, for --dry-run. */
#include <supermask/dataset.h>
#include <supermask/forward.h>

#include "train/method.h"
#include "train/train.h"

/* A ternary mask after compression, averaged over trajectories of 100 records that start dense: 24-49 MB for the
 * 5.3 million weights of Conv8, so at most 0.74 bits a weight and record; early records are worth up to 1.6. */
#define MASK_BITS 1.0

/* Weights, scores and momenta in padded rows, and the lists of kept weights. */
static double layer_bytes(const struct sm_layer *layer, bool trains_weights) {
    struct sm_padded_shape s = sm_padded_shape_of(layer);
    size_t floats = trains_weights ? 2 : 4; /* w, V; and m, v */
    size_t bytes = floats * sizeof(float) + sizeof(uint32_t) + (trains_weights ? 0 : 1);
    return (double)s.n_rows * (double)s.stride * (double)bytes;
}

double sm_train_weight_bytes(const struct sm_recipe *recipe, const struct sm_network *net) {
    bool trains_weights = sm_method_find(recipe->method)->trains_weights;
    double bytes = 0;
    for (size_t l = 0; l < net->n_layers; l++) bytes += layer_bytes(&net->layers[l], trains_weights);
    return bytes;
}

/* Each node's output and the gradient with respect to it, for a whole batch; and before a batch norm the convolution's
 * output. */
static size_t node_bytes(const struct sm_network *net, size_t images) {
    size_t values = 0;
    for (size_t n = 0; n < net->n_nodes; n++)
        values += (net->nodes[n].batch_norm ? 3 : 2) * sm_padded(net->nodes[n].channels) * net->nodes[n].height *
                  net->nodes[n].width;
    return images * values * sizeof(float);
}

static size_t memory_of(const struct sm_recipe *recipe, const struct sm_network *net,
                        const struct sm_dataset_shape *data) {
    size_t images = sm_padded((size_t)recipe->batch), n = data->n_train + data->n_test;
    size_t pixels = data->channels * data->height * data->width;
    size_t bytes =
        n * (pixels + 1 + 2 * sizeof(float) + sizeof(uint8_t *)) + images * sm_padded(pixels) * sizeof(float);
    if (recipe->order != SM_ORDER_FILE) bytes += data->n_train * sizeof(uint32_t);
    if (recipe->augment != SM_AUGMENT_NONE) bytes += 2 * images * pixels;
    bytes += (size_t)sm_train_weight_bytes(recipe, net) + node_bytes(net, images);
    return bytes + sm_network_weights(net) * (sizeof(float) + 1); /* the record at hand */
}

int sm_train_plan(struct sm_train_plan *plan, const struct sm_recipe *recipe, const struct sm_network *net,
                  struct sm_error *err) {
    struct sm_dataset_shape data;
    if (sm_dataset_shape(&data, recipe->dataset, err)) return -1;
    const struct sm_method *method = sm_method_find(recipe->method);
    if (!method) return sm_fail(err, "unknown method '%s'", recipe->method);
    size_t batch = (size_t)recipe->batch;
    *plan = (struct sm_train_plan){.parameters = sm_network_weights(net),
                                   .steps_per_epoch = (data.n_train + batch - 1) / batch * (size_t)recipe->passes};
    plan->n_steps = plan->steps_per_epoch * (size_t)recipe->epochs;
    size_t every = recipe->record_every ? (size_t)recipe->record_every : plan->steps_per_epoch;
    plan->n_records = plan->n_steps / every + 1;
    plan->memory_bytes = memory_of(recipe, net, &data);
    size_t values = (method->trains_weights ? 2 : 3) * plan->parameters * sizeof(float);
    if (recipe->record_scores) values += plan->n_records * plan->parameters * sizeof(float);
    size_t mask = method->trains_weights ? plan->parameters / 512 : (size_t)((double)plan->parameters * MASK_BITS / 8);
    plan->file_bytes = values + plan->n_records * mask;
    return 0;
}
