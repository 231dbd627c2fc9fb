/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_bf16.h - the weight gradient of a convolution from operands rounded to bfloat16, summed in float.
 *
 *   dW[o][i][r][s] = sum over images n, y, x of d[n][o][y][x] * in[n][i][y*stride + r - pad_top][x*stride + s -
 * pad_left]
 *
 * The arithmetic is that of VDPBF16PS (Intel, Instruction Set Extensions Programming Reference, May 2019): a word holds
 * two bfloat16, and sum += a.high * b.high; sum += a.low * b.low are two fused multiply-adds to nearest even, subnormal
 * operands and results taken for 0. CPUs with avx512_bf16 have it as one instruction; the others compute the same
 * bytes. The instruction is used only where it agrees with that definition on a set of hard cases.
 *
 * Here a word is one pixel of two images: image j of block 2b is the low half, image j of block
 * 2b + 1 the high one. A weight has SM_LANES sums, one a word; each runs over pairs of blocks, rows and columns in
 * ascending order, and at last lanes j and j+8, j+4, j+2, j+1 are added. Results depend neither on threads nor on the
 * instruction set. */
#ifndef SUPERMASK_CONV_BF16_H
#define SUPERMASK_CONV_BF16_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/conv.h>
#include <supermask/map.h>

struct sm_bf16_kernels;

/* The kernels that go with sm_kernels_get(), the instruction where there is one. */
const struct sm_bf16_kernels *sm_bf16_kernels_get(void);
/* "avx512bf16" (the instruction), "avx512", "avx2", "baseline"; NULL where not built or where this CPU lacks it. */
const struct sm_bf16_kernels *sm_bf16_kernels_find(const char *name);
const char *sm_bf16_kernels_name(const struct sm_bf16_kernels *kernels);

/* A map in words: the layout of struct sm_map, pairs of blocks in the place of blocks. */
struct sm_bf16_map {
    size_t channels, height, width, halo;
    size_t n_pairs;
    size_t channel_stride, row_stride, pair_stride; /* words */
    uint32_t *data;                                 /* [n_pairs * pair_stride], 64-byte aligned */
};

/* Zeros of the shape of `map`. 0, or -1 when out of memory. Destroy it in both cases. */
int sm_bf16_map_init(struct sm_bf16_map *rounded, const struct sm_map *map);
void sm_bf16_map_destroy(struct sm_bf16_map *rounded);

/* Rounds blocks 2*pair and 2*pair + 1 of a map of the same shape; a block that is not there is zeros. */
void sm_bf16_map_round(struct sm_bf16_map *rounded, const struct sm_map *map, size_t pair,
                       const struct sm_bf16_kernels *kernels);

/* Work is handed out in units of a few output and input channels, which are independent. */
size_t sm_conv_bf16_units(const struct sm_conv *conv);
/* Floats that a call of sm_conv_bf16_gradient needs as scratch, aligned to 64 bytes; each thread its own. */
size_t sm_conv_bf16_scratch(const struct sm_conv *conv);
/* gradient[o*weight_stride + (i*kernel_height + r)*kernel_width + s] for the unit's o and i; nothing else is written.
 * in: the convolution's input, halo at least the padding on every side; delta: the gradient of its output, any halo. */
void sm_conv_bf16_gradient(const struct sm_bf16_kernels *kernels, const struct sm_conv *conv, size_t unit,
                           const struct sm_bf16_map *in, const struct sm_bf16_map *delta, float *gradient,
                           size_t weight_stride, float *scratch);

#endif
