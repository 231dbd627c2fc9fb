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
    bool weights_of_mask; /* trained or put in place under this mask: where it hides stands no weight to be kept */
    uint64_t seed;
    uint32_t replicate; /* from 0 */
};

struct sm_control {
    const char *name;
    bool random; /* replicates differ */
    /* Can it change anything? A mask of one state has no places to shuffle, one without -1 no signs. */
    bool (*applies)(const struct sm_network *net, int8_t *const *mask);
    int (*apply)(const struct sm_control_work *work, struct sm_error *err);
};

/* as-trained      nothing
 * shuffle-mask    the entries of g are permuted within each layer; weights stay. With weights_of_mask a place that is
 *                 kept anew gets the weight of one that is hidden anew, drawn at random, so that the layer's kept
 *                 weights are the same ones, elsewhere
 * shuffle-signs   the signs of g are permuted among the non-hidden entries of each layer
 * invert-all      g becomes -g
 * redraw-weights  initial weights as the recipe draws them, from another weight seed, rescaled where it says so; they
 *                 replace trained weights, and those that were put in place, too */
extern const struct sm_control sm_controls[];
extern const size_t sm_n_controls;

#endif
