/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_winograd_gradient.h>

#include <assert.h>
#include <string.h>

#include "lib/kernels_winograd.h"
#include "lib/sizes.h"

#define TAPS 9u
/* With fewer live channels on either side the direct sum is faster (make bench). */
#define FEWEST_CHANNELS 8u

/* ---- shape ---- */

bool sm_winograd_gradient_pays(const struct sm_conv *c, const struct sm_channels *in_channels,
                               const struct sm_channels *out_channels) {
    return sm_winograd_possible(c) && in_channels->n_live >= FEWEST_CHANNELS && out_channels->n_live >= FEWEST_CHANNELS;
}

static size_t ranges_of(size_t n_channels) {
    return sm_divided_up(n_channels, SM_WINOGRAD_CHANNELS);
}

size_t sm_winograd_gradient_units(const struct sm_conv *c) {
    return ranges_of(c->n_out) * ranges_of(c->n_in);
}

/* What a unit works on: transformed tiles of a chunk [place][channel][tile][lanes], their sums
 * [place][out][in][lanes], and what comes of them, taps [out][in / lanes][9][lanes]. Places lie a cache line further
 * apart than they need, or all of a tile would be written to one set of the cache. */
struct work {
    const struct sm_winograd_kernels *kernels;
    size_t place_stride, sums_stride;
    float *in, *delta, *sums, *taps;
};

#define PLACE_FLOATS (SM_WINOGRAD_CHANNELS * SM_WINOGRAD_TILES * SM_LANES + SM_LANES)
#define SUMS_FLOATS (SM_WINOGRAD_CHANNELS * SM_WINOGRAD_CHANNELS * SM_LANES + SM_LANES)
#define TAPS_FLOATS (SM_WINOGRAD_CHANNELS * SM_WINOGRAD_CHANNELS * TAPS)

size_t sm_winograd_gradient_scratch(void) {
    return SM_WINOGRAD_PLACES * (2 * PLACE_FLOATS + SUMS_FLOATS) + TAPS_FLOATS;
}

static struct work work_in(float *scratch, const struct sm_winograd_kernels *kernels) {
    struct work w = {.kernels = kernels, .in = scratch};
    w.place_stride = SM_WINOGRAD_CHANNELS * SM_WINOGRAD_TILES * kernels->lanes + SM_LANES;
    w.sums_stride = SM_WINOGRAD_CHANNELS * SM_WINOGRAD_CHANNELS * kernels->lanes + SM_LANES;
    w.delta = w.in + SM_WINOGRAD_PLACES * w.place_stride;
    w.sums = w.delta + SM_WINOGRAD_PLACES * w.place_stride;
    w.taps = w.sums + SM_WINOGRAD_PLACES * w.sums_stride;
    return w;
}

/* The operands of a unit, and its channels. */
struct unit {
    const struct sm_conv *conv;
    const struct sm_map *in, *delta;
    struct sm_channel_range ins, outs;
};

/* ---- a chunk ---- */

struct pixel {
    ptrdiff_t y, x;
};

/* Tiles are counted over blocks, rows and columns. */
struct tile {
    size_t block, row, column;
};

static struct tile tile_at(const struct sm_conv *c, size_t number) {
    size_t rows = c->out_height / 2, columns = c->out_width / 2;
    return (struct tile){number / (rows * columns), number / columns % rows, number % columns};
}

typedef void transform(float *to, size_t place_stride, const float *pixel, size_t row_stride, size_t n);

/* Tiles [first, first + n) of the live channels; (top, left): where the first tile of an image begins. */
static void transform_chunk(transform *run, float *to, const struct work *w, const struct sm_conv *c,
                            const struct sm_map *map, const struct sm_channel_range *channels, struct pixel corner,
                            size_t first, size_t n, size_t lane) {
    const size_t lanes = w->kernels->lanes;
    for (size_t done = 0, together; done < n; done += together) {
        const struct tile t = tile_at(c, first + done);
        together = sm_smaller(c->out_width / 2 - t.column, n - done);
        for (size_t k = 0; k < channels->n_live; k++)
            run(to + (k * SM_WINOGRAD_TILES + done) * lanes, w->place_stride,
                sm_map_at(map, t.block, channels->index[k], corner.y + (ptrdiff_t)(2 * t.row),
                          corner.x + (ptrdiff_t)(2 * t.column)) +
                    lane,
                map->row_stride, together);
    }
}

