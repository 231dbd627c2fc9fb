/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_bf16.h - the arithmetic of conv_bf16.h, one table for each instruction set. */
#ifndef SUPERMASK_LIB_KERNELS_BF16_H
#define SUPERMASK_LIB_KERNELS_BF16_H

#include <stddef.h>
#include <stdint.h>

#define SM_BF16_OUT 8u /* output channels of a call */

/* Rows of the output gradient of SM_BF16_OUT channels and the input pixels that meet one of their weights, words. */
struct sm_bf16_rows {
    const uint32_t *delta[SM_BF16_OUT]; /* first pixel of each channel */
    const uint32_t *in;
    size_t delta_row, in_row, in_column; /* words from one output row or column to the next; delta's columns adjoin */
    size_t height, width;
    float *sum; /* [SM_BF16_OUT][taps][SM_LANES] */
};

struct sm_bf16_kernels {
    const char *name;
    /* words[k] = high[k], low[k] rounded; n a multiple of SM_LANES. NULL: zeros. */
    void (*pack)(uint32_t *words, const float *low, const float *high, size_t n);
    /* sum[k] += a[k].high * b[k].high, then += a[k].low * b[k].low, for SM_LANES words. */
    void (*dot)(float *sum, const uint32_t *a, const uint32_t *b);
    /* Adds the products of all pixels to the sums: of one weight of each output channel, or of three neighbours, whose
     * input pixels are neighbours and in_column is one pixel. */
    void (*add_one)(const struct sm_bf16_rows *rows);
    void (*add_three)(const struct sm_bf16_rows *rows);
};

#endif
