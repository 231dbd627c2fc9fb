/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/conv_lists.h>

#include <math.h>
#include <stdlib.h>

/* ---- construction ---- */

static int list_init(struct sm_conv_list *list, size_t n_rows, size_t capacity, bool values) {
    *list = (struct sm_conv_list){.n_rows = n_rows, .capacity = capacity};
    list->place = calloc(n_rows * capacity + 1, sizeof *list->place); /* no tap at all is no failure */
    if (values) list->value = calloc(n_rows * capacity + 1, sizeof *list->value);
    list->n_plus = calloc(n_rows, sizeof *list->n_plus);
    list->n_minus = calloc(n_rows, sizeof *list->n_minus);
    return list->place && list->n_plus && list->n_minus && (list->value || !values) ? 0 : -1;
}

static void list_destroy(struct sm_conv_list *list) {
    free(list->place);
    free(list->value);
    free(list->n_plus);
    free(list->n_minus);
}

/* Of weight (i, r, s): its input pixel as seen from the reference pixel (y*stride, x*stride). */
static void fill_places(struct sm_conv_lists *l, size_t row_stride, size_t channel_stride) {
    const struct sm_conv *c = &l->conv;
    int32_t *place = l->forward_place;
    for (size_t i = 0; i < c->n_in; i++)
        for (size_t r = 0; r < c->kernel_height; r++)
            for (size_t s = 0; s < c->kernel_width; s++) {
                ptrdiff_t down = (ptrdiff_t)r - (ptrdiff_t)c->pad_top, right = (ptrdiff_t)s - (ptrdiff_t)c->pad_left;
                *place++ = (int32_t)(down * (ptrdiff_t)row_stride + (ptrdiff_t)(i * channel_stride) +
                                     right * (ptrdiff_t)SM_LANES);
            }
}

/* Input pixel y (of its class, y mod s) is read by output row (y + pad - r) / s, where that is whole. Seen from
 * reference row y / s it lies *distance rows away. Class of the taps r: y mod s = (r - pad) mod s. */
static size_t class_of(size_t tap, size_t pad, size_t stride, ptrdiff_t *distance) {
    ptrdiff_t shift = (ptrdiff_t)tap - (ptrdiff_t)pad, s = (ptrdiff_t)stride;
    ptrdiff_t modulo = (shift % s + s) % s;
    *distance = (modulo - shift) / s;
    return (size_t)modulo;
}

/* How many taps along one axis reach the input pixels of a class. */
static size_t taps_of_class(size_t class, size_t kernel, size_t pad, size_t stride) {
    size_t n = 0;
    ptrdiff_t distance;
    for (size_t tap = 0; tap < kernel; tap++) n += class_of(tap, pad, stride, &distance) == class;
    return n;
}

int sm_conv_lists_init(struct sm_conv_lists *l, const struct sm_conv *conv, size_t in_row_stride,
                       size_t in_channel_stride, size_t delta_row_stride, size_t delta_channel_stride, bool backward,
                       float magnitude) {
    size_t fan_in = sm_conv_fan_in(conv), n_classes = conv->stride * conv->stride;
    *l = (struct sm_conv_lists){.conv = *conv,
                                .magnitude = magnitude,
                                .read_row_stride = delta_row_stride,
                                .read_channel_stride = delta_channel_stride};
    l->forward_place = calloc(fan_in, sizeof *l->forward_place);
    if (!l->forward_place || list_init(&l->forward, conv->n_out, fan_in, !(magnitude > 0))) return -1;
    fill_places(l, in_row_stride, in_channel_stride);
    if (!backward) return 0;
    l->backward = calloc(n_classes, sizeof *l->backward);
    if (!l->backward) return -1;
    for (size_t k = 0; k < n_classes; k++) {
        size_t taps = taps_of_class(k / conv->stride, conv->kernel_height, conv->pad_top, conv->stride) *
                      taps_of_class(k % conv->stride, conv->kernel_width, conv->pad_left, conv->stride);
        if (list_init(&l->backward[k], conv->n_in, conv->n_out * taps, !(magnitude > 0))) return -1;
    }
    return 0;
}

void sm_conv_lists_destroy(struct sm_conv_lists *l) {
    free(l->forward_place);
    list_destroy(&l->forward);
    for (size_t k = 0; l->backward && k < l->conv.stride * l->conv.stride; k++) list_destroy(&l->backward[k]);
    free(l->backward);
    *l = (struct sm_conv_lists){0};
}

/* ---- forward ---- */

void sm_conv_lists_fill_forward(struct sm_conv_lists *l, const struct sm_kept *kept, const float *weight, size_t first,
                                size_t last) {
    struct sm_conv_list *list = &l->forward;
    for (size_t o = first; o < last; o++) {
        const struct sm_kept_row row = sm_kept_row(kept, o);
        int32_t *place = list->place + o * list->capacity;
        float *value = list->value ? list->value + o * list->capacity : NULL;
        const float *w = weight + o * kept->stride;
        for (uint32_t k = 0; k < row.n_plus; k++) place[k] = l->forward_place[row.plus[k]];
        for (uint32_t k = 0; k < row.n_minus; k++) place[row.n_plus + k] = l->forward_place[row.minus[-(ptrdiff_t)k]];
        for (uint32_t k = 0; value && k < row.n_plus; k++) value[k] = fabsf(w[row.plus[k]]);
        for (uint32_t k = 0; value && k < row.n_minus; k++) value[row.n_plus + k] = -fabsf(w[row.minus[-(ptrdiff_t)k]]);
        list->n_plus[o] = value ? row.n_plus + row.n_minus : row.n_plus;
        list->n_minus[o] = value ? 0 : row.n_minus;
    }
}

