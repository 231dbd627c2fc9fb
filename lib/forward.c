/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/forward.h>

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/loss.h>

/* Below this share of kept weights a product over lists is faster than OpenBLAS's dense one (make bench prints both).
 */
#define SPARSE_BELOW 0.25

/* The same for a convolution: whole steps of Conv2, Conv8 and ResNet20 take equally long either way at about this share
 * (measured with AVX2 and OpenBLAS's Zen kernels; at 31 % lists take two thirds of the time). */
#define SPARSE_CONV_BELOW 0.45
/* The same against transformed tiles (make bench). */
#define SPARSE_TILED_BELOW 0.3

/* Rows of one call to OpenBLAS: fixed, so that its inner blocking, and with it rounding, is the same for any number of
 * threads. */
#define BLAS_ROWS 64

/* ---- layout ---- */

struct sm_padded_shape sm_padded_shape_of(const struct sm_layer *layer) {
    size_t n_in = sm_layer_fan_in(layer);
    return (struct sm_padded_shape){layer->n_out, n_in, sm_padded(layer->n_out), sm_padded(n_in)};
}

void *sm_aligned_zeros(size_t n_bytes) {
    size_t rounded = (n_bytes + 64) / 64 * 64;
    void *p = aligned_alloc(64, rounded);
    return p ? memset(p, 0, rounded) : NULL;
}

static void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t n_rows, size_t n_bytes) {
    for (size_t r = 0; r < n_rows; r++)
        memcpy((char *)to + r * to_stride, (const char *)from + r * from_stride, n_bytes);
}

void sm_pad_floats(float *padded, const float *plain, struct sm_padded_shape s) {
    copy_rows(padded, s.stride * sizeof(float), plain, s.n_in * sizeof(float), s.n_out, s.n_in * sizeof(float));
}

void sm_unpad_floats(float *plain, const float *padded, struct sm_padded_shape s) {
    copy_rows(plain, s.n_in * sizeof(float), padded, s.stride * sizeof(float), s.n_out, s.n_in * sizeof(float));
}

void sm_pad_mask(int8_t *padded, const int8_t *plain, struct sm_padded_shape s) {
    copy_rows(padded, s.stride, plain, s.n_in, s.n_out, s.n_in);
}

void sm_unpad_mask(int8_t *plain, const int8_t *padded, struct sm_padded_shape s) {
    copy_rows(plain, s.n_in, padded, s.stride, s.n_out, s.n_in);
}

void sm_share_of(size_t n, size_t step, int thread, int n_threads, size_t *first, size_t *last) {
    size_t blocks = (n + step - 1) / step, t = (size_t)thread, of = (size_t)n_threads;
    *first = blocks * t / of * step;
    *last = blocks * (t + 1) / of * step;
    if (*last > n) *last = n;
    if (*first > n) *first = n;
}

/* ---- construction ---- */

static int init_layer(struct sm_forward_layer *layer, const struct sm_layer *of, size_t image_stride) {
    bool conv = of->kind == SM_CONV2D;
    struct sm_padded_shape s = sm_padded_shape_of(of);
    layer->shape = s;
    layer->activation = of->activation;
    layer->kept = (struct sm_kept){.n_out = s.n_out, .stride = s.stride};
    layer->kept.index = calloc(s.n_rows * s.stride, sizeof *layer->kept.index);
    layer->kept.n_plus = calloc(s.n_rows, sizeof *layer->kept.n_plus);
    layer->kept.n_minus = calloc(s.n_rows, sizeof *layer->kept.n_minus);
    if (!conv) layer->activations = sm_aligned_zeros(s.n_rows * image_stride * sizeof(float));
    if (conv && of->stride > 1) layer->all_kept = sm_aligned_zeros(s.n_rows * s.stride);
    bool whole = layer->kept.index && layer->kept.n_plus && layer->kept.n_minus && (conv || layer->activations) &&
                 (!conv || of->stride == 1 || layer->all_kept);
    for (size_t o = 0; whole && layer->all_kept && o < s.n_out; o++) memset(layer->all_kept + o * s.stride, 1, s.n_in);
    return whole ? 0 : -1;
}

/* Do a convolution's lists, which count floats of a map in 32 bits, reach all that its windows meet? Twice the rows of
 * a window with all their channels, halo included, are more than that. */
