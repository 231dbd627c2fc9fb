/* SPDX-License-Identifier: GPL-3.0-or-later */
/* samples.h - what tables say less of where a run's masks are samples, drawn anew for each record
 * (run->samples_masks).
 */
#ifndef SUPERMASK_ANALYZE_SAMPLES_H
#define SUPERMASK_ANALYZE_SAMPLES_H

#include "analyze/stat.h"

/* "masks of a are samples, ...": what that does to tables of the kind, or empty where it does nothing or no run's masks
 * are samples. malloc'ed; NULL: no memory. */
char *sm_samples_sentence(const struct sm_analysis *analysis, enum sm_of_draws kind);

/* A note for each kind of table among `statistics` that draws are told of (enum sm_of_draws), naming the tables and the
 * runs; none where no run's masks are samples. */
void sm_samples_note(const struct sm_analysis *analysis, const struct sm_statistic *const *statistics,
                     size_t n_statistics);

#endif
