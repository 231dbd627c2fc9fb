/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_dense.h - a convolution of stride 1 as products of matrices, and the weight gradient of any convolution.
 *
 * In a map the rows y .. y+k-1 with all their channels are one matrix of k*channels rows (map.h). So for each column s
 * of the kernel an output row is one product, accumulated over s:
 *   out[o][x] += packed[s][o][(r, i)] * in[(r, i)][x + s - pad_left],   [n_out, k*n_in] x [k*n_in, width * 16]
 * without im2col and without a copy. The gradient of the input is the same with the kernel turned by half a turn and
 * in and out exchanged; the gradient of the weights is the product of the output's gradient with the same shifted rows,
 * summed over rows and images.
 *
 * Every call to OpenBLAS has a size that follows from the shapes alone, so results do not depend on the number of
 * threads. */
#ifndef SUPERMASK_CONV_DENSE_H
#define SUPERMASK_CONV_DENSE_H

#include <stdbool.h>
#include <supermask/conv.h>

struct sm_conv_dense {
    struct sm_conv conv;
    float *forward;  /* [kernel_width][n_out][kernel_height * n_in], packed effective weights; NULL for stride > 1 */
    float *backward; /* [kernel_width][n_in][kernel_height * n_out], turned; NULL where no gradient goes on */
    size_t n_slices, n_groups; /* of the weight gradient: pieces of the output channels; of the blocks */
    float *partial; /* [n_groups][products][n_out][columns]: weight gradients of groups of blocks, to be added up */
};

/* training: is there a weight gradient? backward: and is the gradient of the input wanted? 0, or -1 when out of memory.
 * The caller destroys in both cases. */
int sm_conv_dense_init(struct sm_conv_dense *dense, const struct sm_conv *conv, size_t n_blocks, bool training,
                       bool backward);
void sm_conv_dense_destroy(struct sm_conv_dense *dense);

/* Packs output channels [first, last) of the effective weights w*g, rows [n_out][weight_stride]; mask NULL: w itself.
 * Both directions; different channels may be packed at the same time. */
void sm_conv_dense_pack(struct sm_conv_dense *dense, const float *weight, const int8_t *mask, size_t weight_stride,
                        size_t first, size_t last);

/* Row y of the output of block b into out: all channels, out_channel_step apart, columns SM_LANES apart. Stride 1. */
void sm_conv_dense_forward(const struct sm_conv_dense *dense, const struct sm_map *in, size_t block, size_t y,
                           float *out, size_t out_channel_step);
/* The gradient of the input in block b from that of the output; `accumulate` adds it to what is there. Stride 1. */
void sm_conv_dense_backward(const struct sm_conv_dense *dense, const struct sm_map *in_delta,
                            const struct sm_map *out_delta, size_t block, bool accumulate);

/* The weight gradient comes in units that may be computed in any order and at the same time; each needs a scratch of
 * its thread of sm_conv_dense_scratch floats. When all are done, sm_conv_dense_gradient collects the rows [first, last)
 * of gradient [n_out][weight_stride]. `n_blocks` of this batch. */
size_t sm_conv_dense_units(const struct sm_conv_dense *dense);
size_t sm_conv_dense_scratch(const struct sm_conv_dense *dense);
void sm_conv_dense_gradient_unit(const struct sm_conv_dense *dense, size_t unit, const struct sm_map *in,
                                 const struct sm_map *out_delta, size_t n_blocks, float *scratch);
void sm_conv_dense_gradient(const struct sm_conv_dense *dense, float *gradient, size_t weight_stride, size_t first,
                            size_t last);

#endif
