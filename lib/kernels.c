/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels.c - compiled once for each instruction set with -DSM_ISA=NAME and that set's flags.
 *
 * Sums run over one index in ascending order for each element apart: the width of the vectors cannot change a result.
 */
#include <supermask/kernels.h>

#include <string.h>

#include "lib/kernels_activation.h"
#include "lib/kernels_draw.h"
#include "lib/kernels_tile.h"
#include "lib/kernels_transpose.h"
#include "lib/kernels_update.h"
#include "lib/kernels_vector.h"

#define SUM_VECTORS 8 /* accumulators of a sparse sum */

/* ---- loading and transposing ---- */

static void transpose(float *out, size_t out_stride, const float *in, size_t in_stride, size_t n_rows,
                      size_t n_columns) {
    for (size_t r = 0; r < n_rows; r += V)
        for (size_t c = 0; c < n_columns; c += V) {
            vector square[V];
            UNROLL
            for (size_t k = 0; k < V; k++) square[k] = load(in + (r + k) * in_stride + c);
            transpose_square(out + c * out_stride + r, out_stride, square);
        }
}

static void load_plane(float *row, const uint8_t *image, float scale, float shift, size_t n_pixels) {
    for (size_t p = 0; p < n_pixels; p++) row[p] = (float)image[p] * scale + shift;
}

static void load_image(float *row, const uint8_t *image, const float *scale, const float *shift, size_t n_scales,
                       size_t n_pixels) {
    size_t n = image ? n_pixels : 0, plane = n_pixels / n_scales;
    for (size_t c = 0; image && c < n_scales; c++)
        load_plane(row + c * plane, image + c * plane, scale[c], shift[c], plane);
    memset(row + n, 0, (sm_padded(n_pixels) - n) * sizeof *row);
}

static void load_block(float *rows, size_t row_stride, float *columns, size_t column_stride,
                       const uint8_t *const images[SM_LANES], const float *scale, const float *shift, size_t n_scales,
                       size_t n_pixels) {
    for (size_t j = 0; j < SM_LANES; j++)
        load_image(rows + j * row_stride, images[j], scale + j * n_scales, shift + j * n_scales, n_scales, n_pixels);
    transpose(columns, column_stride, rows, row_stride, SM_LANES, sm_padded(n_pixels));
}

/* ---- products over kept weights ---- */

/* Adds column *index of `in`, n_vectors wide, for n slots that lie `direction` apart; times |w| where `weights` is not
 * NULL (a constant after inlining). */
INLINE void sum_kept(vector sum[], size_t n_vectors, const float *in, size_t image_stride, const uint32_t *index,
                     ptrdiff_t direction, uint32_t n, const float *weights) {
    for (uint32_t k = 0; k < n; k++, index += direction) {
        const float *column = in + (size_t)*index * image_stride;
        vector magnitude = weights ? spread(__builtin_fabsf(weights[*index])) : (vector){0};
        UNROLL
        for (size_t v = 0; v < n_vectors; v++) {
            if (weights)
                sum[v] += magnitude * load(column + v * V);
            else
                sum[v] += load(column + v * V);
        }
    }
}

/* One output unit for n_vectors * V images. */
INLINE void unit_kept(float *out, size_t n_vectors, const float *in, size_t image_stride, const struct sm_kept *kept,
                      size_t o, const float *weight, float magnitude) {
    vector plus[SUM_VECTORS] = {{0}}, minus[SUM_VECTORS] = {{0}};
    const uint32_t *slots = kept->index + o * kept->stride;
    const float *weights = weight ? weight + o * kept->stride : NULL;
    sum_kept(plus, n_vectors, in, image_stride, slots, 1, kept->n_plus[o], weights);
    sum_kept(minus, n_vectors, in, image_stride, slots + kept->stride - 1, -1, kept->n_minus[o], weights);
    UNROLL
    for (size_t v = 0; v < n_vectors; v++)
        store(out + v * V, weight ? plus[v] - minus[v] : (plus[v] - minus[v]) * magnitude);
}

