/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport-links.tsv: the units that the unit reads and those that read it; passport-classes.tsv: the outputs that it
 * reaches. */
#include <math.h>
#include <stdlib.h>

#include "analyze/passport.h"
#include "analyze/path_weights.h"

/* ---- links ---- */

static const struct sm_column link_columns[] = {
    {"direction", "in: the unit reads that one; out: that one reads the unit"},
    {"layer", "the other unit's layer, or input"},
    {"unit", "the other unit"},
    {"kept", "weights between them with g = +1; more than one for kernels and flattened channels"},
    {"inverted", "weights between them with g = -1"},
    {"weight", "sum of w g over these weights"},
    {"log10_paths", "log10 of the routes from input to output through the other unit; -inf without a route"},
};

static const struct sm_passport_table links_table = {
    .name = "passport-links",
    .about = "The units that are joined with the unit by a weight that is not hidden. Where it reads a sum of\n"
             "branches, a weight stands beside the unit of each branch.",
    .columns = link_columns,
    .n_columns = sizeof link_columns / sizeof *link_columns,
};

struct other {
    const char *direction;
    size_t level, unit;
};

/* The weights between the unit and another: n entries from `first` of the layer. No row where all are hidden. */
static void write_link(const struct sm_passport_unit *unit, const struct other *other, size_t layer, size_t first,
                       size_t n, struct sm_table *table) {
    const int8_t *mask = unit->moment->mask[layer];
    size_t kept = 0, inverted = 0;
    double weight = 0;
    for (size_t k = first; k < first + n; k++) {
        kept += mask[k] > 0;
        inverted += mask[k] < 0;
        weight += (double)unit->moment->weights[layer][k] * mask[k];
    }
    if (kept + inverted == 0) return;
    sm_table_text(table, other->direction);
    sm_table_text(table, sm_graph_level_name(unit->graph, other->level));
    sm_table_int(table, (int64_t)other->unit);
    sm_table_int(table, (int64_t)kept);
    sm_table_int(table, (int64_t)inverted);
    sm_table_real(table, weight);
    sm_table_real(table, unit->units->paths.through[unit->graph->offset[other->level] + other->unit]);
}

static void write_incoming(const struct sm_passport_unit *unit, struct sm_table *table) {
    if (sm_unit_n_incoming(unit) == 0) return;
    const struct sm_unit_weights block = sm_unit_incoming(unit);
    for (size_t k = 0; k < unit->graph->net->layers[block.layer].n_inputs; k++) {
        size_t level = sm_graph_feeding_level(unit->graph, block.layer, k);
        size_t n_units = sm_graph_level_units(unit->graph, level), part = block.n / n_units;
        for (size_t u = 0; u < n_units; u++)
            write_link(unit, &(struct other){"in", level, u}, block.layer, block.first + u * part, part, table);
    }
}

static void write_outgoing(const struct sm_passport_unit *unit, struct sm_table *table) {
    for (size_t k = 0, n = sm_unit_n_outgoing(unit); k < n; k++) {
        const struct sm_unit_weights block = sm_unit_outgoing(unit, k);
        for (size_t o = 0; o < block.n_rows; o++)
            write_link(unit, &(struct other){"out", block.layer + 1, o}, block.layer, block.first + o * block.stride,
                       block.n, table);
    }
}

int sm_passport_links(const struct sm_passport *passport, struct sm_error *err) {
    struct sm_table *table = NULL;
    int status = sm_passport_open_table(passport, &links_table, &table, err);
    if (status == 0) {
        write_incoming(&passport->subject, table);
        write_outgoing(&passport->subject, table);
    }
    return sm_passport_close_table(passport, &links_table, table, status, err);
}

/* ---- classes ---- */

static const struct sm_column class_columns[] = {
    {"class", "output unit, from 0"},
    {"log10_routes", "log10 of the routes from the unit to that output; -inf without a route"},
    {"route_share", "share of the unit's routes to any output that end there; nan without a route"},
    {"weight", "sum over these routes of the product of their effective weights w g; activations are left out"},
};

static const struct sm_passport_table classes_table = {
    .name = "passport-classes",
    .about =
        "What the unit says to each output: how many routes lead there, and their signed weight. A positive weight\n"
        "speaks for the class, a negative one against it, as far as activations can be left out.",
    .columns = class_columns,
    .n_columns = sizeof class_columns / sizeof *class_columns,
};

static void write_classes(const struct sm_graph *graph, const long double *routes, const long double *weight,
                          struct sm_table *table) {
    size_t first = graph->offset[graph->n_levels - 1], n = sm_graph_level_units(graph, graph->n_levels - 1);
    long double all = 0;
    for (size_t c = 0; c < n; c++) all += routes[first + c];
    for (size_t c = 0; c < n; c++) {
        sm_table_int(table, (int64_t)c);
        sm_table_real(table, (double)log10l(routes[first + c]));
        sm_table_real(table, all > 0 ? (double)(routes[first + c] / all) : NAN);
        sm_table_real(table, (double)weight[first + c]);
    }
}

int sm_passport_classes(const struct sm_passport *passport, struct sm_error *err) {
    const struct sm_passport_unit *unit = &passport->subject;
    size_t n = sm_graph_n_units(unit->graph), u = sm_passport_node(unit);
    long double *routes = calloc(n, sizeof *routes), *weight = calloc(n, sizeof *weight);
    struct sm_table *table = NULL;
    int status = routes && weight ? 0 : sm_fail(err, "passport: out of memory for %zu units", n);
    if (status == 0) status = sm_passport_open_table(passport, &classes_table, &table, err);
    if (status == 0) status = sm_paths_from_unit(unit->graph, unit->moment->mask, NULL, u, routes, err);
    if (status == 0)
        status = sm_paths_from_unit(unit->graph, unit->moment->mask, unit->moment->weights, u, weight, err);
    if (status == 0) write_classes(unit->graph, routes, weight, table);
    free(routes);
    free(weight);
    return sm_passport_close_table(passport, &classes_table, table, status, err);
}
