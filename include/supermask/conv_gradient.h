/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_gradient.h - the weight gradient of a convolution of stride 1 whose kernel is 1 or 3 wide, channel by channel:
 *
 *   dW[o][i][r][s] = sum over images n, y, x of d[n][o][y][x] * in[n][i][y + r - pad_top][x + s - pad_left]
 *
 * A vector is one pixel of several images; a few output channels times the taps of a kernel row stay in registers while
 * the pixels of a band pass, so nothing is copied or transposed, and channels that are dead are left out. Each weight
 * is one sum in a fixed order, whatever else is computed with it. */
#ifndef SUPERMASK_CONV_GRADIENT_H
#define SUPERMASK_CONV_GRADIENT_H

#include <stdbool.h>
#include <supermask/channels.h>
#include <supermask/conv.h>
#include <supermask/kernels.h>

bool sm_conv_gradient_possible(const struct sm_conv *conv);

/* Work is handed out in units of a few output and input channels, which are independent. */
size_t sm_conv_gradient_units(const struct sm_conv *conv);
/* Floats that a unit needs as scratch, aligned to 64 bytes; each thread its own. */
size_t sm_conv_gradient_scratch(const struct sm_conv *conv);

/* gradient[o*weight_stride + (i*kernel_height + r)*kernel_width + s] of the unit's channels over the first n_blocks
 * blocks; 0 where o or i is not live. in: the input, halo at least the padding; delta: the gradient of the output. */
void sm_conv_gradient_unit(const struct sm_kernels *kernels, const struct sm_conv *conv, size_t unit, size_t n_blocks,
                           const struct sm_map *in, const struct sm_channels *in_channels, const struct sm_map *delta,
                           const struct sm_channels *out_channels, float *gradient, size_t weight_stride,
                           float *scratch);

#endif
