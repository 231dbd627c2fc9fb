/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/trunk.h>

#include <assert.h>
#include <string.h>
#include <supermask/forward.h>

/* Rows of weights that one thread collects at a time. */
#define ROWS_AT_ONCE 8u

enum { FORWARD, BACKWARD, ROUND, WEIGHTS, GATHER }; /* parts of a step, in trunk.next */

static void wait_all(struct sm_trunk *trunk, int n_threads) {
    if (n_threads > 1) sm_barrier_wait(&trunk->barrier, n_threads);
}

/* The next piece of a part of the step that nobody has taken. */
static size_t take(struct sm_trunk *trunk, int part) {
    return atomic_fetch_add_explicit(&trunk->next[part], 1, memory_order_relaxed);
}

static const struct sm_map *input_of(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t i) {
    return t->inputs[i] >= 0 ? &trunk->nodes[t->inputs[i]].out : &trunk->images;
}

static bool has_norm(const struct sm_trunk_node *t) {
    return t->norm.channels > 0;
}

static uint8_t *winners(const struct sm_trunk_node *t, size_t block) {
    return t->winner ? t->winner + block * t->winner_stride : NULL;
}

/* ---- weights and masks ---- */

static void collect_rows(struct sm_trunk_node *t, int thread, int n_threads) {
    const struct sm_trunk_weights *w = &t->weights;
    size_t first, last, stride = sm_padded(sm_conv_fan_in(&t->conv));
    sm_share_of(t->conv.n_out, ROWS_AT_ONCE, thread, n_threads, &first, &last);
    if (w->sparse)
        sm_conv_lists_fill_forward(&t->lists, w->kept, w->weight, first, last);
    else if (sm_trunk_is_tiled(t))
        sm_winograd_pack(&t->winograd, w->weight, w->mask, stride, first, last);
    else
        sm_conv_dense_pack(&t->dense, w->weight, w->mask, stride, first, last);
}

static void collect_columns(struct sm_trunk_node *t, int thread, int n_threads) {
    size_t first, last;
    if (!t->weights.sparse || !t->lists.backward) return;
    sm_share_of(t->conv.n_in, ROWS_AT_ONCE, thread, n_threads, &first, &last);
    sm_conv_lists_fill_backward(&t->lists, t->weights.kept, t->weights.weight, first, last);
}

void sm_trunk_collect(struct sm_trunk *trunk, int thread, int n_threads) {
    for (size_t n = 0; n < trunk->n_nodes; n++)
        if (sm_trunk_is_conv(&trunk->nodes[n])) collect_rows(&trunk->nodes[n], thread, n_threads);
    for (size_t n = 0; n < trunk->n_nodes; n++)
        if (sm_trunk_is_conv(&trunk->nodes[n])) collect_columns(&trunk->nodes[n], thread, n_threads);
}

/* ---- forward ---- */

/* Bytes of a block of images to the map, by way of rows and columns of the kernels. */
static void load_images(struct sm_trunk *trunk, const struct sm_batch *batch, size_t block, float *scratch) {
    const uint8_t *images[SM_LANES] = {NULL};
    size_t first = block * SM_LANES, stride = sm_padded(batch->n_pixels);
    for (size_t j = 0; j < SM_LANES && first + j < batch->n; j++) images[j] = batch->images[first + j];
    float *columns = scratch + SM_LANES * stride;
    trunk->kernels->load_block(scratch, stride, columns, SM_LANES, images, batch->scale + first * batch->n_scales,
                               batch->shift + first * batch->n_scales, batch->n_scales, batch->n_pixels);
    struct sm_map map = trunk->images;
    map.data += block * map.block_stride;
    sm_map_from_columns(&map, columns, SM_LANES, 0);
}

/* Rows [y, y + n_rows) of a convolution's output, before activation. */
static void conv_rows(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t block, size_t y,
                      size_t n_rows, float *out, size_t row_step, size_t channel_step, float *scratch) {
    const struct sm_map *in = input_of(trunk, t, 0);
    if (t->weights.sparse)
        sm_conv_lists_forward(&t->lists, trunk->kernels, in, block, y, n_rows, out, row_step, channel_step);
    else if (sm_trunk_is_tiled(t))
        sm_winograd_forward(&t->winograd, in, block, y, n_rows, out, row_step, channel_step, scratch);
    else
        for (size_t k = 0; k < n_rows; k++)
            sm_conv_dense_forward(&t->dense, in, block, y + k, out + k * row_step, channel_step);
}

