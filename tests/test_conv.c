/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions: lists and matrix products, forward and both gradients, against loops in double precision. */
#include <supermask/conv_dense.h>
#include <supermask/conv_gradient.h>
#include <supermask/conv_lists.h>
#include <supermask/conv_winograd_gradient.h>
#include <supermask/forward.h>

#include "tests/check.h"

enum { BLOCKS = 2 };

static const char *const isas[] = {"baseline", "avx2", "avx512"};

/* A convolution with everything that it reads and writes. */
struct bench {
    struct sm_conv conv;
    size_t stride; /* of the weights' rows */
    float *weight;
    int8_t *mask;
    struct sm_map in, out, in_delta, out_delta;
    struct sm_kept kept;
};

static const struct {
    size_t n_in, n_out, height, width, kernel, stride, pad, out_height, out_width;
} shapes[] = {
    {3, 10, 8, 8, 3, 1, 1, 8, 8},  /* 'same' */
    {17, 5, 5, 7, 3, 1, 0, 3, 5},  /* 'valid' */
    {4, 6, 8, 8, 1, 1, 0, 8, 8},   /* 1x1 */
    {4, 6, 8, 8, 1, 2, 0, 4, 4},   /* a strided shortcut */
    {5, 7, 8, 6, 3, 2, 0, 4, 3},   /* TensorFlow's 'same' with stride 2: pads at the end only */
    {5, 70, 7, 9, 3, 2, 1, 4, 5},  /* odd sizes; more channels than a slice */
    {2, 3, 9, 9, 5, 1, 2, 9, 9},   /* a larger kernel */
    {2, 3, 10, 10, 4, 3, 1, 4, 4}, /* even kernel, stride 3 */
    {64, 16, 4, 4, 3, 1, 1, 4, 4},
    {37, 34, 6, 12, 3, 1, 0, 4, 10},   /* more channels than a unit has, chunks that begin within a row */
    {16, 20, 18, 40, 3, 1, 1, 18, 40}, /* and more columns than a chunk */
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void fill_map(struct sm_map *map, uint32_t seed) {
    const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 1);
    size_t k = 0;
    for (size_t b = 0; b < map->n_blocks; b++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t y = 0; y < map->height; y++)
                for (size_t x = 0; x < map->width; x++)
                    for (size_t j = 0; j < SM_LANES; j++)
                        sm_map_at(map, b, c, (ptrdiff_t)y, (ptrdiff_t)x)[j] =
                            (float)(2 * sm_rng_uniform(&rng, k++) - 1);
}

static void bench_init(struct bench *b, size_t shape, double hidden, bool constant) {
    const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, (uint32_t)shape);
    memset(b, 0, sizeof *b);
    b->conv = (struct sm_conv){.n_out = shapes[shape].n_out,
                               .n_in = shapes[shape].n_in,
                               .kernel_height = shapes[shape].kernel,
                               .kernel_width = shapes[shape].kernel,
                               .stride = shapes[shape].stride,
                               .pad_top = shapes[shape].pad,
                               .pad_left = shapes[shape].pad,
                               .in_height = shapes[shape].height,
                               .in_width = shapes[shape].width,
                               .out_height = shapes[shape].out_height,
                               .out_width = shapes[shape].out_width};
    const struct sm_conv *c = &b->conv;
    size_t fan_in = sm_conv_fan_in(c), halo = c->kernel_height;
    b->stride = sm_padded(fan_in);
    b->weight = check_alloc(c->n_out * b->stride, sizeof(float));
    b->mask = check_alloc(c->n_out * b->stride, 1);
    for (size_t o = 0; o < c->n_out; o++)
        for (size_t k = 0; k < fan_in; k++) {
            size_t at = o * b->stride + k;
            double u = sm_rng_uniform(&rng, 2 * at), w = 2 * sm_rng_uniform(&rng, 2 * at + 1) - 1;
            b->weight[at] = constant ? (w > 0 ? 0.3f : -0.3f) : (float)w;
            b->mask[at] = u < hidden ? 0 : u < hidden + (1 - hidden) / 3 ? -1 : 1;
        }
    assert_int_equal(sm_map_init(&b->in, c->n_in, c->in_height, c->in_width, halo, BLOCKS), 0);
    assert_int_equal(sm_map_init(&b->in_delta, c->n_in, c->in_height, c->in_width, 1, BLOCKS), 0);
    assert_int_equal(sm_map_init(&b->out, c->n_out, c->out_height, c->out_width, 1, BLOCKS), 0);
    assert_int_equal(sm_map_init(&b->out_delta, c->n_out, c->out_height, c->out_width, halo, BLOCKS), 0);
    fill_map(&b->in, 1);
    fill_map(&b->out_delta, 2);
    b->kept = (struct sm_kept){.n_out = c->n_out, .stride = b->stride};
    b->kept.index = check_alloc(c->n_out * b->stride, sizeof *b->kept.index);
    b->kept.n_plus = check_alloc(c->n_out, sizeof *b->kept.n_plus);
    b->kept.n_minus = check_alloc(c->n_out, sizeof *b->kept.n_minus);
}

