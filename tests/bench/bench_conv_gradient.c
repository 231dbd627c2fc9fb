/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_conv_gradient.c - the weight gradients of Conv8's and ResNet20's 3x3 convolutions, batch 128, one thread: as
 * dense products of OpenBLAS, as a direct sum by channels, in Winograd's transformed tiles, and, for a convolution that
 * max-pooling follows, from the pixels that won alone (lists included). */
#include <cblas.h>
#include <omp.h>
#include <supermask/conv_gradient.h>
#include <supermask/conv_pooled.h>
#include <supermask/conv_winograd_gradient.h>
#include <supermask/forward.h>

#include "tests/bench/clock.h"
#include "tests/bench/conv_layer.h"

enum { REPEATS = 7 };

/* One layer and everything that its gradients need. */
struct layer {
    struct sm_conv conv;
    size_t weight_stride;
    struct sm_map in, dense, delta; /* dense: the gradient of all pixels, which costs the same whatever it is */
    uint8_t *winner;
    struct sm_pooled pooled;
    struct sm_channels in_channels, out_channels;
    float *gradient, *scratch;
};

static void layer_init(struct layer *l, const size_t shape[3]) {
    *l = (struct layer){.conv = conv_of(shape)};
    const size_t n_in = shape[0], n_out = shape[1], size = shape[2];
    l->weight_stride = sm_padded(9 * n_in);
    random_map(&l->in, n_in, size, 1);
    random_map(&l->dense, n_out, size, 1);
    random_map(&l->delta, n_out, size / 2, 0);
    size_t n_winners = IMAGES * n_out * (size / 2) * (size / 2);
    l->winner = need(malloc(n_winners));
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 1);
    for (size_t k = 0; k < n_winners; k++) l->winner[k] = (uint8_t)(sm_rng_u32(&rng, k) % 4);
    if (sm_pooled_init(&l->pooled, &l->conv, BLOCKS, sm_kernels_get()) ||
        sm_channels_init(&l->in_channels, l->conv.n_in) || sm_channels_init(&l->out_channels, l->conv.n_out))
        need(NULL);
    l->gradient = need(sm_aligned_zeros(n_out * l->weight_stride * sizeof(float)));
    size_t n_floats =
        sm_pooled_scratch(&l->pooled) + sm_conv_gradient_scratch(&l->conv) + sm_winograd_gradient_scratch();
    l->scratch = need(sm_aligned_zeros(n_floats * sizeof(float)));
}

static void layer_destroy(struct layer *l) {
    sm_map_destroy(&l->in);
    sm_map_destroy(&l->dense);
    sm_map_destroy(&l->delta);
    sm_pooled_destroy(&l->pooled);
    sm_channels_destroy(&l->in_channels);
    sm_channels_destroy(&l->out_channels);
    free(l->winner);
    free(l->gradient);
    free(l->scratch);
}

static void run_pooled(struct layer *l) {
    for (size_t b = 0; b < BLOCKS; b++) sm_pooled_collect(&l->pooled, b, &l->delta, l->winner, &l->out_channels);
    for (size_t u = 0; u < sm_pooled_units(&l->pooled); u++)
        sm_pooled_gradient(&l->pooled, u, l->pooled.n_blocks, &l->in, &l->in_channels, &l->out_channels, l->gradient,
                           l->weight_stride, l->scratch);
}

static void run_direct(struct layer *l) {
    for (size_t u = 0; u < sm_conv_gradient_units(&l->conv); u++)
        sm_conv_gradient_unit(sm_kernels_get(), &l->conv, u, BLOCKS, &l->in, &l->in_channels, &l->dense,
                              &l->out_channels, l->gradient, l->weight_stride, l->scratch);
}

static void run_winograd(struct layer *l) {
    for (size_t u = 0; u < sm_winograd_gradient_units(&l->conv); u++)
        sm_winograd_gradient_unit(sm_kernels_get(), &l->conv, u, BLOCKS, &l->in, &l->in_channels, &l->dense,
                                  &l->out_channels, l->gradient, l->weight_stride, l->scratch);
}

/* For each output row and column of the kernel one product [n_out][width * images] x [3 rows * n_in][width * images]^T,
 * without copying (map.h); gradient [column of the kernel][n_out][3 * n_in]. */
static void run_dense(struct layer *l) {
    const struct sm_map *in = &l->in, *d = &l->dense;
    blasint n_out = (blasint)d->channels, n = (blasint)(3 * in->channels), depth = (blasint)(in->width * SM_LANES);
    for (size_t b = 0; b < BLOCKS; b++)
        for (ptrdiff_t y = 0; y < (ptrdiff_t)in->height; y++)
            for (ptrdiff_t s = 0; s < 3; s++)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n_out, n, depth, 1, sm_map_at(d, b, 0, y, 0),
                            (blasint)d->channel_stride, sm_map_at(in, b, 0, y - 1, s - 1), (blasint)in->channel_stride,
                            1, l->gradient + (size_t)s * (size_t)n_out * (size_t)n, n);
}

static double seconds(void (*run)(struct layer *), struct layer *l) {
    double begin = sm_now();
    run(l);
    return sm_now() - begin;
}

static const struct form {
    const char *name;
    void (*run)(struct layer *);
} forms[] = {{"products", run_dense}, {"direct", run_direct}, {"winograd", run_winograd}, {"pooled", run_pooled}};
#define N_FORMS (sizeof forms / sizeof *forms)

/* In turn, so that whatever else the machine does meets all alike. */
static void bench(const size_t shape[3]) {
    struct layer l;
    double times[N_FORMS][REPEATS];
    layer_init(&l, shape);
    for (int k = 0; k < REPEATS; k++)
        for (size_t f = 0; f < N_FORMS; f++) times[f][k] = seconds(forms[f].run, &l);
    printf("%4zu ->%4zu, %2zux%-2zu", shape[0], shape[1], shape[2], shape[2]);
    for (size_t f = 0; f < N_FORMS; f++) {
        double time = median(times[f], REPEATS);
        printf("   %s %6.2f ms, as dense %5.1f GFLOP/s (%.2f x)", forms[f].name, 1e3 * time,
               dense_flop(&l.conv) / time * 1e-9, median(times[0], REPEATS) / time);
    }
    printf("\n");
    layer_destroy(&l);
}

int main(void) {
    openblas_set_num_threads(1);
    printf("weight gradients, batch %d, one thread, kernels %s, OpenBLAS %s; ratios to the products\n", IMAGES,
           sm_kernels_name(), sm_blas_core());
    for (size_t k = 0; k < N_CONV_LAYERS; k++) bench(conv_layers[k]);
    return 0;
}
