/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/units.h"

#include <assert.h>
#include <stdlib.h>

#include "analyze/statistics.h"

static int units_allocate(struct sm_units *units, struct sm_error *err) {
    size_t n = sm_graph_n_units(&units->graph);
    units->in = calloc(n + 1, sizeof *units->in);
    units->out = calloc(n + 1, sizeof *units->out);
    units->log10_synflow = calloc(n + 1, sizeof *units->log10_synflow);
    return units->in && units->out && units->log10_synflow ? 0 : sm_fail(err, "out of memory for %zu units", n);
}

static void count_degrees(struct sm_units *units, const struct sm_moment *moment) {
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

int sm_units_init(struct sm_units *units, const struct sm_moment *moment, struct sm_error *err) {
    *units = (struct sm_units){0};
    if (sm_graph_init(&units->graph, &moment->run->net, err) || units_allocate(units, err)) return -1;
    count_degrees(units, moment);
    if (sm_graph_paths(&units->graph, moment->mask, &units->paths, err)) return -1;
    return sm_graph_synflow(&units->graph, moment->mask, moment->weights, units->log10_synflow, err);
}

void sm_units_destroy(struct sm_units *units) {
    sm_graph_destroy(&units->graph);
    sm_paths_destroy(&units->paths);
    free(units->in);
    free(units->out);
    free(units->log10_synflow);
    *units = (struct sm_units){0};
}

/* ---- measures ---- */

static double fan(struct sm_degree degree) {
    return (double)sm_degree_total(degree);
}

static double strength(struct sm_degree degree) {
    return degree.strength;
}

enum side { INCOMING, OUTGOING };

static const struct {
    const char *name;
    enum side side;
    double (*of_degree)(struct sm_degree degree); /* NULL: the measure is of the unit's routes */
} measures[SM_N_UNIT_MEASURES] = {
    [SM_UNIT_FAN_IN] = {"fan_in", INCOMING, fan},
    [SM_UNIT_FAN_OUT] = {"fan_out", OUTGOING, fan},
    [SM_UNIT_STRENGTH_IN] = {"strength_in", INCOMING, strength},
    [SM_UNIT_STRENGTH_OUT] = {"strength_out", OUTGOING, strength},
    [SM_UNIT_BALANCE_IN] = {"balance_in", INCOMING, sm_degree_balance},
    [SM_UNIT_BALANCE_OUT] = {"balance_out", OUTGOING, sm_degree_balance},
    [SM_UNIT_LOG10_PATHS] = {.name = "log10_paths"},
    [SM_UNIT_LOG10_SYNFLOW] = {.name = "log10_synflow"},
};

const char *sm_unit_measure_name(enum sm_unit_measure measure) {
    assert(measure < SM_N_UNIT_MEASURES);
    return measures[measure].name;
}

double sm_unit_value(const struct sm_units *units, enum sm_unit_measure measure, size_t u) {
    assert(measure < SM_N_UNIT_MEASURES && u < sm_graph_n_units(&units->graph));
    if (measure == SM_UNIT_LOG10_PATHS) return units->paths.through[u];
    if (measure == SM_UNIT_LOG10_SYNFLOW) return units->log10_synflow[u];
    bool incoming = measures[measure].side == INCOMING;
    if (incoming ? !sm_unit_has_in(units, u) : !sm_unit_has_out(units, u)) return NAN;
    return measures[measure].of_degree(incoming ? units->in[u] : units->out[u]);
}

/* Whole levels lack a measure, except for the balance of a unit without weights. */
static bool defined_in_level(enum sm_unit_measure measure, const struct sm_graph *graph, size_t level) {
    if (!measures[measure].of_degree) return true;
    return measures[measure].side == INCOMING ? level > 0 : level + 1 < graph->n_levels;
}

int sm_unit_ranks(const struct sm_units *units, enum sm_unit_measure measure, size_t level, double *rank,
                  struct sm_error *err) {
    size_t first = units->graph.offset[level], n = sm_graph_level_units(&units->graph, level);
    bool defined = defined_in_level(measure, &units->graph, level);
    double *value = malloc((n + 1) * sizeof *value);
    if (!value) return sm_fail(err, "out of memory for the ranks of %zu units", n);
    for (size_t u = 0; u < n; u++) {
        value[u] = sm_unit_value(units, measure, first + u);
        if (isnan(value[u])) value[u] = -INFINITY;
    }
    int status = sm_average_ranks(value, n, rank, err);
    for (size_t u = 0; !status && u < n; u++) rank[u] = defined ? (double)n + 1 - rank[u] : NAN;
    free(value);
    return status;
}
