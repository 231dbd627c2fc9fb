/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_conv_bf16.c - weight gradients of some of Conv8's and ResNet20's convolutions from bfloat16 operands (rounding
 * the maps included) against dense products of OpenBLAS in float, batch 128, one thread. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <supermask/conv_bf16.h>
#include <supermask/forward.h>
#include <supermask/rng.h>

#include "tests/bench/clock.h"

enum { REPEATS = 5, IMAGES = 128, BLOCKS = IMAGES / SM_LANES };

struct layer {
    struct sm_conv conv;
    size_t weight_stride;
    struct sm_map in, delta;
    struct sm_bf16_map in_words, delta_words;
    const struct sm_bf16_kernels *kernels;
    float *gradient, *scratch;
};

static void *need(void *p) {
    if (p) return p;
    fprintf(stderr, "bench_conv_bf16: out of memory\n");
    exit(1);
}

static void map_init(struct sm_map *map, size_t channels, size_t size) {
    const struct sm_rng rng = sm_rng_make(channels, SM_RNG_TEST, size);
    if (sm_map_init(map, channels, size, size, 1, BLOCKS)) need(NULL);
    for (size_t b = 0; b < BLOCKS; b++)
        for (size_t c = 0; c < channels; c++)
            for (size_t k = 0; k < size * size * SM_LANES; k++)
                sm_map_at(map, b, c, (ptrdiff_t)(k / SM_LANES / size), (ptrdiff_t)(k / SM_LANES % size))[k % SM_LANES] =
                    (float)sm_rng_uniform(&rng, k);
}

static void layer_init(struct layer *l, size_t n_in, size_t n_out, size_t size, size_t kernel) {
    *l = (struct layer){.conv = {.n_out = n_out,
                                 .n_in = n_in,
                                 .kernel_height = kernel,
                                 .kernel_width = kernel,
                                 .stride = 1,
                                 .pad_top = kernel / 2,
                                 .pad_left = kernel / 2,
                                 .in_height = size,
                                 .in_width = size,
                                 .out_height = size,
                                 .out_width = size},
                        .kernels = sm_bf16_kernels_get()};
    l->weight_stride = sm_padded(sm_conv_fan_in(&l->conv));
    map_init(&l->in, n_in, size);
    map_init(&l->delta, n_out, size);
    if (sm_bf16_map_init(&l->in_words, &l->in) || sm_bf16_map_init(&l->delta_words, &l->delta)) need(NULL);
    l->gradient = need(sm_aligned_zeros(n_out * l->weight_stride * sizeof(float)));
    l->scratch = need(sm_aligned_zeros(sm_conv_bf16_scratch(&l->conv) * sizeof(float)));
}

static void layer_destroy(struct layer *l) {
    sm_map_destroy(&l->in);
    sm_map_destroy(&l->delta);
    sm_bf16_map_destroy(&l->in_words);
    sm_bf16_map_destroy(&l->delta_words);
    free(l->gradient);
    free(l->scratch);
}

static void run_rounding(struct layer *l) {
    for (size_t k = 0; k < l->in_words.n_pairs; k++) {
        sm_bf16_map_round(&l->in_words, &l->in, k, l->kernels);
        sm_bf16_map_round(&l->delta_words, &l->delta, k, l->kernels);
    }
}

static void run_bf16(struct layer *l) {
    for (size_t u = 0; u < sm_conv_bf16_units(&l->conv); u++)
        sm_conv_bf16_gradient(l->kernels, &l->conv, u, &l->in_words, &l->delta_words, l->gradient, l->weight_stride,
                              l->scratch);
}

/* For each output row and column of the kernel one product [n_out][width * images] x [rows * n_in][width * images]^T,
 * without copying (map.h). */
static void run_dense(struct layer *l) {
    const struct sm_map *in = &l->in, *d = &l->delta;
    const struct sm_conv *c = &l->conv;
    blasint n_out = (blasint)d->channels, n = (blasint)(c->kernel_height * in->channels);
    ptrdiff_t pad = (ptrdiff_t)c->pad_top;
    for (size_t b = 0; b < BLOCKS; b++)
        for (ptrdiff_t y = 0; y < (ptrdiff_t)in->height; y++)
            for (ptrdiff_t s = 0; s < (ptrdiff_t)c->kernel_width; s++)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n_out, n, (blasint)(in->width * SM_LANES), 1,
                            sm_map_at(d, b, 0, y, 0), (blasint)d->channel_stride, sm_map_at(in, b, 0, y - pad, s - pad),
                            (blasint)in->channel_stride, 1, l->gradient + (size_t)s * (size_t)n_out * (size_t)n, n);
}

static double seconds(void (*run)(struct layer *), struct layer *l) {
    double begin = sm_now();
    run(l);
    return sm_now() - begin;
}

/* In turn, so that whatever else the machine does meets all alike. */
static void bench(size_t n_in, size_t n_out, size_t size, size_t kernel) {
    struct layer l;
    layer_init(&l, n_in, n_out, size, kernel);
    double rounding[REPEATS], bf16[REPEATS], dense[REPEATS];
    for (int k = 0; k < REPEATS; k++) {
        rounding[k] = seconds(run_rounding, &l);
        bf16[k] = seconds(run_bf16, &l);
        dense[k] = seconds(run_dense, &l);
    }
    double flop = 2.0 * IMAGES * (double)(kernel * kernel * n_in * n_out * size * size);
    printf("%4zu ->%4zu, %2zux%-2zu, kernel %zux%zu  rounding %5.2f ms  bf16 %7.2f ms  %5.1f GFLOP/s   dense fp32 "
           "%7.2f ms  "
           "%5.1f GFLOP/s   dense / bf16 %.2f\n",
           n_in, n_out, size, size, kernel, kernel, 1e3 * median(rounding, REPEATS), 1e3 * median(bf16, REPEATS),
           flop / median(bf16, REPEATS) * 1e-9, 1e3 * median(dense, REPEATS), flop / median(dense, REPEATS) * 1e-9,
           median(dense, REPEATS) / (median(bf16, REPEATS) + median(rounding, REPEATS)));
    layer_destroy(&l);
}

int main(void) {
    openblas_set_num_threads(1);
    printf("weight gradient from bfloat16, batch %d, one thread, kernels %s, OpenBLAS %s\n", IMAGES,
           sm_bf16_kernels_name(sm_bf16_kernels_get()), sm_blas_core());
    bench(64, 128, 16, 3);
    bench(128, 256, 8, 3);
    bench(256, 512, 4, 3);
    bench(16, 16, 32, 3);
    bench(64, 64, 8, 3);
    bench(32, 64, 16, 1);
    return 0;
}
