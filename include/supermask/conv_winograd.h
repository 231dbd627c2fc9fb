/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_winograd.h - a 3x3 convolution of stride 1 with 4/9 of its multiplications: Winograd's algorithm F(2x2, 3x3)
 * (Lavin & Gray 2016, arXiv 1509.09308, section 4.1).
 *
 * The output is cut into tiles of 2x2 pixels; x are the 4x4 pixels of input under such a tile, w the effective weights:
 *
 *   out[o] = A^T ( sum over i of (G w[o][i] G^T) * (B^T x[i] B) ) A          (* place by place)
 *
 *          1   0   0          1  0 -1  0          1  1  1  0
 *   G =   1/2 1/2 1/2   B^T = 0  1  1  0   A^T =  0  1 -1  1
 *         1/2 -1/2 1/2        0 -1  1  0
 *          0   0   1          0 -1  0  1
 *
 * (the last row of B^T with the other sign, and so is the last column of A^T, which makes B that of
 * conv_winograd_gradient.h). The sum is 16 products of matrices, one for each place of a transformed tile, by OpenBLAS
 * over the tiles of a few rows at a time, whose sizes follow from the shape alone. The gradient of the input is the
 * same with the kernel turned by half a turn and in and out exchanged. Rounding errors are those of the direct sum
 * within a small factor (tests/test_conv.c). */
#ifndef SUPERMASK_CONV_WINOGRAD_H
#define SUPERMASK_CONV_WINOGRAD_H

#include <stdbool.h>
#include <supermask/conv.h>
#include <supermask/kernels.h>

struct sm_winograd {
    const struct sm_winograd_kernels *kernels;
    struct sm_conv conv;
    size_t chunk_rows, chunk_columns; /* of tiles that are transformed at a time */
    float *forward;                   /* [16 places][n_out][n_in], transformed effective weights */
    float *backward;                  /* [16 places][n_in][n_out], turned; NULL where no gradient goes on */
};

/* 3x3, stride 1, an output of even height and width. */
bool sm_winograd_possible(const struct sm_conv *conv);
/* Is it also faster than dense products (conv_dense.h)? */
bool sm_winograd_pays(const struct sm_conv *conv);

/* backward: is the gradient of the input wanted? 0, or -1 when out of memory; destroy it in both cases. */
int sm_winograd_init(struct sm_winograd *winograd, const struct sm_conv *conv, const struct sm_kernels *kernels,
                     bool backward);
void sm_winograd_destroy(struct sm_winograd *winograd);

/* Like sm_conv_dense_pack. */
void sm_winograd_pack(struct sm_winograd *winograd, const float *weight, const int8_t *mask, size_t weight_stride,
                      size_t first, size_t last);

/* Floats that a pass needs as scratch, aligned to 64 bytes; each thread its own. */
size_t sm_winograd_pass_scratch(const struct sm_winograd *winograd);
/* Rows [y, y + n_rows) of the output of block b into out: rows row_step apart, channels channel_step, columns SM_LANES.
 * y is a multiple of 2*chunk_rows, and so is n_rows or it reaches to the end: the same products whichever rows are
 * asked for. in: halo at least the padding. */
void sm_winograd_forward(const struct sm_winograd *winograd, const struct sm_map *in, size_t block, size_t y,
                         size_t n_rows, float *out, size_t row_step, size_t channel_step, float *scratch);
/* The gradient of the input in block b from that of the output, whose halo is at least 2 minus the padding;
 * `accumulate` adds it to what is there. */
void sm_winograd_backward(const struct sm_winograd *winograd, const struct sm_map *in_delta,
                          const struct sm_map *out_delta, size_t block, bool accumulate, float *scratch);

#endif
