/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dense.c - the baseline: all weights trained, no mask; its mask trajectory is all keep. */
#include <math.h>
#include <supermask/init.h>

#include "train/method.h"

static void init(struct sm_method_layer *l, const struct sm_recipe *recipe) {
    sm_init_weights(l->weights, recipe, l->layer, l->index);
    l->threshold = NAN;
}

extern const struct sm_method sm_method_dense;
const struct sm_method sm_method_dense = {
    .name = "dense",
    .help = "all weights trained, no mask: the baseline",
    .trains_weights = true,
    .init = init,
};