static bool rows_are_countable(const struct sm_network *net, const struct sm_node *node, struct sm_shape in) {
    const struct sm_layer *layer = &net->layers[node->layer];
    size_t widest =
        (in.width > node->width ? in.width : node->width) + 2 * (layer->kernel_width + layer->kernel_height);
    size_t channels = layer->n_in > layer->n_out ? layer->n_in : layer->n_out, floats;
    return !__builtin_mul_overflow(2 * layer->kernel_height * channels, widest * SM_LANES, &floats) &&
           floats <= INT32_MAX;
}

/* What is too large where they do not: the larger of what the layer reads and what it makes. */
static const char *too_large(const struct sm_layer *layer) {
    return layer->n_in < layer->n_out ? "kernel height x filters x width is too large"
                                      : "kernel height x channels it reads x width is too large";
}

/* What keeps the trunk from computing node n, as the rest of a sentence; else NULL. */
static const char *cannot(const struct sm_network *net, size_t n, size_t extent) {
    const struct sm_node *node = &net->nodes[n];
    if (node->kind == SM_NODE_AVERAGE_POOL && n + 1 < extent)
        return "behind a global average pool only dense layers can be computed";
    if (node->kind == SM_NODE_AVERAGE_POOL && node->inputs[0] == SM_NETWORK_INPUT)
        return "a global average pool of the images themselves cannot be computed";
    if (node->kind == SM_NODE_MAX_POOL && node->size > SM_POOL_SIZE_MAX)
        return "only pools of a size up to 15 can be computed";
    if (node->kind == SM_NODE_LAYER && !rows_are_countable(net, node, sm_network_input_shape(net, n)))
        return too_large(&net->layers[node->layer]);
    return NULL;
}

int sm_forward_check(const struct sm_network *net, struct sm_error *err) {
    size_t extent = sm_trunk_extent(net);
    if (extent == net->n_nodes)
        return sm_fail(err, "network %s: %s", net->name,
                       net->n_nodes ? "the last layer is not dense" : "nothing says how its layers are connected");
    for (size_t n = 0; n < extent; n++) {
        const char *why = cannot(net, n, extent);
        if (why) return sm_fail(err, "network %s: layer %s: %s", net->name, net->nodes[n].name, why);
    }
    for (size_t n = extent; n < net->n_nodes; n++) {
        const struct sm_node *node = &net->nodes[n];
        if (node->layer < 0 || net->layers[node->layer].kind != SM_DENSE || node->inputs[0] != (int)n - 1)
            return sm_fail(err,
                           "network %s: layer %s: behind a dense layer only a stack of dense layers can be computed",
                           net->name, node->name);
    }
    return 0;
}

static bool allocate(struct sm_forward *f) {
    size_t n_layers = f->net->n_layers;
    f->input_rows = sm_aligned_zeros(f->image_stride * f->input_stride * sizeof(float));
    f->input_columns = sm_aligned_zeros(f->image_stride * f->input_stride * sizeof(float));
    f->counts = calloc(n_layers * (size_t)f->max_threads, sizeof *f->counts);
    f->layers = calloc(n_layers, sizeof *f->layers);
    bool whole = f->input_rows && f->input_columns && f->counts && f->layers;
    for (size_t l = 0; whole && l < n_layers; l++)
        whole = !init_layer(&f->layers[l], &f->net->layers[l], f->image_stride);
    return whole;
}

/* For a pass of training: which units get a gradient. */
static bool allocate_live(struct sm_forward *f) {
    bool whole = true;
    for (size_t l = f->first_dense; whole && l < f->net->n_layers; l++) {
        struct sm_forward_layer *layer = &f->layers[l];
        if (layer->shape.stride > f->widest) f->widest = layer->shape.stride;
        if (layer->shape.n_rows > f->widest) f->widest = layer->shape.n_rows;
        whole = sm_channels_init(&layer->live, layer->shape.n_rows) == 0;
    }
    return whole && (f->asked = malloc(2 * f->widest));
}

