/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_bf16.c - sums of products of bfloat16 pairs; compiled once for each instruction set, like kernels.c, and once
 * more for the instruction itself. */
#include "lib/kernels_bf16.h"

#include <supermask/kernels.h>

#include "lib/kernels_round.h"
#include "lib/kernels_vector.h"

#if defined(__AVX512BF16__)
#    include <immintrin.h>
#endif

#if V == 16
#    define TILE_OUT 8 /* x 3 taps: 24 of 32 registers */
#else
#    define TILE_OUT 4
#endif

typedef double vector_double __attribute__((vector_size(V * 8)));

INLINE vector_word load_words(const uint32_t *p) {
    return *(const vector_word *)p;
}

/* ---- one product of pairs ---- */

#if defined(__AVX512BF16__)
INLINE vector dot_pairs(vector sum, vector_word a, vector_word b) {
    return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#else
INLINE vector high_half(vector_word pair) {
    return (vector)(pair & 0xffff0000u);
}
INLINE vector low_half(vector_word pair) {
    return (vector)(pair << 16);
}

/* sum + a * b, rounded once. */
INLINE vector multiply_add(vector sum, vector a, vector b) {
#    if defined(__FMA__)
    return sum + a * b; /* contracted */
#    else
    /* The product of two bfloat16 is exact in double, and a sum of two floats that is rounded to double first becomes
     * the same float (Figueroa, When is double rounding innocuous?, 1995). */
    const vector_double exact = __builtin_convertvector(a, vector_double) * __builtin_convertvector(b, vector_double);
    return __builtin_convertvector(__builtin_convertvector(sum, vector_double) + exact, vector);
#    endif
}

INLINE vector dot_pairs(vector sum, vector_word a, vector_word b) {
    sum = multiply_add(sum, high_half(a), high_half(b));
    return multiply_add(sum, low_half(a), low_half(b));
}
#endif

static void dot(float *sum, const uint32_t *a, const uint32_t *b) {
    for (size_t k = 0; k < SM_LANES; k += V)
        store(sum + k, dot_pairs(load(sum + k), load_words(a + k), load_words(b + k)));
}

/* ---- rounding ---- */

static void pack(uint32_t *words, const float *low, const float *high, size_t n) {
    for (size_t k = 0; k < n; k += V) {
        vector_word bits = (vector_word)round_bf16(load(low + k)) >> 16;
        if (high) bits |= (vector_word)round_bf16(load(high + k));
        *(vector_word *)(words + k) = bits;
    }
}

/* ---- rows ---- */

/* TILE_OUT output channels from `o` on, the lanes from `lane` on; n_taps is a constant after inlining. */
INLINE void add_tile(const struct sm_bf16_rows *rows, size_t o, size_t lane, size_t n_taps) {
    vector sum[TILE_OUT][3];
    float *sums = rows->sum + o * n_taps * SM_LANES + lane;
    UNROLL
    for (size_t k = 0; k < TILE_OUT; k++) {
        UNROLL
        for (size_t s = 0; s < n_taps; s++) sum[k][s] = load(sums + (k * n_taps + s) * SM_LANES);
    }
    for (size_t y = 0; y < rows->height; y++) {
        const uint32_t *in = rows->in + y * rows->in_row + lane;
        size_t at = y * rows->delta_row + lane;
        for (size_t x = 0; x < rows->width; x++, in += rows->in_column, at += SM_LANES) {
            vector_word pixel[3];
            UNROLL
            for (size_t s = 0; s < n_taps; s++) pixel[s] = load_words(in + s * SM_LANES);
            UNROLL
            for (size_t k = 0; k < TILE_OUT; k++) {
                const vector_word d = load_words(rows->delta[o + k] + at);
                UNROLL
                for (size_t s = 0; s < n_taps; s++) sum[k][s] = dot_pairs(sum[k][s], d, pixel[s]);
            }
        }
    }
    UNROLL
    for (size_t k = 0; k < TILE_OUT; k++) {
        UNROLL
        for (size_t s = 0; s < n_taps; s++) store(sums + (k * n_taps + s) * SM_LANES, sum[k][s]);
    }
}

INLINE void add_tiles(const struct sm_bf16_rows *rows, size_t n_taps) {
    const struct sm_bf16_rows r = *rows;
    for (size_t o = 0; o < SM_BF16_OUT; o += TILE_OUT)
        for (size_t lane = 0; lane < SM_LANES; lane += V) add_tile(&r, o, lane, n_taps);
}

static void add_one(const struct sm_bf16_rows *rows) {
    add_tiles(rows, 1);
}

static void add_three(const struct sm_bf16_rows *rows) {
    add_tiles(rows, 3);
}

extern const struct sm_bf16_kernels JOIN(sm_bf16_kernels_, SM_ISA);
const struct sm_bf16_kernels JOIN(sm_bf16_kernels_, SM_ISA) = {
    .name = TEXT(SM_ISA),
    .pack = pack,
    .dot = dot,
    .add_one = add_one,
    .add_three = add_three,
};