static void bench_destroy(struct bench *b) {
    free(b->weight);
    free(b->mask);
    sm_map_destroy(&b->in);
    sm_map_destroy(&b->in_delta);
    sm_map_destroy(&b->out);
    sm_map_destroy(&b->out_delta);
    free(b->kept.index);
    free(b->kept.n_plus);
    free(b->kept.n_minus);
}

static double effective(const struct bench *b, size_t o, size_t i, size_t r, size_t s) {
    size_t at = o * b->stride + (i * b->conv.kernel_height + r) * b->conv.kernel_width + s;
    return (double)b->weight[at] * b->mask[at];
}

/* Calls visit for every (pixel of the output, weight, pixel of the input) that belong together, image j of block. */
struct sums {
    double *out, *in_delta, *gradient; /* [n_out][h][w]; [n_in][h][w]; [n_out][fan_in] */
};

static void add_image(const struct bench *b, size_t block, size_t j, struct sums *sums) {
    const struct sm_conv *c = &b->conv;
    for (size_t o = 0; o < c->n_out; o++)
        for (size_t y = 0; y < c->out_height; y++)
            for (size_t x = 0; x < c->out_width; x++)
                for (size_t i = 0; i < c->n_in; i++)
                    for (size_t r = 0; r < c->kernel_height; r++)
                        for (size_t s = 0; s < c->kernel_width; s++) {
                            ptrdiff_t v = (ptrdiff_t)(y * c->stride + r) - (ptrdiff_t)c->pad_top;
                            ptrdiff_t u = (ptrdiff_t)(x * c->stride + s) - (ptrdiff_t)c->pad_left;
                            if (v < 0 || u < 0 || v >= (ptrdiff_t)c->in_height || u >= (ptrdiff_t)c->in_width) continue;
                            double a = sm_map_at(&b->in, block, i, v, u)[j];
                            double d = sm_map_at(&b->out_delta, block, o, (ptrdiff_t)y, (ptrdiff_t)x)[j];
                            double w = effective(b, o, i, r, s);
                            sums->out[(o * c->out_height + y) * c->out_width + x] += w * a;
                            sums->in_delta[(i * c->in_height + (size_t)v) * c->in_width + (size_t)u] += w * d;
                            sums->gradient[(o * c->n_in + i) * sm_conv_taps(c) + r * c->kernel_width + s] += a * d;
                        }
}

static void check_map(const struct sm_map *map, size_t block, size_t j, const double *want) {
    for (size_t c = 0; c < map->channels; c++)
        for (size_t y = 0; y < map->height; y++)
            for (size_t x = 0; x < map->width; x++)
                assert_within(sm_map_at(map, block, c, (ptrdiff_t)y, (ptrdiff_t)x)[j], *want++, 2e-4);
}

static void check_halo(const struct sm_map *map) {
    double inside = 0, all = 0;
    for (size_t b = 0; b < map->n_blocks; b++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t y = 0; y < map->height; y++)
                for (size_t x = 0; x < map->width; x++)
                    for (size_t j = 0; j < SM_LANES; j++)
                        inside += fabs((double)sm_map_at(map, b, c, (ptrdiff_t)y, (ptrdiff_t)x)[j]);
    for (size_t k = 0; k < map->n_blocks * map->block_stride; k++) all += fabs((double)map->data[k]);
    assert_close(inside, all, 1e-9); /* the sums' orders differ */
}

