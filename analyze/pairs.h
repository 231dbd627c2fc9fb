/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pairs.h - which pairs of runs are compared.
 *
 * Within a group (seed_groups.h) every pair is. Of two groups, --pairs N of the pairs whose runs have the same weight
 * seed and N of the others: the pairs grow with the product of the groups, and ten networks already tell what
 * methods have in common. They are chosen so that each run comes once before any comes twice: the first run of one
 * group with the first of the other and so on, then the first with the second ... Groups in which nothing is hidden
 * (dense baselines) have no mask to compare with another group's. */
#ifndef SUPERMASK_ANALYZE_PAIRS_H
#define SUPERMASK_ANALYZE_PAIRS_H

#include "analyze/seed_groups.h"

struct sm_pairs {
    const struct sm_analysis *analysis; /* borrowed */
    struct sm_seed_groups groups;
    bool *chosen;      /* [n_runs][n_runs], a before b */
    size_t n_chosen;   /* pairs */
    size_t n_left_out; /* pairs with the same layers that --pairs leaves out */
};

/* The caller destroys `pairs`, also after a failure. */
int sm_pairs_init(struct sm_pairs *pairs, const struct sm_analysis *analysis, struct sm_error *err);
void sm_pairs_destroy(struct sm_pairs *pairs);

bool sm_pairs_has(const struct sm_pairs *pairs, size_t a, size_t b);

/* Is a chosen pair worth a comparison, now that its masks are known? A note tells of one that is not. */
bool sm_pairs_compares(const struct sm_pairs *pairs, const struct sm_moment *a, const struct sm_moment *b);

#endif
