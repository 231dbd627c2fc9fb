/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.h - a masked network as a graph of units: which units are joined by weights that are not hidden.
 *
 * Units are the network's inputs, the outputs of dense layers and the channels of convolutions (positions within a
 * channel are not told apart, so a weight counts as used even where padding would silence it). They stand by levels:
 * level 0 is the input, level l + 1 is layer l. A layer reads the sum of the levels that feed it; input i of the layer
 * is unit i / block of each of them, block = n_in / (units of that level): block > 1 where a convolution is flattened.
 * A summed branch without weights (the shortcut of a residual block) is no edge: the reader reads both branches. Input
 * units are channels where a convolution reads the input, else the entries that dense layers read. The network's output
 * is its last layer.
 *
 * A route is a choice of one non-hidden weight in each layer along a way from an input unit to an output unit; each of
 * the kernel_height * kernel_width entries of a convolution is a choice of its own. */
#ifndef SUPERMASK_ANALYZE_GRAPH_H
#define SUPERMASK_ANALYZE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/network.h>

struct sm_graph {
    const struct sm_network *net; /* borrowed until destroy */
    size_t n_levels;              /* n_layers + 1 */
    size_t *offset;               /* [n_levels + 1]: units of level k are offset[k] .. offset[k + 1] - 1 */
};

/* Fails where shapes do not fit each other. The caller destroys `graph`, also after a failure. */
int sm_graph_init(struct sm_graph *graph, const struct sm_network *net, struct sm_error *err);
void sm_graph_destroy(struct sm_graph *graph);

size_t sm_graph_n_units(const struct sm_graph *graph); /* of all levels */
size_t sm_graph_level_units(const struct sm_graph *graph, size_t level);
const char *sm_graph_level_name(const struct sm_graph *graph, size_t level);         /* "input" or the layer's name */
size_t sm_graph_feeding_level(const struct sm_graph *graph, size_t layer, size_t k); /* of inputs[k], k < n_inputs */

/* log10 of the number of routes of each unit, [n_units] each: from an input to the unit, from the unit to an output,
 * and through the unit (their product). -inf where there is none; 0 (one route) for `in` of an input unit and `out` of
 * an output unit. No overflow at any depth. Counts below 2^53 are exact, so that equal counts give equal logarithms.
 * The caller destroys `paths`, also after a failure. */
struct sm_paths {
    double *in, *out, *through;
};
int sm_graph_paths(const struct sm_graph *graph, int8_t *const *mask, struct sm_paths *paths, struct sm_error *err);
void sm_paths_destroy(struct sm_paths *paths);

/* log10 of the sum, over the routes through each unit, of the product of |w| along the route: [n_units]; -inf where
 * there is none. The unit score of SynFlow (Tanaka, Kunin, Yamins & Ganguli 2020, "Pruning neural networks without any
 * data by iteratively conserving synaptic flow": theta dR/dtheta summed over a unit's incoming weights). No overflow at
 * any depth. Rounded to 10 decimals, the precision of float weights being less, so that units whose routes weigh the
 * same get the same value in whatever order the sum was made. */
int sm_graph_synflow(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, double *log10_synflow,
                     struct sm_error *err);

/* Which units can be reached from an input (forward), and which reach an output (backward), [n_units] each. A unit that
 * is both is alive. */
int sm_graph_reach(const struct sm_graph *graph, int8_t *const *mask, bool *forward, bool *backward,
                   struct sm_error *err);

/* Non-hidden weights at each unit's side: their masks g, and their effective weights v = w g. */
struct sm_degree {
    size_t kept, inverted;     /* g = +1, g = -1 */
    size_t positive, negative; /* v > 0, v < 0 */
    double strength;           /* sum |v| */
};
/* Incoming weights of each unit of a layer: degree [n_out]. weights may be NULL (nothing about v: 0). */
void sm_layer_degree_in(const struct sm_layer *layer, const int8_t *mask, const float *weights,
                        struct sm_degree *degree);
/* Outgoing weights into this layer of each of the n_units units of a level that feeds it: added to degree [n_units]. */
void sm_layer_degree_out(const struct sm_layer *layer, const int8_t *mask, const float *weights, size_t n_units,
                         struct sm_degree *degree);
static inline size_t sm_degree_total(struct sm_degree degree) {
    return degree.kept + degree.inverted;
}
/* (positive - negative) / (positive + negative), in [-1, 1]; NaN where there is neither. */
double sm_degree_balance(struct sm_degree degree);

/* Weights of each layer on a route from an input to an output: effective[n_layers] (Vysogorets & Kempe 2023,
 * "Connectivity matters: neural network pruning through the lens of effective sparsity"). */
int sm_effective_counts(const struct sm_network *net, int8_t *const *mask, size_t *effective, struct sm_error *err);

#endif
