/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_draw.h - the random numbers of rng.h in vectors: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel
 * random numbers: as easy as 1, 2, 3"). A block of the generator gives the numbers 4 block .. 4 block + 3 of a stream.
 *
 * Each word of a block has a lane of 64 bits for itself, because the multiplication of two words has so many. Only the
 * lower half of a lane is the word; what is in the upper one is never read. */
#ifndef SUPERMASK_LIB_KERNELS_DRAW_H
#define SUPERMASK_LIB_KERNELS_DRAW_H

#include "lib/kernels_vector.h"

#include <supermask/rng.h>

typedef uint64_t vector_wide __attribute__((vector_size(V * 4), aligned(4), may_alias));

enum { PHILOX_ROUNDS = 10, DRAW_CHAINS = 2 /* blocks of DRAW_CHAINS vectors at once: one waits for its products */ };
#define DRAW_VECTORS (2 * DRAW_CHAINS) /* vectors of numbers that one call gives */

/* Products of the lower halves. */
INLINE vector_wide multiply_low(vector_wide a, vector_wide b) {
#if defined(__AVX512F__)
    return (vector_wide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (vector_wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (vector_wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & UINT64_C(0xFFFFFFFF)) * (b & UINT64_C(0xFFFFFFFF));
#endif
}

INLINE vector_wide spread_wide(uint64_t x) {
    return x - (vector_wide){0};
}

#if V == 16
#    define LOW_WIDE(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#    define HIGH_WIDE(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#    define LANES_WIDE                                                                                                 \
        (vector_wide) {                                                                                                \
            0, 1, 2, 3, 4, 5, 6, 7                                                                                     \
        }
#elif V == 8
#    define LOW_WIDE(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#    define HIGH_WIDE(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#    define LANES_WIDE                                                                                                 \
        (vector_wide) {                                                                                                \
            0, 1, 2, 3                                                                                                 \
        }
#else
#    define LOW_WIDE(a, b) __builtin_shufflevector(a, b, 0, 2)
#    define HIGH_WIDE(a, b) __builtin_shufflevector(a, b, 1, 3)
#    define LANES_WIDE                                                                                                 \
        (vector_wide) {                                                                                                \
            0, 1                                                                                                       \
        }
#endif

/* Words 0 .. 3 of V / 2 blocks, one a lane, become 2 V numbers in their order. */
INLINE void order_words(vector_int number[2], const vector_wide word[4]) {
    const vector_wide low = spread_wide(UINT64_C(0xFFFFFFFF));
    vector_wide first = (word[0] & low) | word[1] << 32, second = (word[2] & low) | word[3] << 32;
    number[0] = (vector_int)LOW_WIDE(first, second);
    number[1] = (vector_int)HIGH_WIDE(first, second);
}

/* The DRAW_VECTORS * V numbers of the stream from block number `block` on. */
INLINE void draw_numbers(vector_int number[DRAW_VECTORS], const struct sm_rng *rng, uint64_t block) {
    vector_wide word[DRAW_CHAINS][4];
    uint32_t key0 = (uint32_t)rng->seed, key1 = (uint32_t)(rng->seed >> 32);
    UNROLL
    for (size_t c = 0; c < DRAW_CHAINS; c++) {
        word[c][0] = spread_wide(block + c * (V / 2)) + LANES_WIDE;
        word[c][1] = word[c][0] >> 32;
        word[c][2] = spread_wide(rng->stream);
        word[c][3] = word[c][2] >> 32;
    }
    UNROLL
    for (int round = 0; round < PHILOX_ROUNDS; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
        UNROLL
        for (size_t c = 0; c < DRAW_CHAINS; c++) {
            vector_wide a = multiply_low(word[c][0], spread_wide(0xD2511F53u));
            vector_wide b = multiply_low(word[c][2], spread_wide(0xCD9E8D57u));
            word[c][0] = b >> 32 ^ word[c][1] ^ spread_wide(key0);
            word[c][1] = b;
            word[c][2] = a >> 32 ^ word[c][3] ^ spread_wide(key1);
            word[c][3] = a;
        }
    }
    UNROLL
    for (size_t c = 0; c < DRAW_CHAINS; c++) order_words(number + 2 * c, word[c]);
}

#endif
