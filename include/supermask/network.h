/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network.h - what a network is: its weight layers, which of them feed which, and the graph of operators.
 *
 * One struct for all: the trainer reads it from a description, the run file stores it, the analyzer rebuilds it from
 * there. `layers` are what has weights, in the order of the forward pass, and which layers' units each one reads; that
 * is all the analyzer needs. `nodes` are the operators of the forward pass (layers, pools, sums) with the shapes of
 * what they give; that is what an engine computes. Which layers feed a layer follows from the nodes. */
#ifndef SUPERMASK_NETWORK_H
#define SUPERMASK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>

enum sm_layer_kind { SM_DENSE, SM_CONV2D };
enum sm_activation { SM_LINEAR, SM_ELU, SM_RELU };
enum sm_padding { SM_SAME, SM_VALID }; /* see sm_extent_of */

#define SM_NETWORK_INPUT (-1) /* in sm_layer.inputs and sm_node.inputs: the network's input */
#define SM_NAME_SIZE 64

struct sm_layer {
    char name[SM_NAME_SIZE];
    enum sm_layer_kind kind;
    enum sm_activation activation;              /* applied to this layer's output; the last layer is SM_LINEAR */
    size_t n_out, n_in;                         /* units (channels of a convolution) out and in */
    size_t kernel_height, kernel_width, stride; /* 1, 1, 1 for a dense layer */
    enum sm_padding padding;                    /* SM_SAME for a dense layer */
    size_t n_inputs; /* how many layers feed this one: more than one where branches are summed */
    int *inputs;     /* [n_inputs] index of each feeding layer, or SM_NETWORK_INPUT, through pools and sums: behind an
                        identity path a layer reads every layer that was ever added to it. Own unit u of a feeding layer
                        becomes the inputs u*block .. (u+1)*block-1 where block = n_in / (units of the feeding layer)
                        (flatten) */
};

enum sm_node_kind { SM_NODE_LAYER, SM_NODE_MAX_POOL, SM_NODE_AVERAGE_POOL /* over all positions */, SM_NODE_ADD };

/* One operator of the forward pass. A dense layer flattens what it reads: input (channel*height + y)*width + x. */
struct sm_node {
    char name[SM_NAME_SIZE]; /* of a layer: the layer's */
    enum sm_node_kind kind;
    int layer;                      /* index into layers for SM_NODE_LAYER, else -1 */
    size_t n_inputs;                /* 2 for SM_NODE_ADD, else 1 */
    int inputs[2];                  /* nodes before this one, or SM_NETWORK_INPUT */
    enum sm_activation activation;  /* applied to the output; for a layer the same as layer->activation */
    bool batch_norm;                /* trainable, between a convolution and its activation */
    size_t size, stride;            /* of a pool's window; of a layer: kernel_height and stride; else 1 */
    enum sm_padding padding;        /* as the layer's; SM_SAME where there is no window */
    size_t pad_top, pad_left;       /* rows and columns before the first one: zeros, for a max pool nothing */
    size_t channels, height, width; /* of the output; a dense layer gives units x 1 x 1 */
};

struct sm_network {
    char name[SM_NAME_SIZE];
    size_t input_channels, input_height, input_width; /* 1, 28, 28 for MNIST */
    size_t n_layers;
    struct sm_layer *layers; /* [n_layers] */
    size_t n_nodes;          /* 0 where only the layers are known: built by sm_network_append, or read from a run file
                                that has no description and no stack of dense layers */
    struct sm_node *nodes;   /* [n_nodes] in the order of the forward pass; the last is the output */
};

/* Number of weights: n_out * n_in * kernel_height * kernel_width. */
size_t sm_layer_weights(const struct sm_layer *layer);
size_t sm_layer_fan_in(const struct sm_layer *layer);  /* n_in * kernel_height * kernel_width */
size_t sm_layer_fan_out(const struct sm_layer *layer); /* n_out * kernel_height * kernel_width */
size_t sm_network_weights(const struct sm_network *net);
size_t sm_network_inputs(const struct sm_network *net); /* channels * height * width */

const char *sm_layer_kind_name(enum sm_layer_kind kind);       /* "dense" or "conv2d" */
const char *sm_activation_name(enum sm_activation activation); /* "linear", "elu", "relu" */
const char *sm_padding_name(enum sm_padding padding);          /* "same" or "valid" */
const char *sm_node_kind_name(enum sm_node_kind kind);         /* "layer", "max-pool", "global-average-pool", "add" */

