/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dense.c - the baseline: all weights trained, no mask; its mask trajectory is all keep. */
#include <math.h>

#include "train/init.h"
#include "train/method.h"

static void init(struct sm_method_layer *l, const struct sm_recipe *recipe) {
    sm_init_values(l->weights, recipe->weight_init, sm_init_weight_deviation(recipe, l->layer), l->layer,
                   sm_rng_make(recipe->weight_seed, SM_RNG_WEIGHTS, (uint32_t)l->index));
    l->threshold = NAN;
}

extern const struct sm_method sm_method_dense;
const struct sm_method sm_method_dense = {
    .name = "dense",
    .help = "all weights trained, no mask: the baseline",
    .trains_weights = true,
    .init = init,
};
