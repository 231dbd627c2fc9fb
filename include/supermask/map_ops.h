/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map_ops.h - the operators between convolutions, forward and backward: activations, sums, pools, batch norm.
 *
 * Every function works on one block of images (map.h) and touches nothing outside it, so blocks can be taken by any
 * thread in any order. Maps of one call have the same shape unless said otherwise; their halos may differ, and are
 * never written. A map whose block_stride is set to 0 is one block of scratch that stands for all: every function here
 * accepts one. "delta" is the gradient of the loss with respect to the values of a map.
 *
 * lib/kernels_map.c is compiled once for each instruction set. "avx512" and "avx2" give the same bytes; "baseline"
 * rounds products and sums apart. */
#ifndef SUPERMASK_MAP_OPS_H
#define SUPERMASK_MAP_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/batch_norm.h>
#include <supermask/map.h>
#include <supermask/network.h>

#define SM_POOL_SIZE_MAX 15u /* a place in a window is one byte */

/* A max pool: windows of size x size pixels, the first one pad_top rows above and pad_left columns left of the map.
 * 1 <= size <= SM_POOL_SIZE_MAX, stride >= 1, every window has a pixel of the map. */
struct sm_pool {
    size_t size, stride, pad_top, pad_left;
};

struct sm_map_kernels {
    const char *name; /* as in struct sm_kernels */

    /* map = f(map); and delta *= f'(x) computed from the output f(x), as sm_kernels.elu_gradient does. */
    void (*activate)(const struct sm_map *map, size_t block, enum sm_activation activation);
    void (*activation_gradient)(const struct sm_map *delta, const struct sm_map *map, size_t block,
                                enum sm_activation activation);

    /* out = f(a + b); out may be a or b. */
    void (*add)(const struct sm_map *out, const struct sm_map *a, const struct sm_map *b, size_t block,
                enum sm_activation activation);
    /* to = from, and to += from: the gradients of a sum's branches. */
    void (*copy)(const struct sm_map *to, const struct sm_map *from, size_t block);
    void (*accumulate)(const struct sm_map *to, const struct sm_map *from, size_t block);

    /* ---- max pools. The winner of a window is the place of its largest value, row * size + column within the window,
     * the first one in this order where several are equal: what PyTorch and TensorFlow choose. A NaN wins. Winners of a
     * block are [row of the pooled map][channel][column][SM_LANES], without halo. ---- */

    /* 2x2 with stride 2 from two rows [channel][column][SM_LANES] of a convolution's output, channels in_channel_stride
     * floats apart, to one row of the pooled map at `out`, channels out_channel_stride apart, n_columns columns each.
     * The activation is applied to the largest value: activations are monotonic, so it is the largest activation.
     * winner: [channel][n_columns][SM_LANES], or NULL where nobody asks. */
    void (*pool_rows)(float *out, uint8_t *winner, const float *row0, const float *row1, size_t channels,
                      size_t in_channel_stride, size_t n_columns, size_t out_channel_stride,
                      enum sm_activation activation);
    /* Its gradient: writes all pixels of `delta` (of the convolution's output: height and width are those of `pooled`
     * doubled, or one more), zeros where a pixel did not win. winner: of this block. */
    void (*unpool)(const struct sm_map *delta, const struct sm_map *pooled, const uint8_t *winner, size_t block);

    /* Any pool: out (of the size the caller chose) from in. winner: of this block, or NULL. */
    void (*max_pool)(const struct sm_map *out, uint8_t *winner, const struct sm_map *in, size_t block,
                     const struct sm_pool *pool);
    /* in_delta = what each pixel won, summed over the windows in their order; or += where it accumulates. */
    void (*max_pool_gradient)(const struct sm_map *in_delta, const struct sm_map *out_delta, const uint8_t *winner,
                              size_t block, const struct sm_pool *pool, bool accumulates);

    /* Global average pool to columns [channel][image_stride]: the mean over all pixels, row by row; and its gradient,
     * which writes all pixels of `delta`. Block b are the images b*SM_LANES .. of the columns. */
    void (*average_pool)(float *columns, size_t image_stride, const struct sm_map *map, size_t block);
    void (*average_pool_gradient)(const struct sm_map *delta, const float *columns, size_t image_stride, size_t block);

    /* ---- batch norm; the first n_images <= SM_LANES images of the block count, the others pad the last block ---- */

    /* sums [2][channels]: of x and of x^2 over the block's images and pixels. */
    void (*moments)(double *sums, const struct sm_map *x, size_t block, size_t n_images);
    /* y = gamma * xhat + beta with the mean and deviation in use; y may be x where nobody will ask for the gradient. */
    void (*normalize)(const struct sm_map *y, const struct sm_map *x, size_t block, const struct sm_batch_norm *norm);
    /* sums [2][channels]: of dy and of dy * xhat. */
    void (*delta_moments)(double *sums, const struct sm_map *delta, const struct sm_map *x, size_t block,
                          size_t n_images, const struct sm_batch_norm *norm);
    /* delta: dy becomes dx, and 0 for images that do not count. */
    void (*normalize_gradient)(const struct sm_map *delta, const struct sm_map *x, size_t block, size_t n_images,
                               const struct sm_batch_norm *norm);
};

/* Those of the instruction set that sm_kernels_get() chooses, and those that sm_kernels_find(name) finds (or NULL). */
const struct sm_map_kernels *sm_map_kernels_get(void);
const struct sm_map_kernels *sm_map_kernels_find(const char *name);

#endif
