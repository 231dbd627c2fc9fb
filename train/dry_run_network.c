/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network as a table, one row a node, for --dry-run. A column is a row of `columns`; it is as wide as its widest
 * cell. */
#include "train/dry_run.h"
#include "train/method.h"

#include <supermask/init.h>

#include <math.h>
#include <string.h>

enum { CELL_SIZE = 2 * SM_NAME_SIZE + 64 };

struct context {
    const struct sm_recipe *recipe;
    const struct sm_network *net;
};

/* NULL for a pool or a sum. */
static const struct sm_layer *layer_of(const struct context *c, const struct sm_node *node) {
    return node->kind == SM_NODE_LAYER ? &c->net->layers[node->layer] : NULL;
}

static const struct sm_method *method_of(const struct context *c) {
    return sm_method_find(c->recipe->method);
}

/* ---- cells; what is left empty becomes a dash ---- */

static void print_name(char *cell, const struct context *c, const struct sm_node *node) {
    (void)c;
    snprintf(cell, CELL_SIZE, "%s", node->name);
}

static void print_kind(char *cell, const struct context *c, const struct sm_node *node) {
    const struct sm_layer *layer = layer_of(c, node);
    snprintf(cell, CELL_SIZE, "%s", layer ? sm_layer_kind_name(layer->kind) : sm_node_kind_name(node->kind));
}

static const char *input_name(const struct context *c, int input) {
    return input == SM_NETWORK_INPUT ? "input" : c->net->nodes[input].name;
}

static void print_reads(char *cell, const struct context *c, const struct sm_node *node) {
    int used = snprintf(cell, CELL_SIZE, "%s", input_name(c, node->inputs[0]));
    if (node->n_inputs > 1) snprintf(cell + used, CELL_SIZE - (size_t)used, " + %s", input_name(c, node->inputs[1]));
}

/* "3x3/2 same": the window, its stride, what is done at the border. */
static void print_window(char *cell, const struct context *c, const struct sm_node *node) {
    const struct sm_layer *layer = layer_of(c, node);
    if ((layer && layer->kind == SM_DENSE) || (!layer && node->kind != SM_NODE_MAX_POOL)) return;
    snprintf(cell, CELL_SIZE, "%zux%zu/%zu %s", node->size, layer ? layer->kernel_width : node->size, node->stride,
             sm_padding_name(node->padding));
}

static void print_output(char *cell, const struct context *c, const struct sm_node *node) {
    (void)c;
    snprintf(cell, CELL_SIZE, "%zux%zux%zu", node->channels, node->height, node->width);
}

static void print_shape(char *cell, const struct context *c, const struct sm_node *node) {
    const struct sm_layer *layer = layer_of(c, node);
    if (layer && layer->kind == SM_DENSE) snprintf(cell, CELL_SIZE, "[%zu, %zu]", layer->n_out, layer->n_in);
    if (layer && layer->kind == SM_CONV2D)
        snprintf(cell, CELL_SIZE, "[%zu, %zu, %zu, %zu]", layer->n_out, layer->n_in, layer->kernel_height,
                 layer->kernel_width);
}

static void print_parameters(char *cell, const struct context *c, const struct sm_node *node) {
    const struct sm_layer *layer = layer_of(c, node);
    if (layer) snprintf(cell, CELL_SIZE, "%zu", sm_layer_weights(layer));
}

static void print_activation(char *cell, const struct context *c, const struct sm_node *node) {
    (void)c;
    if (node->kind == SM_NODE_LAYER || node->kind == SM_NODE_ADD)
        snprintf(cell, CELL_SIZE, "%s%s", node->batch_norm ? "batch norm, " : "", sm_activation_name(node->activation));
}

static void print_threshold(char *cell, const struct context *c, const struct sm_node *node) {
    if (layer_of(c, node) && method_of(c)->has_threshold)
        snprintf(cell, CELL_SIZE, c->recipe->threshold_kind == SM_THRESHOLD_RELATIVE ? "%g max|m|" : "%g",
                 c->recipe->threshold);
}

