/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model from a record of a run file. */
#include "lib/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int copy_network(struct sm_network *to, const struct sm_run *run, struct sm_error *err) {
    const struct sm_network_options plain = {.activation = SM_LINEAR, .width = 1};
    if (!run->net.n_nodes)
        return sm_fail(err, "%s: an older program wrote it and did not say how the layers of network %s are connected",
                       run->path, run->net.name);
    char *text = sm_network_text(&run->net);
    int status =
        text ? sm_network_parse(to, text, run->path, &plain, err) : sm_fail(err, "%s: out of memory", run->path);
    free(text);
    return status;
}

static int check_record(const struct sm_run *run, size_t record, struct sm_error *err) {
    assert(record < run->n_records);
    if (!run->trains_weights) return 0;
    if (!run->has_final)
        return sm_fail(err, "%s: its weights are trained and the run has not stored its final ones yet", run->path);
    if (record + 1 == run->n_records) return 0;
    return sm_fail(err, "%s: the weights of record %zu (epoch %g) were not stored, only those of the last record, %zu",
                   run->path, record, run->epoch[record], run->n_records - 1);
}

/* Hidden weights that are not 0 (recipe key mask_zero) are part of a network that no mask tells of. */
static int check_hidden(const struct sm_model_source *source, const struct sm_run *run, struct sm_error *err) {
    return source->recipe.mask_zero == SM_ZERO
               ? 0
               : sm_fail(err,
                         "%s: its hidden weights are not all 0 (recipe key mask_zero): a mask does not tell of them",
                         run->path);
}

static int read_source(struct sm_model_source *source, const struct sm_run *run, size_t record, struct sm_error *err) {
    sm_recipe_defaults(&source->recipe);
    if (sm_recipe_parse(&source->recipe, run->recipe, run->path, err) || check_hidden(source, run, err)) return -1;
    source->run = strdup(run->name);
    source->dataset_sha256 = strdup(run->dataset_sha256);
    source->record = record;
    source->step = run->step[record];
    source->epoch = run->epoch[record];
    source->weights = sm_network_weights(&run->net);
    return source->run && source->dataset_sha256 ? 0 : sm_fail(err, "%s: out of memory", run->path);
}

/* A trained layer that hides nothing has no mask: so was it multiplied in training. */
static bool hides_nothing(const struct sm_run *run, const int8_t *mask, size_t n) {
    size_t k = 0;
    while (k < n && mask[k] == 1) k++;
    return run->trains_weights && k == n;
}

static int read_batch_norm(struct sm_model *model, const struct sm_run *run, size_t l, struct sm_error *err) {
    if (!model->net.nodes[sm_network_node_of_layer(&model->net, l)].batch_norm) return 0;
    if (sm_batch_norm_init(&model->layers[l].norm, model->net.layers[l].n_out))
        return sm_fail(err, "%s: out of memory", run->path);
    return sm_run_read_batch_norm(run, l, &model->layers[l].norm, err);
}

static int read_layer(struct sm_model *model, const struct sm_run *run, size_t l, size_t record, int8_t *mask,
                      float *weights, struct sm_error *err) {
    enum sm_run_values which = sm_run_acting_weights(run, record);
    if (sm_run_read_mask(run, l, record, mask, err) || sm_run_read_values(run, l, which, weights, err)) return -1;
    sm_run_rescale(run, l, mask, weights);
    bool masked = !hides_nothing(run, mask, sm_layer_weights(&model->net.layers[l]));
    if (sm_model_allocate_layer(model, l, masked, err)) return sm_fail_prefix(err, "%s", run->path);
    sm_pad_floats(model->layers[l].weight, weights, model->layers[l].shape);
    if (masked) sm_pad_mask(model->layers[l].mask, mask, model->layers[l].shape);
    model->source.remaining += sm_model_remaining(model, l);
    return read_batch_norm(model, run, l, err);
}

static int read_layers(struct sm_model *model, const struct sm_run *run, size_t record, struct sm_error *err) {
    int status = 0;
    for (size_t l = 0; l < model->net.n_layers && status == 0; l++) {
        size_t n = sm_layer_weights(&model->net.layers[l]);
        int8_t *mask = malloc(n);
        float *weights = malloc(n * sizeof *weights);
        status = mask && weights ? read_layer(model, run, l, record, mask, weights, err)
                                 : sm_fail(err, "%s: out of memory", run->path);
        free(mask);
        free(weights);
    }
    return status;
}

int sm_model_read_run(struct sm_model *model, const struct sm_run *run, size_t record, struct sm_error *err) {
    *model = (struct sm_model){0};
    if (check_record(run, record, err) || copy_network(&model->net, run, err) ||
        read_source(&model->source, run, record, err) || sm_model_allocate(model, err))
        return -1;
    if (sm_forward_check(&model->net, err)) return sm_fail_prefix(err, "%s", run->path);
    return read_layers(model, run, record, err);
}
