/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_dense.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>

/* Rows of the weight gradient that one unit computes: enough for OpenBLAS's inner kernels. */
#define SLICE 64u
/* So many units at least where the batch allows, so that several threads have work: small layers are summed in groups
 * of blocks. */
#define FEWEST_UNITS 12u

/* ---- sizes ---- */

/* With stride 1 the taps of a kernel column are one product (rows of the map follow each other); with a larger stride
 * each tap is one of its own, from rows that are gathered. */
static size_t tap_products(const struct sm_conv *c) {
    return c->stride == 1 ? c->kernel_width : sm_conv_taps(c);
}

static size_t product_columns(const struct sm_conv *c) {
    return c->stride == 1 ? c->kernel_height * c->n_in : c->n_in;
}

static void choose_units(struct sm_conv_dense *d, size_t n_blocks) {
    d->n_slices = (d->conv.n_out + SLICE - 1) / SLICE;
    d->n_groups = 1;
    while (d->n_groups * 2 <= n_blocks && d->n_groups * d->n_slices * tap_products(&d->conv) < FEWEST_UNITS)
        d->n_groups *= 2;
}

int sm_conv_dense_init(struct sm_conv_dense *d, const struct sm_conv *conv, size_t n_blocks, bool training,
                       bool backward) {
    *d = (struct sm_conv_dense){.conv = *conv};
    size_t n = sm_conv_fan_in(conv) * conv->n_out;
    bool whole = true;
    choose_units(d, n_blocks);
    if (conv->stride == 1) whole = (d->forward = sm_aligned_zeros(n * sizeof(float))) != NULL;
    if (conv->stride == 1 && backward) whole = whole && (d->backward = sm_aligned_zeros(n * sizeof(float))) != NULL;
    if (training) whole = whole && (d->partial = sm_aligned_zeros(d->n_groups * n * sizeof(float))) != NULL;
    return whole ? 0 : -1;
}

void sm_conv_dense_destroy(struct sm_conv_dense *d) {
    free(d->forward);
    free(d->backward);
    free(d->partial);
    *d = (struct sm_conv_dense){0};
}

/* ---- the two directions ---- */

static void pack_channel(struct sm_conv_dense *d, const float *weight, const int8_t *mask, size_t o) {
    const struct sm_conv *c = &d->conv;
    size_t k = c->kernel_height, width = c->kernel_width;
    for (size_t i = 0; i < c->n_in; i++)
        for (size_t r = 0; r < k; r++)
            for (size_t s = 0; s < width; s++) {
                size_t at = (i * k + r) * width + s;
                float v = mask ? weight[at] * (float)mask[at] : weight[at];
                d->forward[(s * c->n_out + o) * k * c->n_in + r * c->n_in + i] = v;
                if (d->backward) d->backward[(s * c->n_in + i) * k * c->n_out + (k - 1 - r) * c->n_out + o] = v;
            }
}

void sm_conv_dense_pack(struct sm_conv_dense *d, const float *weight, const int8_t *mask, size_t weight_stride,
                        size_t first, size_t last) {
    for (size_t o = first; o < last; o++)
        pack_channel(d, weight + o * weight_stride, mask ? mask + o * weight_stride : NULL, o);
}

void sm_conv_dense_forward(const struct sm_conv_dense *d, const struct sm_map *in, size_t block, size_t y, float *out,
                           size_t out_channel_step) {
    const struct sm_conv *c = &d->conv;
    size_t depth = c->kernel_height * c->n_in;
    for (size_t s = 0; s < c->kernel_width; s++) {
        const float *rows =
            sm_map_at(in, block, 0, (ptrdiff_t)y - (ptrdiff_t)c->pad_top, (ptrdiff_t)s - (ptrdiff_t)c->pad_left);
        sm_blas_accumulate(out, out_channel_step, d->forward + s * c->n_out * depth, depth, rows, in->channel_stride,
                           c->n_out, c->out_width * SM_LANES, depth, s > 0);
    }
}

void sm_conv_dense_backward(const struct sm_conv_dense *d, const struct sm_map *in_delta,
                            const struct sm_map *out_delta, size_t block, bool accumulate) {
    const struct sm_conv *c = &d->conv;
    size_t depth = c->kernel_height * c->n_out;
    for (size_t y = 0; y < c->in_height; y++) {
        float *out = sm_map_at(in_delta, block, 0, (ptrdiff_t)y, 0);
        for (size_t s = 0; s < c->kernel_width; s++) {
            const float *rows = sm_map_at(out_delta, block, 0, (ptrdiff_t)(y + c->pad_top + 1 - c->kernel_height),
                                          (ptrdiff_t)c->pad_left - (ptrdiff_t)s);
            sm_blas_accumulate(out, in_delta->channel_stride, d->backward + s * c->n_in * depth, depth, rows,
                               out_delta->channel_stride, c->n_in, c->in_width * SM_LANES, depth, s > 0 || accumulate);
        }
    }
}

