/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/schedule.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

void sm_schedule_init(struct sm_schedule_state *state) {
    *state = (struct sm_schedule_state){.factor = 1};
}

double sm_schedule_factor(const struct sm_recipe *recipe, const struct sm_schedule_state *state, int64_t step,
                          int64_t steps_per_epoch) {
    switch (recipe->schedule) {
    case SM_SCHEDULE_CONSTANT:
        return 1;
    case SM_SCHEDULE_EXPONENTIAL:
        return pow(recipe->schedule_rate, (double)step / ((double)steps_per_epoch * recipe->decay_epochs));
    case SM_SCHEDULE_STAIRCASE:
        return pow(recipe->schedule_rate,
                   floor((double)step / ((double)recipe->staircase_steps * recipe->decay_epochs)));
    case SM_SCHEDULE_PLATEAU:
        return state->factor;
    case SM_SCHEDULE_COSINE:
        return (1 + cos(PI * (double)(step / steps_per_epoch) / (double)recipe->epochs)) / 2;
    }
    return NAN;
}

static void remember(struct sm_schedule_state *state, double loss) {
    size_t n = (size_t)state->n_losses;
    if (n == SM_PLATEAU_MEMORY) memmove(state->losses, state->losses + 1, --n * sizeof *state->losses);
    state->losses[n] = loss;
    state->n_losses = (double)(n + 1);
}

/* Least of the last `patience` losses, the newest left out; infinite where there is none. */
static double best_before(const struct sm_schedule_state *state, int64_t patience) {
    size_t n = (size_t)state->n_losses, begin = n > (size_t)patience ? n - (size_t)patience : 0;
    double best = INFINITY;
    for (size_t k = begin; k + 1 < n; k++) best = fmin(best, state->losses[k]);
    return best;
}

bool sm_schedule_epoch(const struct sm_recipe *recipe, struct sm_schedule_state *state, int64_t epoch, double loss) {
    if (recipe->schedule != SM_SCHEDULE_PLATEAU) return true;
    remember(state, loss);
    if (epoch < recipe->plateau_start) return true;
    if (state->cooldown > 0) {
        state->cooldown--;
        return true;
    }
    if (loss + 1e-4 < best_before(state, recipe->plateau_patience)) return true;
    if (++state->wait <= (double)recipe->plateau_patience) return true;
    state->factor *= recipe->plateau_factor;
    state->cooldown = (double)recipe->plateau_cooldown;
    state->reductions++;
    return !sm_schedule_ended(recipe, state);
}

bool sm_schedule_ended(const struct sm_recipe *recipe, const struct sm_schedule_state *state) {
    return recipe->schedule == SM_SCHEDULE_PLATEAU && state->reductions >= (double)recipe->plateau_reductions;
}