/* A few rows at a time; only what wins is kept. An odd last row wins nothing. */
static void forward_pooled(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t block, float *scratch) {
    const size_t channel_step = t->conv.out_width * SM_LANES, row_step = t->conv.n_out * channel_step;
    const size_t most = sm_trunk_pooled_rows(t), winner_step = t->out.channels * t->out.width * SM_LANES;
    uint8_t *winner = winners(t, block);
    for (size_t first = 0, last; first < t->out.height; first = last) {
        last = first + most < t->out.height ? first + most : t->out.height;
        conv_rows(trunk, t, block, 2 * first, 2 * (last - first), scratch, row_step, channel_step,
                  scratch + 2 * most * row_step);
        for (size_t y = first; y < last; y++) {
            const float *rows = scratch + 2 * (y - first) * row_step;
            trunk->map_kernels->pool_rows(
                sm_map_at(&t->out, block, 0, (ptrdiff_t)y, 0), winner ? winner + y * winner_step : NULL, rows,
                rows + row_step, t->out.channels, channel_step, t->out.width, t->out.channel_stride, t->activation);
        }
    }
}

static void conv_to_map(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t block,
                        const struct sm_map *map, float *scratch) {
    conv_rows(trunk, t, block, 0, t->conv.out_height, sm_map_at(map, block, 0, 0, 0), map->row_stride,
              map->channel_stride, scratch);
}

/* A sum of a and b, or a pool of a. */
static void sum_or_pool(const struct sm_trunk *trunk, const struct sm_trunk_node *t, const struct sm_map *a,
                        const struct sm_map *b, size_t block) {
    if (t->node->kind == SM_NODE_ADD)
        trunk->map_kernels->add(&t->out, a, b, block, t->activation);
    else
        trunk->map_kernels->max_pool(&t->out, winners(t, block), a, block, &t->pool);
}

static void forward_node(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t block, float *scratch) {
    if (t->pooled) {
        forward_pooled(trunk, t, block, scratch);
    } else if (sm_trunk_is_conv(t)) {
        conv_to_map(trunk, t, block, &t->out, scratch);
        if (has_norm(t)) trunk->map_kernels->normalize(&t->out, &t->out, block, &t->norm);
        trunk->map_kernels->activate(&t->out, block, t->activation);
    } else {
        sum_or_pool(trunk, t, input_of(trunk, t, 0), input_of(trunk, t, 1), block);
    }
}

static struct sm_map channels_of(const struct sm_map *map, size_t first, size_t last) {
    struct sm_map part = *map;
    part.channels = last - first;
    part.data += first * map->channel_stride;
    return part;
}

void sm_trunk_hand_over(const struct sm_trunk *trunk, size_t block, float *columns, size_t image_stride, size_t first,
                        size_t last) {
    const struct sm_map *out = &trunk->nodes[trunk->n_nodes - 1].out, part = channels_of(out, first, last);
    if (trunk->averaged)
        trunk->map_kernels->average_pool(columns + first * image_stride, image_stride, &part, block);
    else
        sm_map_to_columns(columns + first * out->height * out->width * image_stride, image_stride, &part, block);
}

/* What the dense layers read: columns, and rows where their weights learn. */
static void hand_over(const struct sm_trunk *trunk, size_t block, float *columns, size_t image_stride, float *rows,
                      size_t row_stride) {
    size_t first = block * SM_LANES;
    sm_trunk_hand_over(trunk, block, columns, image_stride, 0, trunk->nodes[trunk->n_nodes - 1].out.channels);
    if (rows)
        trunk->kernels->transpose(rows + first * row_stride, row_stride, columns + first, image_stride, row_stride,
                                  SM_LANES);
}