void sm_conv_lists_forward(const struct sm_conv_lists *l, const struct sm_kernels *kernels, const struct sm_map *in,
                           size_t block, size_t y, size_t n_rows, float *out, size_t out_row_step,
                           size_t out_channel_step) {
    const struct sm_conv *c = &l->conv;
    const struct sm_conv_span span = {.out = out,
                                      .in = sm_map_at(in, block, 0, (ptrdiff_t)(y * c->stride), 0),
                                      .n_rows = n_rows,
                                      .n_columns = c->out_width,
                                      .out_row_step = out_row_step,
                                      .out_column_step = SM_LANES,
                                      .out_channel_step = out_channel_step,
                                      .in_row_step = c->stride * in->row_stride,
                                      .in_column_step = c->stride * SM_LANES};
    kernels->conv_list(&span, &l->forward, l->magnitude);
}

/* ---- backward ---- */

/* First place in an ascending (step 1) or descending-address (step -1) row whose weight index is at least `least`. */
static uint32_t lower_bound(const uint32_t *index, ptrdiff_t step, uint32_t n, uint32_t least) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index[step * (ptrdiff_t)middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct entry {
    size_t class, channel;
    int32_t place;
};

static struct entry backward_entry(const struct sm_conv_lists *l, size_t o, uint32_t index) {
    const struct sm_conv *c = &l->conv;
    size_t taps = sm_conv_taps(c), tap = index % taps;
    ptrdiff_t down, right;
    size_t class = class_of(tap / c->kernel_width, c->pad_top, c->stride, &down) * c->stride;
    class += class_of(tap % c->kernel_width, c->pad_left, c->stride, &right);
    ptrdiff_t place =
        down * (ptrdiff_t)l->read_row_stride + (ptrdiff_t)(o * l->read_channel_stride) + right * (ptrdiff_t)SM_LANES;
    return (struct entry){class, index / taps, (int32_t)place};
}

/* Enters the kept weights of one sign that lie in channels [first, last). `counts`: which of the two counters grows. */
static void enter(struct sm_conv_lists *l, size_t o, const uint32_t *index, ptrdiff_t step, uint32_t n, size_t first,
                  size_t last, bool minus, const float *w) {
    size_t taps = sm_conv_taps(&l->conv);
    uint32_t k = lower_bound(index, step, n, (uint32_t)(first * taps));
    for (; k < n && index[step * (ptrdiff_t)k] < last * taps; k++) {
        uint32_t at = index[step * (ptrdiff_t)k];
        struct entry e = backward_entry(l, o, at);
        struct sm_conv_list *list = &l->backward[e.class];
        uint32_t slot = list->n_plus[e.channel] + list->n_minus[e.channel];
        list->place[e.channel * list->capacity + slot] = e.place;
        if (list->value) list->value[e.channel * list->capacity + slot] = minus ? -fabsf(w[at]) : fabsf(w[at]);
        if (minus && !list->value)
            list->n_minus[e.channel]++;
        else
            list->n_plus[e.channel]++;
    }
}

void sm_conv_lists_fill_backward(struct sm_conv_lists *l, const struct sm_kept *kept, const float *weight, size_t first,
                                 size_t last) {
    size_t n_classes = l->conv.stride * l->conv.stride;
    for (size_t k = 0; k < n_classes; k++)
        for (size_t i = first; i < last; i++) l->backward[k].n_plus[i] = l->backward[k].n_minus[i] = 0;
    for (int minus = 0; minus < 2; minus++)
        for (size_t o = 0; o < l->conv.n_out; o++) {
            const struct sm_kept_row row = sm_kept_row(kept, o);
            enter(l, o, minus ? row.minus : row.plus, minus ? -1 : 1, minus ? row.n_minus : row.n_plus, first, last,
                  minus, weight + o * kept->stride);
        }
}

void sm_conv_lists_backward(const struct sm_conv_lists *l, const struct sm_kernels *kernels,
                            const struct sm_map *in_delta, const struct sm_map *out_delta, size_t block,
                            bool accumulate) {
    const struct sm_conv *c = &l->conv;
    size_t s = c->stride;
    for (size_t k = 0; k < s * s; k++) {
        size_t y = k / s, x = k % s;
        if (y >= c->in_height || x >= c->in_width) continue;
        const struct sm_conv_span span = {.out = sm_map_at(in_delta, block, 0, (ptrdiff_t)y, (ptrdiff_t)x),
                                          .in = sm_map_at(out_delta, block, 0, 0, 0),
                                          .n_rows = (c->in_height - y + s - 1) / s,
                                          .n_columns = (c->in_width - x + s - 1) / s,
                                          .out_row_step = s * in_delta->row_stride,
                                          .out_column_step = s * SM_LANES,
                                          .out_channel_step = in_delta->channel_stride,
                                          .in_row_step = out_delta->row_stride,
                                          .in_column_step = SM_LANES,
                                          .accumulate = accumulate};
        kernels->conv_list(&span, &l->backward[k], l->magnitude);
    }
}
