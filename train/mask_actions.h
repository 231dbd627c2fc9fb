/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask_actions.h - what a round begins with: mask-1 actions on kept weights, mask-0 actions on hidden ones (Zhou et al.
 * 2019, sections 3 and 4; recipe.h names them). */
#ifndef SUPERMASK_TRAIN_MASK_ACTIONS_H
#define SUPERMASK_TRAIN_MASK_ACTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/network.h>
#include <supermask/recipe.h>
#include <supermask/rng.h>

/* One layer of n weights at the beginning of a round. */
struct sm_mask_action {
    const struct sm_layer *layer;
    const int8_t *mask;   /* [n] of the round that begins, 0 or 1 */
    const float *initial; /* [n] before the first step */
    const float *trained; /* [n] at the end of the round before */
    struct sm_rng rng;    /* for what is drawn */
    uint32_t *places;     /* [n] scratch */
};

/* start [n] becomes what the round begins with. The constant is the standard deviation of the layer's initial weights.
 * reinit draws a weight as the recipe draws initial weights (Zhou et al.'s code shuffles the layer's instead). */
void sm_mask_actions(float *start, const struct sm_recipe *recipe, const struct sm_mask_action *action);

#endif