static void begin(struct sm_trunk *trunk, const struct sm_batch *batch, enum sm_statistics statistics) {
    trunk->n_images = batch->n;
    trunk->n_blocks = sm_padded(batch->n) / SM_LANES;
    for (size_t part = 0; part < sizeof trunk->next / sizeof *trunk->next; part++)
        atomic_store_explicit(&trunk->next[part], 0, memory_order_relaxed);
    if (statistics == SM_STATISTICS_MOVING)
        for (size_t k = 0; k < trunk->n_norms; k++) sm_batch_norm_use_moving(&trunk->nodes[trunk->norms[k]].norm);
}

/* Between the segments before and behind batch norm k: its statistics from all blocks, by one thread. */
static void between_segments(struct sm_trunk *trunk, size_t k, int part,
                             void (*combine)(struct sm_batch_norm *, const double *, size_t, size_t), int thread,
                             int n_threads) {
    wait_all(trunk, n_threads);
    if (thread == 0) {
        struct sm_trunk_node *t = &trunk->nodes[trunk->norms[k]];
        combine(&t->norm, t->sums, trunk->n_blocks, trunk->n_images * t->raw.height * t->raw.width);
        atomic_store_explicit(&trunk->next[part], 0, memory_order_relaxed);
    }
    wait_all(trunk, n_threads);
}

/* Images of a block that count. */
static size_t images_of(const struct sm_trunk *trunk, size_t block) {
    size_t left = trunk->n_images - block * SM_LANES;
    return left < SM_LANES ? left : SM_LANES;
}

static double *sums_of(const struct sm_trunk_node *t, size_t block) {
    return t->sums + block * 2 * t->norm.channels;
}

/* Segment k of n_cuts + 1: from the normalization of batch norm k - 1 to the convolution of batch norm k. */
static void forward_segment(const struct sm_trunk *trunk, size_t k, size_t n_cuts, size_t block, float *scratch) {
    const struct sm_map_kernels *kernels = trunk->map_kernels;
    size_t first = k > 0 ? trunk->norms[k - 1] : 0, last = k < n_cuts ? trunk->norms[k] : trunk->n_nodes;
    if (k > 0) {
        const struct sm_trunk_node *t = &trunk->nodes[first++];
        kernels->normalize(&t->out, &t->raw, block, &t->norm);
        kernels->activate(&t->out, block, t->activation);
    }
    for (size_t n = first; n < last; n++) forward_node(trunk, &trunk->nodes[n], block, scratch);
    if (k < n_cuts) {
        const struct sm_trunk_node *t = &trunk->nodes[last];
        conv_to_map(trunk, t, block, &t->raw, scratch);
        kernels->moments(sums_of(t, block), &t->raw, block, images_of(trunk, block));
    }
}

void sm_trunk_forward(struct sm_trunk *trunk, const struct sm_batch *batch, enum sm_statistics statistics,
                      float *columns, size_t image_stride, float *rows, size_t row_stride, int thread, int n_threads) {
    float *scratch = trunk->scratch[thread];
    size_t n_cuts = statistics == SM_STATISTICS_BATCH ? trunk->n_norms : 0;
    assert(trunk->training || !n_cuts);
    if (thread == 0) begin(trunk, batch, statistics);
    wait_all(trunk, n_threads);
    for (size_t k = 0; k <= n_cuts; k++) {
        if (k > 0) between_segments(trunk, k - 1, FORWARD, sm_batch_norm_use_batch, thread, n_threads);
        for (size_t block; (block = take(trunk, FORWARD)) < trunk->n_blocks;) {
            if (k == 0) load_images(trunk, batch, block, scratch);
            forward_segment(trunk, k, n_cuts, block, scratch);
            if (k == n_cuts) hand_over(trunk, block, columns, image_stride, rows, row_stride);
        }
    }
    wait_all(trunk, n_threads);
}

/* ---- forward: one thread, node by node ---- */

void sm_trunk_load(struct sm_trunk *trunk, const struct sm_batch *batch) {
    begin(trunk, batch, SM_STATISTICS_MOVING);
    for (size_t block = 0; block < trunk->n_blocks; block++) load_images(trunk, batch, block, trunk->scratch[0]);
}

bool sm_trunk_is_by_channel(const struct sm_trunk_node *t) {
    return !sm_trunk_is_conv(t) || (t->weights.sparse && !has_norm(t));
}

