/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - what a run will need, for --dry-run. */
#include <supermask/dataset.h>
#include <supermask/forward.h>

#include "train/method.h"
#include "train/train.h"

/* A ternary mask after compression, averaged over trajectories of 100 records that start dense: 24-49 MB for the
 * 5.3 million weights of Conv8, so at most 0.74 bits a weight and record; early records are worth up to 1.6. */
#define MASK_BITS 1.0

/* Bytes of a weight: values and momenta, in padded rows, its place in the lists of kept weights, and its mask. */
static size_t bytes_of_weight(const struct sm_recipe *recipe, const struct sm_method *method) {
    bool masked = !method->trains_weights || method->holds_mask;
    size_t floats = method->trains_weights ? 2 : 4;          /* w, V; and m, v */
    floats += recipe->optimizer == SM_ADAM;                  /* S */
    floats += method->masks ? 1 : 0;                         /* the gradient */
    floats += recipe->rescale == SM_RESCALE_DYNAMIC ? 1 : 0; /* rescaled w */
    floats += method->in_rounds ? 4 : 0;                     /* initial, start and trained w, and places */
    return floats * sizeof(float) + sizeof(uint32_t) + masked + method->in_rounds;
}

/* What a convolution's dense form keeps: both directions, of a 3x3 kernel in 16 values where it is transformed. */
static size_t packed_bytes(const struct sm_layer *layer) {
    size_t taps = layer->kernel_height * layer->kernel_width;
    if (layer->kind != SM_CONV2D) return 0;
    return 2 * layer->n_out * layer->n_in * (taps == 9 && layer->stride == 1 ? 16 : taps) * sizeof(float);
}

double sm_train_weight_bytes(const struct sm_recipe *recipe, const struct sm_network *net) {
    size_t bytes = bytes_of_weight(recipe, sm_method_find(recipe->method));
    double total = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&net->layers[l]);
        total += (double)s.n_rows * (double)s.stride * (double)bytes + (double)packed_bytes(&net->layers[l]);
    }
    return total;
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
    size_t batch = (size_t)recipe->batch, n_train = data.n_train - (size_t)recipe->validation;
    if ((size_t)recipe->validation >= data.n_train)
        return sm_fail(err, "validation of %lld images: %s has only %zu for training", (long long)recipe->validation,
                       recipe->dataset, data.n_train);
    *plan = (struct sm_train_plan){.parameters = sm_network_weights(net),
                                   .steps_per_epoch = (n_train + batch - 1) / batch * (size_t)recipe->passes};
    plan->n_steps = plan->steps_per_epoch * (size_t)recipe->epochs * sm_method_trainings(method, recipe);
    size_t every = recipe->record_every ? (size_t)recipe->record_every : plan->steps_per_epoch;
    plan->n_records = method->in_rounds ? sm_method_rounds(method, recipe) : plan->n_steps / every + 1;
    plan->memory_bytes = memory_of(recipe, net, &data);
    size_t values = (method->trains_weights && !method->reports_untrained ? 2 : 3) * plan->parameters * sizeof(float);
    if (recipe->record_scores) values += plan->n_records * plan->parameters * sizeof(float);
    bool masked = !method->trains_weights || method->holds_mask;
    size_t mask = !masked ? plan->parameters / 512 : (size_t)((double)plan->parameters * MASK_BITS / 8);
    plan->file_bytes = values + plan->n_records * mask;
    return 0;
}
