/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smaller network of the same logits.
 *
 * Nodes that share the numbers of their units are one space: a pool and what it reads, a sum and both of its inputs.
 * Every layer begins a space, the input is one. A space loses a unit as a whole or not at all. */
#include "lib/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Arrays of nodes have the input at place 0, node n at n + 1. */
struct shrinking {
    const struct sm_model *model;
    const struct sm_network *net;
    struct sm_alive_mask *masks;
    struct sm_alive alive;
    size_t *space; /* [n_nodes + 1]: the place of the first node of its space */
    bool **keep;   /* [n_nodes + 1][units]: NULL but for the first of a space */
};

static size_t place(int node) {
    return (size_t)(node - SM_NETWORK_INPUT);
}

static size_t n_units(const struct shrinking *s, size_t at) {
    return sm_network_shape(s->net, (int)at + SM_NETWORK_INPUT).channels;
}

static const bool *kept_units(const struct shrinking *s, int node) {
    return s->keep[s->space[place(node)]];
}

static size_t count_kept(const struct shrinking *s, int node) {
    size_t n = 0;
    for (size_t u = 0; u < n_units(s, place(node)); u++) n += kept_units(s, node)[u];
    return n;
}

/* ---- spaces ---- */

static void join_spaces(struct shrinking *s, size_t a, size_t b) {
    size_t from = s->space[a] < s->space[b] ? s->space[b] : s->space[a];
    size_t to = s->space[a] < s->space[b] ? s->space[a] : s->space[b];
    for (size_t at = 0; at <= s->net->n_nodes; at++)
        if (s->space[at] == from) s->space[at] = to;
}

static void find_spaces(struct shrinking *s) {
    for (size_t at = 0; at <= s->net->n_nodes; at++) s->space[at] = at;
    for (size_t n = 0; n < s->net->n_nodes; n++) {
        const struct sm_node *node = &s->net->nodes[n];
        for (size_t k = 0; node->kind != SM_NODE_LAYER && k < node->n_inputs; k++)
            join_spaces(s, n + 1, place(node->inputs[k]));
    }
}

/* ---- units ---- */

static void keep_all(struct shrinking *s, int node) {
    memset(s->keep[s->space[place(node)]], true, n_units(s, place(node)));
}

static void keep_alive(struct shrinking *s) {
    for (size_t at = 0; at <= s->net->n_nodes; at++)
        for (size_t u = 0; u < n_units(s, at); u++)
            if (sm_alive_unit(&s->alive, (int)at + SM_NETWORK_INPUT, u)) s->keep[s->space[at]][u] = true;
}

/* What a product reads and writes keeps its shape, and so do the input and the output. */
static void keep_shapes(struct shrinking *s) {
    keep_all(s, SM_NETWORK_INPUT);
    keep_all(s, (int)s->net->n_nodes - 1);
    for (size_t n = 0; n < s->net->n_nodes; n++) {
        const struct sm_node *node = &s->net->nodes[n];
        if (node->kind != SM_NODE_LAYER || s->model->layers[node->layer].form == SM_FORM_LISTS) continue;
        keep_all(s, node->inputs[0]);
        keep_all(s, (int)n);
    }
}

static int choose_units(struct shrinking *s) {
    for (size_t at = 0; at <= s->net->n_nodes; at++)
        if (s->space[at] == at && !(s->keep[at] = calloc(n_units(s, at), sizeof **s->keep))) return -1;
    keep_alive(s);
    keep_shapes(s);
    for (size_t at = 0; at <= s->net->n_nodes; at++)
        if (s->keep[at] && !count_kept(s, (int)at + SM_NETWORK_INPUT)) s->keep[at][0] = true; /* no layer is empty */
    return 0;
}

/* ---- the smaller network ---- */

/* Its description, from copies of the nodes and layers with other numbers of units. */
static char *describe(const struct shrinking *s) {
    struct sm_network net = *s->net;
    net.nodes = malloc(net.n_nodes * sizeof *net.nodes);
    net.layers = malloc(net.n_layers * sizeof *net.layers);
    char *text = NULL;
    if (net.nodes && net.layers) {
        memcpy(net.nodes, s->net->nodes, net.n_nodes * sizeof *net.nodes);
        memcpy(net.layers, s->net->layers, net.n_layers * sizeof *net.layers);
        for (size_t n = 0; n < net.n_nodes; n++) {
            net.nodes[n].channels = count_kept(s, (int)n);
            if (net.nodes[n].kind == SM_NODE_LAYER) net.layers[net.nodes[n].layer].n_out = net.nodes[n].channels;
        }
        text = sm_network_text(&net);
    }
    free(net.nodes);
    free(net.layers);
    return text;
}

