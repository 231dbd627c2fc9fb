/* SPDX-License-Identifier: GPL-3.0-or-later */
/* masking.h - the masks of a method that makes them anew for every pass (method.h: the hooks `masks` and `gradient`),
 * and dynamic weight rescaling. For a method without hooks there is nothing to do. */
#ifndef SUPERMASK_TRAIN_MASKING_H
#define SUPERMASK_TRAIN_MASKING_H

#include <stdint.h>
#include <supermask/rng.h>

#include "train/trainer.h"

/* Allocates what the hooks need and binds rescaled weights to the forward pass. The caller destroys, also after a
 * failure. */
int sm_masking_init(struct sm_trainer *trainer, struct sm_error *err);
void sm_masking_destroy(struct sm_trainer *trainer);

/* Every thread together: the masks of the scores as they are, sampled ones with number `draw` of a purpose, and the
 * effective weights. A wait stands at its end. */
void sm_masking_draw(struct sm_trainer *trainer, enum sm_rng_purpose purpose, uint64_t draw, int thread, int n_threads);

/* Every thread together: dL/dv of layer l, [n_rows][stride], becomes dL/dm. Each thread's rows are its own
 * [first_row, last_row) and stay so. */
void sm_masking_gradient(struct sm_trainer *trainer, size_t l, float *gradient, size_t first_row, size_t last_row,
                         int thread, int n_threads);

#endif
