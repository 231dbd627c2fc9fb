/* SPDX-License-Identifier: GPL-3.0-or-later */
/* method.h - what a training method is: one row of the table in methods.c, one file in methods/. */
#ifndef SUPERMASK_TRAIN_METHOD_H
#define SUPERMASK_TRAIN_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

/* One layer as a method sees it before training, in plain layout [n_out][fan_in]. */
struct sm_method_layer {
    const struct sm_layer *layer;
    size_t index;
    float *weights;   /* filled by init: initial weights w */
    float *scores;    /* filled by init; NULL for a method that trains weights */
    double threshold; /* set by init: tau, or NaN where the method has none */
};

struct sm_method {
    const char *name, *help;
    bool trains_weights; /* the optimizer moves the weights; there are no scores and every weight is kept */
    void (*init)(struct sm_method_layer *layer, const struct sm_recipe *recipe);
    /* NULL, or the sentence about what in this recipe the method cannot do. */
    const char *(*check)(const struct sm_recipe *recipe);
};

/* The method of that name, or NULL. */
const struct sm_method *sm_method_find(const char *name);

#endif
