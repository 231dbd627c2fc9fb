/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runs.h - the runs that were named on the command line, and their masks in memory. */
#ifndef SUPERMASK_ANALYZE_RUNS_H
#define SUPERMASK_ANALYZE_RUNS_H

#include "analyze/stat.h"

/* Opens every file; all that cannot be read are named in one sentence. The same file twice is an error. Run names are
 * made unique. *runs is malloc'ed; sm_runs_free closes and frees. */
int sm_runs_open(struct sm_run **runs, char *const *paths, size_t n_paths, struct sm_error *err);
void sm_runs_free(struct sm_run *runs, size_t n_runs);

/* The last row of metrics at or before `epoch`; NULL where there is none. Metrics are measured at the end of an epoch:
 * of a record within one they tell what was measured last, at an earlier mask. */
const struct sm_metrics *sm_run_metrics_at(const struct sm_run *run, double epoch);

/* Test accuracy of the network of a record, a share; NaN where it was not measured. Of methods in rounds it is what the
 * round is reported with: their metrics are those of other networks, too. */
double sm_run_test_accuracy(const struct sm_run *run, size_t record);

/* One mask: [n_layers], each [weights], one behind the other in one allocation; free() gives it back. NULL when out of
 * memory. */
int8_t **sm_masks_new(const struct sm_network *net);
int sm_masks_read(int8_t *const *mask, const struct sm_run *run, size_t record, struct sm_error *err);

/* The same for weights: initial, final, or in place. */
float **sm_weights_new(const struct sm_network *net);
int sm_weights_read(float *const *weights, const struct sm_run *run, enum sm_run_values which, struct sm_error *err);

#endif
