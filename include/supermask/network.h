/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network.h - what a network is: its weight layers, their shapes, and which of them feed which.
 *
 * The trainer reads it from a description, the run file stores it as attributes, the analyzer rebuilds it from there:
 * one struct for all three. Layers stand in the order of the forward pass. */
#ifndef SUPERMASK_NETWORK_H
#define SUPERMASK_NETWORK_H

#include <stddef.h>
#include <supermask/error.h>

enum sm_layer_kind { SM_DENSE, SM_CONV2D };
enum sm_activation { SM_LINEAR, SM_ELU, SM_RELU };

#define SM_NETWORK_INPUT (-1) /* in sm_layer.inputs: the network's input, not a layer */
#define SM_NAME_SIZE 64

struct sm_layer {
    char name[SM_NAME_SIZE];
    enum sm_layer_kind kind;
    enum sm_activation activation;              /* applied to this layer's output; the last layer is SM_LINEAR */
    size_t n_out, n_in;                         /* units (channels of a convolution) out and in */
    size_t kernel_height, kernel_width, stride; /* 1, 1, 1 for a dense layer */
    size_t n_inputs; /* how many layers feed this one: more than one where branches are summed */
    int *inputs; /* [n_inputs] index of each feeding layer, or SM_NETWORK_INPUT; own unit u of a feeding layer becomes
                    the inputs u*block .. (u+1)*block-1 where block = n_in / (units of the feeding layer) (flatten) */
};

struct sm_network {
    char name[SM_NAME_SIZE];
    size_t input_channels, input_height, input_width; /* 1, 28, 28 for MNIST */
    size_t n_layers;
    struct sm_layer *layers; /* [n_layers] */
};

/* Number of weights: n_out * n_in * kernel_height * kernel_width. */
size_t sm_layer_weights(const struct sm_layer *layer);
size_t sm_layer_fan_in(const struct sm_layer *layer);  /* n_in * kernel_height * kernel_width */
size_t sm_layer_fan_out(const struct sm_layer *layer); /* n_out * kernel_height * kernel_width */
size_t sm_network_weights(const struct sm_network *net);
size_t sm_network_inputs(const struct sm_network *net); /* channels * height * width */

const char *sm_layer_kind_name(enum sm_layer_kind kind);       /* "dense" or "conv2d" */
const char *sm_activation_name(enum sm_activation activation); /* "linear", "elu", "relu" */

/* Index of the layer of that name, or -1. */
int sm_network_find(const struct sm_network *net, const char *name);

/* Appends a zeroed layer with n_inputs inputs (all SM_NETWORK_INPUT) and returns it; valid until the next append. NULL
 * when out of memory. `name` is shorter than SM_NAME_SIZE. */
struct sm_layer *sm_network_append(struct sm_network *net, const char *name, size_t n_inputs);

/* Is this a network: at least one layer; names of letters, digits, '_', '-', '.', all different, none called "input" or
 * "all"; no size 0; a number of weights that memory can address; inputs stand before their readers; every n_in matches
 * what feeds the layer; every layer but the last (the output) is read? */
int sm_network_check(const struct sm_network *net, struct sm_error *err);

/* Reads a description: `spec` is a shipped name ("fcn"), the path of a YAML file (it contains '/' or ends in .yaml), or
 * the widths of a dense stack ("784-300-100-10"). `activation` goes to every layer but the last. The caller destroys
 * `net`, also after a failure. */
int sm_network_read(struct sm_network *net, const char *spec, enum sm_activation activation, struct sm_error *err);

/* Do images of this shape fit the network's input? A flat input (1 x 1 x N, from widths) takes their shape, so that the
 * run file knows where the pixels are. Fails, naming both shapes, where they do not fit. */
int sm_network_fit_input(struct sm_network *net, size_t channels, size_t height, size_t width, struct sm_error *err);

void sm_network_destroy(struct sm_network *net);

#endif
