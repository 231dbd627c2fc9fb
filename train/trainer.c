/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/loss.h>

#include "train/masking.h"

/* Of Adam, as its paper proposes; the first moment's decay is recipe.momentum. */
#define ADAM_SECOND_DECAY 0.999
#define ADAM_EPSILON 1e-8

/* ---- construction ---- */

static int allocate_layer(struct sm_trainer *t, size_t l) {
    struct sm_trainer_layer *layer = &t->layers[l];
    struct sm_padded_shape s = layer->shape = sm_padded_shape_of(&t->net->layers[l]);
    size_t n = s.n_rows * s.stride, images = t->forward.image_stride, first = t->forward.first_dense;
    bool scores = !t->method->trains_weights, masked = scores || t->method->holds_mask, dense = l >= first;
    bool adam = t->recipe->optimizer == SM_ADAM;
    layer->weights = sm_aligned_zeros(n * sizeof(float));
    layer->velocity = sm_aligned_zeros(n * sizeof(float));
    if (dense) layer->delta = sm_aligned_zeros(s.n_rows * images * sizeof(float));
    if (scores) layer->scores = sm_aligned_zeros(n * sizeof(float));
    if (adam) layer->second = sm_aligned_zeros(n * sizeof(float));
    if (masked) layer->mask = sm_aligned_zeros(n);
    if (dense)
        layer->input_rows = l > first ? sm_aligned_zeros(images * s.stride * sizeof(float)) : t->forward.input_rows;
    bool whole = layer->weights && layer->velocity && (!dense || (layer->delta && layer->input_rows)) &&
                 (!scores || layer->scores) && (!masked || layer->mask) && (!adam || layer->second);
    return whole ? sm_trainer_norm_init(&layer->norm, sm_forward_batch_norm(&t->forward, l)) : -1;
}

/* From plain layout, as the method fills it. */
static void init_values(struct sm_trainer *t, size_t l, struct sm_method_layer *plain) {
    struct sm_trainer_layer *layer = &t->layers[l];
    if (plain->mask) memset(plain->mask, 1, sm_layer_weights(&t->net->layers[l]));
    t->method->init(plain, t->recipe);
    sm_pad_floats(layer->weights, plain->weights, layer->shape);
    if (layer->scores) sm_pad_floats(layer->scores, plain->scores, layer->shape);
    if (layer->mask) sm_pad_mask(layer->mask, plain->mask, layer->shape);
    layer->threshold = plain->threshold;
}

static int init_layer(struct sm_trainer *t, size_t l) {
    const struct sm_trainer_layer *layer = &t->layers[l];
    size_t n = sm_layer_weights(&t->net->layers[l]);
    struct sm_method_layer plain = {.layer = &t->net->layers[l], .index = l};
    plain.weights = malloc(n * sizeof(float));
    plain.scores = layer->scores ? malloc(n * sizeof(float)) : NULL;
    plain.mask = layer->mask ? malloc(n) : NULL;
    bool whole = plain.weights && (plain.scores || !layer->scores) && (plain.mask || !layer->mask);
    if (whole) init_values(t, l, &plain);
    free(plain.weights);
    free(plain.scores);
    free(plain.mask);
    return whole ? 0 : -1;
}

/* Weights that are trained have no |w| in common, even where they begin so. */
static int bind_layer(struct sm_trainer *t, size_t l, struct sm_error *err) {
    const struct sm_trainer_layer *layer = &t->layers[l];
    /* Hidden weights that are frozen, not 0, take part in the pass. */
    const struct sm_binding moving = {
        .weight = layer->weights, .mask = t->recipe->mask_zero == SM_ZERO ? layer->mask : NULL, .holds = true};
    return t->method->trains_weights ? sm_forward_bind_as(&t->forward, l, &moving, err)
                                     : sm_forward_bind(&t->forward, l, layer->weights, layer->mask, err);
}

