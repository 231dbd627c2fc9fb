/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_winograd.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>

#include "lib/kernels_winograd.h"
#include "lib/sizes.h"

/* Tiles of a chunk, at least where the map has so many, and at most: enough columns for OpenBLAS's inner kernels, and
 * operands, of about so many floats, that caches hold. */
#define FEWEST_TILES 4u
#define MOST_TILES 16u
#define CHUNK_FLOATS (1u << 19)
/* With fewer channels on one side the transforms of the other cost more than they save (make bench). */
#define FEWEST_CHANNELS 48u

/* ---- construction ---- */

bool sm_winograd_possible(const struct sm_conv *c) {
    return c->kernel_height == 3 && c->kernel_width == 3 && c->stride == 1 && c->out_height % 2 == 0 &&
           c->out_width % 2 == 0;
}

bool sm_winograd_pays(const struct sm_conv *c) {
    return sm_winograd_possible(c) && c->n_in >= FEWEST_CHANNELS && c->n_out >= FEWEST_CHANNELS;
}

/* Some columns of one row of tiles, or some whole rows. */
static void choose_chunk(struct sm_winograd *w) {
    const struct sm_conv *c = &w->conv;
    size_t rows = sm_larger(c->out_height, c->in_height) / 2, columns = sm_larger(c->out_width, c->in_width) / 2;
    size_t n_tiles = CHUNK_FLOATS / (SM_WINOGRAD_PLACES * SM_LANES * (c->n_in + c->n_out));
    n_tiles = sm_smaller(sm_larger(n_tiles, FEWEST_TILES), MOST_TILES);
    w->chunk_columns = sm_smaller(columns, n_tiles);
    w->chunk_rows = sm_smaller(rows, sm_larger(n_tiles / columns, 1));
}

int sm_winograd_init(struct sm_winograd *w, const struct sm_conv *conv, const struct sm_kernels *kernels,
                     bool backward) {
    assert(sm_winograd_possible(conv));
    size_t n_bytes = SM_WINOGRAD_PLACES * conv->n_out * conv->n_in * sizeof(float);
    *w = (struct sm_winograd){.kernels = kernels->winograd, .conv = *conv};
    choose_chunk(w);
    w->forward = sm_aligned_zeros(n_bytes);
    if (backward) w->backward = sm_aligned_zeros(n_bytes);
    return w->forward && (w->backward || !backward) ? 0 : -1;
}

void sm_winograd_destroy(struct sm_winograd *w) {
    free(w->forward);
    free(w->backward);
    *w = (struct sm_winograd){0};
}

/* ---- weights: G g G^T ---- */

static void weights_transformed(float to[4], float a, float b, float c) {
    to[0] = a;
    to[1] = 0.5f * (a + b + c);
    to[2] = 0.5f * (a - b + c);
    to[3] = c;
}

static void transform_weights(float to[SM_WINOGRAD_PLACES], const float v[9]) {
    float column[3][4], row[4];
    for (size_t s = 0; s < 3; s++) weights_transformed(column[s], v[s], v[3 + s], v[6 + s]);
    for (size_t y = 0; y < 4; y++) {
        weights_transformed(row, column[0][y], column[1][y], column[2][y]);
        memcpy(to + 4 * y, row, sizeof row);
    }
}

/* The kernel turned by half a turn has the transformed values of the first and the last place exchanged. */
static const uint8_t turned[SM_WINOGRAD_PLACES] = {15, 13, 14, 12, 7, 5, 6, 4, 11, 9, 10, 8, 3, 1, 2, 0};

void sm_winograd_pack(struct sm_winograd *w, const float *weight, const int8_t *mask, size_t weight_stride,
                      size_t first, size_t last) {
    const size_t n_in = w->conv.n_in, n_out = w->conv.n_out;
    for (size_t o = first; o < last; o++)
        for (size_t i = 0; i < n_in; i++) {
            const size_t at = o * weight_stride + 9 * i;
            float v[9], transformed[SM_WINOGRAD_PLACES];
            for (size_t k = 0; k < 9; k++) v[k] = mask ? weight[at + k] * (float)mask[at + k] : weight[at + k];
            transform_weights(transformed, v);
            for (size_t p = 0; p < SM_WINOGRAD_PLACES; p++) {
                w->forward[(p * n_out + o) * n_in + i] = transformed[p];
                if (w->backward) w->backward[(p * n_in + i) * n_out + o] = transformed[turned[p]];
            }
        }
}

/* ---- passes ---- */

/* One of the two directions, in one block. */
struct pass {
    const struct sm_winograd *winograd;
    const float *weights; /* [place][n_to][n_from] */
    size_t n_from, n_to;
    const float *from; /* the upper left pixel under the first tile, channel 0 */
    size_t from_row, from_channel;
    float *to; /* the first tile's upper left pixel, channel 0 */
    size_t to_row, to_channel;
    size_t columns; /* tiles of a row */
    bool accumulate;
};

size_t sm_winograd_pass_scratch(const struct sm_winograd *w) {
    return SM_WINOGRAD_PLACES * (w->conv.n_in + w->conv.n_out) * w->chunk_rows * w->chunk_columns * SM_LANES;
}

