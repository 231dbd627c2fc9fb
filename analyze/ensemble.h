/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensemble.h - several runs laid upon each other: in how many of them a weight is not hidden, which sign it mostly has,
 * and the masks that follow (union, majority, intersection). */
#ifndef SUPERMASK_ANALYZE_ENSEMBLE_H
#define SUPERMASK_ANALYZE_ENSEMBLE_H

#include "analyze/align.h"
#include "analyze/graph.h"
#include "analyze/stat.h"

/* Of one layer. */
struct sm_ensemble_layer {
    size_t n_weights;
    uint32_t *times; /* [n_weights] runs in which the weight is not hidden */
    int32_t *sum;    /* [n_weights] of the signs of the effective weights v = w g, over the runs */
    size_t *kept;    /* [most_runs] non-hidden weights of each run */
};

struct sm_ensemble {
    size_t n_runs, most_runs, n_layers;
    struct sm_ensemble_layer *layers; /* [n_layers] */
};

/* Room for most_runs runs, none of them added. The caller destroys it, also after a failure. */
int sm_ensemble_init(struct sm_ensemble *ensemble, const struct sm_network *net, size_t most_runs,
                     struct sm_error *err);
void sm_ensemble_destroy(struct sm_ensemble *ensemble);

/* Adds a run, its units in the order of `alignment`; NULL: as they stand. The first run is added first. */
int sm_ensemble_add(struct sm_ensemble *ensemble, const struct sm_moment *moment, const struct sm_graph *graph,
                    const struct sm_alignment *alignment, struct sm_error *err);

/* weights [n_runs + 1]: how many weights of layer l are not hidden in exactly 0, 1, .. n_runs of the runs. */
void sm_ensemble_histogram(const struct sm_ensemble *ensemble, size_t l, size_t *weights);

/* What independent masks of the same densities would give: expected [n_runs + 1], n_weights times the Poisson-binomial
 * distribution of the runs' densities; `density` is scratch, [n_runs]. */
void sm_ensemble_expected(const struct sm_ensemble *ensemble, size_t l, double *density, double *expected);

/* The first run's network with the weights that are not hidden in at least `times` >= 1 runs, each with the sign that
 * the effective weights of most of these runs have: mask [n_layers][n_weights] over the first run's initial weights.
 * Where two signs are equally frequent it is that of the first run; where that hides the weight, it stays hidden. */
void sm_ensemble_mask(const struct sm_ensemble *ensemble, const struct sm_moment *first, size_t times,
                      int8_t *const *mask);

#endif
