/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_bf16.h>

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>
#include <supermask/kernels.h>

#include "lib/kernels_bf16.h"
#include "lib/sizes.h"

#define IN_CHANNELS 32u                        /* of a unit: their sums stay in the L2 cache */
#define BAND_PIXELS 32u                        /* of a call: enough to be worth loading and storing the sums */
#define BLOCK_OF_SUMS (SM_BF16_OUT * SM_LANES) /* floats: one weight of each output channel */

/* ---- maps ---- */

int sm_bf16_map_init(struct sm_bf16_map *rounded, const struct sm_map *map) {
    *rounded = (struct sm_bf16_map){.channels = map->channels,
                                    .height = map->height,
                                    .width = map->width,
                                    .halo = map->halo,
                                    .n_pairs = sm_divided_up(map->n_blocks, 2),
                                    .channel_stride = map->channel_stride,
                                    .row_stride = map->row_stride,
                                    .pair_stride = map->block_stride};
    rounded->data = sm_aligned_zeros(rounded->n_pairs * rounded->pair_stride * sizeof *rounded->data);
    return rounded->data ? 0 : -1;
}

void sm_bf16_map_destroy(struct sm_bf16_map *rounded) {
    free(rounded->data);
    *rounded = (struct sm_bf16_map){0};
}

void sm_bf16_map_round(struct sm_bf16_map *rounded, const struct sm_map *map, size_t pair,
                       const struct sm_bf16_kernels *kernels) {
    assert(rounded->pair_stride == map->block_stride && pair < rounded->n_pairs);
    const float *low = map->data + 2 * pair * map->block_stride;
    const float *high = 2 * pair + 1 < map->n_blocks ? low + map->block_stride : NULL;
    kernels->pack(rounded->data + pair * rounded->pair_stride, low, high, map->block_stride);
}

static const uint32_t *word_at(const struct sm_bf16_map *m, size_t pair, size_t c, ptrdiff_t y, ptrdiff_t x) {
    return m->data + pair * m->pair_stride + (size_t)(y + (ptrdiff_t)m->halo) * m->row_stride + c * m->channel_stride +
           (size_t)(x + (ptrdiff_t)m->halo) * SM_LANES;
}

/* ---- units ---- */

struct unit {
    size_t first_out, n_out, first_in, n_in;
};

static struct unit unit_of(const struct sm_conv *c, size_t unit) {
    size_t n_groups = sm_divided_up(c->n_in, IN_CHANNELS);
    struct unit u = {.first_out = unit / n_groups * SM_BF16_OUT, .first_in = unit % n_groups * IN_CHANNELS};
    u.n_out = sm_smaller(SM_BF16_OUT, c->n_out - u.first_out);
    u.n_in = sm_smaller(IN_CHANNELS, c->n_in - u.first_in);
    return u;
}

size_t sm_conv_bf16_units(const struct sm_conv *c) {
    return sm_divided_up(c->n_out, SM_BF16_OUT) * sm_divided_up(c->n_in, IN_CHANNELS);
}

size_t sm_conv_bf16_scratch(const struct sm_conv *c) {
    return sm_smaller(IN_CHANNELS, c->n_in) * sm_conv_taps(c) * BLOCK_OF_SUMS;
}

/* Three neighbouring weights at once where there are three: their sums lie [out][3][lane], others [s][out][lane]. */
static bool in_threes(const struct sm_conv *c) {
    return c->kernel_width == 3 && c->stride == 1;
}

static void add_kernel_row(const struct sm_bf16_kernels *kernels, const struct sm_conv *c, struct sm_bf16_rows *rows) {
    if (in_threes(c)) {
        kernels->add_three(rows);
        return;
    }
    for (size_t s = 0; s < c->kernel_width; s++, rows->in += SM_LANES, rows->sum += BLOCK_OF_SUMS)
        kernels->add_one(rows);
}

/* Output rows [y, y + height) of one pair of blocks meet every input channel and row of the kernel. */
static void add_band(const struct sm_bf16_kernels *kernels, const struct sm_conv *c, const struct unit *u, size_t pair,
                     size_t y, size_t height, const struct sm_bf16_map *in, const struct sm_bf16_map *delta,
                     float *sums) {
    struct sm_bf16_rows rows = {.delta_row = delta->row_stride,
                                .in_row = c->stride * in->row_stride,
                                .in_column = c->stride * SM_LANES,
                                .height = height,
                                .width = c->out_width};
    for (size_t o = 0; o < SM_BF16_OUT; o++) /* beyond the last channel it once more: nobody reads those sums */
        rows.delta[o] = word_at(delta, pair, u->first_out + sm_smaller(o, u->n_out - 1), (ptrdiff_t)y, 0);
    for (size_t i = 0; i < u->n_in; i++)
        for (size_t r = 0; r < c->kernel_height; r++) {
            ptrdiff_t in_y = (ptrdiff_t)(y * c->stride + r) - (ptrdiff_t)c->pad_top;
            rows.in = word_at(in, pair, u->first_in + i, in_y, -(ptrdiff_t)c->pad_left);
            rows.sum = sums + (i * c->kernel_height + r) * c->kernel_width * BLOCK_OF_SUMS;
            add_kernel_row(kernels, c, &rows);
        }
}

static float sum_lanes(const float *lanes) {
    float sum[SM_LANES];
    memcpy(sum, lanes, sizeof sum);
    for (size_t half = SM_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++) sum[j] += sum[j + half];
    return sum[0];
}

static void write_gradient(const struct sm_conv *c, const struct unit *u, const float *sums, float *gradient,
                           size_t weight_stride) {
    size_t n_taps = sm_conv_taps(c);
    for (size_t o = 0; o < u->n_out; o++)
        for (size_t k = 0; k < u->n_in * n_taps; k++) {
            size_t s = k % c->kernel_width, row = (k - s) * BLOCK_OF_SUMS;
            size_t at = in_threes(c) ? row + (o * 3 + s) * SM_LANES : row + s * BLOCK_OF_SUMS + o * SM_LANES;
            gradient[(u->first_out + o) * weight_stride + u->first_in * n_taps + k] = sum_lanes(sums + at);
        }
}

void sm_conv_bf16_gradient(const struct sm_bf16_kernels *kernels, const struct sm_conv *c, size_t unit,
                           const struct sm_bf16_map *in, const struct sm_bf16_map *delta, float *gradient,
                           size_t weight_stride, float *scratch) {
    assert(in->channels == c->n_in && in->halo >= c->pad_top && in->halo >= c->pad_left);
    assert((c->out_height - 1) * c->stride + c->kernel_height <= in->height + c->pad_top + in->halo);
    assert((c->out_width - 1) * c->stride + c->kernel_width <= in->width + c->pad_left + in->halo);
    assert(delta->channels == c->n_out && delta->n_pairs == in->n_pairs);
    struct unit u = unit_of(c, unit);
    size_t band = c->out_width < BAND_PIXELS ? BAND_PIXELS / c->out_width : 1;
    unsigned before = sm_flush_begin(); /* as the instruction does, which asks nobody */
    memset(scratch, 0, u.n_in * sm_conv_taps(c) * BLOCK_OF_SUMS * sizeof *scratch);
    for (size_t pair = 0; pair < in->n_pairs; pair++)
        for (size_t y = 0; y < c->out_height; y += band)
            add_band(kernels, c, &u, pair, y, sm_smaller(band, c->out_height - y), in, delta, scratch);
    write_gradient(c, &u, scratch, gradient, weight_stride);
    sm_flush_end(before);
}
