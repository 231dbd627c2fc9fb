/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SUPERMASK_TRAIN_ROUNDS_CHECK_H
#define SUPERMASK_TRAIN_ROUNDS_CHECK_H

#include <supermask/recipe.h>

/* What no method in rounds can do, or NULL. */
static inline const char *sm_rounds_cannot(const struct sm_recipe *recipe) {
    if (recipe->batch_norm) return "batch_norm: methods in rounds mask the network, and masked networks have none";
    if (recipe->schedule == SM_SCHEDULE_PLATEAU) return "schedule: plateau counts epochs of a run, not of a round";
    if (recipe->record_every) return "record: methods in rounds record the mask of each round";
    return NULL;
}

#endif