/* What no run file may hold (runfile.h) is found before training. */
static int check_thresholds(const struct sm_trainer *t, struct sm_error *err) {
    for (size_t l = 0; l < t->net->n_layers; l++) {
        double threshold = t->layers[l].threshold;
        if (!isinf(threshold) && isnan(threshold) == isnan(t->layers[0].threshold)) continue;
        return sm_fail(err,
                       "method %s: threshold %g of layer %s: it is finite in every layer or NaN (none) in every layer",
                       t->method->name, threshold, t->net->layers[l].name);
    }
    return 0;
}

static int init_layers(struct sm_trainer *t, struct sm_error *err) {
    t->layers = calloc(t->net->n_layers, sizeof *t->layers);
    if (t->forward.trunk.net)
        t->trunk_delta = sm_aligned_zeros(t->forward.input_stride * t->forward.image_stride * sizeof(float));
    if (!t->layers || (t->forward.trunk.net && !t->trunk_delta)) return sm_fail(err, "out of memory");
    for (size_t l = 0; l < t->net->n_layers; l++) {
        if (allocate_layer(t, l) || init_layer(t, l))
            return sm_fail(err, "out of memory for layer %s", t->net->layers[l].name);
        if (bind_layer(t, l, err)) return -1;
    }
    return check_thresholds(t, err) ? -1 : sm_masking_init(t, err);
}

static int check_shapes(const struct sm_trainer *t, const struct sm_dataset *data, struct sm_error *err) {
    const struct sm_layer *last = &t->net->layers[t->net->n_layers - 1];
    size_t pixels = data->channels * data->height * data->width;
    if (sm_network_inputs(t->net) != pixels)
        return sm_fail(err, "network %s takes %zu inputs, but an image of %s has %zu pixels", t->net->name,
                       sm_network_inputs(t->net), data->name, pixels);
    if (last->n_out != data->n_classes)
        return sm_fail(err, "network %s: layer %s has %zu units, but %s has %zu classes", t->net->name, last->name,
                       last->n_out, data->name, data->n_classes);
    size_t n_train = data->train.n - (size_t)t->recipe->validation;
    if ((size_t)t->recipe->validation >= data->train.n)
        return sm_fail(err, "validation of %lld images: %s has only %zu for training", (long long)t->recipe->validation,
                       data->name, data->train.n);
    if ((size_t)t->recipe->batch > n_train)
        return sm_fail(err, "batch of %lld images: %s has only %zu for training", (long long)t->recipe->batch,
                       data->name, n_train);
    return 0;
}

static int init_samples(struct sm_trainer *t, const struct sm_dataset *data, struct sm_error *err) {
    size_t pixels = data->channels * data->height * data->width, n = (size_t)t->recipe->validation;
    size_t n_train = data->train.n - n;
    t->train_split = (struct sm_split){n_train, data->train.images, data->train.labels};
    t->validation_split = (struct sm_split){n, data->train.images + n_train * pixels, data->train.labels + n_train};
    if (n && sm_samples_init(&t->validation, data, &t->validation_split, t->recipe->standardize, err)) return -1;
    return sm_samples_init(&t->train, data, &t->train_split, t->recipe->standardize, err) ||
                   sm_samples_init(&t->test, data, &data->test, t->recipe->standardize, err)
               ? -1
               : 0;
}

int sm_trainer_init(struct sm_trainer *t, const struct sm_recipe *recipe, const struct sm_network *net,
                    const struct sm_dataset *data, struct sm_error *err) {
    *t = (struct sm_trainer){.recipe = recipe, .net = net, .n_threads = (int)recipe->threads};
    t->method = sm_method_find(recipe->method);
    assert(t->method && t->n_threads > 0);
    if (check_shapes(t, data, err)) return -1;
    size_t batch = (size_t)recipe->batch;
    t->losses = calloc(batch, sizeof *t->losses);
    t->correct = calloc(batch, sizeof *t->correct);
    if (!t->losses || !t->correct) return sm_fail(err, "out of memory for a batch of %zu", batch);
    if (init_samples(t, data, err) || sm_loader_init(&t->loader, &t->train, recipe, err) ||
        sm_forward_init(&t->forward, net, batch, t->n_threads, true, err) || init_layers(t, err))
        return -1;
    if (t->forward.trunk.net && recipe->precision == SM_BF16 && sm_trunk_use_bf16(&t->forward.trunk, err)) return -1;
    t->steps_per_epoch = sm_loader_steps_per_epoch(&t->loader);
    sm_schedule_init(&t->schedule);
    sm_trainer_restore(t);
    return 0;
}