INLINE void rows_kept(float *out, const float *in, size_t image_stride, size_t n_images, const struct sm_kept *kept,
                      const float *weight, float magnitude, size_t first, size_t last) {
    for (size_t o = first; o < last; o++) {
        float *row = out + o * image_stride;
        size_t b = 0;
        for (; b + SUM_VECTORS * V <= n_images; b += SUM_VECTORS * V)
            unit_kept(row + b, SUM_VECTORS, in + b, image_stride, kept, o, weight, magnitude);
        for (; b + SUM_VECTORS / 2 * V <= n_images; b += SUM_VECTORS / 2 * V)
            unit_kept(row + b, SUM_VECTORS / 2, in + b, image_stride, kept, o, weight, magnitude);
        for (; b < n_images; b += V) unit_kept(row + b, 1, in + b, image_stride, kept, o, weight, magnitude);
    }
}

static void product_kept(float *out, const float *in, size_t image_stride, size_t n_images, const struct sm_kept *kept,
                         const float *weight, float magnitude, size_t first, size_t last) {
    if (weight)
        rows_kept(out, in, image_stride, n_images, kept, weight, 0, first, last);
    else
        rows_kept(out, in, image_stride, n_images, kept, NULL, magnitude, first, last);
}

/* out[*index][..] += sign * |v| * in[..] for one output unit's slots of one sign; n_vectors stay in registers. */
INLINE void scatter_kept(float *out, size_t n_vectors, size_t image_stride, const float *in, const uint32_t *index,
                         ptrdiff_t direction, uint32_t n, const float *weights, float signed_magnitude) {
    vector value[SUM_VECTORS];
    UNROLL
    for (size_t v = 0; v < n_vectors; v++) value[v] = rounded(load(in + v * V) * signed_magnitude);
    for (uint32_t k = 0; k < n; k++, index += direction) {
        float *row = out + (size_t)*index * image_stride;
        float magnitude = weights ? __builtin_fabsf(weights[*index]) : 1;
        UNROLL
        for (size_t v = 0; v < n_vectors; v++)
            store(row + v * V, weights ? load(row + v * V) + value[v] * magnitude : load(row + v * V) + value[v]);
    }
}

INLINE void scatter_unit(float *out, size_t n_vectors, size_t image_stride, const float *in, const struct sm_kept *kept,
                         size_t o, const float *weight, float magnitude) {
    const uint32_t *slots = kept->index + o * kept->stride;
    const float *weights = weight ? weight + o * kept->stride : NULL;
    float scale = weight ? 1 : magnitude;
    scatter_kept(out, n_vectors, image_stride, in, slots, 1, kept->n_plus[o], weights, scale);
    scatter_kept(out, n_vectors, image_stride, in, slots + kept->stride - 1, -1, kept->n_minus[o], weights, -scale);
}

static void product_kept_transposed(float *out, const float *in, size_t image_stride, const struct sm_kept *kept,
                                    const float *weight, float magnitude, size_t first_image, size_t last_image) {
    size_t b = first_image;
    for (; b + SUM_VECTORS * V <= last_image; b += SUM_VECTORS * V)
        for (size_t o = 0; o < kept->n_out; o++)
            scatter_unit(out + b, SUM_VECTORS, image_stride, in + o * image_stride + b, kept, o, weight, magnitude);
    for (; b + SUM_VECTORS / 2 * V <= last_image; b += SUM_VECTORS / 2 * V)
        for (size_t o = 0; o < kept->n_out; o++)
            scatter_unit(out + b, SUM_VECTORS / 2, image_stride, in + o * image_stride + b, kept, o, weight, magnitude);
    for (; b < last_image; b += V)
        for (size_t o = 0; o < kept->n_out; o++)
            scatter_unit(out + b, 1, image_stride, in + o * image_stride + b, kept, o, weight, magnitude);
}

/* The input k of one weight row: entered at both ends, counted at the one that its sign says. No branch: signs are coin
 * tosses to the CPU. The two ends cannot meet, as a row has as many slots as inputs. */