/* Rows [first, last) of a list are a list. */
static struct sm_conv_list rows_of(const struct sm_conv_list *list, size_t first, size_t last) {
    struct sm_conv_list part = *list;
    part.n_rows = last - first;
    part.place += first * list->capacity;
    if (part.value) part.value += first * list->capacity;
    part.n_plus += first;
    part.n_minus += first;
    return part;
}

void sm_trunk_compute(const struct sm_trunk *trunk, size_t n, size_t block, size_t first, size_t last) {
    struct sm_trunk_node part = trunk->nodes[n];
    if (!sm_trunk_is_by_channel(&part)) {
        forward_node(trunk, &part, block, trunk->scratch[0]);
        return;
    }
    part.out = channels_of(&part.out, first, last);
    if (sm_trunk_is_conv(&part)) {
        part.conv.n_out = last - first;
        part.lists.forward = rows_of(&part.lists.forward, first, last);
        forward_node(trunk, &part, block, trunk->scratch[0]);
    } else {
        const struct sm_map a = channels_of(input_of(trunk, &part, 0), first, last);
        const struct sm_map b = channels_of(input_of(trunk, &part, 1), first, last);
        sum_or_pool(trunk, &part, &a, &b, block);
    }
}

void sm_trunk_compute_unpooled(const struct sm_trunk *trunk, size_t n, size_t block, const struct sm_map *map) {
    struct sm_trunk_node whole = trunk->nodes[n];
    assert(whole.pooled && map->block_stride == 0);
    whole.pooled = false;
    whole.out = *map;
    forward_node(trunk, &whole, block, trunk->scratch[0]);
}

/* ---- backward: activations ---- */

static void conv_delta(const struct sm_trunk *trunk, struct sm_trunk_node *t, size_t block, int thread) {
    size_t n = (size_t)(t - trunk->nodes);
    const struct sm_map *delta = &t->delta;
    if (t->pooled) sm_pooled_collect(&t->pooled_gradient, block, &t->delta, t->winner, &t->out_channels);
    if (t->inputs[0] < 0) return;
    if (t->pooled) {
        delta = &trunk->unpooled[(size_t)thread * trunk->n_nodes + n];
        trunk->map_kernels->unpool(delta, &t->delta, winners(t, block), block);
    }
    const struct sm_map *below = &trunk->nodes[t->inputs[0]].delta;
    if (t->weights.sparse)
        sm_conv_lists_backward(&t->lists, trunk->kernels, below, delta, block, t->accumulates[0]);
    else if (sm_trunk_is_tiled(t))
        sm_winograd_backward(&t->winograd, below, delta, block, t->accumulates[0], trunk->scratch[thread]);
    else
        sm_conv_dense_backward(&t->dense, below, delta, block, t->accumulates[0]);
}

static void add_delta(const struct sm_trunk *trunk, const struct sm_trunk_node *t, size_t block) {
    for (size_t i = 0; i < 2; i++) {
        if (t->inputs[i] < 0) continue;
        const struct sm_map *below = &trunk->nodes[t->inputs[i]].delta;
        if (t->accumulates[i])
            trunk->map_kernels->accumulate(below, &t->delta, block);
        else
            trunk->map_kernels->copy(below, &t->delta, block);
    }
}

static void backward_node(const struct sm_trunk *trunk, struct sm_trunk_node *t, size_t block, int thread) {
    trunk->map_kernels->activation_gradient(&t->delta, &t->out, block, t->activation);
    if (sm_trunk_is_conv(t))
        conv_delta(trunk, t, block, thread);
    else if (t->node->kind == SM_NODE_ADD)
        add_delta(trunk, t, block);
    else if (t->inputs[0] >= 0)
        trunk->map_kernels->max_pool_gradient(&trunk->nodes[t->inputs[0]].delta, &t->delta, winners(t, block), block,
                                              &t->pool, t->accumulates[0]);
}

/* The segments of the forward pass, from the last to the first: from the gradient before batch norm k down to that
 * behind batch norm k - 1. */
