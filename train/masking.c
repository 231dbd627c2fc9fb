/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/masking.h"

#include <stdlib.h>
#include <string.h>
#include <supermask/rescale.h>

void sm_team_wait(const struct sm_team *team) {
    if (team->n_threads > 1) sm_barrier_wait(team->barrier, team->n_threads);
}

/* ---- memory ---- */

static int allocate_counts(struct sm_masking *m, int n_threads) {
    m->counts = calloc((size_t)n_threads, sizeof *m->counts);
    for (int t = 0; m->counts && t < n_threads; t++) {
        m->counts[t] = calloc(SM_METHOD_COUNTS, sizeof **m->counts);
        if (!m->counts[t]) return -1;
    }
    return m->counts ? 0 : -1;
}

static size_t most_rows(const struct sm_trainer *t) {
    size_t rows = 0;
    for (size_t l = 0; l < t->net->n_layers; l++)
        if (t->layers[l].shape.n_rows > rows) rows = t->layers[l].shape.n_rows;
    return rows;
}

/* The forward pass reads `rescaled` in place of the weights; where |w| is the same for all, so it is there. */
static int rescale_layer(struct sm_trainer *t, size_t l, struct sm_error *err) {
    struct sm_trainer_layer *layer = &t->layers[l];
    size_t n = layer->shape.n_rows * layer->shape.stride;
    layer->rescaled = sm_aligned_zeros(n * sizeof(float));
    if (!layer->rescaled) return sm_fail(err, "out of memory for layer %s", t->net->layers[l].name);
    memcpy(layer->rescaled, layer->weights, n * sizeof(float));
    if (sm_forward_bind(&t->forward, l, layer->rescaled, layer->mask, err)) return -1;
    layer->magnitude = t->forward.layers[l].magnitude;
    return 0;
}

/* A convolution's gradient is the trunk's. */
static int allocate_gradient(struct sm_trainer *t, size_t l, struct sm_error *err) {
    struct sm_trainer_layer *layer = &t->layers[l];
    if (l < t->forward.first_dense) return 0;
    layer->gradient = sm_aligned_zeros(layer->shape.n_rows * layer->shape.stride * sizeof(float));
    return layer->gradient ? 0 : sm_fail(err, "out of memory for layer %s", t->net->layers[l].name);
}

int sm_masking_init(struct sm_trainer *t, struct sm_error *err) {
    if (!t->method->masks) return 0;
    t->masking.row_sums = calloc(most_rows(t), sizeof *t->masking.row_sums);
    t->masking.n_kept = calloc((size_t)t->n_threads, sizeof *t->masking.n_kept);
    if (!t->masking.row_sums || !t->masking.n_kept || allocate_counts(&t->masking, t->n_threads))
        return sm_fail(err, "out of memory for the masks");
    for (size_t l = 0; l < t->net->n_layers; l++) {
        if (allocate_gradient(t, l, err)) return -1;
        if (t->recipe->rescale == SM_RESCALE_DYNAMIC && rescale_layer(t, l, err)) return -1;
    }
    return 0;
}

void sm_masking_destroy(struct sm_trainer *t) {
    for (size_t l = 0; t->layers && l < t->net->n_layers; l++) {
        free(t->layers[l].rescaled);
        free(t->layers[l].gradient);
    }
    for (int k = 0; t->masking.counts && k < t->n_threads; k++) free(t->masking.counts[k]);
    free(t->masking.counts);
    free(t->masking.row_sums);
    free(t->masking.n_kept);
}

/* ---- masks ---- */

static struct sm_method_state state_of(const struct sm_trainer *t, size_t l, const struct sm_team *team) {
    const struct sm_trainer_layer *layer = &t->layers[l];
    return (struct sm_method_state){.recipe = t->recipe,
                                    .kernels = t->forward.kernels,
                                    .shape = layer->shape,
                                    .team = team,
                                    .weights = layer->rescaled ? layer->rescaled : layer->weights,
                                    .scores = layer->scores,
                                    .mask = layer->mask,
                                    .row_sums = t->masking.row_sums,
                                    .counts = t->masking.counts};
}

static struct sm_team team_of(struct sm_barrier *barrier, int thread, int n_threads) {
    return (struct sm_team){barrier, thread, n_threads};
}

/* v = s w g with s = weights / kept weights. A layer that keeps nothing stays as it is: every v is 0. */
static void rescale(struct sm_trainer *t, size_t l, size_t first_row, size_t last_row, const struct sm_team *team) {
    struct sm_trainer_layer *layer = &t->layers[l];
    size_t stride = layer->shape.stride, at = first_row * stride, n = (last_row - first_row) * stride, n_kept = 0;
    t->masking.n_kept[team->thread] = t->forward.kernels->count_kept(layer->mask + at, n);
    sm_team_wait(team);
    for (int k = 0; k < team->n_threads; k++) n_kept += t->masking.n_kept[k];
    float scale = sm_rescale_factor(layer->shape.n_out * layer->shape.n_in, n_kept);
    for (size_t k = at; k < at + n; k++) layer->rescaled[k] = layer->weights[k] * scale;
    if (team->thread == 0) sm_forward_set_magnitude(&t->forward, l, layer->magnitude * scale);
    sm_team_wait(team);
}

void sm_masking_draw(struct sm_trainer *t, enum sm_rng_purpose purpose, uint64_t draw, int thread, int n_threads) {
    if (!t->method->masks) return;
    struct sm_team team = team_of(&t->forward.barrier, thread, n_threads);
    for (size_t l = 0; l < t->net->n_layers; l++) {
        struct sm_method_state s = state_of(t, l, &team);
        sm_share_of(s.shape.n_rows, SM_ROWS, thread, n_threads, &s.first_row, &s.last_row);
        s.rng = sm_rng_make(t->recipe->score_seed, purpose, (uint32_t)l);
        s.first_draw = draw * s.shape.n_rows * s.shape.stride;
        t->method->masks(&s);
        if (t->layers[l].rescaled) rescale(t, l, s.first_row, s.last_row, &team);
    }
    sm_team_wait(&team);
}

void sm_masking_gradient(struct sm_trainer *t, size_t l, float *gradient, size_t first_row, size_t last_row, int thread,
                         int n_threads) {
    struct sm_team team = team_of(&t->forward.barrier, thread, n_threads);
    struct sm_method_state s = state_of(t, l, &team);
    s.first_row = first_row;
    s.last_row = last_row;
    t->method->gradient(&s, gradient);
}
