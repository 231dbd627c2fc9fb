/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trunk_plan.c - from the graph of a network to the nodes of its trunk, and their memory. */
#include <supermask/trunk.h>

#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>

#include "lib/sizes.h"

/* ---- which operators ---- */

static bool is_dense(const struct sm_network *net, size_t n) {
    const struct sm_node *node = &net->nodes[n];
    return node->kind == SM_NODE_LAYER && net->layers[node->layer].kind == SM_DENSE;
}

size_t sm_trunk_extent(const struct sm_network *net) {
    size_t n = 0;
    while (n < net->n_nodes && !is_dense(net, n)) n++;
    return n;
}

static size_t n_readers(const struct sm_network *net, size_t n) {
    size_t readers = 0;
    for (size_t k = n + 1; k < net->n_nodes; k++)
        for (size_t i = 0; i < net->nodes[k].n_inputs; i++) readers += net->nodes[k].inputs[i] == (int)n;
    return readers;
}

/* ---- one node ---- */

static void describe_conv(struct sm_trunk_node *t, const struct sm_network *net, size_t n) {
    const struct sm_node *node = &net->nodes[n];
    const struct sm_layer *layer = &net->layers[node->layer];
    const struct sm_shape in = sm_network_input_shape(net, n);
    t->conv = (struct sm_conv){.n_out = layer->n_out,
                               .n_in = layer->n_in,
                               .kernel_height = layer->kernel_height,
                               .kernel_width = layer->kernel_width,
                               .stride = layer->stride,
                               .pad_top = node->pad_top,
                               .pad_left = node->pad_left,
                               .in_height = in.height,
                               .in_width = in.width,
                               .out_height = node->height,
                               .out_width = node->width};
}

/* Is node n + 1 a 2x2 max pool that alone reads the convolution n, so that both are done at once? */
static bool is_pooled(const struct sm_network *net, size_t n, const struct sm_conv *conv) {
    const struct sm_node *pool = &net->nodes[n + 1];
    return !net->nodes[n].batch_norm && n_readers(net, n) == 1 && pool->kind == SM_NODE_MAX_POOL &&
           pool->inputs[0] == (int)n && pool->size == 2 && pool->stride == 2 && pool->padding == SM_VALID &&
           sm_pooled_possible(conv);
}

/* Nodes of the trunk from nodes [0, extent) of the network; place[n] is where the output of node n is found. */
static void describe_nodes(struct sm_trunk *trunk, size_t extent, int *place) {
    const struct sm_network *net = trunk->net;
    for (size_t n = 0; n < extent; n++) {
        const struct sm_node *node = &net->nodes[n];
        if (node->kind == SM_NODE_AVERAGE_POOL) {
            trunk->averaged = true;
            continue;
        }
        struct sm_trunk_node *t = &trunk->nodes[trunk->n_nodes];
        *t = (struct sm_trunk_node){.node = node, .activation = node->activation};
        for (size_t i = 0; i < node->n_inputs; i++)
            t->inputs[i] = node->inputs[i] == SM_NETWORK_INPUT ? SM_NETWORK_INPUT : place[node->inputs[i]];
        place[n] = (int)trunk->n_nodes++;
        t->pool = (struct sm_pool){node->size, node->stride, node->pad_top, node->pad_left};
        if (node->kind != SM_NODE_LAYER) continue;
        trunk->n_layers++;
        if (node->batch_norm) trunk->norms[trunk->n_norms++] = (size_t)place[n];
        describe_conv(t, net, n);
        t->pooled = n + 1 < extent && is_pooled(net, n, &t->conv);
        if (t->pooled) place[n + 1] = place[n], n++;
    }
}

/* The last in the order of the forward pass writes its gradient first; the others add to it. */
static void mark_accumulating(struct sm_trunk *trunk) {
    for (size_t n = 0; n < trunk->n_nodes; n++)
        for (size_t i = 0; i < trunk->nodes[n].node->n_inputs; i++) {
            struct sm_trunk_node *t = &trunk->nodes[n];
            t->accumulates[i] = i == 1 && t->inputs[0] == t->inputs[1];
            for (size_t k = n + 1; k < trunk->n_nodes; k++)
                for (size_t j = 0; j < trunk->nodes[k].node->n_inputs; j++)
                    t->accumulates[i] = t->accumulates[i] || trunk->nodes[k].inputs[j] == t->inputs[i];
        }
}

