/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensemble_null.h - the ensemble of a group whose other runs are exchanged for networks of the same degrees (nulls.h),
 * as they stand and matched to the first run by the same alignment as the data: what an alignment finds in common where
 * there is nothing to be found. */
#ifndef SUPERMASK_ANALYZE_ENSEMBLE_NULL_H
#define SUPERMASK_ANALYZE_ENSEMBLE_NULL_H

#include "analyze/align.h"

enum { SM_ENSEMBLE_REPLICATES = 5 }; /* a count is a sum over many weights: it varies little */

struct sm_ensemble_null {
    size_t n_runs, n_layers;
    size_t *n_weights; /* [n_layers] */
    /* In how many runs each weight is non-hidden: [replicate][raw, aligned][layer][weight]. */
    uint16_t **times[SM_ENSEMBLE_REPLICATES][2];
};

/* Begins with the group's first run. The caller destroys it, also after a failure. */
int sm_ensemble_null_init(struct sm_ensemble_null *null, const struct sm_moment *first, struct sm_error *err);
void sm_ensemble_null_destroy(struct sm_ensemble_null *null);

/* Draws another run (pair->b) in each replicate and lays it upon the first (pair->a). */
int sm_ensemble_null_add(struct sm_ensemble_null *null, const struct sm_pair *pair, const struct sm_options *options,
                         struct sm_error *err);

/* mean [n_runs + 1]: weights of layer l that are non-hidden in exactly 0, 1, .. n_runs runs, mean over the replicates.
 */
void sm_ensemble_null_histogram(const struct sm_ensemble_null *null, size_t l, bool aligned, double *mean);

#endif
