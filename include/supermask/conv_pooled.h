/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_pooled.h - the weight gradient of a 3x3 convolution of stride 1 that 2x2 max-pooling of stride 2 follows.
 *
 * Of the four pixels that compete for a pooled one only the winner has a gradient, so three quarters of the gradient
 * behind the convolution are exact zeros. Over images n and pooled pixels p
 *
 *   dW[o][i][r][s] = sum over n, p of d[n][o][p] * in[n][i][y(n,o,p) + r - pad_top][x(n,o,p) + s - pad_left]
 *
 * where d is the gradient of the pooled pixel, times the activation's derivative, and (y, x) the winner in the output
 * of the convolution. Activation functions rise, so whether pooling or activation comes first makes no difference.
 *
 * A step goes in two passes. sm_pooled_collect lists, a block of images at a time, the entries (d, place of the winner)
 * of each output channel. sm_pooled_gradient walks the lists once for each unit of a few input channels; these lie
 * innermost in a copy of the input, so that an entry is nine multiply-adds of vectors.
 *
 * The lists are cut into chunks: a band of pooled rows of a group of images, about SM_POOLED_ENTRIES entries for each
 * output channel, so that what a chunk reads of the input stays in the L1 cache while all output channels pass. A
 * chunk's sum of one weight is one sequential sum, and chunks are added in ascending order of block, band, group: the
 * result depends neither on threads nor on the width of the vectors. */
#ifndef SUPERMASK_CONV_POOLED_H
#define SUPERMASK_CONV_POOLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/channels.h>
#include <supermask/conv.h>
#include <supermask/kernels.h>
#include <supermask/map.h>

#define SM_POOLED_ENTRIES 64u /* of a chunk and output channel; more only where one pooled row is longer */

struct sm_pooled {
    const struct sm_pooled_kernels *kernels;
    struct sm_conv conv;
    bool bf16;                      /* round d and the input to bfloat16; false unless set after sm_pooled_init */
    size_t n_blocks;                /* of SM_LANES images */
    size_t height, width;           /* of the pooled output: half the convolution's, rounded down */
    size_t band_height, n_bands;    /* pooled rows of a band (the last may have fewer) */
    size_t group, n_groups;         /* images of a chunk, a power of 2; chunks of a block and band */
    size_t tile_height, tile_width; /* what a band reads of one image's input channel, pixels */
    size_t list_stride;             /* entries from one output channel to the next */
    float *value;                   /* [block][band][group][n_out][list_stride]: d */
    uint16_t *place;                /* likewise: first pixel under the kernel, counted in the chunk's tile
                                       [group][tile_height][tile_width] */
};

/* Whether this is done for such a convolution: 3x3, stride 1, and rows of a width that places can count. */
bool sm_pooled_possible(const struct sm_conv *conv);

/* Memory for batches of n_blocks blocks. 0, or -1 when out of memory. Destroy it in both cases. `kernels` says which
 * instruction set: sm_kernels_get(). */
int sm_pooled_init(struct sm_pooled *pooled, const struct sm_conv *conv, size_t n_blocks,
                   const struct sm_kernels *kernels);
void sm_pooled_destroy(struct sm_pooled *pooled);

/* Lists the entries of one block. delta: the gradient of the pooled output, [n_out channels][height][width], any halo;
 * winner: [block][row][channel][column][SM_LANES], 2*dy + dx for the winner at (2*row + dy, 2*column + dx), of all
 * blocks. Images that the batch lacks have gradient 0. Blocks are
 * independent. Only live output channels are listed. */
void sm_pooled_collect(struct sm_pooled *pooled, size_t block, const struct sm_map *delta, const uint8_t *winner,
                       const struct sm_channels *out_channels);

/* Work is handed out in units of a few input channels, which are independent. */
size_t sm_pooled_units(const struct sm_pooled *pooled);
/* Floats that a call of sm_pooled_gradient needs as scratch, aligned to 64 bytes; each thread its own. */
size_t sm_pooled_scratch(const struct sm_pooled *pooled);
/* gradient[o*weight_stride + i*9 + r*3 + s] over the first n_blocks blocks, for every o and the unit's input channels
 * i; nothing else is written. in: the convolution's input, halo at least the padding. */
void sm_pooled_gradient(const struct sm_pooled *pooled, size_t unit, size_t n_blocks, const struct sm_map *in,
                        const struct sm_channels *in_channels, const struct sm_channels *out_channels, float *gradient,
                        size_t weight_stride, float *scratch);

#endif
