/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_vector.h - the vectors of the instruction set that a kernel source is compiled for: V floats wide, the
 * compilers' own (gcc and clang), so that the same text becomes AVX-512, AVX2 or whatever else the target has. */
#ifndef SUPERMASK_LIB_KERNELS_VECTOR_H
#define SUPERMASK_LIB_KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE__)
#    include <immintrin.h>
#endif

#if defined(__AVX512F__)
#    define V 16
#elif defined(__AVX2__)
#    define V 8
#else
#    define V 4
#endif

typedef float vector __attribute__((vector_size(V * 4), aligned(4), may_alias));
typedef int32_t vector_int __attribute__((vector_size(V * 4), aligned(4), may_alias));
typedef uint32_t vector_uint __attribute__((vector_size(V * 4), aligned(4), may_alias));
typedef int8_t vector_byte __attribute__((vector_size(V), aligned(1), may_alias));
typedef uint8_t vector_ubyte __attribute__((vector_size(V), aligned(1), may_alias));

/* Loops over accumulators must vanish, so that these stay in registers. */
#if defined(__clang__)
#    define UNROLL _Pragma("clang loop unroll(full)")
#else
#    define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE vector load(const float *p) {
    return *(const vector *)p;
}
INLINE void store(float *p, vector v) {
    *(vector *)p = v;
}
INLINE vector spread(float x) {
    return x - (vector){0};
}
/* The value itself, rounded here: what consumes it cannot take a product in it for a fused multiply-add of its own. In
 * a sum of two products the compiler is free to fuse either, and chooses differently for different vectors. */
INLINE vector rounded(vector x) {
#if defined(__x86_64__)
    __asm__("" : "+v"(x));
#endif
    return x;
}
INLINE vector choose(vector_int where, vector yes, vector no) {
    return (vector)(((vector_int)yes & where) | ((vector_int)no & ~where));
}

/* Bit k: whether lane k, -1 or 0, is -1. */
INLINE unsigned bits_of(vector_int where) {
#if defined(__AVX512F__)
    return _mm512_movepi32_mask((__m512i)where);
#elif defined(__AVX2__)
    return (unsigned)_mm256_movemask_ps((__m256)where);
#elif defined(__SSE__)
    return (unsigned)_mm_movemask_ps((__m128)where);
#else
    unsigned bits = 0;
    for (unsigned k = 0; k < V; k++) bits |= (unsigned)(where[k] & 1) << k;
    return bits;
#endif
}

/* Square roots, rounded correctly. Compilers make scalar code of the loop. */
INLINE vector root(vector x) {
#if defined(__AVX512F__)
    return (vector)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (vector)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE__)
    return (vector)_mm_sqrt_ps((__m128)x);
#else
    for (size_t k = 0; k < V; k++) x[k] = __builtin_sqrtf(x[k]);
    return x;
#endif
}

/* Bytes as lanes, and lanes as bytes, whose range they do not leave. Compilers would take the lanes one by one. */
INLINE vector_int load_bytes(const int8_t *p) {
#if defined(__AVX512F__)
    return (vector_int)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif defined(__AVX2__)
    return (vector_int)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
#elif defined(__SSE2__)
    __m128i bytes = _mm_loadu_si32(p), pairs = _mm_unpacklo_epi8(bytes, bytes);
    return (vector_int)_mm_unpacklo_epi16(pairs, pairs) >> 24;
#else
    return __builtin_convertvector(*(const vector_byte *)p, vector_int);
#endif
}
INLINE void store_bytes(int8_t *p, vector_int v) {
#if defined(__AVX512F__)
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
#elif defined(__AVX2__)
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(half, half));
#elif defined(__SSE2__)
    __m128i half = _mm_packs_epi32((__m128i)v, (__m128i)v);
    _mm_storeu_si32(p, _mm_packs_epi16(half, half));
#else
    *(vector_byte *)p = __builtin_convertvector(v, vector_byte);
#endif
}

/* A kernel source ends in a table of its functions, sm_..._avx2 and so on: the name is made of SM_ISA. */
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)

#endif
