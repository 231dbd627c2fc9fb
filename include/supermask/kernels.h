/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels.h - the arithmetic: plain loops over pointers and sizes. No allocation, no threads, no policy.
 *
 * lib/kernels.c is compiled once for each instruction set; sm_kernels_get picks the best one that this CPU runs. Every
 * output element is one sequential sum in a fixed order, so a result depends neither on how work is cut into rows nor
 * on the width of the vectors. "avx512" and "avx2" round alike (fused multiply-add) and give the same bytes;
 * "baseline" rounds products and sums apart.
 *
 * Layout. A batch of images is held twice: as rows [image][unit] and as columns [unit][image]. Units and images are
 * padded with zeros to a multiple of SM_LANES, so that there are no remainders: strides are multiples of SM_LANES and
 * arrays are aligned to 64 bytes. Weight matrices are [out][in], rows padded likewise. */
#ifndef SUPERMASK_KERNELS_H
#define SUPERMASK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/rng.h>

#define SM_LANES 16u /* floats in 64 bytes */
#define SM_ROWS 8u   /* weight rows that one gradient tile covers; row ranges are multiples of it */

#define SM_LISTED_MOST 1024u /* rows of a product for which it can be listed where they are not 0 */

#define SM_DRAWS 64u /* sampled masks are cut at multiples of so many random numbers */

#define SM_GRADIENT_ROWS 4u /* output channels that one call of conv_gradient sums for */

static inline size_t sm_padded(size_t n) {
    return (n + SM_LANES - 1) / SM_LANES * SM_LANES;
}

/* The kept weights of rows of a matrix, by sign of the effective weight v = w*g. Row o owns slots [o*stride,
 * (o+1)*stride) of `index`: the n_plus[o] inputs with v > 0 ascending from its start, the n_minus[o] inputs with v < 0
 * ascending from its end downwards. */
struct sm_kept {
    size_t n_out, stride;
    uint32_t *index;            /* [n_out * stride] */
    uint32_t *n_plus, *n_minus; /* [n_out] */
};

/* The kept weights of row o: n_plus inputs plus[0], plus[1] .., n_minus inputs minus[0], minus[-1] .., each ascending.
 */
struct sm_kept_row {
    const uint32_t *plus, *minus;
    uint32_t n_plus, n_minus;
};

static inline struct sm_kept_row sm_kept_row(const struct sm_kept *kept, size_t o) {
    const uint32_t *slots = kept->index + o * kept->stride;
    return (struct sm_kept_row){slots, slots + kept->stride - 1, kept->n_plus[o], kept->n_minus[o]};
}

/* Places of the kept weights of a convolution (conv_lists.h), as distances in floats from a reference pixel. Row r owns
 * places [r*capacity, (r+1)*capacity): first the n_plus[r] whose pixels are added, then the n_minus[r] that are
 * subtracted. */
struct sm_conv_list {
    size_t n_rows, capacity;
    int32_t *place;
    float *value; /* the effective weight of each place, all of which are then among n_plus; NULL: |v| is the same for
                     all, and is multiplied in once at the end */
    uint32_t *n_plus, *n_minus; /* [n_rows] */
};

/* The pixels that one call computes: `out` and `in` are the first output pixel of row 0 of the list and its reference
 * pixel. Steps in floats; a pixel is SM_LANES images. */
struct sm_conv_span {
    float *out;
    const float *in;
    size_t n_rows, n_columns;
    size_t out_row_step, out_column_step, out_channel_step, in_row_step, in_column_step;
    bool accumulate; /* add to what `out` holds */
};

/* How a step moves a trained value m with gradient g and velocity V:
 *   sgdw  m <- m - wd m;  V <- mu V - lr g;  m <- m + V, Nesterov: m + mu V - lr g   (Loshchilov & Hutter 2019)
 *   sgd   g <- g + wd m;  V <- mu V - lr g;  m likewise: PyTorch's, but that V counts the rate in
 *   adam  g <- g + wd m;  V <- mu V + (1 - mu) g;  S <- b S + (1 - b) g^2;  m <- m - lr (V / (1 - mu^t)) / (sqrt(S /
 *         (1 - b^t)) + epsilon)   (Kingma & Ba 2015, algorithm 1) */
enum sm_optimizer { SM_SGDW, SM_SGD, SM_ADAM };

