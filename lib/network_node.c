/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graph of operators: shapes, windows, look-up. */
#include <supermask/network.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *sm_node_kind_name(enum sm_node_kind kind) {
    static const char *const names[] = {[SM_NODE_LAYER] = "layer",
                                        [SM_NODE_MAX_POOL] = "max-pool",
                                        [SM_NODE_AVERAGE_POOL] = "global-average-pool",
                                        [SM_NODE_ADD] = "add"};
    assert((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}

struct sm_extent sm_extent_of(size_t n, size_t window, size_t stride, enum sm_padding padding) {
    assert(n && window && stride);
    if (padding == SM_VALID) return (struct sm_extent){window > n ? 0 : (n - window) / stride + 1, 0};
    size_t size = (n + stride - 1) / stride, reach = (size - 1) * stride + window;
    return (struct sm_extent){size, reach > n ? (reach - n) / 2 : 0};
}

struct sm_shape sm_network_shape(const struct sm_network *net, int index) {
    if (index == SM_NETWORK_INPUT) return (struct sm_shape){net->input_channels, net->input_height, net->input_width};
    const struct sm_node *node = &net->nodes[index];
    return (struct sm_shape){node->channels, node->height, node->width};
}

struct sm_shape sm_network_input_shape(const struct sm_network *net, size_t node) {
    assert(node < net->n_nodes);
    return sm_network_shape(net, net->nodes[node].inputs[0]);
}

int sm_network_node_of_layer(const struct sm_network *net, size_t layer) {
    for (size_t n = 0; n < net->n_nodes; n++)
        if (net->nodes[n].layer == (int)layer) return (int)n;
    return -1;
}

int sm_network_find_node(const struct sm_network *net, const char *name) {
    for (size_t n = 0; n < net->n_nodes; n++)
        if (strcmp(net->nodes[n].name, name) == 0) return (int)n;
    return -1;
}

int sm_network_append_node(struct sm_network *net, const struct sm_node *node) {
    struct sm_node *nodes = realloc(net->nodes, (net->n_nodes + 1) * sizeof *nodes);
    if (!nodes) return -1;
    net->nodes = nodes;
    nodes[net->n_nodes++] = *node;
    return 0;
}

/* Every layer is dense and reads the one before it alone. */
static bool is_dense_stack(const struct sm_network *net) {
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_layer *layer = &net->layers[l];
        if (layer->kind != SM_DENSE || layer->n_inputs != 1 || layer->inputs[0] != (int)l - 1) return false;
    }
    return net->n_layers > 0;
}

int sm_network_stack_nodes(struct sm_network *net) {
    if (net->n_nodes || !is_dense_stack(net)) return 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_layer *layer = &net->layers[l];
        struct sm_node node = {.kind = SM_NODE_LAYER,
                               .layer = (int)l,
                               .n_inputs = 1,
                               .inputs = {layer->inputs[0]},
                               .activation = layer->activation,
                               .size = 1,
                               .stride = 1,
                               .channels = layer->n_out,
                               .height = 1,
                               .width = 1};
        strcpy(node.name, layer->name);
        if (sm_network_append_node(net, &node)) return -1;
    }
    return 0;
}
