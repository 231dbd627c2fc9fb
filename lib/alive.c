/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/alive.h>

#include <assert.h>
#include <stdlib.h>

static size_t place(const struct sm_alive *a, int node) {
    return a->offset[node - SM_NETWORK_INPUT];
}

static size_t n_units(const struct sm_alive *a, int node) {
    return sm_network_shape(a->net, node).channels;
}

/* ---- weights between units ---- */

static bool is_kept(const struct sm_alive_mask *mask, size_t o, size_t i) {
    return !mask->mask || mask->mask[o * mask->stride + i];
}

/* How many weights of a row read one unit: taps of a kernel, or positions of a flattened channel. */
static size_t weights_of_unit(const struct sm_alive *a, const struct sm_node *node) {
    return sm_layer_fan_in(&a->net->layers[node->layer]) / n_units(a, node->inputs[0]);
}

/* Is there a kept weight from unit u to unit o? */
static bool joined(const struct sm_alive *a, const struct sm_node *node, size_t o, size_t u) {
    size_t n = weights_of_unit(a, node), i = u * n;
    while (i < (u + 1) * n && !is_kept(&a->masks[node->layer], o, i)) i++;
    return i < (u + 1) * n;
}

/* ---- one node, from the input on and from the output back ---- */

static void feed_layer(const struct sm_alive *a, const struct sm_node *node, bool *fed) {
    const bool *input = a->fed + place(a, node->inputs[0]);
    for (size_t o = 0; o < node->channels; o++)
        for (size_t u = 0; u < n_units(a, node->inputs[0]) && !fed[o]; u++) fed[o] = input[u] && joined(a, node, o, u);
}

static void read_layer(const struct sm_alive *a, const struct sm_node *node, const bool *read) {
    bool *input = a->read + place(a, node->inputs[0]);
    for (size_t o = 0; o < node->channels; o++)
        for (size_t u = 0; read[o] && u < n_units(a, node->inputs[0]); u++)
            input[u] = input[u] || joined(a, node, o, u);
}

static void feed_node(const struct sm_alive *a, int n) {
    const struct sm_node *node = &a->net->nodes[n];
    bool *fed = a->fed + place(a, n);
    if (node->kind == SM_NODE_LAYER) {
        feed_layer(a, node, fed);
        return;
    }
    for (size_t k = 0; k < node->n_inputs; k++)
        for (size_t u = 0; u < node->channels; u++) fed[u] = fed[u] || a->fed[place(a, node->inputs[k]) + u];
}

static void read_node(const struct sm_alive *a, int n) {
    const struct sm_node *node = &a->net->nodes[n];
    const bool *read = a->read + place(a, n);
    if (node->kind == SM_NODE_LAYER) {
        read_layer(a, node, read);
        return;
    }
    for (size_t k = 0; k < node->n_inputs; k++) {
        bool *input = a->read + place(a, node->inputs[k]);
        for (size_t u = 0; u < node->channels; u++) input[u] = input[u] || read[u];
    }
}

/* ---- the whole network ---- */

static int allocate(struct sm_alive *a) {
    a->offset = calloc(a->net->n_nodes + 2, sizeof *a->offset);
    if (!a->offset) return -1;
    for (int n = SM_NETWORK_INPUT; n < (int)a->net->n_nodes; n++)
        a->offset[n - SM_NETWORK_INPUT + 1] = place(a, n) + n_units(a, n);
    a->fed = calloc(a->offset[a->net->n_nodes + 1], sizeof *a->fed);
    a->read = calloc(a->offset[a->net->n_nodes + 1], sizeof *a->read);
    return a->fed && a->read ? 0 : -1;
}

int sm_alive_init(struct sm_alive *a, const struct sm_network *net, const struct sm_alive_mask *masks,
                  struct sm_error *err) {
    int last = (int)net->n_nodes - 1;
    assert(last >= 0);
    *a = (struct sm_alive){.net = net, .masks = masks};
    if (allocate(a)) return sm_fail(err, "network %s: out of memory", net->name);
    for (size_t u = 0; u < net->input_channels; u++) a->fed[u] = true;
    for (size_t u = 0; u < n_units(a, last); u++) a->read[place(a, last) + u] = true;
    for (int n = 0; n <= last; n++) feed_node(a, n);
    for (int n = last; n >= 0; n--) read_node(a, n);
    return 0;
}

void sm_alive_destroy(struct sm_alive *a) {
    free(a->offset);
    free(a->fed);
    free(a->read);
    *a = (struct sm_alive){0};
}

bool sm_alive_unit(const struct sm_alive *a, int node, size_t u) {
    return a->fed[place(a, node) + u] && a->read[place(a, node) + u];
}

bool sm_alive_weight(const struct sm_alive *a, size_t layer, size_t o, size_t i) {
    if (!is_kept(&a->masks[layer], o, i)) return false; /* most are not: the node is looked for afterwards */
    int n = sm_network_node_of_layer(a->net, layer);
    const struct sm_node *node = &a->net->nodes[n];
    return a->read[place(a, n) + o] && a->fed[place(a, node->inputs[0]) + i / weights_of_unit(a, node)];
}

size_t sm_alive_weights(const struct sm_alive *a, size_t layer) {
    const struct sm_layer *l = &a->net->layers[layer];
    size_t n = 0;
    for (size_t o = 0; o < l->n_out; o++)
        for (size_t i = 0; i < sm_layer_fan_in(l); i++) n += sm_alive_weight(a, layer, o, i);
    return n;
}

size_t sm_alive_units(const struct sm_alive *a, int node) {
    size_t n = 0;
    for (size_t u = 0; u < n_units(a, node); u++) n += sm_alive_unit(a, node, u);
    return n;
}