/* ---- memory ---- */

/* How far beyond the edge of n positions a window of the convolution reads. */
static size_t reach(size_t n_out, size_t stride, size_t kernel, size_t pad, size_t n) {
    size_t end = (n_out - 1) * stride + kernel; /* from -pad on */
    return sm_larger(pad, end > n + pad ? end - n - pad : 0);
}

static size_t input_halo(const struct sm_conv *c) {
    return sm_larger(reach(c->out_height, c->stride, c->kernel_height, c->pad_top, c->in_height),
                     reach(c->out_width, c->stride, c->kernel_width, c->pad_left, c->in_width));
}

/* The gradient of the input at (y, x) reads output pixels (y + pad - r) / stride. */
static size_t delta_reach(size_t n_out, size_t stride, size_t kernel, size_t pad, size_t n) {
    size_t before = kernel - 1 > pad ? (kernel - 1 - pad + stride - 1) / stride : 0, last = (n - 1 + pad) / stride;
    return sm_larger(before, last > n_out - 1 ? last - (n_out - 1) : 0);
}

static size_t delta_halo(const struct sm_conv *c) {
    return sm_larger(delta_reach(c->out_height, c->stride, c->kernel_height, c->pad_top, c->in_height),
                     delta_reach(c->out_width, c->stride, c->kernel_width, c->pad_left, c->in_width));
}

/* What the convolutions that read node n (or the images, -1) need around it. */
static size_t halo_of(const struct sm_trunk *trunk, int n) {
    size_t halo = 0;
    for (size_t k = 0; k < trunk->n_nodes; k++)
        if (sm_trunk_is_conv(&trunk->nodes[k]) && trunk->nodes[k].inputs[0] == n)
            halo = sm_larger(halo, input_halo(&trunk->nodes[k].conv));
    return halo;
}

/* The convolution's output is kept where its gradient will be asked for; else it is normalized in place. */
static int allocate_norm(struct sm_trunk_node *t, bool training, size_t n_blocks) {
    if (sm_batch_norm_init(&t->norm, t->conv.n_out)) return -1;
    if (!training) return 0;
    t->sums = calloc(2 * n_blocks * t->conv.n_out, sizeof *t->sums);
    return t->sums ? sm_map_init(&t->raw, t->conv.n_out, t->conv.out_height, t->conv.out_width, 0, n_blocks) : -1;
}

static int allocate_gradients(struct sm_trunk *trunk, size_t n, size_t n_blocks) {
    struct sm_trunk_node *t = &trunk->nodes[n];
    size_t stride = sm_padded(sm_conv_fan_in(&t->conv));
    if (sm_channels_init(&t->in_channels, t->conv.n_in) || sm_channels_init(&t->out_channels, t->conv.n_out)) return -1;
    t->gradient = sm_aligned_zeros(sm_padded(t->conv.n_out) * stride * sizeof(float));
    if (!t->gradient) return -1;
    if (!t->pooled) return 0;
    for (int thread = 0; t->inputs[0] >= 0 && thread < trunk->max_threads; thread++) {
        struct sm_map *map = &trunk->unpooled[(size_t)thread * trunk->n_nodes + n];
        if (sm_map_init(map, t->conv.n_out, t->conv.out_height, t->conv.out_width, delta_halo(&t->conv), 1)) return -1;
        map->block_stride = 0; /* one block of scratch that stands for all */
    }
    return sm_pooled_init(&t->pooled_gradient, &t->conv, n_blocks, trunk->kernels);
}

/* What is not computed from lists. */
static int allocate_dense(const struct sm_trunk *trunk, struct sm_trunk_node *t, size_t n_blocks) {
    bool backward = trunk->training && t->inputs[0] >= 0;
    bool products = trunk->training && !t->pooled && !sm_conv_gradient_possible(&t->conv);
    if (sm_winograd_pays(&t->conv)) return sm_winograd_init(&t->winograd, &t->conv, trunk->kernels, backward);
    return sm_conv_dense_init(&t->dense, &t->conv, n_blocks, products, backward);
}

