/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_winograd.c - 3x3 convolutions in transformed tiles, and their weight gradient; compiled once for each
 * instruction set, like kernels.c.
 *
 * The transforms add in a fixed order; sums run tile by tile for each lane apart: the width of the vectors cannot
 * change a result. */
#include "lib/kernels_winograd.h"

#include <supermask/kernels.h>

#include "lib/kernels_transpose.h"
#include "lib/kernels_vector.h"

#define IN_AT_ONCE                                                                                                     \
    3u /* with SM_WINOGRAD_OUT output channels 12 accumulators: they hide the latency of multiply-adds                 \
        */

struct four {
    vector at[4];
};

INLINE void store_four(float *to, size_t stride, struct four row) {
    UNROLL
    for (size_t x = 0; x < 4; x++) store(to + x * stride, row.at[x]);
}

/* ---- the input: B^T x B ---- */

/* B^T x, for one column or row of a tile. */
INLINE struct four in_transformed(vector a, vector b, vector c, vector d) {
    return (struct four){{a - c, b + c, c - b, d - b}};
}

INLINE struct four column_of_input(const float *pixel, size_t row_stride) {
    return in_transformed(load(pixel), load(pixel + row_stride), load(pixel + 2 * row_stride),
                          load(pixel + 3 * row_stride));
}

static void transform_in(float *to, size_t place_stride, const float *pixel, size_t row_stride, size_t n) {
    struct four a = column_of_input(pixel, row_stride), b = column_of_input(pixel + SM_LANES, row_stride);
    for (size_t t = 0; t < n; t++, to += V) {
        const float *right = pixel + (2 * t + 2) * SM_LANES;
        struct four c = column_of_input(right, row_stride), d = column_of_input(right + SM_LANES, row_stride);
        UNROLL
        for (size_t y = 0; y < 4; y++)
            store_four(to + 4 * y * place_stride, place_stride, in_transformed(a.at[y], b.at[y], c.at[y], d.at[y]));
        a = c;
        b = d;
    }
}

/* ---- the output: A^T m A ---- */

struct two {
    vector at[2];
};

INLINE struct two out_transformed(vector a, vector b, vector c, vector d) {
    return (struct two){{a + b + c, b - c + d}};
}

INLINE void put_pixel(float *pixel, vector value, bool accumulate) {
    if (accumulate) value += load(pixel);
    store(pixel, value);
}

INLINE void tiles_out(float *pixel, size_t row_stride, const float *m, size_t place_stride, size_t n, bool accumulate) {
    for (size_t t = 0; t < n; t++, m += V, pixel += 2 * SM_LANES) {
        struct two column[4];
        UNROLL
        for (size_t x = 0; x < 4; x++) {
            const float *at = m + x * place_stride;
            column[x] = out_transformed(load(at), load(at + 4 * place_stride), load(at + 8 * place_stride),
                                        load(at + 12 * place_stride));
        }
        UNROLL
        for (size_t y = 0; y < 2; y++) {
            struct two row = out_transformed(column[0].at[y], column[1].at[y], column[2].at[y], column[3].at[y]);
            put_pixel(pixel + y * row_stride, row.at[0], accumulate);
            put_pixel(pixel + y * row_stride + SM_LANES, row.at[1], accumulate);
        }
    }
}

static void transform_out(float *pixel, size_t row_stride, const float *m, size_t place_stride, size_t n,
                          bool accumulate) {
    if (accumulate)
        tiles_out(pixel, row_stride, m, place_stride, n, true);
    else
        tiles_out(pixel, row_stride, m, place_stride, n, false);
}

/* ---- the gradient behind the convolution: G d G^T ---- */

INLINE struct four delta_transformed(vector a, vector b) {
    return (struct four){{a, a + b, a - b, b}};
}

static void transform_delta(float *to, size_t place_stride, const float *pixel, size_t row_stride, size_t n) {
    for (size_t t = 0; t < n; t++, to += V, pixel += 2 * SM_LANES) {
        struct four left = delta_transformed(load(pixel), load(pixel + row_stride));
        struct four right = delta_transformed(load(pixel + SM_LANES), load(pixel + SM_LANES + row_stride));
        UNROLL
        for (size_t y = 0; y < 4; y++)
            store_four(to + 4 * y * place_stride, place_stride, delta_transformed(left.at[y], right.at[y]));
    }
}

/* ---- products ---- */

#define CHANNEL (SM_WINOGRAD_TILES * V) /* floats from one channel to the next */