/* ---- windows ---- */

/* Where a window (kernel or pool) goes along one axis. SM_VALID: only where it lies inside; size = floor((n - window) /
 * stride) + 1, or 0 where the window is larger than n. SM_SAME, as TensorFlow has it: size = ceil(n / stride), and
 * max((size - 1) * stride + window - n, 0) positions are added, half of them (rounded down) before the first.
 * n, window and stride are at least 1 and below 2^31. */
struct sm_extent {
    size_t size, before; /* positions of the output; positions added before the first input */
};
struct sm_extent sm_extent_of(size_t n, size_t window, size_t stride, enum sm_padding padding);

/* ---- the graph ---- */

struct sm_shape {
    size_t channels, height, width;
};
/* What node `index` gives; of SM_NETWORK_INPUT the network's input. */
struct sm_shape sm_network_shape(const struct sm_network *net, int index);
/* What that node reads: the shape of its first input; a sum's inputs are all alike. */
struct sm_shape sm_network_input_shape(const struct sm_network *net, size_t node);

/* Index of the node that computes a layer; -1 where the network has no nodes. */
int sm_network_node_of_layer(const struct sm_network *net, size_t layer);
/* Index of the node of that name, or -1. */
int sm_network_find_node(const struct sm_network *net, const char *name);

/* Appends a copy of the node. Fails only when out of memory. */
int sm_network_append_node(struct sm_network *net, const struct sm_node *node);

/* Gives a network without nodes those of a stack of dense layers, if it is one, else leaves it as it is. Fails only
 * when out of memory. */
int sm_network_stack_nodes(struct sm_network *net);

/* ---- layers ---- */

/* Index of the layer of that name, or -1. */
int sm_network_find(const struct sm_network *net, const char *name);

/* Appends a zeroed layer with n_inputs inputs (all SM_NETWORK_INPUT) and returns it; valid until the next append. NULL
 * when out of memory. `name` is shorter than SM_NAME_SIZE. */
struct sm_layer *sm_network_append(struct sm_network *net, const char *name, size_t n_inputs);

/* Is this a network: at least one layer; names of letters, digits, '_', '-', '.', all different, none called "input" or
 * "all"; no size 0; a number of weights that memory can address; inputs stand before their readers; every n_in matches
 * what feeds the layer; every layer but the last (the output) is read? */
int sm_network_check(const struct sm_network *net, struct sm_error *err);

/* ---- descriptions (their language: train/networks/resnet20.yaml) ---- */

struct sm_network_options {
    enum sm_activation activation; /* of layers and sums that name none; the last layer has none */
    double width;    /* > 0, factor of the units and filters of every layer but the last; must give whole numbers */
    bool batch_norm; /* behind every convolution, whether or not the description says so */
};

/* Reads a description: `spec` is a shipped name ("fcn"), the path of a YAML file (it contains '/' or ends in .yaml), or
 * the widths of a dense stack ("784-300-100-10"). What is wrong with a file is said as "FILE:LINE: ...". The caller
 * destroys `net`, also after a failure. */
int sm_network_read_options(struct sm_network *net, const char *spec, const struct sm_network_options *options,
                            struct sm_error *err);
/* The same as it is described: width 1, batch norm only where the description says so. */
int sm_network_read(struct sm_network *net, const char *spec, enum sm_activation activation, struct sm_error *err);

/* Reads the text of a description; `origin` names it in sentences. The caller destroys `net`, also after a failure. */
int sm_network_parse(struct sm_network *net, const char *text, const char *origin,
                     const struct sm_network_options *options, struct sm_error *err);

/* The description of a network with nodes: every layer, pool and sum by itself, nothing left to a default. Parses back
 * to the same network with any options of width 1 and no batch norm. The caller frees; NULL when out of memory. */
char *sm_network_text(const struct sm_network *net);

/* Do images of this shape fit the network's input? A flat input (1 x 1 x N, from widths) takes their shape, so that the
 * run file knows where the pixels are. Fails, naming both shapes, where they do not fit. */
int sm_network_fit_input(struct sm_network *net, size_t channels, size_t height, size_t width, struct sm_error *err);

void sm_network_destroy(struct sm_network *net);

#endif
