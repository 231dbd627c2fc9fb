/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From parts to layers and nodes: names are looked up, shapes computed, and for each layer which layers feed it. */
#include "network_description.h"

#include <supermask/text.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(const struct network_description *d) {
    return sm_fail(d->err, "%s: out of memory", d->origin);
}

/* ---- what a part reads ---- */

static bool stands_later(const struct network_description *d, const char *name) {
    for (size_t p = d->net->n_nodes; p < d->n_parts; p++)
        if (strcmp(d->parts[p].name, name) == 0) return true;
    return false;
}

static int unknown_name(const struct network_description *d, const struct sm_yaml *name) {
    char hint[SM_HINT_SIZE];
    const struct sm_network *net = d->net;
    if (stands_later(d, name->scalar))
        return sm_fail(d->err, "%s:%zu: inputs: '%.80s' does not stand before this layer (a network has no cycles)",
                       d->origin, name->line, name->scalar);
    const char **names = malloc((net->n_nodes + 1) * sizeof *names);
    if (!names) return out_of_memory(d);
    names[0] = "input";
    for (size_t n = 0; n < net->n_nodes; n++) names[n + 1] = net->nodes[n].name;
    sm_fail(d->err, "%s:%zu: inputs: no layer '%.80s' stands before this one%s", d->origin, name->line, name->scalar,
            sm_nearest_hint(hint, name->scalar, names, net->n_nodes + 1));
    free(names);
    return -1;
}

static int look_up(const struct network_description *d, struct network_ref ref, int *index) {
    *index = ref.index;
    if (!ref.name) return 0;
    if (ref.name->kind != SM_YAML_SCALAR)
        return sm_fail(d->err, "%s:%zu: inputs: expected names of layers", d->origin, ref.name->line);
    *index = SM_NETWORK_INPUT;
    if (strcmp(ref.name->scalar, "input") == 0) return 0;
    *index = sm_network_find_node(d->net, ref.name->scalar);
    return *index < 0 ? unknown_name(d, ref.name) : 0;
}

/* ---- which layers stand behind a node, through pools and sums ---- */

/* Marks them (`seen` has an entry for the input and one for each layer, `visited` one for each node). */
static void mark_sources(const struct sm_network *net, int index, bool *seen, bool *visited) {
    if (index == SM_NETWORK_INPUT) {
        seen[0] = true;
        return;
    }
    const struct sm_node *node = &net->nodes[index];
    if (visited[index]) return;
    visited[index] = true;
    if (node->kind == SM_NODE_LAYER)
        seen[1 + node->layer] = true;
    else
        for (size_t i = 0; i < node->n_inputs; i++) mark_sources(net, node->inputs[i], seen, visited);
}

/* *sources: the layers (or SM_NETWORK_INPUT) that a reader of node `index` reads, ascending; the caller frees. */
static int find_sources(const struct network_description *d, int index, int **sources, size_t *n) {
    const struct sm_network *net = d->net;
    bool *seen = calloc(1 + net->n_layers + net->n_nodes, sizeof *seen);
    *sources = malloc((1 + net->n_layers) * sizeof **sources);
    *n = 0;
    if (!seen || !*sources) {
        free(seen);
        return out_of_memory(d);
    }
    mark_sources(net, index, seen, seen + 1 + net->n_layers);
    for (size_t s = 0; s <= net->n_layers; s++)
        if (seen[s]) (*sources)[(*n)++] = (int)s + SM_NETWORK_INPUT;
    free(seen);
    return 0;
}

/* The units of a dense layer have no rows and columns for a window to go along. */
static int check_not_dense(const struct network_description *d, const struct network_part *part, const int *sources,
                           size_t n) {
    for (size_t s = 0; s < n; s++)
        if (sources[s] != SM_NETWORK_INPUT && d->net->layers[sources[s]].kind == SM_DENSE)
            return sm_fail(d->err, "%s:%zu: layer %s: a %s cannot read dense layer %s", d->origin, part->line,
                           part->name, part->kind->name, d->net->layers[sources[s]].name);
    return 0;
}