static int allocate_node(struct sm_trunk *trunk, size_t n, size_t n_blocks) {
    struct sm_trunk_node *t = &trunk->nodes[n];
    const struct sm_node *last = t->pooled ? t->node + 1 : t->node;
    size_t channels = last->channels, height = last->height, width = last->width;
    size_t halo = sm_trunk_is_conv(t) && !t->pooled ? delta_halo(&t->conv) : 0;
    if (sm_map_init(&t->out, channels, height, width, halo_of(trunk, (int)n), n_blocks)) return -1;
    if (trunk->training && sm_map_init(&t->delta, channels, height, width, halo, n_blocks)) return -1;
    if (t->pooled || t->node->kind == SM_NODE_MAX_POOL) {
        t->winner_stride = height * channels * width * SM_LANES;
        if (trunk->training && !(t->winner = malloc(n_blocks * t->winner_stride))) return -1;
    }
    if (trunk->training && (!(t->heard = calloc(channels, 1)) || !(t->asked = calloc(channels, 1)))) return -1;
    if (!sm_trunk_is_conv(t)) return 0;
    if (t->node->batch_norm && allocate_norm(t, trunk->training, n_blocks)) return -1;
    if (allocate_dense(trunk, t, n_blocks)) return -1;
    return trunk->training ? allocate_gradients(trunk, n, n_blocks) : 0;
}

/* Floats of scratch that one thread needs for a convolution, forward; backward; and for its weights. */
static size_t conv_scratch(const struct sm_trunk_node *t, bool training) {
    size_t pass = sm_trunk_is_tiled(t) ? sm_winograd_pass_scratch(&t->winograd) : 0;
    size_t rows = t->pooled ? 2 * sm_trunk_pooled_rows(t) * t->conv.n_out * t->conv.out_width * SM_LANES : 0;
    size_t most = sm_larger(rows + pass, sm_conv_dense_scratch(&t->dense));
    if (!training) return most;
    if (t->pooled) most = sm_larger(most, sm_pooled_scratch(&t->pooled_gradient));
    if (sm_winograd_possible(&t->conv)) most = sm_larger(most, sm_winograd_gradient_scratch());
    return sm_larger(most, sm_larger(sm_conv_bf16_scratch(&t->conv), sm_conv_gradient_scratch(&t->conv)));
}

/* For any node, and for the images on their way into the map. */
static size_t scratch_size(const struct sm_trunk *trunk) {
    size_t most = 0;
    for (size_t n = 0; n < trunk->n_nodes; n++)
        if (sm_trunk_is_conv(&trunk->nodes[n])) most = sm_larger(most, conv_scratch(&trunk->nodes[n], trunk->training));
    size_t pixels = sm_network_inputs(trunk->net);
    return sm_larger(most, 2 * SM_LANES * sm_padded(pixels));
}

static int allocate(struct sm_trunk *trunk, size_t n_blocks) {
    const struct sm_network *net = trunk->net;
    size_t threads = (size_t)trunk->max_threads;
    trunk->scratch = calloc(threads, sizeof *trunk->scratch);
    trunk->unpooled = calloc(threads * trunk->n_nodes, sizeof *trunk->unpooled);
    trunk->images_heard = malloc(net->input_channels);
    if (!trunk->scratch || !trunk->unpooled || !trunk->images_heard ||
        sm_map_init(&trunk->images, net->input_channels, net->input_height, net->input_width,
                    halo_of(trunk, SM_NETWORK_INPUT), n_blocks))
        return -1;
    memset(trunk->images_heard, 1, net->input_channels);
    for (size_t n = 0; n < trunk->n_nodes; n++)
        if (allocate_node(trunk, n, n_blocks)) return -1;
    size_t bytes = scratch_size(trunk) * sizeof(float);
    for (size_t t = 0; t < threads; t++)
        if (!(trunk->scratch[t] = sm_aligned_zeros(bytes))) return -1;
    return 0;
}

