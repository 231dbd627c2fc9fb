/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_conv.c - the sparse convolution and the weight gradient, compiled once for each instruction set like
 * kernels.c.
 *
 * A tile of pixels stays in registers while one row's list is walked; the input under the tile stays in the caches
 * while all rows pass over it. */
#include "lib/kernels_vector.h"

#include <supermask/kernels.h>

#if V == 16
#    define WIDE_COLUMNS 8 /* pixels of a tile: 8 of 32 registers; two loads a cycle are the limit, not registers */
#elif V == 8
#    define WIDE_COLUMNS 4
#else
#    define WIDE_COLUMNS 2
#endif
#define PARTS (SM_LANES / V) /* vectors of a pixel */
#define MOST_VECTORS 8

enum walk { ADD, SUBTRACT, WEIGH };

/* Walks n places; the sums are those of a tile of n_columns pixels in one row, column_step apart. */
INLINE void walk(vector sum[MOST_VECTORS], const float *in, size_t n_columns, size_t column_step, const int32_t *place,
                 const float *value, uint32_t n, enum walk how) {
    for (uint32_t k = 0; k < n; k++) {
        const float *pixel = in + place[k];
        const vector weight = spread(how == WEIGH ? value[k] : 0);
        UNROLL
        for (size_t x = 0; x < n_columns; x++) {
            UNROLL
            for (size_t part = 0; part < PARTS; part++) {
                vector p = load(pixel + x * column_step + part * V);
                if (how == ADD) sum[x * PARTS + part] += p;
                if (how == SUBTRACT) sum[x * PARTS + part] -= p;
                if (how == WEIGH) sum[x * PARTS + part] += p * weight;
            }
        }
    }
}

INLINE void tile(const struct sm_conv_span *s, const struct sm_conv_list *list, float magnitude, size_t y, size_t x,
                 size_t n_columns, size_t column_step) {
    const float *in = s->in + y * s->in_row_step + x * column_step;
    float *out = s->out + y * s->out_row_step + x * s->out_column_step;
    for (size_t r = 0; r < list->n_rows; r++, out += s->out_channel_step) {
        const int32_t *place = list->place + r * list->capacity;
        vector sum[MOST_VECTORS];
        UNROLL
        for (size_t v = 0; v < n_columns * PARTS; v++) sum[v] = (vector){0};
        if (list->value) {
            walk(sum, in, n_columns, column_step, place, list->value + r * list->capacity, list->n_plus[r], WEIGH);
        } else {
            walk(sum, in, n_columns, column_step, place, NULL, list->n_plus[r], ADD);
            walk(sum, in, n_columns, column_step, place + list->n_plus[r], NULL, list->n_minus[r], SUBTRACT);
        }
        const vector scale = spread(list->value ? 1 : magnitude); /* times 1 is exact */
        UNROLL
        for (size_t v = 0; v < n_columns * PARTS; v++) {
            float *pixel = out + v / PARTS * s->out_column_step + v % PARTS * V;
            store(pixel, s->accumulate ? load(pixel) + rounded(sum[v] * scale) : sum[v] * scale);
        }
    }
}

INLINE void all_tiles(const struct sm_conv_span *s, const struct sm_conv_list *list, float magnitude,
                      size_t column_step) {
    for (size_t y = 0; y < s->n_rows; y++) {
        size_t x = 0;
        for (; x + WIDE_COLUMNS <= s->n_columns; x += WIDE_COLUMNS)
            tile(s, list, magnitude, y, x, WIDE_COLUMNS, column_step);
        for (; x + WIDE_COLUMNS / 2 <= s->n_columns; x += WIDE_COLUMNS / 2)
            tile(s, list, magnitude, y, x, WIDE_COLUMNS / 2, column_step);
        for (; x < s->n_columns; x++) tile(s, list, magnitude, y, x, 1, column_step);
    }
}

extern void JOIN(sm_conv_list_, SM_ISA)(const struct sm_conv_span *span, const struct sm_conv_list *list,
                                        float magnitude);
void JOIN(sm_conv_list_, SM_ISA)(const struct sm_conv_span *span, const struct sm_conv_list *list, float magnitude) {
    if (span->in_column_step == SM_LANES) /* known to the compiler: the loads have constant distances */
        all_tiles(span, list, magnitude, SM_LANES);
    else
        all_tiles(span, list, magnitude, span->in_column_step);
}

/* ---- the weight gradient ---- */

/* SM_GRADIENT_ROWS * n_taps accumulators and a window of n_taps pixels that slides along the row: one pixel is loaded
 * for each step, and one gradient for each output channel. */
INLINE void gradient_part(float *sums, const float *const *delta, size_t delta_row_step, const float *in,
                          size_t in_row_step, size_t n_rows, size_t n_columns, size_t n_taps) {
    vector sum[SM_GRADIENT_ROWS * 3];
    UNROLL
    for (size_t k = 0; k < SM_GRADIENT_ROWS * n_taps; k++) sum[k] = load(sums + k * SM_LANES);
    for (size_t y = 0; y < n_rows; y++) {
        const float *pixel = in + y * in_row_step;
        vector window[3];
        UNROLL
        for (size_t s = 0; s + 1 < n_taps; s++) window[s] = load(pixel + s * SM_LANES);
        for (size_t x = 0; x < n_columns; x++) {
            window[n_taps - 1] = load(pixel + (x + n_taps - 1) * SM_LANES);
            UNROLL
            for (size_t k = 0; k < SM_GRADIENT_ROWS; k++) {
                vector d = load(delta[k] + y * delta_row_step + x * SM_LANES);
                UNROLL
                for (size_t s = 0; s < n_taps; s++) sum[k * n_taps + s] += d * window[s];
            }
            UNROLL
            for (size_t s = 0; s + 1 < n_taps; s++) window[s] = window[s + 1];
        }
    }
    UNROLL
    for (size_t k = 0; k < SM_GRADIENT_ROWS * n_taps; k++) *(vector *)(sums + k * SM_LANES) = sum[k];
}

extern void JOIN(sm_conv_gradient_, SM_ISA)(float *sums, const float *const *delta, size_t delta_row_step,
                                            const float *in, size_t in_row_step, size_t n_rows, size_t n_columns,
                                            size_t n_taps);
void JOIN(sm_conv_gradient_, SM_ISA)(float *sums, const float *const *delta, size_t delta_row_step, const float *in,
                                     size_t in_row_step, size_t n_rows, size_t n_columns, size_t n_taps) {
    for (size_t part = 0; part < PARTS; part++) {
        const float *shifted[SM_GRADIENT_ROWS];
        for (size_t k = 0; k < SM_GRADIENT_ROWS; k++) shifted[k] = delta[k] + part * V;
        if (n_taps == 3)
            gradient_part(sums + part * V, shifted, delta_row_step, in + part * V, in_row_step, n_rows, n_columns, 3);
        else
            gradient_part(sums + part * V, shifted, delta_row_step, in + part * V, in_row_step, n_rows, n_columns, 1);
    }
}

extern void JOIN(sm_sum_lanes_, SM_ISA)(float *out, const float *sums, size_t n);
void JOIN(sm_sum_lanes_, SM_ISA)(float *out, const float *sums, size_t n) {
    for (size_t k = 0; k < n; k++) {
        out[k] = 0;
        for (size_t lane = 0; lane < SM_LANES; lane++) out[k] += sums[k * SM_LANES + lane];
    }
}
