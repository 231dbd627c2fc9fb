/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criterion.h - mask criteria: which of the kept weights a round of pruning hides (Zhou et al. 2019, section 2 and
 * table 1; magnitude pruning, large_final, is that of Frankle & Carbin 2019). */
#ifndef SUPERMASK_TRAIN_CRITERION_H
#define SUPERMASK_TRAIN_CRITERION_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/recipe.h>
#include <supermask/rng.h>

/* Hides the n_hide kept weights of a layer with the smallest scores; ties at random. mask [n] is 1 where kept, 0 where
 * hidden; initial, final [n]: values before and after training. n < 2^32, n_hide at most what is kept.
 *
 *   large_final |wf|   small_final -|wf|   large_init |wi|   small_init -|wi|   magnitude_increase |wf| - |wi|
 *   movement |wf - wi|   random 0
 *   large_final_same_sign max(0, sign(wi) wf)     large_final_diff_sign max(0, -sign(wi) wf)
 *   large_init_large_final min(a |wf|, |wi|)      small_init_small_final min(-a |wf|, -|wi|)
 *
 * a makes the two sizes comparable. Zhou et al.'s code cuts both at the same percentile, so they are compared by their
 * ranks here, among what the layer still keeps (their masks of untrained networks rank the whole layer once). */
int sm_criterion_prune(int8_t *mask, enum sm_criterion criterion, const float *initial, const float *final, size_t n,
                       size_t n_hide, struct sm_rng ties, struct sm_error *err);

#endif