static void backward_segment(const struct sm_trunk *trunk, size_t k, size_t block, int thread) {
    const struct sm_map_kernels *kernels = trunk->map_kernels;
    size_t n_images = images_of(trunk, block), n = k < trunk->n_norms ? trunk->norms[k] : trunk->n_nodes;
    size_t first = k > 0 ? trunk->norms[k - 1] + 1 : 0;
    if (k < trunk->n_norms) {
        struct sm_trunk_node *t = &trunk->nodes[n];
        kernels->normalize_gradient(&t->delta, &t->raw, block, n_images, &t->norm);
        conv_delta(trunk, t, block, thread);
    }
    while (n-- > first) backward_node(trunk, &trunk->nodes[n], block, thread);
    if (k > 0) {
        const struct sm_trunk_node *t = &trunk->nodes[first - 1];
        kernels->activation_gradient(&t->delta, &t->out, block, t->activation);
        kernels->delta_moments(sums_of(t, block), &t->delta, &t->raw, block, n_images, &t->norm);
    }
}

static void take_over(const struct sm_trunk *trunk, const float *delta, size_t image_stride, size_t block) {
    struct sm_trunk_node *last = &trunk->nodes[trunk->n_nodes - 1];
    if (trunk->averaged)
        trunk->map_kernels->average_pool_gradient(&last->delta, delta, image_stride, block);
    else
        sm_map_from_columns(&last->delta, delta, image_stride, block);
}

static void backward_blocks(struct sm_trunk *trunk, const float *delta, size_t image_stride, int thread,
                            int n_threads) {
    for (size_t k = trunk->n_norms + 1; k-- > 0;) {
        if (k < trunk->n_norms) between_segments(trunk, k, BACKWARD, sm_batch_norm_backward, thread, n_threads);
        for (size_t block; (block = take(trunk, BACKWARD)) < trunk->n_blocks;) {
            if (k == trunk->n_norms) take_over(trunk, delta, image_stride, block);
            backward_segment(trunk, k, block, thread);
        }
    }
}

/* ---- backward: weights ---- */

/* The form of a convolution's weight gradient: from the winners of a pool, from rounded operands, in transformed tiles,
 * by channels, or as products. The mask, by the channels that are live, decides like the shape. */
enum gradient_form { POOLED, ROUNDED, WINOGRAD, CHANNELS, PRODUCTS, NO_GRADIENT };

static enum gradient_form gradient_form(const struct sm_trunk *trunk, const struct sm_trunk_node *t) {
    if (!sm_trunk_is_conv(t)) return NO_GRADIENT;
    if (t->pooled) return POOLED;
    if (trunk->bf16) return ROUNDED;
    if (sm_winograd_gradient_pays(&t->conv, &t->in_channels, &t->out_channels)) return WINOGRAD;
    return sm_conv_gradient_possible(&t->conv) ? CHANNELS : PRODUCTS;
}

static size_t round_units(const struct sm_trunk *trunk, const struct sm_trunk_node *t) {
    return gradient_form(trunk, t) == ROUNDED ? (trunk->n_blocks + 1) / 2 : 0;
}

/* Without the blocks that this batch does not have, whatever an earlier one left there. */
static struct sm_map blocks_of_batch(const struct sm_trunk *trunk, const struct sm_map *map) {
    struct sm_map here = *map;
    here.n_blocks = trunk->n_blocks;
    return here;
}

static void round_unit(struct sm_trunk *trunk, struct sm_trunk_node *t, size_t pair, float *scratch) {
    (void)scratch;
    const struct sm_map in = blocks_of_batch(trunk, input_of(trunk, t, 0)), delta = blocks_of_batch(trunk, &t->delta);
    sm_bf16_map_round(&t->rounded_in, &in, pair, trunk->bf16);
    sm_bf16_map_round(&t->rounded_delta, &delta, pair, trunk->bf16);
}

static size_t weight_units(const struct sm_trunk *trunk, const struct sm_trunk_node *t) {
    switch (gradient_form(trunk, t)) {
    case POOLED:
        return sm_pooled_units(&t->pooled_gradient);
    case ROUNDED:
        return sm_conv_bf16_units(&t->conv);
    case WINOGRAD:
        return sm_winograd_gradient_units(&t->conv);
    case CHANNELS:
        return sm_conv_gradient_units(&t->conv);
    case PRODUCTS:
        return sm_conv_dense_units(&t->dense);
    case NO_GRADIENT:
        break;
    }
    return 0;
}

