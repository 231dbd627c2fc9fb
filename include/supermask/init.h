/* SPDX-License-Identifier: GPL-3.0-or-later */
/* init.h - initial weights and scores: the deviation s comes from the scale and gain (recipe.h, sm_scale_deviation).
 *
 * signed-constant: +-s, each sign with probability 1/2; normal: mean 0, deviation s; uniform: +-sqrt(3) s (Koster et
 * al. 2022, section 3 and appendix). */
#ifndef SUPERMASK_INIT_H
#define SUPERMASK_INIT_H

#include <supermask/network.h>
#include <supermask/recipe.h>
#include <supermask/rng.h>

/* The deviation of a layer's initial weights and scores under a recipe. */
double sm_init_weight_deviation(const struct sm_recipe *recipe, const struct sm_layer *layer);
double sm_init_score_deviation(const struct sm_recipe *recipe, const struct sm_layer *layer);

/* values [n_out][fan_in]; value k depends on (rng, k) alone. */
void sm_init_values(float *values, enum sm_weight_init kind, double deviation, const struct sm_layer *layer,
                    struct sm_rng rng);

/* Initial weights of layer number `index` as the recipe says, from its weight_seed. */
void sm_init_weights(float *weights, const struct sm_recipe *recipe, const struct sm_layer *layer, size_t index);

/* Initial scores of it, uniform, from its score_seed. */
void sm_init_scores(float *scores, const struct sm_recipe *recipe, const struct sm_layer *layer, size_t index);

#endif