void sm_trainer_destroy(struct sm_trainer *t) {
    sm_masking_destroy(t);
    for (size_t l = 0; t->layers && l < t->net->n_layers; l++) {
        free(t->layers[l].weights);
        free(t->layers[l].scores);
        free(t->layers[l].velocity);
        free(t->layers[l].second);
        free(t->layers[l].mask);
        free(t->layers[l].delta);
        sm_trainer_norm_destroy(&t->layers[l].norm);
        if (l > t->forward.first_dense) free(t->layers[l].input_rows);
    }
    free(t->layers);
    free(t->trunk_delta);
    if (t->forward.net) sm_forward_destroy(&t->forward);
    sm_loader_destroy(&t->loader);
    sm_samples_destroy(&t->train);
    sm_samples_destroy(&t->validation);
    sm_samples_destroy(&t->test);
    free(t->losses);
    free(t->correct);
    *t = (struct sm_trainer){0};
}

/* ---- state ---- */

void sm_trainer_draw_masks(struct sm_trainer *t) {
    if (!t->method->masks) return;
#pragma omp parallel num_threads(t->n_threads)
    sm_masking_draw(t, SM_RNG_MASK, (uint64_t)t->step, omp_get_thread_num(), omp_get_num_threads());
}

/* The update writes the masks of a method without hooks; here they come from scores that were put in. */
static void threshold_masks(struct sm_trainer *t) {
    for (size_t l = 0; l < t->net->n_layers; l++) {
        struct sm_trainer_layer *layer = &t->layers[l];
        t->forward.kernels->mask_from_scores(layer->mask, layer->scores, (float)layer->threshold,
                                             layer->shape.n_rows * layer->shape.stride);
    }
}

void sm_trainer_restore(struct sm_trainer *t) {
    if (!t->method->trains_weights && !t->method->masks) threshold_masks(t);
    sm_trainer_draw_masks(t);
    t->batch = sm_loader_batch(&t->loader, t->step);
}

float *sm_trainer_values(const struct sm_trainer *t, size_t l) {
    return t->layers[l].scores ? t->layers[l].scores : t->layers[l].weights;
}

static double schedule_factor(const struct sm_trainer *t) {
    return sm_schedule_factor(t->recipe, &t->schedule, t->step - t->first_step, (int64_t)t->steps_per_epoch);
}

double sm_trainer_learning_rate(const struct sm_trainer *t) {
    return t->recipe->learning_rate * schedule_factor(t);
}

double sm_trainer_weight_decay(const struct sm_trainer *t) {
    return t->recipe->weight_decay * (t->recipe->optimizer == SM_SGDW ? schedule_factor(t) : 1);
}

double sm_trainer_remaining(const struct sm_trainer *t) {
    if (!t->layers[0].mask) return 1;
    size_t n_kept = 0;
    for (size_t l = 0; l < t->net->n_layers; l++) {
        struct sm_padded_shape s = t->layers[l].shape;
        n_kept += t->forward.kernels->count_kept(t->layers[l].mask, s.n_rows * s.stride);
    }
    return (double)n_kept / (double)sm_network_weights(t->net);
}

/* ---- one step, by all threads together ---- */

/* Loss of every image and its gradient with respect to the logits, divided by the batch: the loss is a mean. Images
 * that only pad get 0. */