struct sm_update {
    enum sm_optimizer optimizer;
    float learning_rate, weight_decay, momentum;
    bool nesterov;   /* sgdw, sgd */
    float threshold; /* tau of the mask; used where there is a mask */
    /* of adam: b, epsilon, 1 / (1 - mu^t) and 1 / (1 - b^t) */
    float second_decay, epsilon, first_correction, second_correction;
};

/* What one step changes in a layer. Arrays are [out][stride]. */
struct sm_trained {
    float *value;        /* the trained parameter: scores m, or weights of a dense network */
    float *velocity;     /* V */
    const float *weight; /* frozen w, multiplied into the gradient of a score; NULL where value is the weight */
    int8_t *mask;        /* g(m) in {-1, 0, +1}, written; NULL where value is the weight */
    size_t stride;
    float *second;      /* S of adam, else NULL */
    const int8_t *held; /* values where it is 0 stay as they are, with V and S; NULL: all move */
};

/* `width` bits of a number from bit `shift` on. */
struct sm_digit {
    int shift, width;
};

struct sm_pooled_kernels;
struct sm_winograd_kernels;

struct sm_kernels {
    const char *name;                           /* "avx512", "avx2", "baseline" */
    const struct sm_pooled_kernels *pooled;     /* of the same set: lib/kernels_pooled.h */
    const struct sm_winograd_kernels *winograd; /* lib/kernels_winograd.h */

    /* rows[j][p] and columns[p][j] = images[j][p] * scale[j][c] + shift[j][c] for the SM_LANES images j of one block,
     * c = p / (n_pixels / n_scales). Images that are NULL become zeros (their scales are not read), as do the padded
     * pixels p >= n_pixels. rows: stride row_stride >= sm_padded(n_pixels); columns: stride column_stride, at the
     * block's first image; scale, shift: [SM_LANES][n_scales]. */
    void (*load_block)(float *rows, size_t row_stride, float *columns, size_t column_stride,
                       const uint8_t *const images[SM_LANES], const float *scale, const float *shift, size_t n_scales,
                       size_t n_pixels);

    /* out[c][r] = in[r][c]; n_rows and n_columns multiples of SM_LANES. */
    void (*transpose)(float *out, size_t out_stride, const float *in, size_t in_stride, size_t n_rows,
                      size_t n_columns);

    /* out[o][b] = sum over kept i of v[o][i] * in[i][b] for rows o in [first, last), images b in [0, n_images),
     * n_images a multiple of SM_LANES. weight == NULL: |w| is `magnitude` for all, applied once at the end. */
    void (*product_kept)(float *out, const float *in, size_t image_stride, size_t n_images, const struct sm_kept *kept,
                         const float *weight, float magnitude, size_t first, size_t last);

    /* out[i][b] += sum over kept o of v[o][i] * in[o][b] for images b in [first_image, last_image), multiples of
     * SM_LANES; o ascending. */
    void (*product_kept_transposed)(float *out, const float *in, size_t image_stride, const struct sm_kept *kept,
                                    const float *weight, float magnitude, size_t first_image, size_t last_image);

    /* Collects the kept weights of rows [first, last) from a mask [out][kept->stride] and the signs of `weight`. */
    void (*collect_kept)(struct sm_kept *kept, const int8_t *mask, const float *weight, size_t first, size_t last);

    /* out[o][b] = sum over i of v[o][i] * in[i][b], i ascending, for rows o in [first, last), multiples of SM_ROWS;
     * n_in and n_images multiples of SM_LANES. Fast where much of `in` is 0, which is left out (v is taken for finite),
     * and n_in is at most SM_LISTED_MOST. */
    void (*product_of_few)(float *out, const float *in, size_t image_stride, size_t n_images, const float *effective,
                           size_t stride, size_t n_in, size_t first, size_t last);

    /* Number of entries that are not 0; n a multiple of SM_LANES. */
    size_t (*count_kept)(const int8_t *mask, size_t n);

    /* effective[o][i] = weight[o][i] * mask[o][i], n values. */
    void (*apply_mask)(float *effective, const float *weight, const int8_t *mask, size_t n);

    /* g = sign with dead zone: +1 where value > threshold, -1 where value < -threshold, else 0; n values. */
    void (*mask_from_scores)(int8_t *mask, const float *value, float threshold, size_t n);