/* ---- the gradient of the weights ---- */

size_t sm_conv_dense_units(const struct sm_conv_dense *d) {
    return d->n_groups * d->n_slices * tap_products(&d->conv);
}

size_t sm_conv_dense_scratch(const struct sm_conv_dense *d) {
    return d->conv.stride == 1 ? 0 : d->conv.n_in * d->conv.out_width * SM_LANES;
}

static float *partial_of(const struct sm_conv_dense *d, size_t group, size_t tap) {
    return d->partial + (group * tap_products(&d->conv) + tap) * d->conv.n_out * product_columns(&d->conv);
}

/* The input pixels that one tap meets along an output row: [n_in][out_width * 16], column_step apart in the map. */
static void gather_row(const struct sm_conv *c, float *to, const struct sm_map *in, size_t block, ptrdiff_t y,
                       ptrdiff_t x) {
    for (size_t i = 0; i < c->n_in; i++) {
        const float *from = sm_map_at(in, block, i, y, x);
        for (size_t column = 0; column < c->out_width; column++, to += SM_LANES)
            memcpy(to, from + column * c->stride * SM_LANES, SM_LANES * sizeof *to);
    }
}

/* The rows of input that product `tap` needs for output row y, and their stride. */
static const float *product_rows(const struct sm_conv_dense *d, size_t tap, const struct sm_map *in, size_t block,
                                 size_t y, float *scratch, size_t *stride) {
    const struct sm_conv *c = &d->conv;
    ptrdiff_t top = (ptrdiff_t)(y * c->stride) - (ptrdiff_t)c->pad_top, left = -(ptrdiff_t)c->pad_left;
    *stride = in->channel_stride;
    if (c->stride == 1) return sm_map_at(in, block, 0, top, left + (ptrdiff_t)tap);
    gather_row(c, scratch, in, block, top + (ptrdiff_t)(tap / c->kernel_width),
               left + (ptrdiff_t)(tap % c->kernel_width));
    *stride = c->out_width * SM_LANES;
    return scratch;
}

void sm_conv_dense_gradient_unit(const struct sm_conv_dense *d, size_t unit, const struct sm_map *in,
                                 const struct sm_map *out_delta, size_t n_blocks, float *scratch) {
    const struct sm_conv *c = &d->conv;
    size_t slice = unit % d->n_slices, rest = unit / d->n_slices;
    size_t tap = rest % tap_products(c), group = rest / tap_products(c), columns = product_columns(c);
    size_t first = slice * SLICE, n = c->n_out - first < SLICE ? c->n_out - first : SLICE;
    float *partial = partial_of(d, group, tap) + first * columns;
    size_t begin = n_blocks * group / d->n_groups, end = n_blocks * (group + 1) / d->n_groups;
    memset(partial, 0, n * columns * sizeof *partial);
    for (size_t block = begin; block < end; block++)
        for (size_t y = 0; y < c->out_height; y++) {
            size_t stride;
            const float *rows = product_rows(d, tap, in, block, y, scratch, &stride);
            sm_blas_accumulate_transposed(partial, columns, sm_map_at(out_delta, block, first, (ptrdiff_t)y, 0),
                                          out_delta->channel_stride, rows, stride, n, columns, c->out_width * SM_LANES);
        }
}

/* Where (i, r, s) of a row stands in the partial sums: which product, which column. */
static size_t partial_place(const struct sm_conv_dense *d, size_t o, size_t i, size_t r, size_t s) {
    const struct sm_conv *c = &d->conv;
    size_t columns = product_columns(c);
    return c->stride == 1 ? (s * c->n_out + o) * columns + r * c->n_in + i
                          : ((r * c->kernel_width + s) * c->n_out + o) * columns + i;
}

void sm_conv_dense_gradient(const struct sm_conv_dense *d, float *gradient, size_t weight_stride, size_t first,
                            size_t last) {
    const struct sm_conv *c = &d->conv;
    size_t n = sm_conv_fan_in(c) * c->n_out;
    for (size_t o = first; o < last; o++)
        for (size_t i = 0; i < c->n_in; i++)
            for (size_t r = 0; r < c->kernel_height; r++)
                for (size_t s = 0; s < c->kernel_width; s++) {
                    const float *partial = d->partial + partial_place(d, o, i, r, s);
                    float sum = 0;
                    for (size_t g = 0; g < d->n_groups; g++) sum += partial[g * n];
                    gradient[o * weight_stride + (i * c->kernel_height + r) * c->kernel_width + s] = sum;
                }
}