/* What was computed into out, in_delta and gradient against the naive sums. */
static void check_all(const struct bench *b, const float *gradient) {
    const struct sm_conv *c = &b->conv;
    size_t n_out = c->n_out * c->out_height * c->out_width, n_in = c->n_in * c->in_height * c->in_width;
    struct sums sums = {.gradient = check_alloc(c->n_out * sm_conv_fan_in(c), sizeof(double))};
    for (size_t block = 0; block < BLOCKS; block++)
        for (size_t j = 0; j < SM_LANES; j++) {
            sums.out = check_alloc(n_out, sizeof(double));
            sums.in_delta = check_alloc(n_in, sizeof(double));
            add_image(b, block, j, &sums);
            check_map(&b->out, block, j, sums.out);
            for (size_t k = 0; block == 1 && k < n_in; k++) sums.in_delta[k] *= 2; /* accumulated twice */
            check_map(&b->in_delta, block, j, sums.in_delta);
            free(sums.out);
            free(sums.in_delta);
        }
    for (size_t o = 0; gradient && o < c->n_out; o++)
        for (size_t k = 0; k < sm_conv_fan_in(c); k++)
            assert_within(gradient[o * b->stride + k], sums.gradient[o * sm_conv_fan_in(c) + k], 2e-3);
    check_halo(&b->out);
    check_halo(&b->in_delta);
    free(sums.gradient);
}

static void run_lists(struct bench *b, const struct sm_kernels *kernels, float magnitude) {
    struct sm_conv_lists lists;
    const struct sm_conv *c = &b->conv;
    assert_int_equal(sm_conv_lists_init(&lists, c, b->in.row_stride, b->in.channel_stride, b->out_delta.row_stride,
                                        b->out_delta.channel_stride, true, magnitude),
                     0);
    kernels->collect_kept(&b->kept, b->mask, b->weight, 0, c->n_out);
    sm_conv_lists_fill_forward(&lists, &b->kept, b->weight, 0, c->n_out);
    sm_conv_lists_fill_backward(&lists, &b->kept, b->weight, c->n_in / 2, c->n_in); /* in any order */
    sm_conv_lists_fill_backward(&lists, &b->kept, b->weight, 0, c->n_in / 2);
    for (size_t block = 0; block < BLOCKS; block++) {
        sm_conv_lists_forward(&lists, kernels, &b->in, block, 0, 1, sm_map_at(&b->out, block, 0, 0, 0),
                              b->out.row_stride, b->out.channel_stride);
        sm_conv_lists_forward(&lists, kernels, &b->in, block, 1, c->out_height - 1, sm_map_at(&b->out, block, 0, 1, 0),
                              b->out.row_stride, b->out.channel_stride);
        for (size_t times = 0; times <= block; times++)
            sm_conv_lists_backward(&lists, kernels, &b->in_delta, &b->out_delta, block, times > 0);
    }
    sm_conv_lists_destroy(&lists);
}

static void test_lists(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SHAPES; k++)
        for (int constant = 0; constant < 2; constant++)
            for (size_t isa = 0; isa < 3; isa++) {
                struct bench b;
                const struct sm_kernels *kernels = sm_kernels_find(isas[isa]);
                if (!kernels) continue;
                bench_init(&b, k, 0.6, constant);
                run_lists(&b, kernels, constant ? 0.3f : 0);
                check_all(&b, NULL);
                bench_destroy(&b);
            }
}

/* The forms must round alike only within themselves, but instruction sets with fused arithmetic give the same bytes,
 * and without weights to multiply all do. */
static void test_same_bytes(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SHAPES; k++)
        for (int constant = 0; constant < 2; constant++) {
            struct bench first, other;
            bench_init(&first, k, 0.6, constant);
            bench_init(&other, k, 0.6, constant);
            const struct sm_kernels *a = sm_kernels_find(constant ? "baseline" : "avx2"),
                                    *b = sm_kernels_find("avx512");
            if (!b) b = sm_kernels_find("avx2");
            if (a && b) {
                run_lists(&first, a, constant ? 0.3f : 0);
                run_lists(&other, b, constant ? 0.3f : 0);
                assert_memory_equal(first.out.data, other.out.data, BLOCKS * first.out.block_stride * sizeof(float));
                assert_memory_equal(first.in_delta.data, other.in_delta.data,
                                    BLOCKS * first.in_delta.block_stride * sizeof(float));
            }
            bench_destroy(&first);
            bench_destroy(&other);
        }
}

