/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_conv_forward.c - the forward pass of Conv8's and ResNet20's 3x3 convolutions, batch 128, one thread: as dense
 * products of OpenBLAS, in Winograd's transformed tiles, and from lists of kept weights at some shares of remaining
 * weights. Where lists are no longer the fastest is what lib/forward.c goes by. */
#include <cblas.h>
#include <supermask/conv_dense.h>
#include <supermask/conv_lists.h>
#include <supermask/conv_winograd.h>
#include <supermask/forward.h>

#include "tests/bench/clock.h"
#include "tests/bench/conv_layer.h"

enum { REPEATS = 5 };

static const double shares[] = {0.1, 0.2, 0.3, 0.45};
#define N_SHARES (sizeof shares / sizeof *shares)

struct layer {
    struct sm_conv conv;
    size_t stride; /* of the weights' rows */
    struct sm_map in, out;
    struct sm_conv_dense dense;
    struct sm_winograd winograd;
    struct sm_conv_lists lists[N_SHARES];
    float *weight, *scratch;
    int8_t *mask;
};

static void fill_lists(struct layer *l, size_t which) {
    const struct sm_conv *c = &l->conv;
    const struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, (uint32_t)which);
    struct sm_kept kept = {.n_out = c->n_out, .stride = l->stride};
    for (size_t o = 0; o < c->n_out; o++)
        for (size_t k = 0; k < sm_conv_fan_in(c); k++) {
            size_t at = o * l->stride + k;
            double u = sm_rng_uniform(&rng, at);
            l->mask[at] = u < shares[which] / 2 ? -1 : u < shares[which] ? 1 : 0;
        }
    kept.index = need(calloc(c->n_out * l->stride, sizeof *kept.index));
    kept.n_plus = need(calloc(c->n_out, sizeof *kept.n_plus));
    kept.n_minus = need(calloc(c->n_out, sizeof *kept.n_minus));
    if (sm_conv_lists_init(&l->lists[which], c, l->in.row_stride, l->in.channel_stride, l->out.row_stride,
                           l->out.channel_stride, false, 0.5f))
        need(NULL);
    sm_kernels_get()->collect_kept(&kept, l->mask, l->weight, 0, c->n_out);
    sm_conv_lists_fill_forward(&l->lists[which], &kept, l->weight, 0, c->n_out);
    free(kept.index);
    free(kept.n_plus);
    free(kept.n_minus);
}

static void layer_init(struct layer *l, const size_t shape[3]) {
    *l = (struct layer){.conv = conv_of(shape)};
    const struct sm_conv *c = &l->conv;
    l->stride = sm_padded(sm_conv_fan_in(c));
    random_map(&l->in, c->n_in, shape[2], 1);
    random_map(&l->out, c->n_out, shape[2], 1);
    l->weight = need(sm_aligned_zeros(c->n_out * l->stride * sizeof *l->weight));
    l->mask = need(sm_aligned_zeros(c->n_out * l->stride));
    for (size_t k = 0; k < c->n_out * l->stride; k++) l->weight[k] = k % 3 ? 0.5f : -0.5f;
    if (sm_conv_dense_init(&l->dense, c, BLOCKS, false, false) ||
        sm_winograd_init(&l->winograd, c, sm_kernels_get(), false))
        need(NULL);
    sm_conv_dense_pack(&l->dense, l->weight, NULL, l->stride, 0, c->n_out);
    sm_winograd_pack(&l->winograd, l->weight, NULL, l->stride, 0, c->n_out);
    l->scratch = need(sm_aligned_zeros(sm_winograd_pass_scratch(&l->winograd) * sizeof(float)));
    for (size_t k = 0; k < N_SHARES; k++) fill_lists(l, k);
}

static void layer_destroy(struct layer *l) {
    sm_map_destroy(&l->in);
    sm_map_destroy(&l->out);
    sm_conv_dense_destroy(&l->dense);
    sm_winograd_destroy(&l->winograd);
    for (size_t k = 0; k < N_SHARES; k++) sm_conv_lists_destroy(&l->lists[k]);
    free(l->weight);
    free(l->mask);
    free(l->scratch);
}

static void run_products(struct layer *l) {
    for (size_t b = 0; b < BLOCKS; b++)
        for (size_t y = 0; y < l->conv.out_height; y++)
            sm_conv_dense_forward(&l->dense, &l->in, b, y, sm_map_at(&l->out, b, 0, (ptrdiff_t)y, 0),
                                  l->out.channel_stride);
}

static void run_winograd(struct layer *l) {
    for (size_t b = 0; b < BLOCKS; b++)
        sm_winograd_forward(&l->winograd, &l->in, b, 0, l->conv.out_height, sm_map_at(&l->out, b, 0, 0, 0),
                            l->out.row_stride, l->out.channel_stride, l->scratch);
}

static void run_lists(struct layer *l, size_t which) {
    for (size_t b = 0; b < BLOCKS; b++)
        sm_conv_lists_forward(&l->lists[which], sm_kernels_get(), &l->in, b, 0, l->conv.out_height,
                              sm_map_at(&l->out, b, 0, 0, 0), l->out.row_stride, l->out.channel_stride);
}

enum { PRODUCTS, WINOGRAD, LISTS, N_FORMS = LISTS + N_SHARES };

static void run(struct layer *l, size_t form) {
    if (form == PRODUCTS)
        run_products(l);
    else if (form == WINOGRAD)
        run_winograd(l);
    else
        run_lists(l, form - LISTS);
}

/* In turn, so that whatever else the machine does meets all alike. */
static void bench(const size_t shape[3]) {
    struct layer l;
    double times[N_FORMS][REPEATS], products;
    layer_init(&l, shape);
    for (int k = 0; k < REPEATS; k++)
        for (size_t f = 0; f < N_FORMS; f++) {
            double begin = sm_now();
            run(&l, f);
            times[f][k] = sm_now() - begin;
        }
    products = median(times[PRODUCTS], REPEATS);
    printf("%4zu ->%4zu, %2zux%-2zu   products %6.2f ms, %5.1f GFLOP/s   winograd %.2f x   lists", shape[0], shape[1],
           shape[2], shape[2], 1e3 * products, dense_flop(&l.conv) / products * 1e-9,
           products / median(times[WINOGRAD], REPEATS));
    for (size_t k = 0; k < N_SHARES; k++)
        printf("  %2.0f %% %.2f x", 100 * shares[k], products / median(times[LISTS + k], REPEATS));
    printf("\n");
    layer_destroy(&l);
}

int main(void) {
    openblas_set_num_threads(1);
    printf("forward passes, batch %d, one thread, kernels %s, OpenBLAS %s; ratios to the products\n", IMAGES,
           sm_kernels_name(), sm_blas_core());
    for (size_t k = 0; k < N_CONV_LAYERS; k++) bench(conv_layers[k]);
    return 0;
}
