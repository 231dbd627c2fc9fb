/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trunk.h - the part of a network before its dense layers: convolutions, pools and sums on maps, forward and backward.
 *
 * Blocks of SM_LANES images do not know of each other: a thread takes a block through all operators while it is in its
 * cache, and then the next block that nobody has taken. Which thread computes a block does not change a byte of it.
 * Only batch norm asks all images of a training step at once (batch_norm.h). Its layers cut the nodes into segments:
 * every block goes through a segment, then one thread adds up what the blocks have left, in their order, and the next
 * segment begins. Evaluation, where the moving statistics are used, is one segment. The weight gradient sums over all
 * blocks; it is cut into units of weights, which threads take likewise.
 *
 * The functions that take (thread, n_threads) are called by every thread of an OpenMP parallel region together; they
 * hold the barriers they need. */
#ifndef SUPERMASK_TRUNK_H
#define SUPERMASK_TRUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/barrier.h>
#include <supermask/batch.h>
#include <supermask/batch_norm.h>
#include <supermask/channels.h>
#include <supermask/conv_bf16.h>
#include <supermask/conv_dense.h>
#include <supermask/conv_gradient.h>
#include <supermask/conv_lists.h>
#include <supermask/conv_pooled.h>
#include <supermask/conv_winograd.h>
#include <supermask/conv_winograd_gradient.h>
#include <supermask/error.h>
#include <supermask/kernels.h>
#include <supermask/map.h>
#include <supermask/map_ops.h>
#include <supermask/network.h>

/* The weights of a convolution as they are now, in rows [n_out][stride]; borrowed. */
struct sm_trunk_weights {
    const float *weight;
    const int8_t *mask;         /* NULL: every weight is kept */
    const struct sm_kept *kept; /* the mask's lists, where `sparse` */
    bool sparse;                /* the form of this pass: lists of kept weights, or dense products */
};

/* A convolution with the 2x2 max pool that follows it, another pool, or a sum. */
struct sm_trunk_node {
    const struct sm_node *node; /* the operator; of a pooled convolution, the convolution */
    int inputs[2];              /* nodes of the trunk, or SM_NETWORK_INPUT */
    bool accumulates[2];        /* has a node behind this one put its gradient there already? */
    bool pooled;                /* a 2x2 max pool of stride 2 is part of it */
    enum sm_activation activation;
    struct sm_map out, delta; /* the output, and its gradient (before the activation once it is this node's turn) */
    uint8_t *winner;          /* of a pool: [block][row][channel][column][SM_LANES] */
    size_t winner_stride;     /* bytes of a block */
    struct sm_pool pool;      /* of a pool that stands alone */
    struct sm_conv conv;      /* and so on: of a convolution */
    struct sm_trunk_weights weights;
    struct sm_conv_lists lists;
    struct sm_conv_dense dense;
    struct sm_winograd winograd; /* takes the place of dense products where it is faster */
    struct sm_pooled pooled_gradient;
    uint8_t *heard, *asked;                       /* training: [channels of out], see trunk_live.c */
    struct sm_channels in_channels, out_channels; /* whose weights have a gradient */
    struct sm_bf16_map rounded_in, rounded_delta; /* with bfloat16: the operands of the weight gradient */
    float *gradient;                              /* [n_out][stride] of the weights */
    /* of a convolution with batch norm, out = f(gamma * xhat + beta); norm.channels is 0 where there is none */
    struct sm_batch_norm norm;
    struct sm_map raw; /* training: the convolution's output x, kept for the backward pass; no halo */
    double *sums;      /* training: [block][2][channels], what each block adds to the statistics */
};

static inline bool sm_trunk_is_conv(const struct sm_trunk_node *t) {
    return t->node->kind == SM_NODE_LAYER;
}

/* Do transformed tiles take the place of dense products? */
static inline bool sm_trunk_is_tiled(const struct sm_trunk_node *t) {
    return t->winograd.forward != NULL;
}

/* Rows of a pooled convolution's output that are computed at a time. */
static inline size_t sm_trunk_pooled_rows(const struct sm_trunk_node *t) {
    return sm_trunk_is_tiled(t) ? t->winograd.chunk_rows : 1;
}

/* Where batch norm takes mean and variance from. */
enum sm_statistics { SM_STATISTICS_MOVING, SM_STATISTICS_BATCH };

