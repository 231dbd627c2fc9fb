/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agreement.h - do two runs rank the same units high? What the tables of one pair and of many pairs have in common. */
#ifndef SUPERMASK_ANALYZE_AGREEMENT_H
#define SUPERMASK_ANALYZE_AGREEMENT_H

#include "analyze/align.h"
#include "analyze/statistics.h"
#include "analyze/units.h"

/* Which units of a level are ranked, and by what. */
struct sm_ranking {
    const struct sm_units *a, *b;         /* of two runs with the same layers */
    const struct sm_alignment *alignment; /* of b's units with a's; NULL: each with the one of its number */
    size_t level;
    enum sm_unit_measure measure;
    bool alive_only; /* units that are on a route in both runs; else all */
};

/* Incoming weights of inputs and outgoing ones of outputs are not there to be ranked. */
bool sm_ranking_is_defined(const struct sm_ranking *ranking);

struct sm_agreement {
    size_t n, k; /* units; the highest tenth of them, rounded up */
    struct sm_correlation spearman, kendall;
    double top_overlap, expected_top_overlap; /* sm_top_overlap; k / n. NaN for n = 0 */
};
int sm_agreement_of(struct sm_agreement *agreement, const struct sm_ranking *ranking, struct sm_error *err);

/* The units of each run, computed when they are first asked for. */
struct sm_units_cache {
    size_t n_runs;
    struct sm_units *units; /* [n_runs] */
    bool *done;             /* [n_runs] */
};
int sm_units_cache_init(struct sm_units_cache *cache, size_t n_runs, struct sm_error *err);
void sm_units_cache_destroy(struct sm_units_cache *cache);
/* Borrowed until destroy; NULL on failure. */
const struct sm_units *sm_units_cache_get(struct sm_units_cache *cache, const struct sm_moment *moment,
                                          struct sm_error *err);

#endif
