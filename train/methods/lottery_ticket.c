/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lottery_ticket.c - lottery tickets by iterative magnitude pruning: Frankle & Carbin 2019 (arXiv 1803.03635), section
 * 2 and appendix B. Train, hide the smallest weights of each layer, rewind the others to their initial values, repeat.
 * recipe.criterion and the mask actions vary it (Zhou et al. 2019); with masks_from and other initial weights it is the
 * control that re-initializes the tickets of another run. */
#include "train/method.h"

static const char *check(const struct sm_recipe *recipe) {
    if (!recipe->retrain) return "retrain: lottery-ticket trains in every round";
    return NULL;
}

extern const struct sm_method sm_method_lottery_ticket;
const struct sm_method sm_method_lottery_ticket = {
    .name = "lottery-ticket",
    .help = "trained weights, the smallest pruned and the others rewound, in rounds (Frankle & Carbin 2019)",
    .trains_weights = true,
    .holds_mask = true,
    .in_rounds = true,
    .init = sm_method_draw_weights,
    .check = check,
};