INLINE void enter_kept(uint32_t *slots, size_t stride, uint32_t *n_plus, uint32_t *n_minus, size_t k, int8_t g,
                       float w) {
    uint32_t plus = (g > 0) == (w > 0);
    slots[*n_plus] = (uint32_t)k;
    slots[stride - 1 - *n_minus] = (uint32_t)k;
    *n_plus += plus;
    *n_minus += 1 - plus;
}

static void collect_kept(struct sm_kept *kept, const int8_t *mask, const float *weight, size_t first, size_t last) {
    for (size_t o = first; o < last; o++) {
        const int8_t *g = mask + o * kept->stride;
        const float *w = weight + o * kept->stride;
        uint32_t *slots = kept->index + o * kept->stride, n_plus = 0, n_minus = 0;
        for (size_t i = 0; i < kept->stride; i += 8) {
            uint64_t eight;
            memcpy(&eight, g + i, 8);
            /* -1 and +1 are odd, 0 is even: one bit for each kept weight. */
            for (eight &= UINT64_C(0x0101010101010101); eight; eight &= eight - 1) {
                size_t k = i + (size_t)__builtin_ctzll(eight) / 8;
                enter_kept(slots, kept->stride, &n_plus, &n_minus, k, g[k], w[k]);
            }
        }
        kept->n_plus[o] = n_plus;
        kept->n_minus[o] = n_minus;
    }
}

/* ---- masks ---- */

/* -1 and +1 are odd, 0 is even. Bytes are added up as long as they cannot overflow. */
static size_t count_kept(const int8_t *mask, size_t n) {
    typedef uint8_t bytes __attribute__((vector_size(SM_LANES), aligned(1), may_alias));
    size_t n_kept = 0;
    for (size_t i = 0; i < n;) {
        size_t end = n - i < 255 * SM_LANES ? n : i + 255 * SM_LANES;
        bytes sum = {0};
        for (; i < end; i += SM_LANES) sum += *(const bytes *)(mask + i) & 1;
        for (size_t k = 0; k < SM_LANES; k++) n_kept += sum[k];
    }
    return n_kept;
}

static void apply_mask(float *effective, const float *weight, const int8_t *mask, size_t n) {
    for (size_t i = 0; i < n; i++) effective[i] = weight[i] * (float)mask[i];
}

static void mask_from_scores(int8_t *mask, const float *value, float threshold, size_t n) {
    for (size_t i = 0; i < n; i += V) store_mask(mask + i, load(value + i), threshold);
}

/* ---- masks of the largest sizes ---- */

/* |x| as a whole number that grows with it: the bits of the float without its sign. */
INLINE vector_int sizes_of(vector x) {
    return (vector_int)x & 0x7FFFFFFF;
}

static void count_sizes(uint32_t *counts, const float *value, size_t n, struct sm_digit digit, uint32_t prefix) {
    const int above = digit.shift + digit.width;
    for (size_t i = 0; i < n; i += V) {
        vector_int size = sizes_of(load(value + i));
        for (unsigned left = bits_of(size >> above == (int32_t)prefix); left; left &= left - 1) {
            uint32_t bits;
            memcpy(&bits, value + i + __builtin_ctz(left), sizeof bits);
            counts[bits >> digit.shift & ((1u << digit.width) - 1)]++;
        }
    }
}

static size_t mask_from_sizes(int8_t *mask, const float *value, uint32_t least, size_t n) {
    vector_int n_equal = {0};
    for (size_t i = 0; i < n; i += V) {
        vector_int size = sizes_of(load(value + i)), limit = (int32_t)least - (vector_int){0};
        store_bytes(mask + i, (size >= limit) & 1);
        n_equal -= size == limit;
    }
    size_t sum = 0;
    for (size_t k = 0; k < V; k++) sum += (size_t)n_equal[k];
    return sum;
}

/* ---- sampled masks ---- */

/* exp(-|x|), which does not overflow. */
INLINE vector exp_of_minus_size(vector x) {
    return exp_of(choose(x > (vector){0}, -x, x));
}

