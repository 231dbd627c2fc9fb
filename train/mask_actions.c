/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/mask_actions.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <supermask/init.h>

/* ---- kept weights ---- */

static void rewind_all(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a) {
    (void)recipe;
    memcpy(start, a->initial, sm_layer_weights(a->layer) * sizeof *start);
}

static void reinit(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a) {
    sm_init_values(start, recipe->weight_init, sm_init_weight_deviation(recipe, a->layer), a->layer, a->rng);
}

/* The initial values of the kept weights, in another order. */
static void reshuffle(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a) {
    size_t n = sm_layer_weights(a->layer), n_kept = 0;
    rewind_all(start, recipe, a);
    for (size_t k = 0; k < n; k++) a->places[n_kept] = (uint32_t)k, n_kept += a->mask[k] != 0;
    for (size_t i = n_kept; i > 1; i--) { /* Fisher-Yates */
        uint32_t *here = &a->places[i - 1], *there = &a->places[sm_rng_below(&a->rng, i, i)];
        float held = start[*here];
        start[*here] = start[*there];
        start[*there] = held;
    }
}

static double deviation_of(const float *values, size_t n) {
    double mean = 0, square = 0;
    for (size_t k = 0; k < n; k++) mean += values[k] / (double)n;
    for (size_t k = 0; k < n; k++) square += (values[k] - mean) * (values[k] - mean) / (double)n;
    return sqrt(square);
}

static void constant(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a) {
    (void)recipe;
    size_t n = sm_layer_weights(a->layer);
    float size = (float)deviation_of(a->initial, n);
    for (size_t k = 0; k < n; k++) start[k] = sm_rng_u32(&a->rng, k) >> 31 ? size : -size;
}

static const struct {
    void (*draw)(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a);
    bool is_signed;
} actions[] = {
    [SM_REWIND] = {rewind_all, false},         [SM_REINIT] = {reinit, false},
    [SM_SIGNED_REINIT] = {reinit, true},       [SM_RESHUFFLE] = {reshuffle, false},
    [SM_SIGNED_RESHUFFLE] = {reshuffle, true}, [SM_CONSTANT] = {constant, false},
    [SM_SIGNED_CONSTANT] = {constant, true},
};

/* ---- hidden weights ---- */

static float hidden_value(enum sm_mask_zero action, float initial, float trained) {
    bool zero = action == SM_ZERO || (action == SM_ZERO_SHRUNK && fabsf(trained) < fabsf(initial));
    return zero ? 0 : initial;
}

void sm_mask_actions(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *a) {
    actions[recipe->mask_one].draw(start, recipe, a);
    for (size_t k = 0; k < sm_layer_weights(a->layer); k++) {
        if (actions[recipe->mask_one].is_signed) start[k] = copysignf(start[k], a->initial[k]);
        if (!a->mask[k]) start[k] = hidden_value(recipe->mask_zero, a->initial[k], a->trained[k]);
    }
}
