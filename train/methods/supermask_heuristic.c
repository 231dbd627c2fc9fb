/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supermask_heuristic.c - Supermasks from a criterion: Zhou et al. 2019 (arXiv 1905.01067), sections 2 to 5. Train,
 * keep the weights that the criterion ranks highest, put them back by the mask-1 action, and measure that network
 * untrained. Each training but the first starts from it; or there is one training (retrain: false) and a mask for each
 * share. */
#include "train/method.h"

static const char *check(const struct sm_recipe *recipe) {
    if (*recipe->masks_from) return "masks_from: the masks of supermask-heuristic come from its criterion";
    return NULL;
}

extern const struct sm_method sm_method_supermask_heuristic;
const struct sm_method sm_method_supermask_heuristic = {
    .name = "supermask-heuristic",
    .help = "masks of the untrained network by what training does to each weight, in rounds (Zhou et al. 2019)",
    .trains_weights = true,
    .holds_mask = true,
    .in_rounds = true,
    .reports_untrained = true,
    .init = sm_method_draw_weights,
    .check = check,
};