/* ---- keys that several kinds have ---- */

static int read_padding(const struct network_description *d, const struct sm_yaml *map, enum sm_padding otherwise,
                        enum sm_padding *padding) {
    static const char *const words[] = {[SM_SAME] = "same", [SM_VALID] = "valid"};
    int value = (int)otherwise;
    if (sm_network_read_word(d, map, "padding", words, 2, &value)) return -1;
    *padding = (enum sm_padding)value;
    return 0;
}

static int read_activation(const struct network_description *d, const struct sm_yaml *map, enum sm_activation otherwise,
                           enum sm_activation *activation) {
    static const char *const words[] = {[SM_LINEAR] = "linear", [SM_ELU] = "elu", [SM_RELU] = "relu"};
    int value = (int)otherwise;
    if (sm_network_read_word(d, map, "activation", words, 3, &value)) return -1;
    *activation = (enum sm_activation)value;
    return 0;
}

static bool is_last_layer(const struct network_description *d) {
    return d->net->n_layers == d->counts[COUNT_LAYERS];
}

static int read_layer_activation(const struct network_description *d, const struct network_part *part,
                                 enum sm_activation *activation) {
    enum sm_activation otherwise = is_last_layer(d) ? SM_LINEAR : d->options->activation;
    if (read_activation(d, part->map, otherwise, activation)) return -1;
    if (!is_last_layer(d) || *activation == SM_LINEAR) return 0;
    return sm_fail(d->err, "%s:%zu: layer %s: the last layer has no activation", d->origin,
                   sm_network_find_key(part->map, "activation")->line, part->name);
}

int sm_network_widen(size_t *size, double width, double *product) {
    *product = (double)*size * width;
    double whole = nearbyint(*product); /* 10 * 1.1 is 11.000000000000002 */
    if (!(whole >= 1 && whole <= NETWORK_LARGEST_SIZE && fabs(*product - whole) <= 1e-9 * whole)) return -1;
    *size = (size_t)whole;
    return 0;
}

/* Units or filters, times the width but in the last layer. */
static int read_width(const struct network_description *d, const struct network_part *part, const char *key,
                      size_t *units) {
    double product;
    if (sm_network_read_size_key(d, part->map, key, 0, units)) return -1;
    size_t described = *units;
    if (is_last_layer(d) || sm_network_widen(units, d->options->width, &product) == 0) return 0;
    return sm_fail(d->err, "%s:%zu: layer %s: %zu %s times the width %g are %g, no whole number from 1 to %d",
                   d->origin, sm_network_find_key(part->map, key)->line, part->name, described, key, d->options->width,
                   product, NETWORK_LARGEST_SIZE);
}

/* ---- kinds ---- */

/* The window of a node along both axes; `what` is said where it fits nowhere. */
static int place_window(const struct network_description *d, const struct network_part *part, struct sm_node *node,
                        size_t window_height, size_t window_width, const char *what) {
    struct sm_shape reads = sm_network_shape(d->net, node->inputs[0]);
    struct sm_extent rows = sm_extent_of(reads.height, window_height, node->stride, node->padding);
    struct sm_extent columns = sm_extent_of(reads.width, window_width, node->stride, node->padding);
    if (!rows.size || !columns.size)
        return sm_fail(d->err, "%s:%zu: layer %s: %s %zux%zu is larger than the %zux%zu that it reads", d->origin,
                       part->line, part->name, what, window_height, window_width, reads.height, reads.width);
    node->height = rows.size;
    node->width = columns.size;
    node->pad_top = rows.before;
    node->pad_left = columns.before;
    return 0;
}

