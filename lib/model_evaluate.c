/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models on the engine. */
#include "lib/model.h"

#include <omp.h>
#include <string.h>
#include <supermask/loss.h>

static void copy_batch_norm(const struct sm_batch_norm *to, const struct sm_batch_norm *from) {
    size_t n_bytes = from->channels * sizeof(float);
    memcpy(to->gamma, from->gamma, n_bytes);
    memcpy(to->beta, from->beta, n_bytes);
    memcpy(to->moving_mean, from->moving_mean, n_bytes);
    memcpy(to->moving_variance, from->moving_variance, n_bytes);
}

static int bind(struct sm_forward *forward, const struct sm_model *model, struct sm_error *err) {
    for (size_t l = 0; l < model->net.n_layers; l++) {
        const struct sm_model_layer *layer = &model->layers[l];
        const struct sm_binding binding = {
            .weight = layer->weight, .mask = layer->mask, .form = layer->form, .magnitude = layer->magnitude};
        int status = layer->form == SM_FORM_BY_DENSITY ? sm_forward_bind(forward, l, layer->weight, layer->mask, err)
                                                       : sm_forward_bind_as(forward, l, &binding, err);
        if (status) return -1;
        if (layer->norm.channels) copy_batch_norm(sm_forward_batch_norm(forward, l), &layer->norm);
    }
    sm_forward_freeze(forward);
    return 0;
}

int sm_model_forward(struct sm_forward *forward, const struct sm_model *model, size_t capacity, int n_threads,
                     struct sm_error *err) {
    if (sm_forward_init(forward, &model->net, capacity, n_threads, false, err)) return -1;
    return bind(forward, model, err);
}

int sm_model_fix_forms(struct sm_model *model, struct sm_error *err) {
    struct sm_forward forward;
    int status = sm_model_forward(&forward, model, 1, 1, err);
    for (size_t l = 0; l < model->net.n_layers && status == 0; l++) {
        model->layers[l].form = sm_forward_is_sparse(&forward, l) ? SM_FORM_LISTS : SM_FORM_PRODUCT;
        model->layers[l].magnitude = forward.layers[l].magnitude;
    }
    sm_forward_destroy(&forward);
    return status;
}

static size_t n_classes(const struct sm_model *model) {
    return model->net.layers[model->net.n_layers - 1].n_out;
}

/* [class][image] of a pass to [image][class]. */
static void take_logits(float *logits, const struct sm_forward *forward, size_t n, size_t classes) {
    const float *from = sm_forward_logits(forward);
    for (size_t b = 0; b < n; b++)
        for (size_t c = 0; c < classes; c++) logits[b * classes + c] = from[c * forward->image_stride + b];
}

static void all_passes(struct sm_forward *forward, const struct sm_samples *samples, size_t batch, int n_threads,
                       size_t classes, float *logits) {
    size_t n = samples->split->n;
#pragma omp parallel num_threads(n_threads)
    {
        /* The team's real size: OpenMP may give fewer threads than asked for. */
        int thread = omp_get_thread_num(), team = omp_get_num_threads();
        unsigned before = sm_flush_begin();
        for (size_t first = 0; first < n; first += batch) {
            const struct sm_batch part = sm_samples_batch(samples, first, n - first < batch ? n - first : batch);
            sm_forward_pass(forward, &part, thread, team);
            sm_forward_wait(forward, team);
            if (thread == 0) take_logits(logits + first * classes, forward, part.n, classes);
            sm_forward_wait(forward, team);
        }
        sm_flush_end(before);
    }
}

int sm_model_logits(const struct sm_model *model, const struct sm_samples *samples, int n_threads, float *logits,
                    struct sm_error *err) {
    struct sm_forward forward;
    int status = sm_model_forward(&forward, model, (size_t)model->source.recipe.batch, n_threads, err);
    /* In passes of all that the engine holds, as in training: sm_forward_evaluate. */
    if (status == 0) all_passes(&forward, samples, forward.image_stride, n_threads, n_classes(model), logits);
    sm_forward_destroy(&forward);
    return status;
}

struct sm_evaluation sm_model_score(const struct sm_model *model, const struct sm_samples *samples,
                                    const float *logits) {
    size_t n = samples->split->n, n_correct = 0;
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        struct sm_loss_of_image one = sm_loss_evaluate(model->source.recipe.loss, logits + i * n_classes(model), 1,
                                                       n_classes(model), samples->split->labels[i], 0, NULL);
        loss += one.loss;
        n_correct += one.correct;
    }
    return (struct sm_evaluation){.loss = loss / (double)n, .accuracy = (double)n_correct / (double)n};
}
