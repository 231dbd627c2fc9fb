/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schedule.h - how learning rate and weight decay fall: one factor for both (SPEC 1.1). */
#ifndef SUPERMASK_TRAIN_SCHEDULE_H
#define SUPERMASK_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/recipe.h>

#define SM_PLATEAU_MEMORY 64 /* most losses that a plateau looks back on */

/* What a schedule remembers between epochs: plain numbers, so that a checkpoint stores them. */
struct sm_schedule_state {
    double factor;   /* product of the plateau's reductions so far; 1 for the others */
    double wait;     /* epochs without improvement; never reset by one with */
    double cooldown; /* epochs left in which nothing is counted */
    double reductions;
    double n_losses;
    double losses[SM_PLATEAU_MEMORY]; /* training losses, newest last */
};

void sm_schedule_init(struct sm_schedule_state *state);

/* Factor on learning rate and weight decay for step `step` (from 0):
 *   constant     1
 *   exponential  rate ^ (step / (steps_per_epoch * decay_epochs))
 *   staircase    rate ^ floor(step / (staircase_steps * decay_epochs))
 *   plateau      state->factor
 *   cosine       (1 + cos(pi e / epochs)) / 2 in epoch e, from 0 (Ramanujan et al. 2020's code) */
double sm_schedule_factor(const struct sm_recipe *recipe, const struct sm_schedule_state *state, int64_t step,
                          int64_t steps_per_epoch);

/* After epoch `epoch` (from 1) with this training loss. Plateau, from epoch plateau_start on: best = least of the last
 * `patience` losses but the newest; where loss + 1e-4 < best nothing happens; else wait grows by one, and when it
 * exceeds the patience the factor falls and a cooldown begins. Returns false when training ends: at the
 * `plateau_reductions`-th reduction. */
bool sm_schedule_epoch(const struct sm_recipe *recipe, struct sm_schedule_state *state, int64_t epoch, double loss);

/* Has a call of sm_schedule_epoch ended training? (Also after the state came back from a checkpoint.) */
bool sm_schedule_ended(const struct sm_recipe *recipe, const struct sm_schedule_state *state);

#endif