    /* The size of a value is the number that its bits make without the sign: it grows with |value|. count_sizes:
     * counts[d]++ for each value whose size has `prefix` above that digit, d being the digit. mask_from_sizes: 1 where
     * the size is at least `least`, else 0; gives how many are `least`. n multiples of SM_LANES. */
    void (*count_sizes)(uint32_t *counts, const float *value, size_t n, struct sm_digit digit, uint32_t prefix);
    size_t (*mask_from_sizes)(int8_t *mask, const float *value, uint32_t least, size_t n);

    /* g ~ Bernoulli(1 / (1 + exp(-value))): 1 where a number of the stream is below it, else 0. Value k takes the
     * number with index first + k (sm_rng_u32), of which it uses 23 bits; n and first are multiples of SM_DRAWS. Two
     * sets differ only where the number lies within the rounding of that probability, one weight in a million. */
    void (*sample_mask)(int8_t *mask, const float *value, size_t n, const struct sm_rng *rng, uint64_t first);

    /* From dL/dv to dL/dm, n values in place. Of a sampled mask, p = 1 / (1 + exp(-value)), straight through the
     * sample: gradient = (gradient * weight - shift) * p (1 - p). Of a mask that sees |m|: gradient * weight * sign(m),
     * where sign(0) is 0. */
    void (*sampled_gradient)(float *gradient, const float *value, const float *weight, float shift, size_t n);
    void (*magnitude_gradient)(float *gradient, const float *value, const float *weight, size_t n);
    /* The sum of a * b, products rounded to float, over the values that a mask does not hide; n a multiple of
     * SM_LANES. */
    double (*sum_kept_products)(const float *a, const float *b, const int8_t *mask, size_t n);

    /* x > 0 ? x : exp(x) - 1 (ELU with alpha = 1), in place; and delta *= its derivative, from the activation y:
     * y > 0 ? 1 : y + 1. n multiple of SM_LANES. */
    void (*elu)(float *values, size_t n);
    void (*elu_gradient)(float *delta, const float *activation, size_t n);
    void (*relu)(float *values, size_t n);
    void (*relu_gradient)(float *delta, const float *activation, size_t n);

    /* gradient[o][i] = sum over images b of delta[o][b] * rows[b][i], for weight rows [first, last), multiples of
     * SM_ROWS; delta is [out][image_stride], rows [image][stride]; b ascending, without those where rows is 0 (delta is
     * taken for finite). */
    void (*weight_gradient)(float *gradient, const float *delta, size_t image_stride, size_t n_images,
                            const float *rows, size_t stride, size_t first, size_t last);

    /* The same sums for n rows order[k], n a multiple of SM_ROWS, then at once: g = gradient * w (straight-through),
     * value and velocity updated, mask rewritten. */
    void (*weight_gradient_update)(const struct sm_trained *trained, const struct sm_update *update, const float *delta,
                                   size_t image_stride, size_t n_images, const float *rows, const uint32_t *order,
                                   size_t n);
    /* The same for n rows order[k] whose gradient is 0. */
    void (*update_rows)(const struct sm_trained *trained, const struct sm_update *update, const uint32_t *order,
                        size_t n);

    /* The same update from a gradient [out][stride] that was summed elsewhere, for `n` values from value `first` on,
     * multiples of SM_LANES. */
    void (*update)(const struct sm_trained *trained, const struct sm_update *update, const float *gradient,
                   size_t first, size_t n);

    /* For every pixel of the span and every row r of the list: out = magnitude * (sum of the pixels that are added -
     * sum of those that are subtracted), or the sum of value * pixel where the list has values. Each sum in the list's
     * order. */
    void (*conv_list)(const struct sm_conv_span *span, const struct sm_conv_list *list, float magnitude);

    /* sums[k][s] += sum over rows y < n_rows and columns x < n_columns of delta[k][y][x] * in[y][x + s], for
     * SM_GRADIENT_ROWS pointers delta and n_taps (1 or 3) s; pixels of SM_LANES images, each lane by itself. sums:
     * [SM_GRADIENT_ROWS][n_taps][SM_LANES]. */
    void (*conv_gradient)(float *sums, const float *const *delta, size_t delta_row_step, const float *in,
                          size_t in_row_step, size_t n_rows, size_t n_columns, size_t n_taps);
    /* out[k] = the lanes of sums [n][SM_LANES], as conv_gradient leaves them, added up in their order. */
    void (*sum_lanes)(float *out, const float *sums, size_t n);

