/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dense.c - the baseline: all weights trained, no mask; its mask trajectory is all keep. */
#include "train/method.h"

extern const struct sm_method sm_method_dense;
const struct sm_method sm_method_dense = {
    .name = "dense",
    .help = "all weights trained, no mask: the baseline",
    .trains_weights = true,
    .init = sm_method_draw_weights,
};
