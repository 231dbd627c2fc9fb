/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_gradient.h>

#include <assert.h>
#include <string.h>

#include "lib/sizes.h"

/* Input channels of a unit: their sums stay in the second-level cache. */
#define CHANNELS 64u
/* Pixels of a band: with the gradients of SM_GRADIENT_ROWS output channels, 16 KB of the first-level cache. */
#define BAND_PIXELS 64u

bool sm_conv_gradient_possible(const struct sm_conv *c) {
    return c->stride == 1 && (c->kernel_width == 1 || c->kernel_width == 3);
}

size_t sm_conv_gradient_units(const struct sm_conv *c) {
    return sm_divided_up(c->n_out, SM_GRADIENT_ROWS) * sm_divided_up(c->n_in, CHANNELS);
}

/* Sums of one input channel, all taps, for the unit's output channels. */
static size_t sums_of_channel(const struct sm_conv *c) {
    return SM_GRADIENT_ROWS * sm_conv_taps(c) * SM_LANES;
}

size_t sm_conv_gradient_scratch(const struct sm_conv *c) {
    return sm_smaller(c->n_in, CHANNELS) * sums_of_channel(c);
}

/* The channels of a unit. */
struct unit {
    struct sm_channel_range in, out;
};

static struct unit unit_of(const struct sm_conv *c, size_t number, const struct sm_channels *in,
                           const struct sm_channels *out) {
    size_t ranges = sm_divided_up(c->n_in, CHANNELS);
    return (struct unit){sm_channels_range(in, number % ranges * CHANNELS, CHANNELS),
                         sm_channels_range(out, number / ranges * SM_GRADIENT_ROWS, SM_GRADIENT_ROWS)};
}

/* What the next input channel will read: its rows lie far apart, and the hardware does not see them coming. */
static void prefetch_rows(const float *row, size_t row_stride, size_t n_rows, size_t n_floats) {
    for (size_t y = 0; y < n_rows; y++, row += row_stride)
        for (size_t k = 0; k < n_floats; k += SM_LANES) __builtin_prefetch(row + k);
}

/* Adds rows [y, y + n_rows) of one block. Where the unit has fewer output channels, the first stands for the others:
 * nobody reads those sums. */
static void add_band(const struct sm_kernels *kernels, const struct sm_conv *c, const struct unit *u, size_t block,
                     size_t y, size_t n_rows, const struct sm_map *in, const struct sm_map *delta, float *sums) {
    const float *d[SM_GRADIENT_ROWS];
    for (size_t o = 0; o < SM_GRADIENT_ROWS; o++)
        d[o] = sm_map_at(delta, block, u->out.index[o < u->out.n_live ? o : 0], (ptrdiff_t)y, 0);
    size_t n_in_rows = n_rows + c->kernel_height - 1, n_floats = (c->out_width + c->kernel_width - 1) * SM_LANES;
    ptrdiff_t top = (ptrdiff_t)y - (ptrdiff_t)c->pad_top, left = -(ptrdiff_t)c->pad_left;
    for (size_t i = 0; i < u->in.n_live; i++) {
        const float *rows = sm_map_at(in, block, u->in.index[i], top, left);
        if (i + 1 < u->in.n_live)
            prefetch_rows(sm_map_at(in, block, u->in.index[i + 1], top, left), in->row_stride, n_in_rows, n_floats);
        for (size_t r = 0; r < c->kernel_height; r++, sums += SM_GRADIENT_ROWS * c->kernel_width * SM_LANES)
            kernels->conv_gradient(sums, d, delta->row_stride, rows + r * in->row_stride, in->row_stride, n_rows,
                                   c->out_width, c->kernel_width);
    }
}

/* sums: [i][r][o][s][SM_LANES]. */
static void write_sums(const struct sm_kernels *kernels, const struct sm_conv *c, const struct unit *u,
                       const float *sums, float *gradient, size_t weight_stride) {
    float total[SM_GRADIENT_ROWS * 3];
    size_t width = c->kernel_width;
    for (size_t i = 0; i < u->in.n_live; i++)
        for (size_t r = 0; r < c->kernel_height; r++, sums += SM_GRADIENT_ROWS * width * SM_LANES) {
            kernels->sum_lanes(total, sums, SM_GRADIENT_ROWS * width);
            for (size_t o = 0; o < u->out.n_live; o++)
                memcpy(gradient + u->out.index[o] * weight_stride + (u->in.index[i] * c->kernel_height + r) * width,
                       total + o * width, width * sizeof *total);
        }
}

void sm_conv_gradient_unit(const struct sm_kernels *kernels, const struct sm_conv *c, size_t number, size_t n_blocks,
                           const struct sm_map *in, const struct sm_channels *in_channels, const struct sm_map *delta,
                           const struct sm_channels *out_channels, float *gradient, size_t weight_stride,
                           float *scratch) {
    assert(sm_conv_gradient_possible(c));
    const struct unit u = unit_of(c, number, in_channels, out_channels);
    sm_channels_clear(&u.in, &u.out, gradient, weight_stride, sm_conv_taps(c));
    if (!u.in.n_live || !u.out.n_live) return;
    size_t band = BAND_PIXELS > c->out_width ? BAND_PIXELS / c->out_width : 1;
    memset(scratch, 0, u.in.n_live * sums_of_channel(c) * sizeof *scratch);
    for (size_t block = 0; block < n_blocks; block++)
        for (size_t y = 0; y < c->out_height; y += band)
            add_band(kernels, c, &u, block, y, sm_smaller(band, c->out_height - y), in, delta, scratch);
    write_sums(kernels, c, &u, scratch, gradient, weight_stride);
}
