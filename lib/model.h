/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - what the sources that make models share. */
#ifndef SUPERMASK_LIB_MODEL_H
#define SUPERMASK_LIB_MODEL_H

#include <supermask/alive.h>
#include <supermask/model.h>

/* Room for the layers of model->net, nothing in it. Fails only when out of memory. */
int sm_model_allocate(struct sm_model *model, struct sm_error *err);
/* Zeroed weights and, where `masked`, a mask in which everything is hidden. */
int sm_model_allocate_layer(struct sm_model *model, size_t layer, bool masked, struct sm_error *err);

/* The masks as alive.h reads them; malloc'ed, borrows the model. NULL when out of memory. */
struct sm_alive_mask *sm_model_alive_masks(const struct sm_model *model);

#endif