static void output_delta(struct sm_trainer *t, int thread, int n_threads) {
    const struct sm_trainer_layer *last = &t->layers[t->net->n_layers - 1];
    size_t stride = t->forward.image_stride, n_classes = last->shape.n_out, n = t->batch->n, begin, end;
    sm_share_of(sm_padded(n), SM_LANES, thread, n_threads, &begin, &end);
    for (size_t b = begin; b < end; b++) {
        if (b >= n) {
            for (size_t c = 0; c < n_classes; c++) last->delta[c * stride + b] = 0;
            continue;
        }
        struct sm_loss_of_image one =
            sm_loss_evaluate(t->recipe->loss, sm_forward_logits(&t->forward) + b, stride, n_classes,
                             t->batch->labels[b], 1.0f / (float)n, last->delta + b);
        t->losses[b] = one.loss;
        t->correct[b] = one.correct;
    }
}

static void add_losses(struct sm_trainer *t) {
    for (size_t b = 0; b < t->batch->n; b++) {
        t->loss_sum += t->losses[b];
        t->n_correct += t->correct[b];
    }
    t->n_seen += (int64_t)t->batch->n;
}

/* delta of layer l-1 from that of layer l. */
static void hidden_delta(struct sm_trainer *t, size_t l, int thread, int n_threads) {
    const struct sm_kernels *kernels = t->forward.kernels;
    struct sm_forward_layer *below = &t->forward.layers[l - 1];
    float *delta = t->layers[l - 1].delta;
    sm_forward_transposed(&t->forward, l, delta, t->layers[l].delta, thread, n_threads);
    sm_forward_wait_for_units(&t->forward, n_threads);
    struct sm_part part = sm_forward_part(&t->forward, l - 1, 1, thread, n_threads);
    if (below->activation == SM_ELU)
        sm_forward_each_unit(&t->forward, part, delta, below->activations, kernels->elu_gradient);
    if (below->activation == SM_RELU)
        sm_forward_each_unit(&t->forward, part, delta, below->activations, kernels->relu_gradient);
}

/* Activations [unit][image] -> rows [image][unit], which the weight gradient reads. */
static void transpose_inputs(struct sm_trainer *t, int thread, int n_threads) {
    for (size_t l = t->forward.first_dense + 1; l < t->net->n_layers; l++) {
        const struct sm_forward_layer *below = &t->forward.layers[l - 1];
        size_t first, last, stride = t->layers[l].shape.stride;
        sm_share_of(sm_padded(t->forward.n_images), SM_LANES, thread, n_threads, &first, &last);
        if (first < last)
            t->forward.kernels->transpose(t->layers[l].input_rows + first * stride, stride, below->activations + first,
                                          t->forward.image_stride, below->shape.n_rows, last - first);
    }
}

/* Ends with a wait: all deltas and rows are there. */
static void pass_and_deltas(struct sm_trainer *t, int thread, int n_threads) {
    sm_forward_training_pass(&t->forward, t->batch, thread, n_threads);
    output_delta(t, thread, n_threads);
    transpose_inputs(t, thread, n_threads);
    sm_forward_wait_for_units(&t->forward, n_threads);
    for (size_t l = t->net->n_layers - 1; l > t->forward.first_dense; l--) {
        hidden_delta(t, l, thread, n_threads);
        sm_forward_wait_for_units(&t->forward, n_threads);
    }
    if (t->forward.trunk.net)
        sm_forward_transposed(&t->forward, t->forward.first_dense, t->trunk_delta,
                              t->layers[t->forward.first_dense].delta, thread, n_threads);
    sm_forward_wait(&t->forward, n_threads);
    if (t->forward.trunk.net)
        sm_trunk_backward(&t->forward.trunk, t->trunk_delta, t->forward.image_stride, thread, n_threads);
    if (thread == 0) add_losses(t);
}

static float *conv_gradient(const struct sm_trainer *t, size_t l) {
    return sm_trunk_node_of_layer(&t->forward.trunk, l)->gradient;
}

