/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_concentration.c - how unevenly a layer's non-hidden weights are spread over its units. */
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/graph.h"
#include "analyze/stat.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run", "run"},
    {"layer", "layer; input: the network's inputs"},
    {"units", "neurons, channels of a convolution, or inputs"},
    {"alive", "units on a route from input to output"},
    {"dead_in", "units without a non-hidden incoming weight; nan for the input"},
    {"dead_out", "units without a non-hidden outgoing weight; nan for the output layer"},
    {"gini_fan_in", "Gini coefficient of the fan-ins, 0 (equal) .. 1 - 1/units; nan without incoming weights"},
    {"gini_fan_out", "Gini coefficient of the fan-outs; nan without outgoing weights"},
    {"cv_fan_in", "standard deviation of the fan-ins (over units, not units - 1) / mean; nan without incoming weights"},
    {"max_fan_in", "largest fan-in; nan for the input"},
    {"median_fan_in", "median fan-in; nan for the input"},
};

/* What describes one side of a level. */
struct spread {
    double dead, gini, cv, max, median;
};

static double population_cv(const double *x, size_t n) {
    double mean = gsl_stats_mean(x, 1, n);
    return mean > 0 ? gsl_stats_sd_with_fixed_mean(x, 1, n, mean) / mean : NAN;
}

/* fans [n] is scratch. */
static struct spread spread_of(const struct sm_degree *degree, size_t n, bool defined, double *fans) {
    if (!defined || !n) return (struct spread){NAN, NAN, NAN, NAN, NAN};
    size_t dead = 0;
    for (size_t u = 0; u < n; u++) {
        fans[u] = (double)sm_degree_total(degree[u]);
        dead += fans[u] == 0;
    }
    gsl_sort(fans, 1, n);
    return (struct spread){(double)dead, sm_gini(fans, n), population_cv(fans, n), fans[n - 1],
                           gsl_stats_median_from_sorted_data(fans, 1, n)};
}

/* Room for every unit of the network. */
struct scratch {
    struct sm_graph graph;
    bool *forward, *backward;
    struct sm_degree *degree;
    double *fans;
};

static void scratch_destroy(struct scratch *scratch) {
    sm_graph_destroy(&scratch->graph);
    free(scratch->forward);
    free(scratch->backward);
    free(scratch->degree);
    free(scratch->fans);
}

/* The caller destroys `scratch`, also after a failure. */
static int scratch_init(struct scratch *scratch, const struct sm_moment *moment, struct sm_error *err) {
    *scratch = (struct scratch){0};
    if (sm_graph_init(&scratch->graph, &moment->run->net, err)) return -1;
    size_t n = sm_graph_n_units(&scratch->graph) + 1;
    scratch->forward = calloc(n, sizeof *scratch->forward);
    scratch->backward = calloc(n, sizeof *scratch->backward);
    scratch->degree = calloc(n, sizeof *scratch->degree);
    scratch->fans = calloc(n, sizeof *scratch->fans);
    if (!scratch->forward || !scratch->backward || !scratch->degree || !scratch->fans)
        return sm_fail(err, "out of memory for %zu units", n);
    return sm_graph_reach(&scratch->graph, moment->mask, scratch->forward, scratch->backward, err);
}

static struct spread spread_in(struct scratch *scratch, const struct sm_moment *moment, size_t level) {
    size_t n = sm_graph_level_units(&scratch->graph, level);
    if (level) sm_layer_degree_in(&moment->run->net.layers[level - 1], moment->mask[level - 1], NULL, scratch->degree);
    return spread_of(scratch->degree, n, level > 0, scratch->fans);
}

static struct spread spread_out(struct scratch *scratch, const struct sm_moment *moment, size_t level) {
    const struct sm_graph *graph = &scratch->graph;
    size_t n = sm_graph_level_units(graph, level);
    memset(scratch->degree, 0, n * sizeof *scratch->degree);
    for (size_t l = level; l < graph->net->n_layers; l++)
        for (size_t k = 0; k < graph->net->layers[l].n_inputs; k++)
            if (sm_graph_feeding_level(graph, l, k) == level)
                sm_layer_degree_out(&graph->net->layers[l], moment->mask[l], NULL, n, scratch->degree);
    return spread_of(scratch->degree, n, level + 1 < graph->n_levels, scratch->fans);
}

static size_t count_alive(const struct scratch *scratch, size_t level) {
    size_t alive = 0;
    for (size_t u = scratch->graph.offset[level]; u < scratch->graph.offset[level + 1]; u++)
        alive += scratch->forward[u] && scratch->backward[u];
    return alive;
}

static void write_level(struct sm_table *table, struct scratch *scratch, const struct sm_moment *moment, size_t level) {
    struct spread in = spread_in(scratch, moment, level), out = spread_out(scratch, moment, level);
    sm_table_text(table, moment->run->name);
    sm_table_text(table, sm_graph_level_name(&scratch->graph, level));
    sm_table_int(table, (int64_t)sm_graph_level_units(&scratch->graph, level));
    sm_table_int(table, (int64_t)count_alive(scratch, level));
    const double values[] = {in.dead, out.dead, in.gini, out.gini, in.cv, in.max, in.median};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) sm_table_real(table, values[i]);
}

static int concentration_moment(void *state, const struct sm_moment *moment, struct sm_table *table,
                                struct sm_error *err) {
    (void)state;
    struct scratch scratch;
    int status = scratch_init(&scratch, moment, err);
    for (size_t level = 0; !status && level < scratch.graph.n_levels; level++)
        write_level(table, &scratch, moment, level);
    scratch_destroy(&scratch);
    return status ? sm_fail_prefix(err, "%s: concentration", moment->run->path) : 0;
}

const struct sm_statistic sm_stat_concentration = {
    .name = "concentration",
    .help = "how unevenly the non-hidden weights are spread over a layer's units: dead units, Gini, spread of fan-in",
    .about =
        "How the non-hidden weights are spread over the units of each layer at one moment. Fan-in and fan-out count\n"
        "non-hidden weights as in the table neurons; a unit is alive where a route from input to output leads\n"
        "through it, so that a unit that is neither dead_in nor dead_out can still not be alive.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .moment = concentration_moment,
};