/* `kernel`: one number or [height, width]. */
static int read_kernel(const struct network_description *d, const struct network_part *part, struct sm_layer *layer) {
    const struct sm_yaml *kernel = sm_network_find_key(part->map, "kernel");
    if (!kernel || kernel->kind == SM_YAML_SCALAR) {
        if (sm_network_read_size_key(d, part->map, "kernel", 0, &layer->kernel_height)) return -1;
        layer->kernel_width = layer->kernel_height;
        return 0;
    }
    if (kernel->kind != SM_YAML_LIST || kernel->n != 2)
        return sm_fail(d->err, "%s:%zu: kernel: expected a size or [height, width]", d->origin, kernel->line);
    return sm_network_read_size(d, kernel->items[0], "kernel", &layer->kernel_height) ||
                   sm_network_read_size(d, kernel->items[1], "kernel", &layer->kernel_width)
               ? -1
               : 0;
}

int sm_network_build_conv2d(struct network_description *d, const struct network_part *part, struct sm_node *node) {
    struct sm_layer *layer = &d->net->layers[node->layer];
    layer->kind = SM_CONV2D;
    layer->n_in = sm_network_shape(d->net, node->inputs[0]).channels;
    if (check_not_dense(d, part, layer->inputs, layer->n_inputs) || read_width(d, part, "filters", &layer->n_out) ||
        read_kernel(d, part, layer) || sm_network_read_size_key(d, part->map, "stride", 1, &layer->stride) ||
        read_padding(d, part->map, SM_SAME, &layer->padding) ||
        sm_network_read_bool(d, part->map, "batch_norm", &node->batch_norm) ||
        read_layer_activation(d, part, &layer->activation))
        return -1;
    node->batch_norm = node->batch_norm || d->options->batch_norm;
    node->activation = layer->activation;
    node->size = layer->kernel_height;
    node->stride = layer->stride;
    node->padding = layer->padding;
    node->channels = layer->n_out;
    return place_window(d, part, node, layer->kernel_height, layer->kernel_width, "the kernel");
}

int sm_network_build_dense(struct network_description *d, const struct network_part *part, struct sm_node *node) {
    struct sm_layer *layer = &d->net->layers[node->layer];
    struct sm_shape reads = sm_network_shape(d->net, node->inputs[0]);
    layer->kind = SM_DENSE;
    layer->n_in = reads.channels * reads.height * reads.width;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    if (read_width(d, part, "units", &layer->n_out) || read_layer_activation(d, part, &layer->activation)) return -1;
    node->activation = layer->activation;
    node->channels = layer->n_out;
    node->height = node->width = 1;
    return 0;
}

/* Pools read convolutions or the network's input. */
static int check_pool(const struct network_description *d, const struct network_part *part,
                      const struct sm_node *node) {
    int *sources;
    size_t n;
    int status = find_sources(d, node->inputs[0], &sources, &n);
    if (status == 0) status = check_not_dense(d, part, sources, n);
    free(sources);
    return status;
}

int sm_network_build_max_pool(struct network_description *d, const struct network_part *part, struct sm_node *node) {
    node->kind = SM_NODE_MAX_POOL;
    node->channels = sm_network_shape(d->net, node->inputs[0]).channels;
    if (check_pool(d, part, node) || sm_network_read_size_key(d, part->map, "size", 0, &node->size) ||
        sm_network_read_size_key(d, part->map, "stride", node->size, &node->stride) ||
        read_padding(d, part->map, SM_VALID, &node->padding))
        return -1;
    return place_window(d, part, node, node->size, node->size, "the window");
}

int sm_network_build_average_pool(struct network_description *d, const struct network_part *part,
                                  struct sm_node *node) {
    node->kind = SM_NODE_AVERAGE_POOL;
    node->channels = sm_network_shape(d->net, node->inputs[0]).channels;
    node->height = node->width = 1;
    return check_pool(d, part, node);
}

