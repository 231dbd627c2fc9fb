/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seed_groups.h - runs that may be averaged: the same method, data, network and recipe, which differ in nothing but
 * seeds. Every mean over runs is a mean over one of these groups. */
#ifndef SUPERMASK_ANALYZE_SEED_GROUPS_H
#define SUPERMASK_ANALYZE_SEED_GROUPS_H

#include "analyze/stat.h"

struct sm_seed_groups {
    size_t n_groups;
    size_t *group; /* [n_runs] from 0, in the order of each group's first run */
    size_t *first; /* [n_groups] first run of the group */
    char **label;  /* [n_groups] unique: the recipe's name, and where several groups share it what differs:
                      "fcn-mnist (epochs: 50)" */
    size_t *size;  /* [n_groups] runs */
};

/* Do two runs differ in seeds only (and in what changes no result: threads, recording)? Recipes that cannot be read are
 * the same letter by letter or not at all. */
bool sm_same_seed_group(const struct sm_run *a, const struct sm_run *b);

/* The caller destroys `groups`, also after a failure. */
int sm_seed_groups_init(struct sm_seed_groups *groups, const struct sm_analysis *analysis, struct sm_error *err);
void sm_seed_groups_destroy(struct sm_seed_groups *groups);

#endif