/* 1 where the upper 23 bits of a number, in the middle of one of 2^23 equal cells, are below 1 / (1 + exp(-x)). */
INLINE vector_int sampled(vector x, vector_int number) {
    vector_int upper = (vector_int)((vector_uint)number >> 9);
    vector uniform = (__builtin_convertvector(upper, vector) + 0.5f) * 0x1p-23f;
    vector e = exp_of_minus_size(x), p = choose(x > (vector){0}, spread(1.0f), e) / (e + 1.0f);
    return (uniform < p) & 1;
}

static void sample_mask(int8_t *mask, const float *value, size_t n, const struct sm_rng *rng, uint64_t first) {
    for (size_t i = 0; i < n; i += DRAW_VECTORS * V) {
        vector_int number[DRAW_VECTORS];
        draw_numbers(number, rng, (first + i) / 4);
        UNROLL
        for (size_t k = 0; k < DRAW_VECTORS; k++)
            store_bytes(mask + i + k * V, sampled(load(value + i + k * V), number[k]));
    }
}

static void sampled_gradient(float *gradient, const float *value, const float *weight, float shift, size_t n) {
    for (size_t i = 0; i < n; i += V) {
        vector e = exp_of_minus_size(load(value + i)), slope = e / ((e + 1.0f) * (e + 1.0f));
        store(gradient + i, (rounded(load(gradient + i) * load(weight + i)) - shift) * slope);
    }
}

/* Lane k sums what stands at k, k + SM_LANES and so on: the same sums for every width of the vectors. */
static double sum_kept_products(const float *a, const float *b, const int8_t *mask, size_t n) {
    typedef double vector_double __attribute__((vector_size(V * 8)));
    enum { PARTS = SM_LANES / V };
    vector_double part[PARTS] = {{0}};
    double sum = 0;
    for (size_t i = 0; i < n; i += SM_LANES) {
        UNROLL
        for (size_t p = 0; p < PARTS; p++) {
            size_t at = i + p * V;
            vector_int kept = load_bytes(mask + at) != 0;
            vector product = choose(kept, load(a + at) * load(b + at), (vector){0});
            part[p] += __builtin_convertvector(product, vector_double);
        }
    }
    for (size_t k = 0; k < SM_LANES; k++) sum += part[k / V][k % V];
    return sum;
}

static void magnitude_gradient(float *gradient, const float *value, const float *weight, size_t n) {
    for (size_t i = 0; i < n; i += V) {
        vector x = load(value + i), g = load(gradient + i) * load(weight + i);
        store(gradient + i, choose(x > (vector){0}, g, choose(x < (vector){0}, -g, (vector){0})));
    }
}

/* ---- activations ---- */

static void elu(float *values, size_t n) {
    for (size_t i = 0; i < n; i += V) store(values + i, elu_of(load(values + i)));
}

static void elu_gradient(float *delta, const float *activation, size_t n) {
    for (size_t i = 0; i < n; i += V) store(delta + i, elu_gradient_of(load(delta + i), load(activation + i)));
}

static void relu(float *values, size_t n) {
    for (size_t i = 0; i < n; i += V) store(values + i, relu_of(load(values + i)));
}

static void relu_gradient(float *delta, const float *activation, size_t n) {
    for (size_t i = 0; i < n; i += V) store(delta + i, relu_gradient_of(load(delta + i), load(activation + i)));
}

/* ---- weight gradient and update ---- */

/* out[r][c] = sum over k of a[r][k] * rows[k][c], for the rows [first, last) of a and n_columns columns. */
static void multiply(float *out, size_t out_stride, const float *a, size_t a_stride, const float *rows, size_t stride,
                     size_t n, size_t n_columns, size_t first, size_t last) {
    const struct coming none = {0};
    struct panel panel;
    for (size_t column = 0; column < n_columns; column += panel.n_vectors * V) {
        open_panel(&panel, rows, stride, n, column, n_columns);
        for (size_t o = first; o < last; o += SM_ROWS) {
            vector sum[SM_ROWS][PANEL_VECTORS];
            const float *row[SM_ROWS];
            for (size_t r = 0; r < SM_ROWS; r++) row[r] = a + (o + r) * a_stride;
            sum_tile(sum, &panel, row, &none);
            for (size_t r = 0; r < SM_ROWS; r++)
                for (size_t v = 0; v < panel.n_vectors; v++)
                    store(out + (o + r) * out_stride + column + v * V, sum[r][v]);
        }
    }
}