/* n_in, a constant after inlining, input channels; where there are fewer output channels than SM_WINOGRAD_OUT, delta's
 * first stands for the others. */
INLINE void add_few(float *sums, const float *const delta[SM_WINOGRAD_OUT], const float *in, size_t n_in, size_t n) {
    vector sum[SM_WINOGRAD_OUT * IN_AT_ONCE];
    UNROLL
    for (size_t k = 0; k < SM_WINOGRAD_OUT * n_in; k++)
        sum[k] = load(sums + (k / n_in * SM_WINOGRAD_CHANNELS + k % n_in) * V);
    for (size_t t = 0; t < n * V; t += V) {
        vector x[IN_AT_ONCE];
        UNROLL
        for (size_t i = 0; i < n_in; i++) x[i] = load(in + i * CHANNEL + t);
        UNROLL
        for (size_t o = 0; o < SM_WINOGRAD_OUT; o++) {
            const vector d = load(delta[o] + t);
            UNROLL
            for (size_t i = 0; i < n_in; i++) sum[o * n_in + i] += d * x[i];
        }
    }
    UNROLL
    for (size_t k = 0; k < SM_WINOGRAD_OUT * n_in; k++)
        store(sums + (k / n_in * SM_WINOGRAD_CHANNELS + k % n_in) * V, sum[k]);
}

/* Threes, and where one channel would be left, two twos: a single channel keeps the multipliers waiting. */
INLINE size_t next_few(size_t left) {
    return left == 4 || left == 2 ? 2 : left < 2 ? 1 : IN_AT_ONCE;
}

static void add_products(float *sums, const float *delta, const float *in, size_t n_out, size_t n_in, size_t n) {
    for (size_t o = 0; o < n_out; o += SM_WINOGRAD_OUT) {
        const float *rows[SM_WINOGRAD_OUT];
        for (size_t k = 0; k < SM_WINOGRAD_OUT; k++) rows[k] = delta + (o + k < n_out ? o + k : o) * CHANNEL;
        for (size_t i = 0, few; i < n_in; i += few) {
            float *here = sums + (o * SM_WINOGRAD_CHANNELS + i) * V;
            few = next_few(n_in - i);
            if (few == IN_AT_ONCE)
                add_few(here, rows, in + i * CHANNEL, IN_AT_ONCE, n);
            else if (few == 2)
                add_few(here, rows, in + i * CHANNEL, 2, n);
            else
                add_few(here, rows, in + i * CHANNEL, 1, n);
        }
    }
}

/* ---- the sums: A^T m A ---- */

struct three {
    vector at[3];
};

INLINE struct three sums_transformed(struct four m) {
    vector even = spread(0.5f) * (m.at[1] + m.at[2]), odd = spread(0.5f) * (m.at[1] - m.at[2]);
    return (struct three){{m.at[0] + even, odd, even + m.at[3]}};
}

/* A^T m A of one input channel: taps [9][i], i apart. */
INLINE void transform_sums(vector taps[9][V], size_t i, const float *sums, size_t place_stride) {
    struct three column[4];
    UNROLL
    for (size_t x = 0; x < 4; x++, sums += place_stride)
        column[x] = sums_transformed((struct four){{load(sums), load(sums + 4 * place_stride),
                                                    load(sums + 8 * place_stride), load(sums + 12 * place_stride)}});
    UNROLL
    for (size_t r = 0; r < 3; r++) {
        struct three row =
            sums_transformed((struct four){{column[0].at[r], column[1].at[r], column[2].at[r], column[3].at[r]}});
        UNROLL
        for (size_t s = 0; s < 3; s++) taps[3 * r + s][i] = row.at[s];
    }
}

static void add_taps(float *taps, const float *sums, size_t place_stride) {
    vector lanes[9][V];
    for (size_t i = 0; i < V; i++) transform_sums(lanes, i, sums + i * V, place_stride);
    for (size_t tap = 0; tap < 9; tap++, taps += V) {
        vector by_lane[V], sum = load(taps);
        transpose_vectors(by_lane, lanes[tap]);
        UNROLL
        for (size_t lane = 0; lane < V; lane++) sum += by_lane[lane];
        store(taps, sum);
    }
}

extern const struct sm_winograd_kernels JOIN(sm_winograd_kernels_, SM_ISA);
const struct sm_winograd_kernels JOIN(sm_winograd_kernels_, SM_ISA) = {
    .lanes = V,
    .transform_in = transform_in,
    .transform_out = transform_out,
    .transform_delta = transform_delta,
    .add_products = add_products,
    .add_taps = add_taps,
};
