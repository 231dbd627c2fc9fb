/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv.h - the geometry of a convolution, and its passes on maps.
 *
 * out[o][y][x] = sum over i, r, s of v[o][i][r][s] * in[i][y*stride + r - pad_top][x*stride + s - pad_left], zeros
 * outside: a cross-correlation, as in every framework. Weights, masks and gradients are rows [n_out][weight_stride],
 * weight_stride = sm_padded(fan_in), within a row [n_in][kernel_height][kernel_width] as in the run file. */
#ifndef SUPERMASK_CONV_H
#define SUPERMASK_CONV_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/map.h>

struct sm_conv {
    size_t n_out, n_in, kernel_height, kernel_width, stride, pad_top, pad_left;
    size_t in_height, in_width, out_height, out_width;
};

static inline size_t sm_conv_taps(const struct sm_conv *c) {
    return c->kernel_height * c->kernel_width;
}
static inline size_t sm_conv_fan_in(const struct sm_conv *c) {
    return c->n_in * sm_conv_taps(c);
}

#endif