static void product_of_few(float *out, const float *in, size_t image_stride, size_t n_images, const float *effective,
                           size_t stride, size_t n_in, size_t first, size_t last) {
    multiply(out, image_stride, effective, stride, in, image_stride, n_in, n_images, first, last);
}

static void weight_gradient(float *gradient, const float *delta, size_t image_stride, size_t n_images,
                            const float *rows, size_t stride, size_t first, size_t last) {
    multiply(gradient, stride, delta, image_stride, rows, stride, n_images, stride, first, last);
}

INLINE void update_panel(struct sm_trained t, struct sm_update u, const float *delta, size_t image_stride,
                         const struct panel *panel, const uint32_t *order, size_t n, size_t column) {
    for (size_t k = 0; k < n; k += SM_ROWS) {
        vector sum[SM_ROWS][PANEL_VECTORS];
        const float *row[SM_ROWS];
        struct coming coming = {.trained = &t};
        for (size_t r = 0; r < SM_ROWS; r++) {
            row[r] = delta + order[k + r] * image_stride;
            coming.at[r] = order[k + r] * t.stride + column;
        }
        sum_tile(sum, panel, row, &coming);
        update_vectors(t, u, coming.at, sum[0], PANEL_VECTORS, SM_ROWS, panel->n_vectors);
    }
}

static void weight_gradient_update(const struct sm_trained *trained, const struct sm_update *update, const float *delta,
                                   size_t image_stride, size_t n_images, const float *rows, const uint32_t *order,
                                   size_t n) {
    const struct sm_trained t = *trained;
    const struct sm_update u = *update;
    struct panel panel;
    for (size_t column = 0; column < t.stride; column += panel.n_vectors * V) {
        open_panel(&panel, rows, t.stride, n_images, column, t.stride);
        update_panel(t, u, delta, image_stride, &panel, order, n, column);
    }
}

/* Without a gradient only weight decay and momentum move a weight. */
static void update_rows(const struct sm_trained *trained, const struct sm_update *update, const uint32_t *order,
                        size_t n) {
    const struct sm_trained t = *trained;
    const struct sm_update u = *update;
    const vector none = {0};
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < t.stride; i += V) {
            size_t at = order[k] * t.stride + i;
            update_vectors(t, u, &at, &none, 0, 1, 1);
        }
}

static void update_values(const struct sm_trained *trained, const struct sm_update *update, const float *gradient,
                          size_t first, size_t n) {
    const struct sm_trained t = *trained;
    const struct sm_update u = *update;
    update_vectors(t, u, &first, (const vector *)(gradient + first), 0, 1, n / V);
}

/* ---- the loops of the assignment problem ---- */

static int32_t worth_of(int32_t *restrict worth, const int32_t *restrict profit, const int32_t *restrict price,
                        size_t n) {
    int32_t most = INT32_MIN;
#pragma omp simd reduction(max : most)
    for (size_t c = 0; c < n; c++) {
        worth[c] = profit[c] + price[c];
        most = worth[c] > most ? worth[c] : most;
    }
    return most;
}

static int32_t largest(const int32_t *values, size_t n) {
    int32_t most = INT32_MIN;
#pragma omp simd reduction(max : most)
    for (size_t c = 0; c < n; c++) most = values[c] > most ? values[c] : most;
    return most;
}

/* A block at a time, so that the comparison can be done in vectors. */
static size_t find_value(const int32_t *values, int32_t value, size_t n) {
    size_t c = 0;
    for (; c + 16 <= n; c += 16) {
        int32_t hits = 0;
#pragma omp simd reduction(| : hits)
        for (size_t k = 0; k < 16; k++) hits |= values[c + k] == value;
        if (hits) break;
    }
    while (c < n && values[c] != value) c++;
    return c;
}

