/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_stages.h - a forward pass in stages, one thread, so that values can be changed on the way: the input, then
 * every node of the trunk (a convolution with the pool that belongs to it, another pool, a sum), then every dense
 * layer.
 *
 * A stage's units are the channels of its maps or the units of its dense layer; a value of a unit is a pixel of the map
 * or the one number. Stages that are maps come first. What stands in a map is set and computed for one block of images,
 * what stands in columns for any. */
#ifndef SUPERMASK_ANALYZE_EVALUATOR_STAGES_H
#define SUPERMASK_ANALYZE_EVALUATOR_STAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/forward.h>

#include "analyze/graph.h"

#define SM_NO_LEVEL SIZE_MAX

struct sm_stage {
    size_t level;           /* of the graph: whose units these are; SM_NO_LEVEL of sums and pools that stand alone */
    int layer;              /* whose mask joins it to what it reads; -1: unit c reads unit c, or nothing */
    size_t n_inputs;        /* 0: the network's input */
    size_t inputs[2];       /* the stages that it reads */
    size_t n_units, pixels; /* values of a unit for one image */
    size_t first_unit;      /* number of its units before it in all stages */
    size_t first_value;     /* number of values for one image before it in all stages */
};

struct sm_stages {
    size_t n, n_mapped; /* the first n_mapped are maps: none in a stack of dense layers */
    size_t n_units, n_values;
    struct sm_stage *stage;
};

/* Images [first, last) of the batch that is loaded, multiples of SM_LANES. */
struct sm_span {
    size_t first, last;
};
struct sm_units_of_stage {
    size_t first, last;
};

/* Fails where the graph's input units are not those of the forward pass. The caller destroys, also after a failure. */
int sm_stages_init(struct sm_stages *stages, const struct sm_forward *forward, const struct sm_graph *graph,
                   struct sm_error *err);
void sm_stages_destroy(struct sm_stages *stages);

/* The stage of a graph's level. */
size_t sm_stages_of_level(const struct sm_stages *stages, size_t level);

/* Can units of stage s > 0 be computed one by one, with the bytes of the whole? Depends on the mask. */
bool sm_stage_is_by_unit(const struct sm_stages *stages, const struct sm_forward *forward, size_t s);

/* Some units of stage s > 0 for some images from what they read, as it stands; all units where the stage is not
 * computed by unit. A dense product for some images only may be rounded differently from one for all. */
void sm_stage_compute(const struct sm_stages *stages, struct sm_forward *forward, size_t s,
                      struct sm_units_of_stage units, struct sm_span span);

/* Is stage s a dense layer that is not computed by unit? Depends on the mask. Then what some inputs add can be taken
 * off its sums, which is much less work than to add up the others: */
bool sm_stage_is_product(const struct sm_stages *stages, const struct sm_forward *forward, size_t s);

/* sums [units][image_stride]: what units of the stage below add to the product s, before its activation function. */
void sm_stage_sums(const struct sm_stages *stages, const struct sm_forward *forward, size_t s,
                   struct sm_units_of_stage below, struct sm_span span, float *sums);

/* The product s without units of the stage below, whose values stand as they were when sums was computed, over all
 * units: f(sums - what those units add). Where nothing else adds to a sum it becomes 0, exactly. */
void sm_stage_compute_without(const struct sm_stages *stages, struct sm_forward *forward, size_t s,
                              struct sm_units_of_stage below, struct sm_span span, const float *sums);

/* Sets the values of a unit to 0. */
void sm_stage_silence(const struct sm_stages *stages, struct sm_forward *forward, size_t s, size_t unit,
                      struct sm_span span);

/* Units of a stage for the images of the span, from the pass to a copy [n_values][images of the span] of all stages, or
 * back. */
void sm_stage_keep(const struct sm_stages *stages, const struct sm_forward *forward, size_t s, struct sm_span span,
                   float *copy);
void sm_stage_restore(const struct sm_stages *stages, struct sm_forward *forward, size_t s,
                      struct sm_units_of_stage units, struct sm_span span, const float *copy);

/* The map of a stage < n_mapped; the values [n_units][image_stride] of another. */
struct sm_map sm_stage_map(const struct sm_forward *forward, size_t s);
float *sm_stage_columns(const struct sm_stages *stages, const struct sm_forward *forward, size_t s);

#endif