int sm_network_build_add(struct network_description *d, const struct network_part *part, struct sm_node *node) {
    struct sm_shape a = sm_network_shape(d->net, node->inputs[0]), b = sm_network_shape(d->net, node->inputs[1]);
    node->kind = SM_NODE_ADD;
    node->channels = a.channels;
    node->height = a.height;
    node->width = a.width;
    if (a.channels != b.channels || a.height != b.height || a.width != b.width)
        return sm_fail(d->err, "%s:%zu: layer %s: %zux%zux%zu and %zux%zux%zu cannot be summed", d->origin, part->line,
                       part->name, a.channels, a.height, a.width, b.channels, b.height, b.width);
    return read_activation(d, part->map, part->map ? d->options->activation : SM_LINEAR, &node->activation);
}

/* ---- all parts ---- */

static int append_layer(const struct network_description *d, struct sm_node *node) {
    int *sources;
    size_t n;
    int status = find_sources(d, node->inputs[0], &sources, &n);
    struct sm_layer *layer = status ? NULL : sm_network_append(d->net, node->name, n);
    if (layer) memcpy(layer->inputs, sources, n * sizeof *sources);
    free(sources);
    node->kind = SM_NODE_LAYER;
    node->layer = (int)d->net->n_layers - 1;
    return layer ? 0 : out_of_memory(d);
}

static int build_part(struct network_description *d, const struct network_part *part) {
    struct sm_node node = {.layer = -1, .n_inputs = part->n_inputs, .size = 1, .stride = 1};
    strcpy(node.name, part->name);
    for (size_t i = 0; i < part->n_inputs; i++)
        if (look_up(d, part->inputs[i], &node.inputs[i])) return -1;
    if (part->kind->counter == COUNT_LAYERS && append_layer(d, &node)) return -1;
    if (part->kind->build(d, part, &node)) return -1;
    return sm_network_append_node(d->net, &node) ? out_of_memory(d) : 0;
}

/* Everything but the last part is read. */
static int check_read(const struct network_description *d) {
    const struct sm_network *net = d->net;
    bool *read = calloc(net->n_nodes, sizeof *read);
    if (!read) return out_of_memory(d);
    for (size_t n = 0; n < net->n_nodes; n++)
        for (size_t i = 0; i < net->nodes[n].n_inputs; i++)
            if (net->nodes[n].inputs[i] != SM_NETWORK_INPUT) read[net->nodes[n].inputs[i]] = true;
    size_t n = 0;
    while (n + 1 < net->n_nodes && read[n]) n++;
    free(read);
    if (n + 1 == net->n_nodes) return 0;
    return sm_fail(d->err, "%s:%zu: layer %s: no layer reads it", d->origin, d->parts[n].line, net->nodes[n].name);
}

/* The output is the last layer, or what pools leave of it: one value for each class. */
static int check_output(const struct network_description *d) {
    const struct sm_network *net = d->net;
    size_t last = net->n_nodes - 1;
    int n = (int)last;
    while (n != SM_NETWORK_INPUT &&
           (net->nodes[n].kind == SM_NODE_MAX_POOL || net->nodes[n].kind == SM_NODE_AVERAGE_POOL))
        n = net->nodes[n].inputs[0];
    if (n == SM_NETWORK_INPUT || net->nodes[n].kind != SM_NODE_LAYER)
        return sm_fail(d->err, "%s:%zu: layer %s: the output must be a layer with weights, or a pool of one", d->origin,
                       d->parts[last].line, net->nodes[last].name);
    if (net->nodes[last].height == 1 && net->nodes[last].width == 1) return 0;
    return sm_fail(d->err, "%s:%zu: layer %s: the output must have one value for each class, and this is %zux%zux%zu",
                   d->origin, d->parts[last].line, net->nodes[last].name, net->nodes[last].channels,
                   net->nodes[last].height, net->nodes[last].width);
}

int sm_network_build(struct network_description *d) {
    for (size_t p = 0; p < d->n_parts; p++)
        if (build_part(d, &d->parts[p])) return -1;
    return check_read(d) || check_output(d) ? -1 : 0;
}