struct sm_trunk {
    const struct sm_network *net; /* borrowed */
    const struct sm_kernels *kernels;
    const struct sm_map_kernels *map_kernels;
    size_t n_nodes, n_layers; /* nodes of the trunk; layers in them: layers 0 .. n_layers-1 of the network */
    struct sm_trunk_node *nodes;
    bool averaged; /* a global average pool stands between the last node and the dense layers */
    size_t *norms; /* [n_norms] the nodes with batch norm, in their order */
    size_t n_norms;
    size_t n_images, n_blocks; /* of the batch that is loaded */
    struct sm_map images;      /* the network's input */
    uint8_t *images_heard;     /* [input channels], all 1 */
    bool training;
    const struct sm_bf16_kernels *bf16; /* weight gradients from operands rounded to bfloat16; NULL: from floats */
    int max_threads;
    float **scratch;         /* [max_threads], for one node at a time */
    struct sm_map *unpooled; /* [max_threads][n_nodes]: a block's gradient before the pool */
    struct sm_barrier barrier;
    atomic_size_t next[5]; /* the next block or unit that nobody has taken, of each part of a step */
};

/* How many nodes at the start of the network are not dense layers and what feeds only such; 0 for a stack of dense
 * layers. */
size_t sm_trunk_extent(const struct sm_network *net);

/* Memory for batches of `capacity` images; with `training`, for gradients too. The caller destroys, also after a
 * failure. */
int sm_trunk_init(struct sm_trunk *trunk, const struct sm_network *net, size_t capacity, int max_threads, bool training,
                  struct sm_error *err);
void sm_trunk_destroy(struct sm_trunk *trunk);

/* From now on weight gradients are sums over operands rounded to bfloat16 (conv_bf16.h); for a trunk that trains. */
int sm_trunk_use_bf16(struct sm_trunk *trunk, struct sm_error *err);

/* The weights of layer l, and |w| where it is the same for all (else 0). */
int sm_trunk_bind(struct sm_trunk *trunk, size_t l, const struct sm_trunk_weights *weights, float magnitude,
                  struct sm_error *err);

/* Units of what the dense layers read. */
size_t sm_trunk_units(const struct sm_trunk *trunk);

/* Takes over masks and weights: lists or packed weights, by weights.sparse of each layer. The rows of `kept` have been
 * collected, by any thread. No wait at its end. */
void sm_trunk_collect(struct sm_trunk *trunk, int thread, int n_threads);

/* Finds the channels whose weights have a gradient under the present masks, in a trunk for training; one thread calls,
 * when the rows of `kept` have been collected. asked_units: [sm_trunk_units], is 0 where the dense layers send no
 * gradient. */
void sm_trunk_find_live(struct sm_trunk *trunk, const uint8_t *asked_units);

/* From a batch to columns [units][image_stride] and, where rows is not NULL, rows [image][row_stride]. With
 * SM_STATISTICS_BATCH, in a trunk for training only, the moving statistics move. Ends with a wait. */
void sm_trunk_forward(struct sm_trunk *trunk, const struct sm_batch *batch, enum sm_statistics statistics,
                      float *columns, size_t image_stride, float *rows, size_t row_stride, int thread, int n_threads);

/* From the gradient of the columns to the gradients of the weights, nodes[].gradient, and of gamma and beta, in
 * nodes[].norm; after a pass with SM_STATISTICS_BATCH. Ends with a wait. */
void sm_trunk_backward(struct sm_trunk *trunk, const float *delta, size_t image_stride, int thread, int n_threads);

/* Node by node in one thread, for whoever changes maps on the way. The order of calls: every layer is bound and
 * collected, then for each batch load, and for each of its blocks the nodes. The values are those of a pass. */

/* The images of a batch, at most as many as the capacity, into trunk.images. */
void sm_trunk_load(struct sm_trunk *trunk, const struct sm_batch *batch);
/* Can channels of the node be computed by themselves, with the same bytes? A dense product is computed as a whole. */
bool sm_trunk_is_by_channel(const struct sm_trunk_node *node);
/* Channels [first, last) of a node's output in a block, from the maps it reads as they stand; all of them where the
 * node is not computed by channel. */
void sm_trunk_compute(const struct sm_trunk *trunk, size_t node, size_t block, size_t first, size_t last);
/* Of a pooled convolution: its output after the activation, before the pool, into a map of one block
 * [n_out][out_height] [out_width] whose block_stride is 0. */
void sm_trunk_compute_unpooled(const struct sm_trunk *trunk, size_t node, size_t block, const struct sm_map *map);
/* Channels [first, last) of the last node to the columns [units][image_stride] that the dense layers read. */
void sm_trunk_hand_over(const struct sm_trunk *trunk, size_t block, float *columns, size_t image_stride, size_t first,
                        size_t last);

/* The node that computes layer l. */
struct sm_trunk_node *sm_trunk_node_of_layer(const struct sm_trunk *trunk, size_t l);

#endif