static size_t find_labelled(const int32_t *values, int32_t value, const uint32_t *labels, uint32_t label, size_t n) {
    size_t c = 0;
    for (; c + 16 <= n; c += 16) {
        int32_t hits = 0;
#pragma omp simd reduction(| : hits)
        for (size_t k = 0; k < 16; k++) hits |= (values[c + k] == value) & (labels[c + k] == label);
        if (hits) break;
    }
    while (c < n && (values[c] != value || labels[c] != label)) c++;
    return c;
}

static int32_t relax_paths(int32_t *restrict distance, uint32_t *restrict before, uint32_t row,
                           const int32_t *restrict profit, const int32_t *restrict price, int32_t base, size_t n) {
    int32_t lowest = INT32_MAX;
#pragma omp simd reduction(min : lowest)
    for (size_t c = 0; c < n; c++) {
        int32_t along = base - profit[c] - price[c], old = distance[c], now = along < old ? along : old;
        before[c] = along < old ? row : before[c];
        distance[c] = now;
        int32_t open = now == INT32_MIN ? INT32_MAX : now;
        lowest = open < lowest ? open : lowest;
    }
    return lowest;
}

/* Both minus twice those of unlike signs: equal ones minus unlike ones. */
static void add_common_entries(int32_t *restrict profit, const uint64_t *a, const uint64_t *b, size_t n_words,
                               size_t n) {
    for (size_t u = 0; u < n; u++, b += 2 * n_words) {
        int both = 0, unlike = 0;
        for (size_t w = 0; w < n_words; w++) {
            uint64_t common = a[w] & b[w];
            both += __builtin_popcountll(common);
            unlike += __builtin_popcountll(common & (a[n_words + w] ^ b[n_words + w]));
        }
        profit[u] += both - 2 * unlike;
    }
}

/* In kernels_conv.c: */
extern void JOIN(sm_conv_list_, SM_ISA)(const struct sm_conv_span *span, const struct sm_conv_list *list,
                                        float magnitude);
extern void JOIN(sm_conv_gradient_, SM_ISA)(float *sums, const float *const *delta, size_t delta_row_step,
                                            const float *in, size_t in_row_step, size_t n_rows, size_t n_columns,
                                            size_t n_taps);
extern void JOIN(sm_sum_lanes_, SM_ISA)(float *out, const float *sums, size_t n);

/* In the files of their names: */
extern const struct sm_pooled_kernels JOIN(sm_pooled_kernels_, SM_ISA);
extern const struct sm_winograd_kernels JOIN(sm_winograd_kernels_, SM_ISA);

extern const struct sm_kernels JOIN(sm_kernels_, SM_ISA);
const struct sm_kernels JOIN(sm_kernels_, SM_ISA) = {
    .name = TEXT(SM_ISA),
    .pooled = &JOIN(sm_pooled_kernels_, SM_ISA),
    .winograd = &JOIN(sm_winograd_kernels_, SM_ISA),
    .load_block = load_block,
    .transpose = transpose,
    .product_kept = product_kept,
    .product_kept_transposed = product_kept_transposed,
    .collect_kept = collect_kept,
    .product_of_few = product_of_few,
    .count_kept = count_kept,
    .apply_mask = apply_mask,
    .mask_from_scores = mask_from_scores,
    .count_sizes = count_sizes,
    .mask_from_sizes = mask_from_sizes,
    .sample_mask = sample_mask,
    .sampled_gradient = sampled_gradient,
    .magnitude_gradient = magnitude_gradient,
    .sum_kept_products = sum_kept_products,
    .elu = elu,
    .elu_gradient = elu_gradient,
    .relu = relu,
    .relu_gradient = relu_gradient,
    .weight_gradient = weight_gradient,
    .weight_gradient_update = weight_gradient_update,
    .update = update_values,
    .update_rows = update_rows,
    .conv_list = JOIN(sm_conv_list_, SM_ISA),
    .conv_gradient = JOIN(sm_conv_gradient_, SM_ISA),
    .sum_lanes = JOIN(sm_sum_lanes_, SM_ISA),
    .add_common_entries = add_common_entries,
    .worth_of = worth_of,
    .largest = largest,
    .find_value = find_value,
    .find_labelled = find_labelled,
    .relax_paths = relax_paths,
};