    /* ---- what networks have in common, in bits (analyze/align.c), in integers: the same in every set ---- */

    /* Adds to profit[u] the places at which row a and row u of b, one behind the other, both have an entry: +1 where
     * the signs are equal, -1 where they are not. A row is [2][n_words]: where there are entries, and which are
     * negative. */
    void (*add_common_entries)(int32_t *profit, const uint64_t *a, const uint64_t *b, size_t n_words, size_t n);

    /* ---- the loops of the assignment problem (analyze/assignment.c), in integers: the same in every set. n values,
     * no alignment asked for ---- */

    /* worth[c] = profit[c] + price[c]; returns the largest. n >= 1. */
    int32_t (*worth_of)(int32_t *worth, const int32_t *profit, const int32_t *price, size_t n);
    int32_t (*largest)(const int32_t *values, size_t n);
    /* Index of the first value that is `value`; n where there is none. */
    size_t (*find_value)(const int32_t *values, int32_t value, size_t n);
    /* The first index c with values[c] = value and labels[c] = label; n where there is none. */
    size_t (*find_labelled)(const int32_t *values, int32_t value, const uint32_t *labels, uint32_t label, size_t n);
    /* Where base - profit[c] - price[c] < distance[c]: that becomes distance[c], and before[c] becomes `row`. Returns
     * the smallest distance but INT32_MIN, which marks what is closed; INT32_MAX where all are closed. */
    int32_t (*relax_paths)(int32_t *distance, uint32_t *before, uint32_t row, const int32_t *profit,
                           const int32_t *price, int32_t base, size_t n);
};

/* The kernels for this CPU; $SUPERMASK_KERNELS may name a lesser one (never one the CPU lacks: that is ignored). */
const struct sm_kernels *sm_kernels_get(void);
/* The kernels of that name, or NULL where they are not built or the CPU cannot run them. */
const struct sm_kernels *sm_kernels_find(const char *name);
const char *sm_kernels_name(void);

/* Makes this thread's vector arithmetic take numbers below 2^-126 for 0, and back to what was before: late in training
 * most gradients are that small, and an Intel core takes a hundred cycles for each (measured: half the speed of a
 * step). Every thread of a pass or step does it, so results are the same for any number of threads. No effect where
 * the CPU has no such switch. */
unsigned sm_flush_begin(void);
void sm_flush_end(unsigned before);

/* ---- dense products through OpenBLAS (lib/blas.c), single-threaded on fixed pieces: the same bytes for any number of
 * threads ---- */

/* out[o][b] = sum_i v[o][i] in[i][b] for rows o in [first, last); in one call to sgemm. */
void sm_blas_product(float *out, const float *in, size_t image_stride, size_t n_images, const float *effective,
                     size_t stride, size_t n_in, size_t first, size_t last);
/* out[i][b] = sum_o v[o][i] in[o][b] for inputs i in [first, last). */
void sm_blas_product_transposed(float *out, const float *in, size_t image_stride, size_t n_images,
                                const float *effective, size_t stride, size_t n_out, size_t first, size_t last);
/* out [m][n] = (accumulate ? out : 0) + a [m][k] * b [k][n]; strides of the rows of each. */
void sm_blas_accumulate(float *out, size_t out_stride, const float *a, size_t a_stride, const float *b, size_t b_stride,
                        size_t m, size_t n, size_t k, bool accumulate);
/* out [m][n] += a [m][k] * b [n][k] transposed. */
void sm_blas_accumulate_transposed(float *out, size_t out_stride, const float *a, size_t a_stride, const float *b,
                                   size_t b_stride, size_t m, size_t n, size_t k);
/* Makes OpenBLAS run in the calling thread only; call once before the products. */
void sm_blas_init(void);
/* "Cooperlake; OpenBLAS 0.3.21 ... ": the core whose kernels OpenBLAS runs, and its configuration. Static storage of
 * OpenBLAS. */
const char *sm_blas_core(void);
const char *sm_blas_name(void);
/* A sentence when this CPU has AVX-512 and OpenBLAS runs lesser kernels (OPENBLAS_CORETYPE is set), else NULL. */
const char *sm_blas_warning(void);

#endif
