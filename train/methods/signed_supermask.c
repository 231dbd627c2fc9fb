/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signed_supermask.c - Koster, Grothe & Rettinger 2022 (arXiv 2201.13361), section 3.
 *
 * Weights w are frozen, scores m are trained. Mask g(m) = +1 where m > tau, -1 where m < -tau, else 0; effective
 * weights v = w g(m); straight-through gradient dL/dm = (dL/dv) w for every weight, hidden ones too. */
#include <math.h>
#include <supermask/init.h>

#include "train/method.h"

static double largest_magnitude(const float *values, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

static void init(struct sm_method_layer *l, const struct sm_recipe *recipe) {
    sm_init_weights(l->weights, recipe, l->layer, l->index);
    sm_init_scores(l->scores, recipe, l->layer, l->index);
    l->threshold = recipe->threshold_kind == SM_THRESHOLD_ABSOLUTE
                       ? recipe->threshold
                       : recipe->threshold * largest_magnitude(l->scores, sm_layer_weights(l->layer));
}

static const char *check(const struct sm_recipe *recipe) {
    if (!(recipe->threshold >= 0)) return "signed-supermask needs a threshold of 0 or more";
    return NULL;
}

extern const struct sm_method sm_method_signed_supermask;
const struct sm_method sm_method_signed_supermask = {
    .name = "signed-supermask",
    .help = "frozen weights under a learned mask of keep, hide and invert (Koster, Grothe & Rettinger 2022)",
    .has_threshold = true,
    .draws_scores = true,
    .init = init,
    .check = check,
};