static void rounded_unit(struct sm_trunk *trunk, struct sm_trunk_node *t, size_t unit, size_t stride, float *scratch) {
    struct sm_bf16_map in = t->rounded_in, delta = t->rounded_delta;
    in.n_pairs = delta.n_pairs = (trunk->n_blocks + 1) / 2;
    sm_conv_bf16_gradient(trunk->bf16, &t->conv, unit, &in, &delta, t->gradient, stride, scratch);
}

static void weight_unit(struct sm_trunk *trunk, struct sm_trunk_node *t, size_t unit, float *scratch) {
    const struct sm_map *in = input_of(trunk, t, 0);
    size_t stride = sm_padded(sm_conv_fan_in(&t->conv));
    switch (gradient_form(trunk, t)) {
    case POOLED:
        sm_pooled_gradient(&t->pooled_gradient, unit, trunk->n_blocks, in, &t->in_channels, &t->out_channels,
                           t->gradient, stride, scratch);
        break;
    case ROUNDED:
        rounded_unit(trunk, t, unit, stride, scratch);
        break;
    case WINOGRAD:
        sm_winograd_gradient_unit(trunk->kernels, &t->conv, unit, trunk->n_blocks, in, &t->in_channels, &t->delta,
                                  &t->out_channels, t->gradient, stride, scratch);
        break;
    case CHANNELS:
        sm_conv_gradient_unit(trunk->kernels, &t->conv, unit, trunk->n_blocks, in, &t->in_channels, &t->delta,
                              &t->out_channels, t->gradient, stride, scratch);
        break;
    case PRODUCTS:
        sm_conv_dense_gradient_unit(&t->dense, unit, in, &t->delta, trunk->n_blocks, scratch);
        break;
    case NO_GRADIENT:
        break;
    }
}

static size_t gather_units(const struct sm_trunk *trunk, const struct sm_trunk_node *t) {
    return gradient_form(trunk, t) == PRODUCTS ? (t->conv.n_out + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE : 0;
}

static void gather_unit(struct sm_trunk *trunk, struct sm_trunk_node *t, size_t unit, float *scratch) {
    size_t first = unit * ROWS_AT_ONCE, last = first + ROWS_AT_ONCE;
    (void)trunk;
    (void)scratch;
    sm_conv_dense_gradient(&t->dense, t->gradient, sm_padded(sm_conv_fan_in(&t->conv)), first,
                           last < t->conv.n_out ? last : t->conv.n_out);
}

/* The parts that follow the gradients of the activations: units of each node, and what to do with one. */
static const struct weight_part {
    int part;
    size_t (*units)(const struct sm_trunk *, const struct sm_trunk_node *);
    void (*run)(struct sm_trunk *, struct sm_trunk_node *, size_t unit, float *scratch);
} weight_parts[] = {
    {ROUND, round_units, round_unit},
    {WEIGHTS, weight_units, weight_unit},
    {GATHER, gather_units, gather_unit},
};

/* Takes units of all nodes, one after the other, until none is left. */
static void all_units(struct sm_trunk *trunk, const struct weight_part *part, float *scratch) {
    size_t n = 0, before = 0; /* units of nodes below n */
    while (n < trunk->n_nodes) {
        size_t unit = take(trunk, part->part);
        for (size_t here; n < trunk->n_nodes && unit >= before + (here = part->units(trunk, &trunk->nodes[n])); n++)
            before += here;
        if (n < trunk->n_nodes) part->run(trunk, &trunk->nodes[n], unit - before, scratch);
    }
}

void sm_trunk_backward(struct sm_trunk *trunk, const float *delta, size_t image_stride, int thread, int n_threads) {
    assert(trunk->training);
    backward_blocks(trunk, delta, image_stride, thread, n_threads);
    for (size_t p = 0; p < sizeof weight_parts / sizeof *weight_parts; p++) {
        wait_all(trunk, n_threads);
        all_units(trunk, &weight_parts[p], trunk->scratch[thread]);
    }
    wait_all(trunk, n_threads);
}
