/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_transpose.h - transposing a square of V x V floats in registers. */
#ifndef SUPERMASK_LIB_KERNELS_TRANSPOSE_H
#define SUPERMASK_LIB_KERNELS_TRANSPOSE_H

#include "lib/kernels_vector.h"

#if V == 16
#    define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#    define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif V == 8
#    define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#    define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#    define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#    define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/* One round of the perfect shuffle of V vectors; log2(V) rounds transpose a V x V square. */
INLINE void shuffle_round(vector *out, const vector *in) {
    UNROLL
    for (int k = 0; k < V / 2; k++) {
        out[2 * k] = LOW(in[k], in[k + V / 2]);
        out[2 * k + 1] = HIGH(in[k], in[k + V / 2]);
    }
}

/* Element c of out[r] is element r of in[c]. */
INLINE void transpose_vectors(vector out[V], const vector in[V]) {
    vector between[V];
#if V == 4
    shuffle_round(between, in);
    shuffle_round(out, between);
#elif V == 8
    shuffle_round(out, in);
    shuffle_round(between, out);
    shuffle_round(out, between);
#else
    shuffle_round(between, in);
    shuffle_round(out, between);
    shuffle_round(between, out);
    shuffle_round(out, between);
#endif
}

/* The same with the result in memory. */
INLINE void transpose_square(float *out, size_t out_stride, const vector in[V]) {
    vector result[V];
    transpose_vectors(result, in);
    UNROLL
    for (int k = 0; k < V; k++) store(out + (size_t)k * out_stride, result[k]);
}

#endif
