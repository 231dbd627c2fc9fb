/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator.h - a run's network at work on the test images of its data set: under its own mask and weights or any
 * others, and without some of its units. The forward pass is the trainer's (lib/forward.c) in the trainer's batches, so
 * the accuracy under a recorded mask is the one that was measured in training, to the last image (on a CPU with the
 * same instruction set).
 *
 * Work is shared between as many threads as OpenMP had to give when the evaluator was opened; results do not depend on
 * their number. An evaluator is used by one caller at a time. */
#ifndef SUPERMASK_ANALYZE_EVALUATOR_H
#define SUPERMASK_ANALYZE_EVALUATOR_H

#include "analyze/graph.h"
#include "analyze/stat.h"

struct sm_evaluator;

struct sm_score {
    double accuracy, loss; /* share in [0, 1]; mean over the images, in nats, the recipe's loss */
    size_t n_correct, n_images;
};

/* For runs of one network, data set and preprocessing. The images are loaded once for all evaluators of an analysis.
 * Fails with a sentence where the data is not there, is another than the run was trained on (dataset_sha256), or where
 * the forward pass does not know the network. The caller closes it; NULL is allowed there. */
int sm_evaluator_open(struct sm_evaluator **evaluator, const struct sm_analysis *analysis, const struct sm_run *run,
                      struct sm_error *err);
void sm_evaluator_close(struct sm_evaluator *evaluator);

/* For tables: an evaluator with the moment's mask and weights bound. Where the moment cannot be evaluated, *evaluator
 * is NULL and a note says why, once for all tables: a network that the forward pass does not know or whose shape is not
 * that of the images, trained weights that
 * were not stored (dense runs store their last ones only), data that is not at hand. The last is a failure (-1) where
 * the user asked for data: with --data, --ablation or a table that needs images. */
int sm_evaluator_open_moment(struct sm_evaluator **evaluator, const struct sm_analysis *analysis,
                             const struct sm_moment *moment, struct sm_error *err);

/* n >= 1 networks are going to be scored for `table` (borrowed), one after the other: once that has taken two seconds
 * it shows itself on standard error, unless the user wants no progress. */
void sm_evaluator_announce(struct sm_evaluator *evaluator, const char *table, size_t n);

/* The network under mask and weights, [n_layers][weights] each; binds them. */
int sm_evaluator_score(struct sm_evaluator *evaluator, int8_t *const *mask, float *const *weights,
                       struct sm_score *score, struct sm_error *err);

/* Takes mask and weights for the functions below (copied). */
int sm_evaluator_bind(struct sm_evaluator *evaluator, int8_t *const *mask, float *const *weights, struct sm_error *err);

/* The bound network without some units: what unit u puts out, in the graph's numbering over all levels [n_units], is 0
 * for all its readers where removed[u] (a channel at every position, its part in sums included). Where no sum joins it
 * with others that is the network with its outgoing weights hidden. Output units cannot be removed. */
int sm_evaluator_score_without(struct sm_evaluator *evaluator, const bool *removed, struct sm_score *score,
                               struct sm_error *err);

/* The same for many sets of units, faster: accuracy [n_sets] without the units of removed [n_sets][n_units]. */
int sm_evaluator_accuracy_without(struct sm_evaluator *evaluator, const bool *removed, size_t n_sets, double *accuracy,
                                  struct sm_error *err);

/* accuracy [n_units]: of the bound network without that one unit; NaN for output units. Computed once for all tables
 * while an evaluator has what open_moment bound.
 *
 * Layers computed from lists give the bytes of score_without. Where a dense product reads the unit, what the unit adds
 * is taken off the product's sums instead: rounded otherwise, as by adding up the others in another order (a sum to
 * which nothing else adds is 0, exactly). So an image whose two largest logits are all but equal may count
 * otherwise. */
int sm_evaluator_each_unit(struct sm_evaluator *evaluator, double *accuracy, struct sm_error *err);

/* drop [n_units]: what the unit is worth, accuracy of the bound network - accuracy without the unit; NaN for output
 * units. */
int sm_evaluator_each_drop(struct sm_evaluator *evaluator, double *drop, struct sm_error *err);

/* Multiply-adds that they take with the bound mask, at most (evaluator_cost.c): sm_evaluator_each_unit and each_drop,
 * nothing where another table has asked already; each set of sm_evaluator_accuracy_without whose first units are of
 * that level. */
double sm_evaluator_cost_of_each_unit(const struct sm_evaluator *evaluator);
double sm_evaluator_cost_of_set(const struct sm_evaluator *evaluator, size_t level);
/* A report does without what would take many minutes, where nobody asked for it. */
bool sm_evaluator_takes_long(const struct sm_analysis *analysis, double cost);

/* What each unit of the bound network puts out over the test images, after its activation function and before any pool
 * (input units: the preprocessed pixel; output units: the logit), a channel over all its positions: [n_units] each. sd:
 * with the number of values in the denominator. active: share of the values that are above 0. */
struct sm_activations {
    double *mean, *sd, *active;
};
int sm_evaluator_activations(struct sm_evaluator *evaluator, const struct sm_activations *activations,
                             struct sm_error *err);

#endif
