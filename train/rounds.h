/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rounds.h - methods that work in rounds: train for recipe.epochs, hide a share of the kept weights, put the others
 * back and start again (iterative magnitude pruning with rewinding, Frankle & Carbin 2019, section 2; the criteria,
 * mask-1 and mask-0 actions of Zhou et al. 2019). Round 0 is the whole network, or what the first mask of
 * recipe.masks_from leaves of it. */
#ifndef SUPERMASK_TRAIN_ROUNDS_H
#define SUPERMASK_TRAIN_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/runfile.h>

#include "train/trainer.h"

/* Arrays in plain layout, [n_layers][weights]. With `row` and `round` they are what a checkpoint keeps. */
struct sm_rounds {
    struct sm_trainer *trainer; /* borrowed */
    struct sm_run source;       /* recipe.masks_from, where that is given */
    float **initial;            /* before the first step */
    float **start;              /* what this round began with */
    float **trained;            /* what the round before ended with */
    int8_t **mask;              /* of this round */
    uint32_t *places;           /* scratch, [most weights of a layer] */
    int8_t *source_mask;        /* likewise, where there is a source */
    struct sm_round row;        /* of this round, as far as it is known */
    int64_t round;
};

/* For a method that works in rounds. The caller destroys, also after a failure. */
int sm_rounds_init(struct sm_rounds *rounds, struct sm_trainer *trainer, struct sm_error *err);
void sm_rounds_destroy(struct sm_rounds *rounds);

/* Steps of one round's training, and of all. */
size_t sm_rounds_steps(const struct sm_trainer *trainer);
size_t sm_rounds_total_steps(const struct sm_trainer *trainer);
/* Is this the last round, and do its weights stay untrained? */
bool sm_rounds_last(const struct sm_rounds *rounds);
bool sm_rounds_untrained(const struct sm_rounds *rounds);

/* Measures the network as it stands at the beginning of a round. */
void sm_rounds_begin(struct sm_rounds *rounds);
/* A look at the validation loss, at a step of the schedule `validate_every`; nothing where no images are set aside. */
void sm_rounds_validate(struct sm_rounds *rounds);
size_t sm_rounds_validation_interval(const struct sm_trainer *trainer);
/* At the end of a round's training: its row, from what the test set says. */
void sm_rounds_end(struct sm_rounds *rounds, const struct sm_evaluation *test);
/* On to the next round: its mask, weights put back, the optimizer empty. */
int sm_rounds_next(struct sm_rounds *rounds, struct sm_error *err);

/* After `mask` came back from a checkpoint. Fails where the run of masks_from has another mask for this round by now.
 */
int sm_rounds_restore(struct sm_rounds *rounds, struct sm_error *err);

#endif