/* From a gradient of the whole layer that stands in memory: each thread takes rows of its own. */
static void update_from(struct sm_trainer *t, const struct sm_trained *trained, const struct sm_update *update,
                        const float *gradient, size_t first_row, size_t last_row) {
    t->forward.kernels->update(trained, update, gradient, first_row * trained->stride,
                               (last_row - first_row) * trained->stride);
}

/* Rows of units that get no gradient are only moved on; the last tile of the others is filled up with such rows. */
static void update_dense(struct sm_trainer *t, size_t l, const struct sm_trained *trained,
                         const struct sm_update *update, int thread, int n_threads) {
    const struct sm_channels *live = &t->forward.layers[l].live;
    size_t first, last, n_tiled = (live->n_live + SM_ROWS - 1) / SM_ROWS * SM_ROWS;
    sm_share_of(n_tiled, SM_ROWS, thread, n_threads, &first, &last);
    t->forward.kernels->weight_gradient_update(trained, update, t->layers[l].delta, t->forward.image_stride,
                                               sm_padded(t->forward.n_images), t->layers[l].input_rows,
                                               live->index + first, last - first);
    sm_share_of(live->n - n_tiled, SM_ROWS, thread, n_threads, &first, &last);
    t->forward.kernels->update_rows(trained, update, live->index + n_tiled + first, last - first);
}

static void dense_gradient(const struct sm_trainer *t, size_t l, float *gradient, size_t first, size_t last) {
    const struct sm_trainer_layer *layer = &t->layers[l];
    t->forward.kernels->weight_gradient(gradient, layer->delta, t->forward.image_stride, sm_padded(t->forward.n_images),
                                        layer->input_rows, layer->shape.stride, first, last);
}

/* The method's own way from dL/dv to dL/dm. */
static void update_by_hook(struct sm_trainer *t, size_t l, const struct sm_trained *trained,
                           const struct sm_update *update, int thread, int n_threads) {
    bool conv = l < t->forward.first_dense;
    float *gradient = conv ? conv_gradient(t, l) : t->layers[l].gradient;
    size_t first, last;
    sm_share_of(t->layers[l].shape.n_rows, SM_ROWS, thread, n_threads, &first, &last);
    if (!conv) dense_gradient(t, l, gradient, first, last);
    sm_masking_gradient(t, l, gradient, first, last, thread, n_threads);
    update_from(t, trained, update, gradient, first, last);
}

static void update_layer(struct sm_trainer *t, size_t l, const struct sm_update *common, int thread, int n_threads) {
    const struct sm_trainer_layer *layer = &t->layers[l];
    bool hooks = t->method->masks, conv = l < t->forward.first_dense;
    struct sm_trained trained = {.value = sm_trainer_values(t, l),
                                 .velocity = layer->velocity,
                                 .second = layer->second,
                                 .weight = layer->scores && !hooks ? layer->weights : NULL,
                                 .mask = layer->scores && !hooks ? layer->mask : NULL,
                                 .held = layer->scores || sm_forward_keeps_all(&t->forward, l) ? NULL : layer->mask,
                                 .stride = layer->shape.stride};
    struct sm_update update = *common;
    update.threshold = (float)layer->threshold;
    size_t first, last;
    sm_share_of(layer->shape.n_rows, SM_ROWS, thread, n_threads, &first, &last);
    if (hooks)
        update_by_hook(t, l, &trained, &update, thread, n_threads);
    else if (conv)
        update_from(t, &trained, &update, conv_gradient(t, l), first, last);
    else
        update_dense(t, l, &trained, &update, thread, n_threads);
}

/* 1 / (1 - decay^steps): of the decay that the kernel has, a float, or a constant gradient would not stay itself. */
static float correction(float decay, double steps) {
    return (float)(1 / (1 - pow((double)decay, steps)));
}

