/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_neurons.c - every unit of a masked network: what it reads, what reads it, how many routes lead through it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/graph.h"
#include "analyze/stat.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run", "run"},
    {"layer", "layer whose unit it is (a neuron, or a channel of a convolution); input: the network's inputs"},
    {"unit", "unit within the layer, from 0"},
    {"fan_in", "non-hidden incoming weights; nan for input units"},
    {"kept_in", "incoming weights with g = +1; nan for input units"},
    {"inverted_in", "incoming weights with g = -1; nan for input units"},
    {"fan_out", "non-hidden outgoing weights, into all layers that read the unit; nan for output units"},
    {"kept_out", "outgoing weights with g = +1; nan for output units"},
    {"inverted_out", "outgoing weights with g = -1; nan for output units"},
    {"strength_in", "sum of |w g| over the incoming weights (w: initial weight); nan for input units"},
    {"strength_out", "sum of |w g| over the outgoing weights; nan for output units"},
    {"log10_paths_in", "log10 of the routes from an input unit to this one; -inf without a route"},
    {"log10_paths_out", "log10 of the routes from this unit to an output unit; -inf without a route"},
    {"log10_paths", "log10 of the routes from input to output through this unit; -inf without a route"},
    {"alive", "1: on a route from input to output; 0: not"},
    {"rank", "rank by log10_paths within the layer, 1 = most; equal values share their average rank"},
};

/* All per unit, over the levels of the graph. */
struct units {
    struct sm_graph graph;
    struct sm_paths paths;
    struct sm_degree *in, *out; /* [n_units] */
    double *rank;               /* [n_units] */
};

static void units_destroy(struct units *units) {
    sm_graph_destroy(&units->graph);
    sm_paths_destroy(&units->paths);
    free(units->in);
    free(units->out);
    free(units->rank);
}

static int units_allocate(struct units *units, struct sm_error *err) {
    size_t n = sm_graph_n_units(&units->graph);
    units->in = calloc(n + 1, sizeof *units->in);
    units->out = calloc(n + 1, sizeof *units->out);
    units->rank = calloc(n + 1, sizeof *units->rank);
    return units->in && units->out && units->rank ? 0 : sm_fail(err, "out of memory for %zu units", n);
}

static void count_degrees(struct units *units, const struct sm_moment *moment) {
    const struct sm_graph *graph = &units->graph;
    for (size_t l = 0; l < graph->net->n_layers; l++) {
        const struct sm_layer *layer = &graph->net->layers[l];
        sm_layer_degree_in(layer, moment->mask[l], moment->weights[l], units->in + graph->offset[l + 1]);
        for (size_t k = 0; k < layer->n_inputs; k++) {
            size_t level = sm_graph_feeding_level(graph, l, k);
            sm_layer_degree_out(layer, moment->mask[l], moment->weights[l], sm_graph_level_units(graph, level),
                                units->out + graph->offset[level]);
        }
    }
}

/* Ranks from the most routes down: ascending ranks r of n values become n + 1 - r. */
static int rank_units(struct units *units, struct sm_error *err) {
    for (size_t level = 0; level < units->graph.n_levels; level++) {
        size_t first = units->graph.offset[level], n = sm_graph_level_units(&units->graph, level);
        if (sm_average_ranks(units->paths.through + first, n, units->rank + first, err)) return -1;
        for (size_t u = first; u < first + n; u++) units->rank[u] = (double)n + 1 - units->rank[u];
    }
    return 0;
}

/* The caller destroys `units`, also after a failure. */
static int units_init(struct units *units, const struct sm_moment *moment, struct sm_error *err) {
    *units = (struct units){0};
    if (sm_graph_init(&units->graph, &moment->run->net, err) || units_allocate(units, err)) return -1;
    if (sm_graph_paths(&units->graph, moment->mask, &units->paths, err)) return -1;
    count_degrees(units, moment);
    return rank_units(units, err);
}

static void write_counts(struct sm_table *table, bool defined, struct sm_degree degree) {
    const size_t counts[] = {sm_degree_total(degree), degree.kept, degree.inverted};
    for (size_t i = 0; i < 3; i++) {
        if (defined)
            sm_table_int(table, (int64_t)counts[i]);
        else
            sm_table_real(table, NAN);
    }
}

static void write_unit(struct sm_table *table, const struct units *units, size_t level, size_t unit) {
    size_t u = units->graph.offset[level] + unit;
    bool has_in = level > 0, has_out = level + 1 < units->graph.n_levels;
    sm_table_int(table, (int64_t)unit);
    write_counts(table, has_in, units->in[u]);
    write_counts(table, has_out, units->out[u]);
    sm_table_real(table, has_in ? units->in[u].strength : NAN);
    sm_table_real(table, has_out ? units->out[u].strength : NAN);
    sm_table_real(table, units->paths.in[u]);
    sm_table_real(table, units->paths.out[u]);
    sm_table_real(table, units->paths.through[u]);
    sm_table_int(table, isfinite(units->paths.through[u]));
    sm_table_real(table, units->rank[u]);
}

static int neurons_moment(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    (void)state;
    struct units units;
    int status = units_init(&units, moment, err);
    for (size_t level = 0; !status && level < units.graph.n_levels; level++)
        for (size_t u = 0; u < sm_graph_level_units(&units.graph, level); u++) {
            sm_table_text(table, moment->run->name);
            sm_table_text(table, sm_graph_level_name(&units.graph, level));
            write_unit(table, &units, level, u);
        }
    units_destroy(&units);
    return status ? sm_fail_prefix(err, "%s: neurons", moment->run->path) : 0;
}

const struct sm_statistic sm_stat_neurons = {
    .name = "neurons",
    .help = "every unit: fan-in, fan-out, strength, routes through it, alive or not, rank",
    .about =
        "Every unit of the masked network at one moment: input units, neurons, channels of convolutions.\n"
        "Where branches are summed (residual networks), a weight that reads the sum counts as outgoing weight of the\n"
        "unit of each branch; where a convolution is flattened, the outgoing weights of a channel are those of all "
        "its\n"
        "positions. A route is a choice of one non-hidden weight in each layer on the way from input to output; each\n"
        "entry of a convolution's kernel is a choice of its own, positions of the image are not told apart.\n"
        "Input units are channels where a convolution reads the input. nan = undefined; -inf = log10 of no route.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .moment = neurons_moment,
};
