/* SPDX-License-Identifier: GPL-3.0-or-later */
/* method.h - what a training method is: one row of the table in methods.c, one file in methods/.
 *
 * A method trains either weights or scores. One that trains weights may have masks, which are held: what they hide does
 * not move. One that trains scores m has a mask g for each layer, made of the scores; without hooks it is
 * g = sign(m) outside [-tau, tau] and dL/dm = (dL/dv) w, which the optimizer's kernel does in one pass. With hooks the
 * method says how masks come from scores and how a gradient goes back. */
#ifndef SUPERMASK_TRAIN_METHOD_H
#define SUPERMASK_TRAIN_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/barrier.h>
#include <supermask/forward.h>
#include <supermask/kernels.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

/* One layer as a method sees it before training, in plain layout [n_out][fan_in]. */
struct sm_method_layer {
    const struct sm_layer *layer;
    size_t index;
    float *weights;   /* filled by init: initial weights w */
    float *scores;    /* filled by init; NULL for a method that trains weights */
    int8_t *mask;     /* all 1; init may write the mask of a method that holds one. NULL for a method without masks */
    double threshold; /* set by init: tau, finite; or NaN, then in every layer, where the method has none */
};

/* The threads that call a hook together. */
struct sm_team {
    struct sm_barrier *barrier;
    int thread, n_threads;
};
/* Waits until every thread of the team is here. */
void sm_team_wait(const struct sm_team *team);

/* A layer during training, as one thread of the team sees it. Arrays are padded, [shape.n_rows][shape.stride]; weights
 * are rows [0, shape.n_out) and columns [0, shape.n_in), the rest is 0 and has to stay 0. Every thread is called with
 * rows [first_row, last_row) of its own, which it alone writes; results must not depend on how they are cut. */
struct sm_method_state {
    const struct sm_recipe *recipe;
    const struct sm_kernels *kernels;
    struct sm_padded_shape shape;
    const struct sm_team *team;
    size_t first_row, last_row;
    const float *weights; /* w, times what the recipe's rescaling makes of it in this step */
    const float *scores;  /* m */
    int8_t *mask;         /* g */
    struct sm_rng rng;   /* of this layer, for masks that are drawn: numbers [first_draw, first_draw + n_rows stride) */
    uint64_t first_draw; /* a multiple of SM_DRAWS */
    double *row_sums;    /* [n_rows] to share between the threads */
    uint32_t *const *counts; /* [n_threads][SM_METHOD_COUNTS] likewise */
};
#define SM_METHOD_COUNTS 2048u

struct sm_method {
    const char *name, *help;
    bool trains_weights;    /* the optimizer moves the weights; there are no scores */
    bool holds_mask;        /* trains weights under a mask that it does not learn */
    bool in_rounds;         /* holds masks, works in rounds (rounds.h) and records a mask for each */
    bool reports_untrained; /* of these: what counts is the network that a round begins with, not what training makes of
                               it */
    bool keeps_share;       /* keeps the share recipe.keep of every layer */
    bool has_threshold;     /* its masks come from recipe.threshold */
    bool draws_scores;      /* its scores begin as recipe.score_scale and recipe.score_gain say; else at 0 */
    bool samples_masks; /* every pass has a mask of its own: evaluations are means over recipe.mask_samples of them */
    void (*init)(struct sm_method_layer *layer, const struct sm_recipe *recipe);
    /* NULL, or the sentence about what in this recipe the method cannot do. */
    const char *(*check)(const struct sm_recipe *recipe);

    /* Both or neither, of a method that trains scores. `masks` writes the masks of the scores as they are. `gradient`
     * turns dL/dv [n_rows][stride] into dL/dm, in place. */
    void (*masks)(const struct sm_method_state *state);
    void (*gradient)(const struct sm_method_state *state, float *gradient);
};

/* An `init` that draws the weights and leaves it at that. */
void sm_method_draw_weights(struct sm_method_layer *layer, const struct sm_recipe *recipe);

/* Of a run: how often it trains for recipe.epochs, and how many networks it goes through, which are the rows of /rounds
 * and the records; both are 1 for a method that does not work in rounds. One that reports untrained networks ends with
 * a mask that nothing trains any more. */
size_t sm_method_trainings(const struct sm_method *method, const struct sm_recipe *recipe);
size_t sm_method_rounds(const struct sm_method *method, const struct sm_recipe *recipe);

/* The method of that name, or NULL. */
const struct sm_method *sm_method_find(const char *name);

#endif
