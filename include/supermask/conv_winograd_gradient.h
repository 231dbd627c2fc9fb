/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_winograd_gradient.h - the weight gradient of a 3x3 convolution of stride 1 with 4/9 of the multiplications that
 * its sum has: Winograd's algorithm F(3x3, 2x2) (Lavin & Gray 2016, arXiv 1509.09308, section 4, where gradient and
 * input stand for filter and data).
 *
 * The gradient behind the convolution is cut into tiles d of 2x2 pixels; x are the 4x4 pixels of input that such a tile
 * meets. Over images n and tiles t
 *
 *   dW[o][i] = A^T ( sum over n, t of (G d[n][o][t] G^T) * (B^T x[n][i][t] B) ) A        (* place by place)
 *
 *         1   0          1  0 -1  0          1  1  1  0
 *   G =  1/2 1/2   B^T = 0  1  1  0   A^T =  0  1 -1  0
 *        1/2 -1/2        0 -1  1  0          0  1  1  1
 *         0   1          0 -1  0  1
 *
 * The factors of 1/2 are left to the end. The sum is 16 products of matrices, one for each place of a transformed tile.
 * Its rounding errors are those of the direct sum within a small factor (tests/test_conv.c).
 *
 * Like conv_gradient.h: a vector is 16 images, dead channels are left out, each weight is one sum in a fixed order. */
#ifndef SUPERMASK_CONV_WINOGRAD_GRADIENT_H
#define SUPERMASK_CONV_WINOGRAD_GRADIENT_H

#include <stdbool.h>
#include <supermask/channels.h>
#include <supermask/conv_winograd.h>
#include <supermask/kernels.h>

/* Where sm_winograd_possible, is it also faster than the direct sum? With few live channels on one side the transforms
 * of the other cost more than they save. */
bool sm_winograd_gradient_pays(const struct sm_conv *conv, const struct sm_channels *in_channels,
                               const struct sm_channels *out_channels);

/* Work is handed out in units of a few output and input channels, which are independent. */
size_t sm_winograd_gradient_units(const struct sm_conv *conv);
/* Floats that a unit needs as scratch, aligned to 64 bytes; each thread its own. */
size_t sm_winograd_gradient_scratch(void);

/* gradient[o*weight_stride + i*9 + r*3 + s] of the unit's channels over the first n_blocks blocks; 0 where o or i is
 * not live. in: the input, halo at least the padding; delta: the gradient of the output. */
void sm_winograd_gradient_unit(const struct sm_kernels *kernels, const struct sm_conv *conv, size_t unit,
                               size_t n_blocks, const struct sm_map *in, const struct sm_channels *in_channels,
                               const struct sm_map *delta, const struct sm_channels *out_channels, float *gradient,
                               size_t weight_stride, float *scratch);

#endif