static void test_dense(void **state) {
    (void)state;
    sm_blas_init();
    for (size_t k = 0; k < N_SHAPES; k++) {
        struct bench b;
        struct sm_conv_dense dense;
        bench_init(&b, k, 0.1, false);
        const struct sm_conv *c = &b.conv;
        assert_int_equal(sm_conv_dense_init(&dense, c, BLOCKS, true, true), 0);
        if (c->stride > 1) run_lists(&b, sm_kernels_get(), 0); /* then only the weight gradient is a product */
        if (c->stride == 1) sm_conv_dense_pack(&dense, b.weight, b.mask, b.stride, 0, c->n_out);
        for (size_t block = 0; c->stride == 1 && block < BLOCKS; block++) {
            for (size_t y = 0; y < c->out_height; y++)
                sm_conv_dense_forward(&dense, &b.in, block, y, sm_map_at(&b.out, block, 0, (ptrdiff_t)y, 0),
                                      b.out.channel_stride);
            for (size_t times = 0; times <= block; times++)
                sm_conv_dense_backward(&dense, &b.in_delta, &b.out_delta, block, times > 0);
        }
        float *gradient = check_alloc(c->n_out * b.stride, sizeof(float));
        float *scratch = check_alloc(sm_conv_dense_scratch(&dense), sizeof(float));
        for (size_t unit = sm_conv_dense_units(&dense); unit-- > 0;)
            sm_conv_dense_gradient_unit(&dense, unit, &b.in, &b.out_delta, BLOCKS, scratch);
        sm_conv_dense_gradient(&dense, gradient, b.stride, 0, c->n_out);
        check_all(&b, gradient);
        free(gradient);
        free(scratch);
        sm_conv_dense_destroy(&dense);
        bench_destroy(&b);
    }
}

/* The rows of a chunk, and then the others. */
static void run_winograd(struct bench *b, const struct sm_kernels *kernels) {
    const struct sm_conv *c = &b->conv;
    struct sm_winograd w;
    assert_int_equal(sm_winograd_init(&w, c, kernels, true), 0);
    float *scratch = check_alloc(sm_winograd_pass_scratch(&w), sizeof(float));
    sm_winograd_pack(&w, b->weight, b->mask, b->stride, c->n_out / 2, c->n_out);
    sm_winograd_pack(&w, b->weight, b->mask, b->stride, 0, c->n_out / 2);
    const size_t first = 2 * w.chunk_rows < c->out_height ? 2 * w.chunk_rows : c->out_height;
    for (size_t block = 0; block < BLOCKS; block++) {
        sm_winograd_forward(&w, &b->in, block, 0, first, sm_map_at(&b->out, block, 0, 0, 0), b->out.row_stride,
                            b->out.channel_stride, scratch);
        if (first < c->out_height)
            sm_winograd_forward(&w, &b->in, block, first, c->out_height - first,
                                sm_map_at(&b->out, block, 0, (ptrdiff_t)first, 0), b->out.row_stride,
                                b->out.channel_stride, scratch);
        for (size_t times = 0; times <= block; times++)
            sm_winograd_backward(&w, &b->in_delta, &b->out_delta, block, times > 0, scratch);
    }
    free(scratch);
    sm_winograd_destroy(&w);
}

static void test_winograd(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SHAPES; k++)
        for (size_t isa = 0; isa < 3; isa++) {
            struct bench b;
            const struct sm_kernels *kernels = sm_kernels_find(isas[isa]);
            bench_init(&b, k, 0.4, false);
            if (kernels && sm_winograd_possible(&b.conv)) {
                run_winograd(&b, kernels);
                check_all(&b, NULL);
            }
            bench_destroy(&b);
        }
}