/* Rates and corrections of the step to come. */
static struct sm_update update_of(const struct sm_trainer *t) {
    double steps = (double)(t->step - t->first_step + 1);
    const float first_decay = (float)t->recipe->momentum, second_decay = (float)ADAM_SECOND_DECAY;
    return (struct sm_update){.optimizer = t->recipe->optimizer,
                              .learning_rate = (float)sm_trainer_learning_rate(t),
                              .weight_decay = (float)sm_trainer_weight_decay(t),
                              .momentum = first_decay,
                              .nesterov = t->recipe->nesterov,
                              .second_decay = second_decay,
                              .epsilon = (float)ADAM_EPSILON,
                              .first_correction = correction(first_decay, steps),
                              .second_correction = correction(second_decay, steps)};
}

static void end_step(struct sm_trainer *t) {
    t->step++;
    t->batch = sm_loader_batch(&t->loader, t->step);
}

static void step_together(struct sm_trainer *t, int thread, int n_threads) {
    struct sm_update update = update_of(t);
    sm_masking_draw(t, SM_RNG_MASK, (uint64_t)t->step, thread, n_threads);
    pass_and_deltas(t, thread, n_threads);
    for (size_t l = 0; l < t->net->n_layers; l++) {
        update_layer(t, l, &update, thread, n_threads);
        if (l % (size_t)n_threads == (size_t)thread) sm_trainer_norm_step(&t->layers[l].norm, &update);
    }
    sm_forward_wait(&t->forward, n_threads);
    if (thread == 0) end_step(t);
    sm_forward_wait(&t->forward, n_threads);
}

void sm_trainer_steps(struct sm_trainer *t, size_t n) {
#pragma omp parallel num_threads(t->n_threads)
    {
        unsigned before = sm_flush_begin();
        for (size_t k = 0; k < n; k++) step_together(t, omp_get_thread_num(), omp_get_num_threads());
        sm_flush_end(before);
    }
}

static void copy_gradients(struct sm_trainer *t, float *const *gradient, int thread, int n_threads) {
    for (size_t l = 0; l < t->net->n_layers; l++) {
        size_t first, last, stride = t->layers[l].shape.stride;
        sm_share_of(t->layers[l].shape.n_rows, SM_ROWS, thread, n_threads, &first, &last);
        if (l < t->forward.first_dense)
            memcpy(gradient[l] + first * stride, conv_gradient(t, l) + first * stride,
                   (last - first) * stride * sizeof(float));
        else
            dense_gradient(t, l, gradient[l], first, last);
    }
}

double sm_trainer_gradient(struct sm_trainer *t, float *const *gradient) {
    double before = t->loss_sum;
#pragma omp parallel num_threads(t->n_threads)
    {
        int thread = omp_get_thread_num(), n_threads = omp_get_num_threads();
        unsigned flush = sm_flush_begin();
        sm_masking_draw(t, SM_RNG_MASK, (uint64_t)t->step, thread, n_threads);
        pass_and_deltas(t, thread, n_threads);
        if (gradient) copy_gradients(t, gradient, thread, n_threads);
        sm_flush_end(flush);
    }
    return (t->loss_sum - before) / (double)t->batch->n;
}

struct sm_evaluation sm_trainer_evaluate(struct sm_trainer *t, const struct sm_samples *samples,
                                         const volatile sig_atomic_t *stop) {
    if (!t->method->samples_masks) {
        sm_trainer_draw_masks(t);
        return sm_forward_evaluate(&t->forward, samples, t->recipe->loss, stop, t->n_threads);
    }
    struct sm_evaluation mean = {0};
    double n = (double)t->recipe->mask_samples;
    for (int64_t k = 0; k < t->recipe->mask_samples && !isnan(mean.accuracy); k++) {
#pragma omp parallel num_threads(t->n_threads)
        sm_masking_draw(t, SM_RNG_MASK_TEST, (uint64_t)k, omp_get_thread_num(), omp_get_num_threads());
        struct sm_evaluation one = sm_forward_evaluate(&t->forward, samples, t->recipe->loss, stop, t->n_threads);
        mean.accuracy += one.accuracy / n;
        mean.loss += one.loss / n;
    }
    sm_trainer_draw_masks(t);
    return mean;
}
