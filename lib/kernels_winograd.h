/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_winograd.h - the arithmetic of conv_winograd.h and conv_winograd_gradient.h, one table for each instruction
 * set, in struct sm_kernels.
 *
 * All of it is for `lanes` of the SM_LANES images at a time. A transformed channel holds tiles [n][lanes]; value
 * f = 4*row + column of its tiles lies f * place_stride floats behind value 0. */
#ifndef SUPERMASK_LIB_KERNELS_WINOGRAD_H
#define SUPERMASK_LIB_KERNELS_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#define SM_WINOGRAD_PLACES 16u   /* values of a transformed tile */
#define SM_WINOGRAD_TILES 16u    /* of a chunk of the weight gradient */
#define SM_WINOGRAD_CHANNELS 32u /* of a unit, on either side */
#define SM_WINOGRAD_OUT 4u       /* output channels whose sums add_products holds at a time */

struct sm_winograd_kernels {
    size_t lanes; /* divides SM_LANES and SM_WINOGRAD_CHANNELS */

    /* B^T x B of n tiles of 4x4 pixels that begin two pixels apart, from the first one's upper left pixel on. */
    void (*transform_in)(float *to, size_t place_stride, const float *pixel, size_t row_stride, size_t n);

    /* A^T m A of n tiles, which becomes 2x2 pixels of each, side by side from `pixel` on, or is added to them. */
    void (*transform_out)(float *pixel, size_t row_stride, const float *m, size_t place_stride, size_t n,
                          bool accumulate);

    /* ---- the weight gradient ---- */

    /* G d G^T without its factors of 1/2, of n tiles of 2x2 pixels that lie side by side. */
    void (*transform_delta)(float *to, size_t place_stride, const float *pixel, size_t row_stride, size_t n);

    /* sums[o][i] += sum over the first n tiles of delta[o] * in[i], at one place, each lane by itself. sums:
     * [n_out rounded up to SM_WINOGRAD_OUT][SM_WINOGRAD_CHANNELS][lanes], where the surplus rows are anything;
     * delta and in: [channel][SM_WINOGRAD_TILES][lanes]. n_in >= 1. */
    void (*add_products)(float *sums, const float *delta, const float *in, size_t n_out, size_t n_in, size_t n);

    /* taps[3*r + s][i] += the lanes, in their order, of A^T m A with the factors left out before; m: the sums of one
     * output channel and `lanes` input channels i. */
    void (*add_taps)(float *taps, const float *sums, size_t place_stride);
};

#endif