int sm_forward_init(struct sm_forward *f, const struct sm_network *net, size_t capacity, int max_threads, bool training,
                    struct sm_error *err) {
    *f = (struct sm_forward){.net = net, .kernels = sm_kernels_get(), .max_threads = max_threads};
    if (sm_forward_check(net, err) != 0) return -1;
    sm_blas_init();
    f->image_stride = sm_padded(capacity);
    f->input_stride = sm_padded(sm_network_inputs(net));
    if (sm_trunk_extent(net)) {
        if (sm_trunk_init(&f->trunk, net, capacity, max_threads, training, err)) return -1;
        f->first_dense = f->trunk.n_layers;
        f->input_stride = sm_padded(sm_trunk_units(&f->trunk));
    }
    return allocate(f) && (!training || allocate_live(f))
               ? 0
               : sm_fail(err, "out of memory for network %s at %zu images a batch", net->name, capacity);
}

void sm_forward_destroy(struct sm_forward *f) {
    for (size_t l = 0; f->layers && l < f->net->n_layers; l++) {
        struct sm_forward_layer *layer = &f->layers[l];
        free(layer->kept.index);
        free(layer->kept.n_plus);
        free(layer->kept.n_minus);
        if (layer->mask) free(layer->effective);
        free(layer->activations);
        free(layer->all_kept);
        sm_channels_destroy(&layer->live);
    }
    sm_trunk_destroy(&f->trunk);
    free(f->layers);
    free(f->counts);
    free(f->asked);
    free(f->input_rows);
    free(f->input_columns);
    *f = (struct sm_forward){0};
}

/* |w| where it is the same for all weights of the layer, else 0. */
static float common_magnitude(const float *weight, struct sm_padded_shape s) {
    float magnitude = fabsf(weight[0]);
    for (size_t o = 0; o < s.n_out; o++)
        for (size_t i = 0; i < s.n_in; i++)
            if (fabsf(weight[o * s.stride + i]) != magnitude) return 0;
    return magnitude;
}

static int bind_conv(struct sm_forward *f, size_t l, struct sm_error *err) {
    struct sm_forward_layer *layer = &f->layers[l];
    if (!layer->mask) layer->mask = layer->all_kept; /* or NULL, where it is a dense product */
    const struct sm_trunk_weights weights = {.weight = layer->weight, .mask = layer->mask, .kept = &layer->kept};
    return sm_trunk_bind(&f->trunk, l, &weights, layer->magnitude, err);
}

int sm_forward_bind(struct sm_forward *f, size_t l, const float *weight, const int8_t *mask, struct sm_error *err) {
    const struct sm_binding binding = {.weight = weight,
                                       .mask = mask, /* without one the weights may change */
                                       .magnitude = mask ? common_magnitude(weight, f->layers[l].shape) : 0};
    return sm_forward_bind_as(f, l, &binding, err);
}

int sm_forward_bind_as(struct sm_forward *f, size_t l, const struct sm_binding *binding, struct sm_error *err) {
    struct sm_forward_layer *layer = &f->layers[l];
    struct sm_padded_shape s = layer->shape;
    if (layer->mask) free(layer->effective);
    layer->weight = binding->weight;
    layer->mask = binding->mask;
    layer->form = binding->form;
    layer->inverts = !binding->holds;
    layer->effective = NULL;
    layer->magnitude = binding->magnitude;
    f->frozen = false;
    if (l < f->first_dense) return bind_conv(f, l, err);
    if (!layer->mask) return 0; /* the weights are read directly */
    layer->effective = sm_aligned_zeros(s.n_rows * s.stride * sizeof(float));
    return layer->effective ? 0 : sm_fail(err, "out of memory for layer %s", f->net->layers[l].name);
}

void sm_forward_set_magnitude(struct sm_forward *f, size_t l, float magnitude) {
    if (!(f->layers[l].magnitude > 0)) return;
    f->layers[l].magnitude = magnitude;
    if (l < f->first_dense) sm_trunk_node_of_layer(&f->trunk, l)->lists.magnitude = magnitude;
}

struct sm_batch_norm *sm_forward_batch_norm(const struct sm_forward *f, size_t l) {
    struct sm_trunk_node *t = l < f->first_dense ? sm_trunk_node_of_layer(&f->trunk, l) : NULL;
    return t && t->norm.channels ? &t->norm : NULL;
}

/* ---- the pass ---- */

