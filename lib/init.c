/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/init.h>

#include <math.h>

double sm_init_weight_deviation(const struct sm_recipe *recipe, const struct sm_layer *layer) {
    double deviation =
        sm_scale_deviation(recipe->weight_scale, recipe->weight_gain, sm_layer_fan_in(layer), sm_layer_fan_out(layer));
    return recipe->scale_fan ? deviation / sqrt(recipe->keep) : deviation;
}

double sm_init_score_deviation(const struct sm_recipe *recipe, const struct sm_layer *layer) {
    return sm_scale_deviation(recipe->score_scale, recipe->score_gain, sm_layer_fan_in(layer), sm_layer_fan_out(layer));
}

static double value_at(enum sm_weight_init kind, double deviation, const struct sm_rng *rng, size_t k) {
    switch (kind) {
    case SM_WEIGHTS_SIGNED_CONSTANT:
        return sm_rng_u32(rng, k) >> 31 ? deviation : -deviation;
    case SM_WEIGHTS_UNIFORM:
        return sqrt(3) * deviation * (2 * sm_rng_uniform(rng, k) - 1);
    case SM_WEIGHTS_NORMAL:
        return deviation * sm_rng_normal(rng, k);
    }
    return NAN;
}

void sm_init_values(float *values, enum sm_weight_init kind, double deviation, const struct sm_layer *layer,
                    struct sm_rng rng) {
    size_t n = sm_layer_weights(layer);
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < n; k++) values[k] = (float)value_at(kind, deviation, &rng, k);
}

void sm_init_weights(float *weights, const struct sm_recipe *recipe, const struct sm_layer *layer, size_t index) {
    sm_init_values(weights, recipe->weight_init, sm_init_weight_deviation(recipe, layer), layer,
                   sm_rng_make(recipe->weight_seed, SM_RNG_WEIGHTS, (uint32_t)index));
}

void sm_init_scores(float *scores, const struct sm_recipe *recipe, const struct sm_layer *layer, size_t index) {
    sm_init_values(scores, SM_WEIGHTS_UNIFORM, sm_init_score_deviation(recipe, layer), layer,
                   sm_rng_make(recipe->score_seed, SM_RNG_SCORES, (uint32_t)index));
}