/* Every third channel of a map is dead: 0 everywhere, and marked so. */
static void kill_channels(struct sm_map *map, struct sm_channels *channels) {
    uint8_t *live = check_alloc(map->channels, 1);
    assert_int_equal(sm_channels_init(channels, map->channels), 0);
    for (size_t c = 0; c < map->channels; c++) live[c] = c % 3 != 1;
    sm_channels_set(channels, live);
    for (size_t b = 0; b < map->n_blocks; b++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t y = 0; y < map->height && !live[c]; y++)
                memset(sm_map_at(map, b, c, (ptrdiff_t)y, 0), 0, map->width * SM_LANES * sizeof(float));
    free(live);
}

typedef void gradient_unit(const struct sm_kernels *kernels, const struct sm_conv *conv, size_t unit, size_t n_blocks,
                           const struct sm_map *in, const struct sm_channels *in_channels, const struct sm_map *delta,
                           const struct sm_channels *out_channels, float *gradient, size_t weight_stride,
                           float *scratch);

static size_t winograd_scratch(const struct sm_conv *c) {
    (void)c;
    return sm_winograd_gradient_scratch();
}

/* The forms of the gradient that leave dead channels out. */
static const struct form {
    bool (*possible)(const struct sm_conv *);
    size_t (*units)(const struct sm_conv *);
    size_t (*scratch)(const struct sm_conv *);
    gradient_unit *run;
} direct = {sm_conv_gradient_possible, sm_conv_gradient_units, sm_conv_gradient_scratch, sm_conv_gradient_unit},
  winograd = {sm_winograd_possible, sm_winograd_gradient_units, winograd_scratch, sm_winograd_gradient_unit};

static float *gradient_by_channels(struct bench *b, const struct form *form, const struct sm_kernels *kernels,
                                   bool dead) {
    const struct sm_conv *c = &b->conv;
    struct sm_channels in, out;
    if (dead) {
        kill_channels(&b->in, &in);
        kill_channels(&b->out_delta, &out);
    } else {
        assert_int_equal(sm_channels_init(&in, c->n_in), 0);
        assert_int_equal(sm_channels_init(&out, c->n_out), 0);
    }
    float *gradient = check_alloc(c->n_out * b->stride, sizeof(float));
    float *scratch = check_alloc(form->scratch(c), sizeof(float));
    for (size_t k = 0; k < c->n_out * sm_conv_fan_in(c); k++) /* what an earlier step left */
        gradient[k / sm_conv_fan_in(c) * b->stride + k % sm_conv_fan_in(c)] = 1e9f;
    for (size_t unit = form->units(c); unit-- > 0;)
        form->run(kernels, c, unit, BLOCKS, &b->in, &in, &b->out_delta, &out, gradient, b->stride, scratch);
    free(scratch);
    sm_channels_destroy(&in);
    sm_channels_destroy(&out);
    return gradient;
}

/* Every shape and instruction set; avx512 and avx2 give the same bytes. */
static void check_form(const struct form *form) {
    for (size_t k = 0; k < N_SHAPES; k++)
        for (int dead = 0; dead < 2; dead++) {
            float *first = NULL;
            for (size_t isa = 3; isa-- > 0;) {
                struct bench b;
                const struct sm_kernels *kernels = sm_kernels_find(isas[isa]);
                bench_init(&b, k, 0.5, true);
                if (kernels && form->possible(&b.conv)) {
                    float *gradient = gradient_by_channels(&b, form, kernels, dead);
                    run_lists(&b, kernels, 0.3f);
                    check_all(&b, gradient);
                    if (first && isa > 0) assert_memory_equal(first, gradient, b.conv.n_out * b.stride * sizeof(float));
                    free(first);
                    first = gradient;
                }
                bench_destroy(&b);
            }
            free(first);
        }
}

static void test_direct_gradient(void **state) {
    (void)state;
    check_form(&direct);
}

static void test_winograd_gradient(void **state) {
    (void)state;
    check_form(&winograd);
}

/* ---- rounding ---- */