static void load_images(struct sm_forward *f, const struct sm_batch *batch, int thread, int n_threads) {
    size_t begin, end;
    sm_share_of(sm_padded(batch->n), SM_LANES, thread, n_threads, &begin, &end);
    for (size_t b = begin; b < end; b += SM_LANES) {
        const uint8_t *images[SM_LANES] = {NULL};
        for (size_t j = 0; j < SM_LANES && b + j < batch->n; j++) images[j] = batch->images[b + j];
        f->kernels->load_block(f->input_rows + b * f->input_stride, f->input_stride, f->input_columns + b,
                               f->image_stride, images, batch->scale + b * batch->n_scales,
                               batch->shift + b * batch->n_scales, batch->n_scales, batch->n_pixels);
    }
}

/* What the form of the layers depends on besides their masks. */
static void take_facts(struct sm_forward *f, const struct sm_batch *batch) {
    f->n_images = batch->n;
    f->few = batch->mostly_zero && !f->trunk.net && f->input_stride <= SM_LISTED_MOST;
}

static void count_masks(struct sm_forward *f, int thread, int n_threads) {
    for (size_t l = 0; l < f->net->n_layers; l++) {
        const struct sm_forward_layer *layer = &f->layers[l];
        if (!layer->mask) continue;
        size_t first, last;
        sm_share_of(layer->shape.n_out, SM_ROWS, thread, n_threads, &first, &last);
        f->counts[l * (size_t)f->max_threads + (size_t)thread] =
            f->kernels->count_kept(layer->mask + first * layer->shape.stride, (last - first) * layer->shape.stride);
    }
}

static double sparse_below(const struct sm_forward *f, size_t l) {
    if (l >= f->first_dense) return SPARSE_BELOW;
    return sm_trunk_is_tiled(sm_trunk_node_of_layer(&f->trunk, l)) ? SPARSE_TILED_BELOW : SPARSE_CONV_BELOW;
}

/* The one place that decides how a layer is computed: by its size and the share of its mask that is kept now. */
static bool is_sparse(const struct sm_forward *f, size_t l) {
    const struct sm_forward_layer *layer = &f->layers[l];
    size_t weights = layer->shape.n_out * layer->shape.n_in;
    if (!layer->mask || layer->all_kept) return layer->mask;
    if (layer->form != SM_FORM_BY_DENSITY) return layer->form == SM_FORM_LISTS;
    return weights <= SM_SMALL_LAYER || (double)layer->n_kept < sparse_below(f, l) * (double)weights;
}

static void choose_form(struct sm_forward *f, size_t l, int n_threads) {
    struct sm_forward_layer *layer = &f->layers[l];
    layer->n_kept = layer->shape.n_out * layer->shape.n_in;
    if (layer->mask) {
        layer->n_kept = 0;
        for (int t = 0; t < n_threads; t++) layer->n_kept += f->counts[l * (size_t)f->max_threads + (size_t)t];
    }
    layer->sparse = is_sparse(f, l);
    if (l < f->first_dense) sm_trunk_node_of_layer(&f->trunk, l)->weights.sparse = layer->sparse;
}

static void choose_forms(struct sm_forward *f, int n_threads) {
    f->by_images = true;
    for (size_t l = 0; l < f->net->n_layers; l++) {
        if (!f->frozen) choose_form(f, l, n_threads);
        f->by_images = f->by_images && (l < f->first_dense || f->layers[l].sparse);
    }
}

struct sm_part sm_forward_part(const struct sm_forward *f, size_t l, size_t step, int thread, int n_threads) {
    struct sm_part part = {0, f->layers[l].shape.n_out, 0, sm_padded(f->n_images)};
    if (f->by_images)
        sm_share_of(part.last_image, SM_LANES, thread, n_threads, &part.first_image, &part.last_image);
    else
        sm_share_of(part.last_unit, step, thread, n_threads, &part.first_unit, &part.last_unit);
    return part;
}

/* A mask that keeps all and inverts nothing need not be applied. */
static bool is_masked(const struct sm_forward_layer *layer) {
    return layer->mask && (layer->inverts || layer->n_kept < layer->shape.n_out * layer->shape.n_in);
}

bool sm_forward_keeps_all(const struct sm_forward *f, size_t l) {
    const struct sm_forward_layer *layer = &f->layers[l];
    return layer->mask && layer->n_kept == layer->shape.n_out * layer->shape.n_in;
}

static const float *effective_weights(const struct sm_forward_layer *layer) {
    return is_masked(layer) ? layer->effective : layer->weight;
}

/* NULL where all magnitudes are equal: the sparse kernels then add and subtract only. */
static const float *list_weights(const struct sm_forward_layer *layer) {
    return layer->magnitude > 0 ? NULL : layer->weight;
}

