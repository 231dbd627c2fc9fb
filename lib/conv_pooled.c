/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_pooled.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>

#include "lib/kernels_pooled.h"
#include "lib/sizes.h"

#define TAPS 9

/* ---- shape ---- */

/* Bands of whole rows, of one height but for the last; images come together only where one band is the whole image. */
static void set_shape(struct sm_pooled *p) {
    size_t most_rows = p->width < SM_POOLED_ENTRIES ? SM_POOLED_ENTRIES / p->width : 1;
    p->n_bands = sm_divided_up(p->height, most_rows);
    p->band_height = sm_divided_up(p->height, p->n_bands);
    p->n_bands = sm_divided_up(p->height, p->band_height);
    p->group = 1;
    while (p->n_bands == 1 && p->group < SM_LANES && 2 * p->group * p->height * p->width <= SM_POOLED_ENTRIES)
        p->group *= 2;
    p->n_groups = SM_LANES / p->group;
    p->tile_height = 2 * p->band_height + 2;
    p->tile_width = 2 * p->width + 2;
    p->list_stride = sm_padded(p->group * p->band_height * p->width);
}

bool sm_pooled_possible(const struct sm_conv *c) {
    /* The tile of the widest row, four pixels high, is counted by uint16_t. */
    return c->kernel_height == 3 && c->kernel_width == 3 && c->stride == 1 && c->out_height >= 2 && c->out_width >= 2 &&
           4 * (c->out_width + 2) <= UINT16_MAX;
}

/* Entries from one chunk to the next: the lists of all output channels and a cache line of places, without which the
 * images of a block would be written 4096 bytes apart, or a multiple of them, to one set of the cache. */
static size_t chunk_size(const struct sm_pooled *p) {
    return p->conv.n_out * p->list_stride + 32;
}

static size_t chunk_at(const struct sm_pooled *p, size_t block, size_t band) {
    return (block * p->n_bands + band) * p->n_groups * chunk_size(p);
}

static size_t rows_of_band(const struct sm_pooled *p, size_t band) {
    return sm_smaller(p->band_height, p->height - band * p->band_height);
}

int sm_pooled_init(struct sm_pooled *p, const struct sm_conv *conv, size_t n_blocks, const struct sm_kernels *kernels) {
    assert(sm_pooled_possible(conv));
    *p = (struct sm_pooled){.kernels = kernels->pooled,
                            .conv = *conv,
                            .n_blocks = n_blocks,
                            .height = conv->out_height / 2,
                            .width = conv->out_width / 2};
    set_shape(p);
    size_t n_entries = chunk_at(p, n_blocks, 0);
    p->value = sm_aligned_zeros(n_entries * sizeof *p->value);
    p->place = sm_aligned_zeros(n_entries * sizeof *p->place);
    return p->value && p->place ? 0 : -1;
}

void sm_pooled_destroy(struct sm_pooled *p) {
    free(p->value);
    free(p->place);
    *p = (struct sm_pooled){0};
}

/* ---- lists ---- */

void sm_pooled_collect(struct sm_pooled *p, size_t block, const struct sm_map *delta, const uint8_t *winner,
                       const struct sm_channels *out_channels) {
    assert(delta->channels == p->conv.n_out && delta->height == p->height && delta->width == p->width);
    size_t channel = p->width * SM_LANES, row = p->conv.n_out * channel;
    for (size_t band = 0; band < p->n_bands; band++)
        for (size_t k = 0; k < out_channels->n_live; k++) {
            size_t o = out_channels->index[k];
            size_t y = band * p->band_height, at = chunk_at(p, block, band) + k * p->list_stride;
            p->kernels->collect(&(struct sm_pooled_band){
                .delta = sm_map_at(delta, block, o, (ptrdiff_t)y, 0),
                .delta_row = delta->row_stride,
                .winner = winner + (block * p->height + y) * row + o * channel,
                .winner_row = row,
                .height = rows_of_band(p, band),
                .width = p->width,
                .tile_width = p->tile_width,
                .tile_pixels = p->tile_height * p->tile_width,
                .group = p->group,
                .bf16 = p->bf16,
                .value = p->value + at,
                .place = p->place + at,
                .chunk_stride = chunk_size(p),
            });
        }
}

