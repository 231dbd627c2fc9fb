/* SPDX-License-Identifier: GPL-3.0-or-later */
/* controls.h - what is done to a mask or its weights to see whether the mask carries information or only its density.
 * Every control keeps the number of non-hidden weights of each layer. */
#ifndef SUPERMASK_ANALYZE_CONTROLS_H
#define SUPERMASK_ANALYZE_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/recipe.h>

/* What a control changes in place, [n_layers][weights] each, and where its random numbers come from. */
struct sm_control_work {
    const struct sm_network *net;
    const struct sm_recipe *recipe; /* of the run */
    int8_t *const *mask;
    float *const *weights;
    uint64_t seed;
    uint32_t replicate; /* from 0 */
};

struct sm_control {
    const char *name;
    bool random; /* replicates differ */
    int (*apply)(const struct sm_control_work *work, struct sm_error *err);
};

/* as-trained    nothing
 * shuffle-mask  the entries of g are permuted within each layer
 * shuffle-signs the signs of g are permuted among the non-hidden entries of each layer
 * invert-all    g becomes -g
 * redraw-weights  initial weights as the recipe draws them, from another weight seed */
extern const struct sm_control sm_controls[];
extern const size_t sm_n_controls;

#endif
