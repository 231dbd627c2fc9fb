/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moments.h - the masks and initial weights of all runs at the moment that --at picks, within bounded memory.
 *
 * Pairs are walked a by a, b after a, so the last runs are asked for most often: as many of them as fit into the budget
 * stay in memory once they were read, the others are read each time. (Least-recently-used would throw every run out
 * just before it is needed again.) */
#ifndef SUPERMASK_ANALYZE_MOMENTS_H
#define SUPERMASK_ANALYZE_MOMENTS_H

#include "analyze/stat.h"

struct sm_moments {
    const struct sm_analysis *analysis;
    size_t first_kept;        /* runs from here on stay */
    struct sm_moment *moment; /* [n_runs]; mask NULL where not in memory */
};

int sm_moments_init(struct sm_moments *moments, const struct sm_analysis *analysis, size_t budget_bytes,
                    struct sm_error *err);
void sm_moments_destroy(struct sm_moments *moments);

/* The mask of run i at its moment, from whoever has just read it, so that it is not read twice: copied, with the
 * initial weights read beside it, unless it is in memory already. */
int sm_moments_put(struct sm_moments *moments, size_t i, int8_t *const *mask, struct sm_error *err);

/* The moment of run i, read if it is not in memory; NULL on failure. Valid until sm_moments_release(i). */
const struct sm_moment *sm_moments_get(struct sm_moments *moments, size_t i, struct sm_error *err);
void sm_moments_release(struct sm_moments *moments, size_t i);

/* Is no weight hidden (dense baselines)? Then the mask says nothing. */
bool sm_moment_hides_nothing(const struct sm_moment *moment);

/* Were its weights trained, or put in place, under this very mask? Where it hides they are 0, or nobody's. */
bool sm_moment_weights_of_mask(const struct sm_moment *moment);

#endif
