/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supermask.c - the learned Supermask: Zhou et al. 2019 (arXiv 1905.01067), section 5, and its published code.
 *
 * Weights w are frozen, scores m are trained, from 0 on. Every forward pass, in training and in evaluation, has a mask
 * g ~ Bernoulli(p), p = sigmoid(m) (a pass is a batch in training, and the whole set in evaluation). Straight through
 * the sample: dL/dm = dL/dg p (1 - p).
 *
 * With rescale: dynamic (dynamic weight rescaling, DWR) the effective weights are v = s w g with s = n / sum(g) over
 * the n weights of the layer. s depends on every g, and the published code does not cut that path: with v = s w g,
 *   dL/dg_i = s w_i dL/dv_i - (1 / sum(g)) sum_k v_k dL/dv_k,
 * whose second term is the same for the whole layer. */
#include <math.h>
#include <string.h>
#include <supermask/init.h>

#include "train/method.h"

static void init(struct sm_method_layer *l, const struct sm_recipe *recipe) {
    sm_init_weights(l->weights, recipe, l->layer, l->index);
    memset(l->scores, 0, sm_layer_weights(l->layer) * sizeof *l->scores);
    l->threshold = NAN;
}

static void masks(const struct sm_method_state *s) {
    size_t stride = s->shape.stride, at = s->first_row * stride;
    s->kernels->sample_mask(s->mask + at, s->scores + at, (s->last_row - s->first_row) * stride, &s->rng,
                            s->first_draw + at);
    for (size_t o = s->first_row; o < s->last_row; o++) {
        size_t used = o < s->shape.n_out ? s->shape.n_in : 0;
        memset(s->mask + o * stride + used, 0, stride - used);
    }
}

/* The second term, by every thread in the same order of rows. */
static double shift_of(const struct sm_method_state *s, const float *gradient) {
    size_t stride = s->shape.stride, n_kept = 0;
    for (size_t o = s->first_row; o < s->last_row; o++)
        s->row_sums[o] =
            s->kernels->sum_kept_products(gradient + o * stride, s->weights + o * stride, s->mask + o * stride, stride);
    s->counts[s->team->thread][0] =
        (uint32_t)s->kernels->count_kept(s->mask + s->first_row * stride, (s->last_row - s->first_row) * stride);
    sm_team_wait(s->team);
    double sum = 0;
    for (size_t o = 0; o < s->shape.n_out; o++) sum += s->row_sums[o];
    for (int t = 0; t < s->team->n_threads; t++) n_kept += s->counts[t][0];
    sm_team_wait(s->team);
    return n_kept ? sum / (double)n_kept : 0;
}

static void clear_padding(const struct sm_method_state *s, float *gradient) {
    for (size_t o = s->first_row; o < s->last_row; o++) {
        size_t used = o < s->shape.n_out ? s->shape.n_in : 0;
        memset(gradient + o * s->shape.stride + used, 0, (s->shape.stride - used) * sizeof *gradient);
    }
}

static void gradient(const struct sm_method_state *s, float *values) {
    size_t at = s->first_row * s->shape.stride, n = (s->last_row - s->first_row) * s->shape.stride;
    double shift = s->recipe->rescale == SM_RESCALE_DYNAMIC ? shift_of(s, values) : 0;
    s->kernels->sampled_gradient(values + at, s->scores + at, s->weights + at, (float)shift, n);
    if (shift != 0) clear_padding(s, values);
}

extern const struct sm_method sm_method_supermask;
const struct sm_method sm_method_supermask = {
    .name = "supermask",
    .help = "frozen weights under a sampled mask, whose probabilities are learned (Zhou et al. 2019)",
    .samples_masks = true,
    .init = init,
    .masks = masks,
    .gradient = gradient,
};