/* Sums in double precision: of all images the gradient, of the last one the output and the input's gradient. */
static struct sums exact_sums(const struct bench *b) {
    const struct sm_conv *c = &b->conv;
    struct sums sums = {.gradient = check_alloc(c->n_out * sm_conv_fan_in(c), sizeof(double))};
    for (size_t image = 0; image < BLOCKS * SM_LANES; image++) {
        free(sums.out);
        free(sums.in_delta);
        sums.out = check_alloc(c->n_out * c->out_height * c->out_width, sizeof(double));
        sums.in_delta = check_alloc(c->n_in * c->in_height * c->in_width, sizeof(double));
        add_image(b, image / SM_LANES, image % SM_LANES, &sums);
    }
    return sums;
}

/* Roots of the mean squared errors. */
static double error_of_map(const struct sm_map *map, const double *want) {
    double squares = 0;
    size_t k = 0;
    for (size_t c = 0; c < map->channels; c++)
        for (size_t y = 0; y < map->height; y++)
            for (size_t x = 0; x < map->width; x++) {
                double error = sm_map_at(map, BLOCKS - 1, c, (ptrdiff_t)y, (ptrdiff_t)x)[SM_LANES - 1] - want[k++];
                squares += error * error;
            }
    return sqrt(squares / (double)k);
}

static double error_of_gradient(struct bench *b, const struct form *form, const double *want) {
    size_t fan_in = sm_conv_fan_in(&b->conv), n = b->conv.n_out * fan_in;
    float *gradient = gradient_by_channels(b, form, sm_kernels_get(), false);
    double squares = 0;
    for (size_t k = 0; k < n; k++) {
        double error = gradient[k / fan_in * b->stride + k % fan_in] - want[k];
        squares += error * error;
    }
    free(gradient);
    return sqrt(squares / (double)n);
}

/* The transforms add a few roundings, and spare others. */
static void check_ratio(double error, double of_direct) {
    assert_true(error > 0 && of_direct > 0);
    assert_true(error < 2 * of_direct);
}

static void check_rounding(struct bench *b) {
    const struct sums sums = exact_sums(b);
    double out, in_delta;
    run_lists(b, sm_kernels_get(), 0);
    out = error_of_map(&b->out, sums.out);
    for (size_t k = 0; k < b->conv.n_in * b->conv.in_height * b->conv.in_width; k++)
        sums.in_delta[k] *= 2; /* accumulated twice in the last block */
    in_delta = error_of_map(&b->in_delta, sums.in_delta);
    run_winograd(b, sm_kernels_get());
    check_ratio(error_of_map(&b->out, sums.out), out);
    check_ratio(error_of_map(&b->in_delta, sums.in_delta), in_delta);
    check_ratio(error_of_gradient(b, &winograd, sums.gradient), error_of_gradient(b, &direct, sums.gradient));
    free(sums.gradient);
    free(sums.out);
    free(sums.in_delta);
}

static void test_winograd_rounding(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SHAPES; k++) {
        struct bench b;
        bench_init(&b, k, 0.5, false);
        if (sm_winograd_possible(&b.conv)) check_rounding(&b);
        bench_destroy(&b);
    }
}

static void test_columns(void **state) {
    (void)state;
    struct sm_map map, back;
    assert_int_equal(sm_map_init(&map, 3, 2, 5, 1, BLOCKS), 0);
    assert_int_equal(sm_map_init(&back, 3, 2, 5, 2, BLOCKS), 0);
    fill_map(&map, 4);
    float *columns = check_alloc(30 * 32, sizeof(float));
    for (size_t block = 0; block < BLOCKS; block++) {
        sm_map_to_columns(columns, 32, &map, block);
        sm_map_from_columns(&back, columns, 32, block);
    }
    for (size_t k = 0; k < 30; k++)
        for (size_t n = 0; n < 32; n++) {
            ptrdiff_t y = (ptrdiff_t)(k / 5 % 2), x = (ptrdiff_t)(k % 5);
            float pixel = sm_map_at(&map, n / SM_LANES, k / 10, y, x)[n % SM_LANES];
            assert_true(columns[k * 32 + n] == pixel);
            assert_true(sm_map_at(&back, n / SM_LANES, k / 10, y, x)[n % SM_LANES] == pixel);
        }
    check_halo(&back);
    free(columns);
    sm_map_destroy(&map);
    sm_map_destroy(&back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_direct_gradient),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_winograd_gradient),
        cmocka_unit_test(test_winograd_rounding),
        cmocka_unit_test(test_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
