/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path_weights.h - the signed weight of all routes between one unit and all others.
 *
 * A route's weight is the product of its effective weights v = w g; the sum over the routes from a unit to another is
 * what the network would compute between them if its activations were the identity and, for convolutions, every channel
 * were constant over the image (the entries of a kernel are added up). In a stack of dense layers it is an entry of
 * V_m ... V_l. Routes are counted in the same way: every non-hidden weight counts as 1.
 *
 * Values are long double: the routes of a deep network are more than a double can hold, and their weights less. */
#ifndef SUPERMASK_ANALYZE_PATH_WEIGHTS_H
#define SUPERMASK_ANALYZE_PATH_WEIGHTS_H

#include "analyze/graph.h"

/* in [n_in] of a layer, from out [n_out]: in[i] = sum over o of out[o] v[o][i]. weights NULL: routes, v = |g|. */
void sm_layer_pull(const struct sm_layer *layer, const int8_t *mask, const float *weights, const long double *out,
                   long double *in);
/* out[o] = sum over i of v[o][i] in[i]. */
void sm_layer_push(const struct sm_layer *layer, const int8_t *mask, const float *weights, const long double *in,
                   long double *out);

/* Of all routes from each unit of the graph to `unit`, and from it to each unit: value [n_units]; 1 at the unit itself,
 * 0 where no route leads. weights NULL: their number. */
int sm_paths_to_unit(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, size_t unit,
                     long double *value, struct sm_error *err);
int sm_paths_from_unit(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, size_t unit,
                       long double *value, struct sm_error *err);

#endif
