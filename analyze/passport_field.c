/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport-fields.tsv: what the unit and its partners look at, as a picture. */
#include <math.h>
#include <stdlib.h>

#include "analyze/passport.h"
#include "analyze/path_weights.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"unit", "the unit, or its partner in that run"},
    {"view", "weights: the unit's own incoming weights; paths: routes from the pixels to the unit; place: an input"},
    {"plane", "channel of the image, or input channel of the kernel"},
    {"row", "row in the plane; 0 where the layer has no plane"},
    {"column", "column in the plane, or number of the input where the layer has no plane"},
    {"mask", "g: 1 keep, 0 hide, -1 invert; nan for paths and place"},
    {"value", "weights: w g; paths: sum over the routes of the product of w g; place: 1 at the input, 0 elsewhere"},
};

const struct sm_passport_table sm_passport_fields_table = {
    .name = "passport-fields",
    .about = "The receptive field of the unit and of its partner in each further run. View `weights`: a unit that "
             "reads the\n"
             "input's pixels, a kernel, or any other layer: one row for each incoming weight, hidden ones too. View "
             "`paths`:\n"
             "a unit further up whose network begins with dense layers: one row for each pixel, activations left out.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
};

/* ---- where an entry stands ---- */

/* Planes of height x width entries, one behind the other. */
struct planes {
    size_t height, width;
};

static bool reads_pixels(const struct sm_graph *graph, size_t l) {
    const struct sm_layer *layer = &graph->net->layers[l];
    for (size_t k = 0; k < layer->n_inputs; k++)
        if (layer->inputs[k] == SM_NETWORK_INPUT) return layer->kind == SM_DENSE;
    return false;
}

static struct planes image_planes(const struct sm_network *net) {
    return (struct planes){net->input_height, net->input_width};
}

/* The side of a square of n entries, 0 where it is none. */
static size_t square_side(size_t n) {
    size_t side = (size_t)(sqrt((double)n) + 0.5);
    return side * side == n ? side : 0;
}

/* A flattened channel is shown as a square where the image is one: the run file does not say how it was pooled. */
static struct planes planes_of(const struct sm_graph *graph, size_t l) {
    const struct sm_layer *layer = &graph->net->layers[l];
    if (layer->kind == SM_CONV2D) return (struct planes){layer->kernel_height, layer->kernel_width};
    if (reads_pixels(graph, l)) return image_planes(graph->net);
    size_t block = layer->n_in / sm_graph_level_units(graph, sm_graph_feeding_level(graph, l, 0));
    size_t side = graph->net->input_height == graph->net->input_width ? square_side(block) : 0;
    if (block > 1) return side ? (struct planes){side, side} : (struct planes){1, block};
    return (struct planes){1, layer->n_in};
}

static bool inputs_are_pixels(const struct sm_graph *graph) {
    return sm_graph_level_units(graph, 0) == sm_network_inputs(graph->net);
}

/* ---- rows ---- */

static void write_row(const struct sm_passport_unit *unit, const char *view, const struct planes *planes, size_t entry,
                      double mask, double value, struct sm_table *table) {
    size_t size = planes->height * planes->width;
    sm_table_text(table, unit->moment->run->name);
    sm_table_int(table, (int64_t)unit->unit);
    sm_table_text(table, view);
    sm_table_int(table, (int64_t)(entry / size));
    sm_table_int(table, (int64_t)(entry % size / planes->width));
    sm_table_int(table, (int64_t)(entry % size % planes->width));
    sm_table_real(table, mask);
    sm_table_real(table, value);
}

static void write_weights(const struct sm_passport_unit *unit, struct sm_table *table) {
    const struct sm_unit_weights block = sm_unit_incoming(unit);
    const struct planes planes = planes_of(unit->graph, block.layer);
    const int8_t *mask = unit->moment->mask[block.layer] + block.first;
    const float *weights = unit->moment->weights[block.layer] + block.first;
    for (size_t k = 0; k < block.n; k++)
        write_row(unit, "weights", &planes, k, mask[k], (double)weights[k] * mask[k], table);
}

static int write_paths(const struct sm_passport_unit *unit, struct sm_table *table, struct sm_error *err) {
    const struct sm_graph *graph = unit->graph;
    const struct planes planes = image_planes(graph->net);
    long double *value = calloc(sm_graph_n_units(graph), sizeof *value);
    int status = value ? 0 : sm_fail(err, "passport: out of memory for %zu units", sm_graph_n_units(graph));
    if (status == 0)
        status = sm_paths_to_unit(graph, unit->moment->mask, unit->moment->weights, sm_passport_node(unit), value, err);
    for (size_t p = 0; status == 0 && p < sm_graph_level_units(graph, 0); p++)
        write_row(unit, "paths", &planes, p, NAN, (double)value[p], table);
    free(value);
    return status;
}

static void write_place(const struct sm_passport_unit *unit, struct sm_table *table) {
    const struct planes planes = image_planes(unit->graph->net);
    for (size_t p = 0; p < sm_graph_level_units(unit->graph, 0); p++)
        write_row(unit, "place", &planes, p, NAN, p == unit->unit, table);
}

int sm_passport_field(const struct sm_passport_unit *unit, struct sm_table *table, struct sm_error *err) {
    bool pixels = inputs_are_pixels(unit->graph);
    if (unit->level == 0 && pixels) write_place(unit, table);
    if (unit->level == 0) return 0; /* a channel as a whole is no picture */
    if (pixels && !reads_pixels(unit->graph, unit->level - 1)) return write_paths(unit, table, err);
    write_weights(unit, table);
    return 0;
}
