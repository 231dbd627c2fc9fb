/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_pooled.c - the weight gradient behind max-pooling; compiled once for each instruction set, like kernels.c. */
#include "lib/kernels_pooled.h"

#include <string.h>
#include <supermask/kernels.h>

#include "lib/kernels_round.h"
#include "lib/kernels_transpose.h"
#include "lib/kernels_vector.h"

#define TAPS 9 /* 3 x 3 accumulators, which hides the latency of multiply-adds */

typedef uint8_t vector_winner __attribute__((vector_size(V), aligned(1), may_alias));
typedef uint16_t vector_place __attribute__((vector_size(V * 2), aligned(2), may_alias));

/* ---- lists ---- */

/* Up to V pooled pixels of V images, transposed: element p of value[j] and place[j] is pixel p of image j. Pixels that
 * the square lacks are zeros. */
struct square {
    vector value[V], place[V];
};

struct pixel {
    size_t row, column;
};

static struct pixel next_pixel(struct pixel p, size_t width) {
    p.column++;
    return p.column < width ? p : (struct pixel){p.row + 1, 0};
}

/* Places of one pooled pixel's winners in V images, from the first of which `winner` is the first. */
INLINE vector_int places_of(const struct sm_pooled_band *b, struct pixel p, const uint8_t *winner) {
    vector_int which = __builtin_convertvector(*(const vector_winner *)winner, vector_int);
    int32_t corner = (int32_t)(2 * (p.row * b->tile_width + p.column));
    return corner + (-(which >> 1) & (int32_t)b->tile_width) + (which & 1);
}

/* n pixels from p on, of the V images that begin with `image`. */
INLINE void take_square(struct square *square, const struct sm_pooled_band *b, struct pixel p, size_t n, size_t image) {
    vector value[V] = {{0}}, place[V] = {{0}};
    UNROLL
    for (size_t k = 0; k < V; k++, p = next_pixel(p, b->width)) {
        if (k >= n) continue;
        size_t at = p.column * SM_LANES + image;
        vector d = load(b->delta + p.row * b->delta_row + at);
        value[k] = b->bf16 ? round_bf16(d) : d;
        place[k] = (vector)places_of(b, p, b->winner + p.row * b->winner_row + at);
    }
    transpose_vectors(square->value, value);
    transpose_vectors(square->place, place);
}

/* The n pixels of one image, from pixel `first` of the band on, go to the chunk's list. */
INLINE void put_pixels(const struct sm_pooled_band *b, vector value, vector place, size_t image, size_t first,
                       size_t n) {
    size_t in_group = image % b->group;
    size_t at = image / b->group * b->chunk_stride + in_group * b->height * b->width + first;
    vector_int in_tile = (vector_int)place + (int32_t)(in_group * b->tile_pixels);
    vector_place narrow = __builtin_convertvector(in_tile, vector_place);
    if (n == V) {
        store(b->value + at, value);
        *(vector_place *)(b->place + at) = narrow;
    } else {
        memcpy(b->value + at, &value, n * sizeof *b->value);
        memcpy(b->place + at, &narrow, n * sizeof *b->place);
    }
}

INLINE void collect_square(const struct sm_pooled_band *b, size_t image, size_t first, size_t n) {
    struct square square;
    take_square(&square, b, (struct pixel){first / b->width, first % b->width}, n, image);
    UNROLL
    for (size_t j = 0; j < V; j++) put_pixels(b, square.value[j], square.place[j], image + j, first, n);
}

static void collect(const struct sm_pooled_band *band) {
    const struct sm_pooled_band b = *band;
    size_t n_pixels = b.height * b.width;
    for (size_t image = 0; image < SM_LANES; image += V)
        for (size_t first = 0; first < n_pixels; first += V) {
            size_t n = n_pixels - first < V ? n_pixels - first : V;
            if (n == V)
                collect_square(&b, image, first, V);
            else
                collect_square(&b, image, first, n);
        }
}

/* ---- input, channels innermost ---- */

INLINE void fill_pixel(float *tile, size_t image_stride, const float *const *in, size_t at, size_t n_channels,
                       bool bf16) {
    vector square[V];
    for (size_t image = 0; image < SM_LANES; image += V) {
        UNROLL
        for (size_t c = 0; c < V; c++) {
            square[c] = c < n_channels ? load(in[c] + at + image) : (vector){0};
            if (bf16) square[c] = round_bf16(square[c]);
        }
        transpose_square(tile + image * image_stride, image_stride, square);
    }
}

/* The row below: every channel is a short stream of its own, too short for the hardware to see it coming. */
INLINE void prefetch_pixel(const float *const *in, size_t at, size_t n_channels) {
    for (size_t c = 0; c < n_channels; c++) __builtin_prefetch(in[c] + at);
}

/* n_channels and bf16 are constants after inlining where they are the usual ones. */
INLINE void fill_rows(float *tile, size_t image_stride, const float *const *in, size_t row_stride, size_t n_channels,
                      size_t height, size_t width, bool bf16) {
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++, tile += V) {
            size_t at = y * row_stride + x * SM_LANES;
            prefetch_pixel(in, at + row_stride, n_channels);
            fill_pixel(tile, image_stride, in, at, n_channels, bf16);
        }
}

static void fill_tile(float *tile, size_t image_stride, const float *const *in, size_t row_stride, size_t n_channels,
                      size_t height, size_t width, bool bf16) {
    if (n_channels < V)
        fill_rows(tile, image_stride, in, row_stride, n_channels, height, width, bf16);
    else if (bf16)
        fill_rows(tile, image_stride, in, row_stride, V, height, width, true);
    else
        fill_rows(tile, image_stride, in, row_stride, V, height, width, false);
}

/* ---- sums ---- */

static void add_chunk(float *sums, const float *tile, size_t tile_width, const float *value, const uint16_t *place,
                      size_t list_stride, size_t n_entries, size_t n_out) {
    for (size_t o = 0; o < n_out; o++, sums += TAPS * V, value += list_stride, place += list_stride) {
        vector sum[TAPS] = {{0}};
        for (size_t e = 0; e < n_entries; e++) {
            const float *pixel = tile + (size_t)place[e] * V;
            const vector d = spread(value[e]);
            UNROLL
            for (size_t s = 0; s < 3; s++) {
                sum[s] += d * load(pixel + s * V);
                sum[3 + s] += d * load(pixel + (tile_width + s) * V);
                sum[6 + s] += d * load(pixel + (2 * tile_width + s) * V);
            }
        }
        UNROLL
        for (size_t t = 0; t < TAPS; t++) store(sums + t * V, load(sums + t * V) + sum[t]);
    }
}

extern const struct sm_pooled_kernels JOIN(sm_pooled_kernels_, SM_ISA);
const struct sm_pooled_kernels JOIN(sm_pooled_kernels_, SM_ISA) = {
    .channels = V,
    .collect = collect,
    .fill_tile = fill_tile,
    .add_chunk = add_chunk,
};
