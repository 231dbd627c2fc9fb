/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/network.h>

#include "network_description.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t sm_layer_fan_in(const struct sm_layer *layer) {
    return layer->n_in * layer->kernel_height * layer->kernel_width;
}

size_t sm_layer_fan_out(const struct sm_layer *layer) {
    return layer->n_out * layer->kernel_height * layer->kernel_width;
}

size_t sm_layer_weights(const struct sm_layer *layer) {
    return layer->n_out * sm_layer_fan_in(layer);
}

size_t sm_network_weights(const struct sm_network *net) {
    size_t sum = 0;
    for (size_t l = 0; l < net->n_layers; l++) sum += sm_layer_weights(&net->layers[l]);
    return sum;
}

size_t sm_network_inputs(const struct sm_network *net) {
    return net->input_channels * net->input_height * net->input_width;
}

const char *sm_layer_kind_name(enum sm_layer_kind kind) {
    static const char *const names[] = {[SM_DENSE] = "dense", [SM_CONV2D] = "conv2d"};
    assert((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}

const char *sm_activation_name(enum sm_activation activation) {
    static const char *const names[] = {[SM_LINEAR] = "linear", [SM_ELU] = "elu", [SM_RELU] = "relu"};
    assert((size_t)activation < sizeof names / sizeof *names);
    return names[activation];
}

const char *sm_padding_name(enum sm_padding padding) {
    static const char *const names[] = {[SM_SAME] = "same", [SM_VALID] = "valid"};
    assert((size_t)padding < sizeof names / sizeof *names);
    return names[padding];
}

int sm_network_find(const struct sm_network *net, const char *name) {
    for (size_t l = 0; l < net->n_layers; l++)
        if (strcmp(net->layers[l].name, name) == 0) return (int)l;
    return -1;
}

struct sm_layer *sm_network_append(struct sm_network *net, const char *name, size_t n_inputs) {
    assert(strlen(name) < SM_NAME_SIZE);
    struct sm_layer *layers = realloc(net->layers, (net->n_layers + 1) * sizeof *layers);
    if (!layers) return NULL;
    net->layers = layers;
    int *inputs = malloc((n_inputs ? n_inputs : 1) * sizeof *inputs);
    if (!inputs) return NULL;
    for (size_t i = 0; i < n_inputs; i++) inputs[i] = SM_NETWORK_INPUT;
    struct sm_layer *layer = &layers[net->n_layers++];
    *layer = (struct sm_layer){.n_inputs = n_inputs, .inputs = inputs};
    strcpy(layer->name, name);
    return layer;
}

/* ---- the check ---- */

int sm_network_check_name(const char *name, struct sm_error *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (!*name || strspn(name, allowed) != strlen(name) || *name == '.')
        return sm_fail(err, "'%s' is no layer name (letters, digits, '_', '-', '.')", name);
    if (strcmp(name, "input") == 0 || strcmp(name, "all") == 0) return sm_fail(err, "the name '%s' is reserved", name);
    return 0;
}

static int check_name(const struct sm_network *net, size_t l, struct sm_error *err) {
    const char *name = net->layers[l].name;
    if (sm_network_check_name(name, err)) return sm_fail_prefix(err, "layer %zu", l + 1);
    return sm_network_find(net, name) == (int)l ? 0 : sm_fail(err, "two layers are called '%s'", name);
}

/* Sizes are at least 1 and the products of sm_layer_weights and sm_layer_fan_out fit, with room for 8 bytes a weight.
 */
static int check_sizes(const struct sm_layer *layer, struct sm_error *err) {
    const size_t sizes[] = {layer->n_out, layer->n_in, layer->kernel_height, layer->kernel_width};
    size_t product = 1;
    if (!layer->stride) return sm_fail(err, "layer %s: the stride is 0", layer->name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!sizes[i]) return sm_fail(err, "layer %s: a size is 0", layer->name);
        if (__builtin_mul_overflow(product, sizes[i], &product) || product > SIZE_MAX / 64)
            return sm_fail(err, "layer %s: too many weights", layer->name);
    }
    if (layer->kind == SM_DENSE && (layer->kernel_height != 1 || layer->kernel_width != 1 || layer->stride != 1))
        return sm_fail(err, "layer %s: a dense layer has no kernel and no stride", layer->name);
    return 0;
}

/* Does feeding layer (or the input) number `from` fit the n_in of `layer`? A dense layer flattens what it reads, so a
 * convolution's channels may come as blocks; everything else fits one to one. */
static bool feeds(const struct sm_network *net, int from, const struct sm_layer *layer) {
    bool dense = layer->kind == SM_DENSE;
    if (from == SM_NETWORK_INPUT) return layer->n_in == (dense ? sm_network_inputs(net) : net->input_channels);
    const struct sm_layer *feeding = &net->layers[from];
    if (feeding->kind == SM_DENSE) return dense && layer->n_in == feeding->n_out;
    return dense ? layer->n_in % feeding->n_out == 0 : layer->n_in == feeding->n_out;
}

static int check_inputs(const struct sm_network *net, size_t l, struct sm_error *err) {
    const struct sm_layer *layer = &net->layers[l];
    if (!layer->n_inputs) return sm_fail(err, "layer %s: nothing feeds it", layer->name);
    for (size_t i = 0; i < layer->n_inputs; i++) {
        int from = layer->inputs[i];
        if (from < SM_NETWORK_INPUT || from >= (int)l)
            return sm_fail(err, "layer %s: reads a layer that does not stand before it", layer->name);
        if (!feeds(net, from, layer))
            return sm_fail(err, "layer %s: %zu inputs do not fit what %s gives", layer->name, layer->n_in,
                           from == SM_NETWORK_INPUT ? "the network's input" : net->layers[from].name);
    }
    return 0;
}

static bool is_read(const struct sm_network *net, size_t l) {
    for (size_t reader = l + 1; reader < net->n_layers; reader++)
        for (size_t i = 0; i < net->layers[reader].n_inputs; i++)
            if (net->layers[reader].inputs[i] == (int)l) return true;
    return false;
}

int sm_network_check(const struct sm_network *net, struct sm_error *err) {
    size_t inputs;
    if (__builtin_mul_overflow(net->input_channels, net->input_height, &inputs) ||
        __builtin_mul_overflow(inputs, net->input_width, &inputs) || !inputs)
        return sm_fail(err, "the input has no proper shape (%zux%zux%zu)", net->input_channels, net->input_height,
                       net->input_width);
    if (!net->n_layers) return sm_fail(err, "the network has no layers");
    size_t weights = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_layer *layer = &net->layers[l];
        if (check_name(net, l, err) || check_sizes(layer, err) || check_inputs(net, l, err)) return -1;
        if (__builtin_add_overflow(weights, sm_layer_weights(layer), &weights) || weights > SIZE_MAX / 64)
            return sm_fail(err, "layer %s: too many weights", layer->name);
    }
    for (size_t l = 0; l + 1 < net->n_layers; l++)
        if (!is_read(net, l)) return sm_fail(err, "layer %s: no layer reads it", net->layers[l].name);
    return 0;
}

int sm_network_fit_input(struct sm_network *net, size_t channels, size_t height, size_t width, struct sm_error *err) {
    bool same = net->input_channels == channels && net->input_height == height && net->input_width == width;
    bool flat = net->input_channels == 1 && net->input_height == 1 && net->input_width == channels * height * width;
    if (!same && !flat)
        return sm_fail(err, "network %s: its input is %zux%zux%zu, the data set's images are %zux%zux%zu", net->name,
                       net->input_channels, net->input_height, net->input_width, channels, height, width);
    net->input_channels = channels;
    net->input_height = height;
    net->input_width = width;
    return 0;
}

void sm_network_destroy(struct sm_network *net) {
    for (size_t l = 0; l < net->n_layers; l++) free(net->layers[l].inputs);
    free(net->layers);
    free(net->nodes);
    *net = (struct sm_network){0};
}
