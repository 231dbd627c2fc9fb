/* SPDX-License-Identifier: GPL-3.0-or-later */
/* group_pairs.h - pairs of runs gathered by the groups (seed_groups.h) of the two: what two methods have in common is a
 * mean over pairs. Pairs whose runs have the same weight seed, hence the same draws of initial weights, stand apart
 * from the others. */
#ifndef SUPERMASK_ANALYZE_GROUP_PAIRS_H
#define SUPERMASK_ANALYZE_GROUP_PAIRS_H

#include "analyze/running.h"
#include "analyze/seed_groups.h"

/* Of the pairs of two groups (or within one), with the same weight seed or with others. */
struct sm_group_pair {
    size_t n_pairs; /* 0: there was none, and no cells */
    struct sm_running *cell;
};

struct sm_group_pairs {
    const struct sm_analysis *analysis; /* borrowed */
    struct sm_seed_groups groups;
    struct sm_group_pair *pair; /* [n_groups][n_groups][2]: the earlier group, the later one, 0: same weight seed */
};

/* The caller destroys it, also after a failure. */
int sm_group_pairs_init(struct sm_group_pairs *pairs, const struct sm_analysis *analysis, struct sm_error *err);
void sm_group_pairs_destroy(struct sm_group_pairs *pairs);

size_t sm_group_pairs_size(const struct sm_group_pairs *pairs); /* of the array `pair` */

/* Where the pair of runs belongs, counted there; the first makes n_cells cells, the same number for whatever else comes
 * there. `swapped`: the pair's first run is of the later group. NULL: no memory. */
struct sm_group_pair *sm_group_pairs_add(struct sm_group_pairs *pairs, const struct sm_pair *of, size_t n_cells,
                                         bool *swapped, struct sm_error *err);

/* What the k-th of the array `pair` stands for. */
struct sm_group_pair_key {
    size_t group[2];
    const struct sm_run *first[2]; /* first run of each */
    bool same_weight_seed;
};
struct sm_group_pair_key sm_group_pairs_key(const struct sm_group_pairs *pairs, size_t k);

/* The first cells of a row, and the columns that explain them. */
#define SM_GROUP_PAIR_COLUMNS                                                                                          \
    {"group_a", "first group of runs that differ in nothing but seeds: the recipe's name"},                            \
        {"method_a", "its training method"}, {"group_b", "second group; the same: pairs of seeds within the group"},   \
        {"method_b", "its training method"},                                                                           \
        {"weight_seeds", "same: pairs of runs with the same weight seed; different: the others"}, {                    \
        "pairs", "such pairs of runs"                                                                                  \
    }
void sm_group_pairs_write_key(const struct sm_group_pairs *pairs, size_t k, struct sm_table *table);

#endif