void sm_forward_each_unit(const struct sm_forward *f, struct sm_part part, float *values, const float *other,
                          void (*function)(float *values, const float *other, size_t n)) {
    for (size_t o = part.first_unit; o < part.last_unit; o++) {
        size_t at = o * f->image_stride + part.first_image;
        function(values + at, other + at, part.last_image - part.first_image);
    }
}

void sm_forward_activate(const struct sm_forward *f, size_t l, struct sm_part part) {
    const struct sm_forward_layer *layer = &f->layers[l];
    void (*function)(float *, size_t) = layer->activation == SM_ELU    ? f->kernels->elu
                                        : layer->activation == SM_RELU ? f->kernels->relu
                                                                       : NULL;
    if (!function) return;
    for (size_t o = part.first_unit; o < part.last_unit; o++)
        function(layer->activations + o * f->image_stride + part.first_image, part.last_image - part.first_image);
}

static void collect_layer(struct sm_forward *f, size_t l, int thread, int n_threads) {
    struct sm_forward_layer *layer = &f->layers[l];
    size_t first, last;
    if (!layer->sparse) return;
    sm_share_of(layer->shape.n_out, SM_ROWS, thread, n_threads, &first, &last);
    f->kernels->collect_kept(&layer->kept, layer->mask, layer->weight, first, last);
}

static void pass_sparse(struct sm_forward *f, struct sm_forward_layer *layer, const float *in, struct sm_part part) {
    f->kernels->product_kept(layer->activations + part.first_image, in + part.first_image, f->image_stride,
                             part.last_image - part.first_image, &layer->kept, list_weights(layer), layer->magnitude,
                             part.first_unit, part.last_unit);
}

static void apply_mask(const struct sm_forward *f, struct sm_forward_layer *layer, size_t first, size_t last) {
    size_t at = first * layer->shape.stride, n = (last - first) * layer->shape.stride;
    f->kernels->apply_mask(layer->effective + at, layer->weight + at, layer->mask + at, n);
}

/* Is this dense product one that leaves out what is 0 in the images? */
static bool reads_few(const struct sm_forward *f, size_t l) {
    return f->few && l == f->first_dense && !f->layers[l].sparse;
}

static void multiply_few(const struct sm_forward *f, const struct sm_forward_layer *layer, const float *in,
                         struct sm_part part) {
    size_t stride = layer->shape.stride, last = (part.last_unit + SM_ROWS - 1) / SM_ROWS * SM_ROWS;
    f->kernels->product_of_few(layer->activations + part.first_image, in + part.first_image, f->image_stride,
                               part.last_image - part.first_image, effective_weights(layer), stride, stride,
                               part.first_unit, last);
}

/* The sums over inputs [first, last) alone. */
static void multiply(const struct sm_forward *f, const struct sm_forward_layer *layer, float *out, const float *in,
                     size_t first, size_t last, struct sm_part part) {
    for (size_t o = part.first_unit; o < part.last_unit; o += BLAS_ROWS)
        sm_blas_product(out + part.first_image, in + first * f->image_stride + part.first_image, f->image_stride,
                        part.last_image - part.first_image, effective_weights(layer) + first, layer->shape.stride,
                        last - first, o, o + BLAS_ROWS < part.last_unit ? o + BLAS_ROWS : part.last_unit);
}

static void pass_dense(struct sm_forward *f, size_t l, const float *in, struct sm_part part) {
    struct sm_forward_layer *layer = &f->layers[l];
    if (is_masked(layer) && !f->frozen) apply_mask(f, layer, part.first_unit, part.last_unit);
    if (reads_few(f, l))
        multiply_few(f, layer, in, part);
    else
        multiply(f, layer, layer->activations, in, 0, layer->shape.n_in, part);
}

void sm_forward_compute(struct sm_forward *f, size_t l, struct sm_part part) {
    struct sm_forward_layer *layer = &f->layers[l];
    if (layer->sparse)
        pass_sparse(f, layer, sm_forward_level(f, l), part);
    else
        pass_dense(f, l, sm_forward_level(f, l), part);
    sm_forward_activate(f, l, part);
}

