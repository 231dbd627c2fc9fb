/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_round.h - rounding to bfloat16: the upper half of a float, round to nearest, ties to even. */
#ifndef SUPERMASK_LIB_KERNELS_ROUND_H
#define SUPERMASK_LIB_KERNELS_ROUND_H

#include "lib/kernels_vector.h"

typedef uint32_t vector_word __attribute__((vector_size(V * 4), aligned(4), may_alias));

/* The float that the bfloat16 nearest to x is. NaN stays NaN (quiet); what is too large becomes an infinity. */
INLINE vector round_bf16(vector x) {
    vector_word bits = (vector_word)x, odd = (bits >> 16) & 1, nearest = (bits + 0x7fff + odd) & 0xffff0000u;
    return choose(x == x, (vector)nearest, (vector)((bits | 0x00400000u) & 0xffff0000u));
}

#endif