static int build_network(const struct shrinking *s, struct sm_network *small, struct sm_error *err) {
    const struct sm_network_options plain = {.activation = SM_LINEAR, .width = 1};
    char *text = describe(s);
    int status = text ? sm_network_parse(small, text, s->net->name, &plain, err) : sm_fail(err, "out of memory");
    free(text);
    return status;
}

/* ---- weights ---- */

/* Row o of the layer, without the inputs that are gone. */
static void copy_row(const struct shrinking *s, size_t l, size_t o, float *weight, int8_t *mask) {
    const struct sm_node *node = &s->net->nodes[sm_network_node_of_layer(s->net, l)];
    const struct sm_model_layer *layer = &s->model->layers[l];
    const bool *keep = kept_units(s, node->inputs[0]);
    size_t n = layer->shape.n_in / n_units(s, place(node->inputs[0])), to = 0;
    for (size_t i = 0; i < layer->shape.n_in; i++) {
        if (!keep[i / n]) continue;
        size_t from = o * layer->shape.stride + i;
        weight[to] = layer->weight[from];
        if (mask) mask[to] = sm_alive_weight(&s->alive, l, o, i) ? layer->mask[from] : 0;
        to++;
    }
}

static int copy_layer(const struct shrinking *s, struct sm_model *small, size_t l, struct sm_error *err) {
    const struct sm_model_layer *from = &s->model->layers[l];
    const bool *keep = kept_units(s, sm_network_node_of_layer(s->net, l));
    if (sm_model_allocate_layer(small, l, from->mask, err)) return -1;
    struct sm_model_layer *to = &small->layers[l];
    to->form = from->form;
    to->magnitude = from->magnitude;
    for (size_t o = 0, row = 0; o < from->shape.n_out; o++) {
        if (!keep[o]) continue;
        copy_row(s, l, o, to->weight + row * to->shape.stride, to->mask ? to->mask + row * to->shape.stride : NULL);
        row++;
    }
    return 0;
}

static int copy_source(struct sm_model_source *to, const struct sm_model_source *from, struct sm_error *err) {
    *to = *from;
    to->run = strdup(from->run);
    to->dataset_sha256 = strdup(from->dataset_sha256);
    return to->run && to->dataset_sha256 ? 0 : sm_fail(err, "out of memory");
}

/* ---- all of it ---- */

static int shrinking_init(struct shrinking *s, const struct sm_model *model, struct sm_error *err) {
    *s = (struct shrinking){.model = model, .net = &model->net, .masks = sm_model_alive_masks(model)};
    s->space = calloc(s->net->n_nodes + 1, sizeof *s->space);
    s->keep = calloc(s->net->n_nodes + 1, sizeof *s->keep);
    if (!s->masks || !s->space || !s->keep) return sm_fail(err, "out of memory");
    if (sm_alive_init(&s->alive, s->net, s->masks, err)) return -1;
    find_spaces(s);
    return choose_units(s) ? sm_fail(err, "out of memory") : 0;
}

static void shrinking_destroy(struct shrinking *s) {
    for (size_t at = 0; s->keep && at <= s->net->n_nodes; at++) free(s->keep[at]);
    free(s->keep);
    free(s->space);
    sm_alive_destroy(&s->alive);
    free(s->masks);
}

static int check_network(const struct sm_model *model, struct sm_error *err) {
    for (size_t l = 0; l < model->net.n_layers; l++)
        if (model->layers[l].norm.channels)
            return sm_fail(err, "network %s: layer %s has batch norm, which a compact network cannot have",
                           model->net.name, model->net.layers[l].name);
    return 0;
}

int sm_model_shrink(struct sm_model *small, const struct sm_model *model, struct sm_error *err) {
    struct shrinking s;
    *small = (struct sm_model){0};
    if (check_network(model, err)) return -1;
    int status = shrinking_init(&s, model, err);
    if (status == 0) status = copy_source(&small->source, &model->source, err);
    if (status == 0) status = build_network(&s, &small->net, err);
    if (status == 0) status = sm_model_allocate(small, err);
    for (size_t l = 0; l < s.net->n_layers && status == 0; l++) {
        assert(model->layers[l].form != SM_FORM_BY_DENSITY);
        status = copy_layer(&s, small, l, err);
    }
    shrinking_destroy(&s);
    return status;
}