/* ---- the gradient ---- */

size_t sm_pooled_units(const struct sm_pooled *p) {
    return sm_divided_up(p->conv.n_in, p->kernels->channels);
}

/* Scratch is the tiles of SM_LANES images, then sums [n_out][TAPS][channels]. */
static size_t tile_size(const struct sm_pooled *p) {
    return p->tile_height * p->tile_width * p->kernels->channels;
}

static size_t sums_size(const struct sm_pooled *p) {
    return p->conv.n_out * TAPS * p->kernels->channels;
}

size_t sm_pooled_scratch(const struct sm_pooled *p) {
    return sm_padded(SM_LANES * tile_size(p)) + sums_size(p);
}

static void fill_tiles(const struct sm_pooled *p, float *tiles, const struct sm_map *in, size_t block, size_t band,
                       const struct sm_channel_range *unit) {
    const float *pixel[SM_LANES];
    ptrdiff_t y = (ptrdiff_t)(2 * band * p->band_height) - (ptrdiff_t)p->conv.pad_top;
    for (size_t c = 0; c < unit->n_live; c++)
        pixel[c] = sm_map_at(in, block, unit->index[c], y, -(ptrdiff_t)p->conv.pad_left);
    p->kernels->fill_tile(tiles, tile_size(p), pixel, in->row_stride, unit->n_live, 2 * rows_of_band(p, band) + 2,
                          p->tile_width, p->bf16);
}

static void add_band(const struct sm_pooled *p, float *sums, const float *tiles, size_t block, size_t band,
                     size_t n_out) {
    size_t n_entries = p->group * rows_of_band(p, band) * p->width;
    for (size_t g = 0; g < p->n_groups; g++) {
        size_t at = chunk_at(p, block, band) + g * chunk_size(p);
        p->kernels->add_chunk(sums, tiles + g * p->group * tile_size(p), p->tile_width, p->value + at, p->place + at,
                              p->list_stride, n_entries, n_out);
    }
}

/* Rows of the gradient are pages apart: memory, not the loop, sets the pace. */
static void write_sums(const struct sm_pooled *p, const struct sm_channel_range *unit, const float *sums,
                       const struct sm_channels *out_channels, float *gradient, size_t weight_stride) {
    size_t width = p->kernels->channels;
    for (size_t k = 0; k < out_channels->n_live; k++, sums += TAPS * width) {
        float *row = gradient + out_channels->index[k] * weight_stride;
        for (size_t c = 0; c < unit->n_live; c++)
            for (size_t t = 0; t < TAPS; t++) row[unit->index[c] * TAPS + t] = sums[t * width + c];
    }
}

void sm_pooled_gradient(const struct sm_pooled *p, size_t number, size_t n_blocks, const struct sm_map *in,
                        const struct sm_channels *in_channels, const struct sm_channels *out_channels, float *gradient,
                        size_t weight_stride, float *scratch) {
    assert(n_blocks <= p->n_blocks);
    assert(in->channels == p->conv.n_in && in->halo >= p->conv.pad_top && in->halo >= p->conv.pad_left);
    assert(p->conv.out_height + 2 <= in->height + p->conv.pad_top + in->halo);
    assert(p->conv.out_width + 2 <= in->width + p->conv.pad_left + in->halo);
    const struct sm_channel_range unit = sm_channels_range(in_channels, number * p->kernels->channels,
                                                           p->kernels->channels),
                                  out = sm_channels_range(out_channels, 0, p->conv.n_out);
    size_t n_out = out.n_live;
    float *tiles = scratch, *sums = scratch + sm_padded(SM_LANES * tile_size(p));
    sm_channels_clear(&unit, &out, gradient, weight_stride, TAPS);
    if (!unit.n_live || !n_out) return;
    memset(sums, 0, n_out * TAPS * p->kernels->channels * sizeof *sums);
    for (size_t block = 0; block < n_blocks; block++)
        for (size_t band = 0; band < p->n_bands; band++) {
            fill_tiles(p, tiles, in, block, band, &unit);
            add_band(p, sums, tiles, block, band, n_out);
        }
    write_sums(p, &unit, sums, out_channels, gradient, weight_stride);
}