static void add_chunk(const struct work *w, const struct unit *u, size_t first, size_t n, size_t lane) {
    const struct sm_conv *c = u->conv;
    const struct pixel before = {-(ptrdiff_t)c->pad_top, -(ptrdiff_t)c->pad_left}, origin = {0, 0};
    transform_chunk(w->kernels->transform_in, w->in, w, c, u->in, &u->ins, before, first, n, lane);
    transform_chunk(w->kernels->transform_delta, w->delta, w, c, u->delta, &u->outs, origin, first, n, lane);
    for (size_t place = 0; place < SM_WINOGRAD_PLACES; place++)
        w->kernels->add_products(w->sums + place * w->sums_stride, w->delta + place * w->place_stride,
                                 w->in + place * w->place_stride, u->outs.n_live, u->ins.n_live, n);
}

/* ---- a unit ---- */

static void add_taps(const struct work *w, const struct unit *u) {
    const size_t lanes = w->kernels->lanes;
    for (size_t o = 0; o < u->outs.n_live; o++)
        for (size_t i = 0; i < u->ins.n_live; i += lanes) {
            size_t pair = o * SM_WINOGRAD_CHANNELS + i;
            w->kernels->add_taps(w->taps + pair * TAPS, w->sums + pair * lanes, w->sums_stride);
        }
}

static void write_taps(const struct work *w, const struct unit *u, float *gradient, size_t weight_stride) {
    const size_t lanes = w->kernels->lanes;
    for (size_t o = 0; o < u->outs.n_live; o++)
        for (size_t i = 0; i < u->ins.n_live; i++) {
            const float *taps = w->taps + (o * SM_WINOGRAD_CHANNELS + i / lanes * lanes) * TAPS + i % lanes;
            float *to = gradient + u->outs.index[o] * weight_stride + u->ins.index[i] * TAPS;
            for (size_t t = 0; t < TAPS; t++) to[t] = taps[t * lanes];
        }
}

/* Some lanes of all images after the others: so the sums stay in the second-level cache. */
void sm_winograd_gradient_unit(const struct sm_kernels *kernels, const struct sm_conv *c, size_t number,
                               size_t n_blocks, const struct sm_map *in, const struct sm_channels *in_channels,
                               const struct sm_map *delta, const struct sm_channels *out_channels, float *gradient,
                               size_t weight_stride, float *scratch) {
    assert(sm_winograd_possible(c));
    const struct work w = work_in(scratch, kernels->winograd);
    const size_t most = SM_WINOGRAD_CHANNELS, ranges = ranges_of(c->n_in);
    const size_t n_tiles = n_blocks * (c->out_height / 2) * (c->out_width / 2);
    const struct unit u = {c, in, delta, sm_channels_range(in_channels, number % ranges * most, most),
                           sm_channels_range(out_channels, number / ranges * most, most)};
    sm_channels_clear(&u.ins, &u.outs, gradient, weight_stride, TAPS);
    if (!u.ins.n_live || !u.outs.n_live) return;
    memset(w.taps, 0, TAPS_FLOATS * sizeof *w.taps);
    for (size_t lane = 0; lane < SM_LANES; lane += w.kernels->lanes) {
        memset(w.sums, 0, SM_WINOGRAD_PLACES * w.sums_stride * sizeof *w.sums);
        for (size_t first = 0; first < n_tiles; first += SM_WINOGRAD_TILES)
            add_chunk(&w, &u, first, sm_smaller(SM_WINOGRAD_TILES, n_tiles - first), lane);
        add_taps(&w, &u);
    }
    write_taps(&w, &u, gradient, weight_stride);
}