/* Which inputs of a dense layer get a gradient from its units that do. */
static void ask_inputs(const struct sm_forward_layer *layer, const uint8_t *asked, uint8_t *asked_inputs) {
    memset(asked_inputs, !layer->sparse, layer->shape.n_in);
    for (size_t o = 0; layer->sparse && o < layer->shape.n_out; o++) {
        const struct sm_kept_row row = sm_kept_row(&layer->kept, o);
        for (uint32_t k = 0; asked[o] && k < row.n_plus; k++) asked_inputs[row.plus[k]] = 1;
        for (uint32_t k = 0; asked[o] && k < row.n_minus; k++) asked_inputs[row.minus[-(ptrdiff_t)k]] = 1;
    }
}

/* Every class is asked; from there down to what the trunk gives. Padding rows are never asked. */
static void find_live(struct sm_forward *f) {
    uint8_t *asked = f->asked, *below = f->asked + f->widest;
    memset(asked, 1, f->widest);
    for (size_t l = f->net->n_layers; l-- > f->first_dense;) {
        struct sm_forward_layer *layer = &f->layers[l];
        memset(asked + layer->shape.n_out, 0, layer->shape.n_rows - layer->shape.n_out);
        sm_channels_set(&layer->live, asked);
        ask_inputs(layer, asked, below);
        uint8_t *swap = asked;
        asked = below;
        below = swap;
    }
    if (f->trunk.net) sm_trunk_find_live(&f->trunk, asked);
}

/* Lists and packed weights of all layers. */
static void collect(struct sm_forward *f, int thread, int n_threads) {
    for (size_t l = 0; l < f->net->n_layers; l++) collect_layer(f, l, thread, n_threads);
    sm_forward_wait(f, n_threads);
    if (thread == 0 && f->asked) find_live(f); /* read after the next wait of all */
    if (f->trunk.net) sm_trunk_collect(&f->trunk, thread, n_threads);
}

void sm_forward_freeze(struct sm_forward *f) {
    count_masks(f, 0, 1);
    for (size_t l = 0; l < f->net->n_layers; l++) choose_form(f, l, 1);
    collect(f, 0, 1);
    for (size_t l = f->first_dense; l < f->net->n_layers; l++) {
        struct sm_forward_layer *layer = &f->layers[l];
        if (is_masked(layer) && !layer->sparse) apply_mask(f, layer, 0, layer->shape.n_out);
    }
    f->frozen = true;
}

static void pass(struct sm_forward *f, const struct sm_batch *batch, enum sm_statistics statistics, int thread,
                 int n_threads) {
    assert(batch->n <= f->image_stride && n_threads <= f->max_threads);
    if (!f->trunk.net) load_images(f, batch, thread, n_threads);
    if (!f->frozen) count_masks(f, thread, n_threads);
    sm_forward_wait(f, n_threads);
    if (thread == 0) {
        take_facts(f, batch);
        choose_forms(f, n_threads);
    }
    sm_forward_wait(f, n_threads);
    if (!f->frozen) collect(f, thread, n_threads);
    if (f->trunk.net)
        sm_trunk_forward(&f->trunk, batch, statistics, f->input_columns, f->image_stride,
                         f->trunk.training ? f->input_rows : NULL, f->input_stride, thread, n_threads);
    for (size_t l = f->first_dense; l < f->net->n_layers; l++) {
        size_t step = f->layers[l].sparse || reads_few(f, l) ? SM_ROWS : BLAS_ROWS;
        sm_forward_compute(f, l, sm_forward_part(f, l, step, thread, n_threads));
        sm_forward_wait_for_units(f, n_threads);
    }
}

void sm_forward_pass(struct sm_forward *f, const struct sm_batch *batch, int thread, int n_threads) {
    pass(f, batch, SM_STATISTICS_MOVING, thread, n_threads);
}

void sm_forward_training_pass(struct sm_forward *f, const struct sm_batch *batch, int thread, int n_threads) {
    pass(f, batch, SM_STATISTICS_BATCH, thread, n_threads);
}

/* ---- one thread, layer by layer ---- */

void sm_forward_load(struct sm_forward *f, const struct sm_batch *batch) {
    assert(batch->n <= f->image_stride);
    if (f->trunk.net)
        sm_trunk_load(&f->trunk, batch);
    else
        load_images(f, batch, 0, 1);
    take_facts(f, batch);
}

float *sm_forward_level(const struct sm_forward *f, size_t level) {
    return level > f->first_dense ? f->layers[level - 1].activations : f->input_columns;
}

