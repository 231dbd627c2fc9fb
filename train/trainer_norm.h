/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trainer_norm.h - what training does to the batch norm of a layer: gamma and beta are trained by SGD with momentum at
 * the learning rate of the weights, but without weight decay (SPEC 1.1's is for weights and scores; a decay of gamma
 * would shrink outputs, not weights):
 *   V <- mu V - lr grad;   p <- p + mu V - lr grad   (Nesterov; else p <- p + V) */
#ifndef SUPERMASK_TRAIN_TRAINER_NORM_H
#define SUPERMASK_TRAIN_TRAINER_NORM_H

#include <supermask/batch_norm.h>
#include <supermask/kernels.h>

struct sm_trainer_norm {
    struct sm_batch_norm *norm;            /* the forward's, borrowed; NULL where the layer has none */
    float *gamma_velocity, *beta_velocity; /* [channels] */
};

/* `norm` may be NULL. 0, or -1 when out of memory; destroy it in both cases. */
int sm_trainer_norm_init(struct sm_trainer_norm *trained, struct sm_batch_norm *norm);
void sm_trainer_norm_destroy(struct sm_trainer_norm *trained);

/* One step on gamma and beta from the gradients in the norm; nothing where there is none. */
void sm_trainer_norm_step(const struct sm_trainer_norm *trained, const struct sm_update *update);

#endif