/* Tiles [row, row + n_rows) x [column, column + n_columns); their transforms are [place][channel][n][SM_LANES], a row
 * of tiles behind the other, lanes of a vector innermost. */
struct chunk {
    size_t row, column, n_rows, n_columns;
};

static size_t tiles_of(const struct chunk *c) {
    return c->n_rows * c->n_columns;
}

static void transform_in(const struct pass *p, const struct chunk *c, float *tiles) {
    const struct sm_winograd_kernels *kernels = p->winograd->kernels;
    const size_t lanes = kernels->lanes, n = tiles_of(c), place = p->n_from * n * SM_LANES;
    for (size_t row = 0; row < c->n_rows; row++) {
        const float *pixel = p->from + 2 * (c->row + row) * p->from_row + 2 * c->column * SM_LANES;
        for (size_t i = 0; i < p->n_from; i++, pixel += p->from_channel)
            for (size_t lane = 0; lane < SM_LANES; lane += lanes)
                kernels->transform_in(tiles + (i * SM_LANES + lane) * n + row * c->n_columns * lanes, place,
                                      pixel + lane, p->from_row, c->n_columns);
    }
}

static void transform_out(const struct pass *p, const struct chunk *c, const float *tiles) {
    const struct sm_winograd_kernels *kernels = p->winograd->kernels;
    const size_t lanes = kernels->lanes, n = tiles_of(c), place = p->n_to * n * SM_LANES;
    for (size_t row = 0; row < c->n_rows; row++) {
        float *pixel = p->to + 2 * (c->row + row) * p->to_row + 2 * c->column * SM_LANES;
        for (size_t o = 0; o < p->n_to; o++, pixel += p->to_channel)
            for (size_t lane = 0; lane < SM_LANES; lane += lanes)
                kernels->transform_out(pixel + lane, p->to_row,
                                       tiles + (o * SM_LANES + lane) * n + row * c->n_columns * lanes, place,
                                       c->n_columns, p->accumulate);
    }
}

static void run_chunk(const struct pass *p, const struct chunk *c, float *scratch) {
    const size_t width = tiles_of(c) * SM_LANES;
    float *in = scratch, *out = in + SM_WINOGRAD_PLACES * p->n_from * width;
    transform_in(p, c, in);
    for (size_t place = 0; place < SM_WINOGRAD_PLACES; place++)
        sm_blas_accumulate(out + place * p->n_to * width, width, p->weights + place * p->n_to * p->n_from, p->n_from,
                           in + place * p->n_from * width, width, p->n_to, width, p->n_from, false);
    transform_out(p, c, out);
}

/* n_rows: of tiles. */
static void run_pass(const struct pass *p, size_t n_rows, float *scratch) {
    const size_t most_rows = p->winograd->chunk_rows, most_columns = p->winograd->chunk_columns;
    struct chunk c;
    for (c.row = 0; c.row < n_rows; c.row += most_rows)
        for (c.column = 0; c.column < p->columns; c.column += most_columns) {
            c.n_rows = sm_smaller(most_rows, n_rows - c.row);
            c.n_columns = sm_smaller(most_columns, p->columns - c.column);
            run_chunk(p, &c, scratch);
        }
}

void sm_winograd_forward(const struct sm_winograd *w, const struct sm_map *in, size_t block, size_t y, size_t n_rows,
                         float *out, size_t row_step, size_t channel_step, float *scratch) {
    const struct sm_conv *c = &w->conv;
    assert(y % (2 * w->chunk_rows) == 0 && (n_rows % (2 * w->chunk_rows) == 0 || y + n_rows == c->out_height));
    run_pass(
        &(struct pass){.winograd = w,
                       .weights = w->forward,
                       .n_from = c->n_in,
                       .n_to = c->n_out,
                       .from = sm_map_at(in, block, 0, (ptrdiff_t)y - (ptrdiff_t)c->pad_top, -(ptrdiff_t)c->pad_left),
                       .from_row = in->row_stride,
                       .from_channel = in->channel_stride,
                       .to = out,
                       .to_row = row_step,
                       .to_channel = channel_step,
                       .columns = c->out_width / 2},
        n_rows / 2, scratch);
}

void sm_winograd_backward(const struct sm_winograd *w, const struct sm_map *in_delta, const struct sm_map *out_delta,
                          size_t block, bool accumulate, float *scratch) {
    const struct sm_conv *c = &w->conv;
    run_pass(
        &(struct pass){.winograd = w,
                       .weights = w->backward,
                       .n_from = c->n_out,
                       .n_to = c->n_in,
                       .from = sm_map_at(out_delta, block, 0, (ptrdiff_t)c->pad_top - 2, (ptrdiff_t)c->pad_left - 2),
                       .from_row = out_delta->row_stride,
                       .from_channel = out_delta->channel_stride,
                       .to = sm_map_at(in_delta, block, 0, 0, 0),
                       .to_row = in_delta->row_stride,
                       .to_channel = in_delta->channel_stride,
                       .columns = c->in_width / 2,
                       .accumulate = accumulate},
        c->in_height / 2, scratch);
}