bool sm_forward_is_sparse(const struct sm_forward *f, size_t l) {
    return f->layers[l].sparse;
}

void sm_forward_sums(const struct sm_forward *f, size_t l, size_t first, size_t last, struct sm_part part,
                     float *sums) {
    assert(!f->layers[l].sparse && f->frozen); /* so that effective weights are there */
    multiply(f, &f->layers[l], sums, sm_forward_level(f, l), first, last, part);
}

/* ---- waiting, results, gradients ---- */

void sm_forward_wait_for_units(struct sm_forward *f, int n_threads) {
    if (!f->by_images) sm_forward_wait(f, n_threads);
}

void sm_forward_wait(struct sm_forward *f, int n_threads) {
    if (n_threads > 1) sm_barrier_wait(&f->barrier, n_threads);
}

const float *sm_forward_logits(const struct sm_forward *f) {
    return f->layers[f->net->n_layers - 1].activations;
}

static void transposed_kept(const struct sm_forward *f, const struct sm_forward_layer *layer, float *out,
                            const float *delta, int thread, int n_threads) {
    size_t first, last;
    sm_share_of(sm_padded(f->n_images), SM_LANES, thread, n_threads, &first, &last);
    for (size_t i = 0; i < layer->shape.stride; i++)
        memset(out + i * f->image_stride + first, 0, (last - first) * sizeof *out);
    f->kernels->product_kept_transposed(out, delta, f->image_stride, &layer->kept, list_weights(layer),
                                        layer->magnitude, first, last);
}

void sm_forward_transposed(const struct sm_forward *f, size_t l, float *out, const float *delta, int thread,
                           int n_threads) {
    const struct sm_forward_layer *layer = &f->layers[l];
    if (layer->sparse) {
        transposed_kept(f, layer, out, delta, thread, n_threads);
        return;
    }
    size_t first, last;
    sm_share_of(layer->shape.n_in, BLAS_ROWS, thread, n_threads, &first, &last);
    for (size_t i = first; i < last; i += BLAS_ROWS)
        sm_blas_product_transposed(out, delta, f->image_stride, sm_padded(f->n_images), effective_weights(layer),
                                   layer->shape.stride, layer->shape.n_out, i,
                                   i + BLAS_ROWS < last ? i + BLAS_ROWS : last);
}

struct tally {
    double loss;
    size_t n_correct;
};

static void tally_pass(struct tally *tally, const struct sm_forward *f, const struct sm_batch *batch,
                       enum sm_loss_kind loss) {
    size_t n_classes = f->layers[f->net->n_layers - 1].shape.n_out;
    for (size_t b = 0; b < batch->n; b++) {
        struct sm_loss_of_image one =
            sm_loss_evaluate(loss, sm_forward_logits(f) + b, f->image_stride, n_classes, batch->labels[b], 0, NULL);
        tally->loss += one.loss;
        tally->n_correct += one.correct;
    }
}

struct sm_evaluation sm_forward_evaluate(struct sm_forward *f, const struct sm_samples *samples, enum sm_loss_kind loss,
                                         const volatile sig_atomic_t *stop, int n_threads) {
    size_t n = samples->split->n;
    struct tally tally = {0};
    bool frozen = f->frozen, stopped = false;
#pragma omp parallel num_threads(n_threads)
    {
        /* The team's real size: OpenMP may give fewer threads than asked for. */
        int thread = omp_get_thread_num(), team = omp_get_num_threads();
        unsigned before = sm_flush_begin();
        for (size_t first = 0; first < n && !stopped; first += f->image_stride) {
            const struct sm_batch batch =
                sm_samples_batch(samples, first, n - first < f->image_stride ? n - first : f->image_stride);
            sm_forward_pass(f, &batch, thread, team);
            sm_forward_wait(f, team);
            if (thread == 0) {
                tally_pass(&tally, f, &batch, loss);
                f->frozen = true; /* the passes to come find masks and weights as they are */
                stopped = stop && *stop;
            }
            sm_forward_wait(f, team);
        }
        sm_flush_end(before);
    }
    f->frozen = frozen;
    if (stopped) return (struct sm_evaluation){.loss = NAN, .accuracy = NAN};
    return (struct sm_evaluation){.loss = tally.loss / (double)n, .accuracy = (double)tally.n_correct / (double)n};
}