int sm_trunk_init(struct sm_trunk *trunk, const struct sm_network *net, size_t capacity, int max_threads, bool training,
                  struct sm_error *err) {
    *trunk = (struct sm_trunk){.net = net,
                               .kernels = sm_kernels_get(),
                               .map_kernels = sm_map_kernels_get(),
                               .training = training,
                               .max_threads = max_threads};
    size_t extent = sm_trunk_extent(net);
    int *place = calloc(extent + 1, sizeof *place);
    trunk->nodes = calloc(extent + 1, sizeof *trunk->nodes);
    trunk->norms = calloc(extent + 1, sizeof *trunk->norms);
    bool whole = place && trunk->nodes && trunk->norms;
    if (whole) {
        describe_nodes(trunk, extent, place);
        mark_accumulating(trunk);
        whole = allocate(trunk, sm_padded(capacity) / SM_LANES) == 0;
    }
    free(place);
    return whole ? 0 : sm_fail(err, "out of memory for network %s at %zu images a batch", net->name, capacity);
}

static void destroy_node(struct sm_trunk_node *t) {
    sm_map_destroy(&t->out);
    sm_map_destroy(&t->delta);
    sm_map_destroy(&t->raw);
    sm_batch_norm_destroy(&t->norm);
    free(t->sums);
    sm_conv_lists_destroy(&t->lists);
    sm_conv_dense_destroy(&t->dense);
    sm_winograd_destroy(&t->winograd);
    sm_pooled_destroy(&t->pooled_gradient);
    sm_channels_destroy(&t->in_channels);
    sm_channels_destroy(&t->out_channels);
    free(t->heard);
    free(t->asked);
    sm_bf16_map_destroy(&t->rounded_in);
    sm_bf16_map_destroy(&t->rounded_delta);
    free(t->winner);
    free(t->gradient);
}

void sm_trunk_destroy(struct sm_trunk *trunk) {
    size_t threads = (size_t)trunk->max_threads;
    for (size_t n = 0; trunk->nodes && n < trunk->n_nodes; n++) destroy_node(&trunk->nodes[n]);
    for (size_t k = 0; trunk->unpooled && k < threads * trunk->n_nodes; k++) sm_map_destroy(&trunk->unpooled[k]);
    for (size_t t = 0; trunk->scratch && t < threads; t++) free(trunk->scratch[t]);
    free(trunk->nodes);
    free(trunk->norms);
    free(trunk->unpooled);
    free(trunk->scratch);
    sm_map_destroy(&trunk->images);
    free(trunk->images_heard);
    *trunk = (struct sm_trunk){0};
}

int sm_trunk_use_bf16(struct sm_trunk *trunk, struct sm_error *err) {
    trunk->bf16 = sm_bf16_kernels_get();
    for (size_t n = 0; n < trunk->n_nodes; n++) {
        struct sm_trunk_node *t = &trunk->nodes[n];
        t->pooled_gradient.bf16 = t->pooled;
        if (!sm_trunk_is_conv(t) || t->pooled) continue;
        const struct sm_map *in = t->inputs[0] >= 0 ? &trunk->nodes[t->inputs[0]].out : &trunk->images;
        if (sm_bf16_map_init(&t->rounded_in, in) || sm_bf16_map_init(&t->rounded_delta, &t->delta))
            return sm_fail(err, "out of memory for network %s in bfloat16", trunk->net->name);
    }
    return 0;
}

int sm_trunk_bind(struct sm_trunk *trunk, size_t l, const struct sm_trunk_weights *weights, float magnitude,
                  struct sm_error *err) {
    struct sm_trunk_node *t = sm_trunk_node_of_layer(trunk, l);
    const struct sm_map *in = t->inputs[0] >= 0 ? &trunk->nodes[t->inputs[0]].out : &trunk->images;
    const struct sm_map *delta = t->pooled ? &trunk->unpooled[t - trunk->nodes] : &t->delta;
    t->weights = *weights;
    sm_conv_lists_destroy(&t->lists);
    if (sm_conv_lists_init(&t->lists, &t->conv, in->row_stride, in->channel_stride, delta->row_stride,
                           delta->channel_stride, trunk->training && t->inputs[0] >= 0, magnitude))
        return sm_fail(err, "out of memory for layer %s", trunk->net->layers[l].name);
    return 0;
}

struct sm_trunk_node *sm_trunk_node_of_layer(const struct sm_trunk *trunk, size_t l) {
    struct sm_trunk_node *t = trunk->nodes;
    while (t->node->layer != (int)l) t++;
    return t;
}

size_t sm_trunk_units(const struct sm_trunk *trunk) {
    const struct sm_map *out = &trunk->nodes[trunk->n_nodes - 1].out;
    return trunk->averaged ? out->channels : out->channels * out->height * out->width;
}
