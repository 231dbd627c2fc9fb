/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_behind.h - which values of a pass change when one unit is silenced. */
#ifndef SUPERMASK_ANALYZE_EVALUATOR_BEHIND_H
#define SUPERMASK_ANALYZE_EVALUATOR_BEHIND_H

#include "analyze/evaluator_inside.h"

/* Units of one stage that follow each other. */
struct sm_stage_run {
    uint32_t stage, first, last;
};

/* run[begin[u] .. begin[u + 1]), u in the graph's numbering: the unit itself, then the units behind it that read it, by
 * any way, and reach an output, in the order of the pass; all units of a stage that is computed as a whole. Nothing
 * where u makes no difference: it reaches no output, nothing feeds it (it puts out 0), or it is an output itself. */
struct sm_behind {
    size_t *begin; /* [n_units of the graph + 1] */
    struct sm_stage_run *run;
    size_t n, capacity;
};

/* For the mask that is bound. The caller destroys, also after a failure. */
int sm_behind_init(struct sm_behind *behind, const struct sm_evaluator *evaluator, struct sm_error *err);
void sm_behind_destroy(struct sm_behind *behind);

#endif
