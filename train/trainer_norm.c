/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/trainer_norm.h"

#include <stdlib.h>

int sm_trainer_norm_init(struct sm_trainer_norm *t, struct sm_batch_norm *norm) {
    *t = (struct sm_trainer_norm){.norm = norm};
    if (!norm) return 0;
    t->gamma_velocity = calloc(norm->channels, sizeof *t->gamma_velocity);
    t->beta_velocity = calloc(norm->channels, sizeof *t->beta_velocity);
    return t->gamma_velocity && t->beta_velocity ? 0 : -1;
}

void sm_trainer_norm_destroy(struct sm_trainer_norm *t) {
    free(t->gamma_velocity);
    free(t->beta_velocity);
    *t = (struct sm_trainer_norm){0};
}

static void step(float *value, float *velocity, const float *gradient, size_t n, const struct sm_update *update) {
    for (size_t c = 0; c < n; c++) {
        float push = update->learning_rate * gradient[c];
        velocity[c] = update->momentum * velocity[c] - push;
        value[c] += update->nesterov ? update->momentum * velocity[c] - push : velocity[c];
    }
}

void sm_trainer_norm_step(const struct sm_trainer_norm *t, const struct sm_update *update) {
    if (!t->norm) return;
    step(t->norm->gamma, t->gamma_velocity, t->norm->gamma_gradient, t->norm->channels, update);
    step(t->norm->beta, t->beta_velocity, t->norm->beta_gradient, t->norm->channels, update);
}
