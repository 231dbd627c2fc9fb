/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SUPERMASK_TRAIN_ROUNDS_CHECK_H
#define SUPERMASK_TRAIN_ROUNDS_CHECK_H

#include <supermask/recipe.h>

/* What no method in rounds can do, or NULL. */
static inline const char *sm_rounds_cannot(const struct sm_recipe *recipe) {
    if (recipe->batch_norm) return "batch_norm: methods in rounds mask the network, and masked networks have none";
    if (recipe->rescale != SM_RESCALE_NONE) return "rescale: methods in rounds have none";
    if (recipe->record_every) return "record: methods in rounds record the mask of each round";
    return recipe->record_scores ? "record_scores: methods in rounds have no scores" : NULL;
}

#endif