/* What a deviation s means for the distribution: see recipe.h. */
static void print_weights(char *cell, const struct context *c, const struct sm_node *node) {
    static const struct {
        const char *words;
        double variance; /* of the distribution whose parameter is 1 */
    } forms[] = {[SM_WEIGHTS_SIGNED_CONSTANT] = {"+-", 1.0},
                 [SM_WEIGHTS_UNIFORM] = {"uniform +-", 1.0 / 3.0},
                 [SM_WEIGHTS_NORMAL] = {"normal, sd ", 1.0}};
    const struct sm_layer *layer = layer_of(c, node);
    enum sm_weight_init init = c->recipe->weight_init;
    if (layer)
        snprintf(cell, CELL_SIZE, "%s%.6g", forms[init].words,
                 sm_init_weight_deviation(c->recipe, layer) / sqrt(forms[init].variance));
}

static void print_scores(char *cell, const struct context *c, const struct sm_node *node) {
    const struct sm_layer *layer = layer_of(c, node);
    if (!layer || method_of(c)->trains_weights) return;
    if (method_of(c)->draws_scores)
        snprintf(cell, CELL_SIZE, "uniform +-%.6g", sqrt(3.0) * sm_init_score_deviation(c->recipe, layer));
    else
        snprintf(cell, CELL_SIZE, "0");
}

/* ---- the table ---- */

static const struct column {
    const char *name;
    void (*print)(char *cell, const struct context *c, const struct sm_node *node);
    bool is_number; /* stands at the right */
} columns[] = {
    {"layer", print_name, false},
    {"kind", print_kind, false},
    {"reads", print_reads, false},
    {"window", print_window, false},
    {"output", print_output, false},
    {"weights", print_shape, false},
    {"parameters", print_parameters, true},
    {"activation", print_activation, false},
    {"threshold", print_threshold, false},
    {"initial weights", print_weights, false},
    {"initial scores", print_scores, false},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

/* The cell of a node, or the column's name where `node` is NULL. */
static const char *cell_text(char cell[CELL_SIZE], size_t column, const struct context *c, const struct sm_node *node) {
    if (!node) return columns[column].name;
    strcpy(cell, "-");
    columns[column].print(cell, c, node);
    return cell;
}

static int width_of(size_t column, const struct context *c) {
    char cell[CELL_SIZE];
    size_t width = strlen(columns[column].name);
    for (size_t n = 0; n < c->net->n_nodes; n++) {
        size_t length = strlen(cell_text(cell, column, c, &c->net->nodes[n]));
        if (length > width) width = length;
    }
    return (int)width;
}

static void print_row(FILE *out, const int widths[N_COLUMNS], const struct context *c, const struct sm_node *node) {
    char cell[CELL_SIZE];
    fputc('#', out);
    for (size_t k = 0; k < N_COLUMNS; k++) {
        bool last = k + 1 == N_COLUMNS; /* no blanks at the end of a line */
        int width = last ? 0 : columns[k].is_number ? widths[k] : -widths[k];
        fprintf(out, "%s%*s", k ? "  " : " ", width, cell_text(cell, k, c, node));
    }
    fputc('\n', out);
}

void sm_dry_run_network(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net) {
    const struct context c = {recipe, net};
    int widths[N_COLUMNS];
    fprintf(out, "#\n# The network %s: input %zux%zux%zu, weights [out, in], no biases\n#\n", net->name,
            net->input_channels, net->input_height, net->input_width);
    for (size_t k = 0; k < N_COLUMNS; k++) widths[k] = width_of(k, &c);
    print_row(out, widths, &c, NULL);
    for (size_t n = 0; n < net->n_nodes; n++) print_row(out, widths, &c, &net->nodes[n]);
}
