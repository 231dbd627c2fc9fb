/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_fcn.c - training speed of fcn-mnist against what the machine allows, all in one run.
 *
 *   limit     fp32 multiply-adds from registers: what no dense step can pass
 *   sgemm     OpenBLAS's own sgemm, all threads, on the products of one dense step (forward, data and weight gradient)
 *   early     the first steps: 86 % of the weights are kept
 *   late      after LATE_EPOCHS epochs: about 4 %
 *   average   all steps of those epochs
 *
 * usage: bench_fcn [DATA_DIRECTORY]; without MNIST it runs on `digits`, and says so. */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <supermask/dataset.h>
#include <supermask/kernels.h>

#include "tests/bench/clock.h"
#include "train/trainer.h"

#define LATE_EPOCHS 25
#define REPEATS 7

/* ---- the limit ---- */

#if defined(__x86_64__)
typedef float vector __attribute__((vector_size(64)));

__attribute__((target("avx512f"))) static float multiply_add_avx512(long rounds) {
    vector sum[24], x = {0.999f, 0.998f}, y = {0.1f, 0.2f};
    /* Every loop over the accumulators unrolled, or they live in memory. */
#    pragma GCC unroll 24
    for (int k = 0; k < 24; k++) sum[k] = y + (float)k;
    for (long r = 0; r < rounds; r++)
#    pragma GCC unroll 24
        for (int k = 0; k < 24; k++) __asm__("vfmadd213ps %2, %1, %0" : "+v"(sum[k]) : "v"(x), "v"(y));
    float total = 0;
#    pragma GCC unroll 24
    for (int k = 0; k < 24; k++) total += sum[k][0];
    return total;
}

/* GFLOP/s of all threads together; 0 where the CPU has no AVX-512. */
static double limit_gflops(int n_threads) {
    const long rounds = 4000000;
    if (!sm_kernels_find("avx512")) return 0;
    double times[REPEATS];
    volatile float sink = 0;
    for (int k = 0; k < REPEATS; k++) {
        double begin = sm_now();
#    pragma omp parallel num_threads(n_threads)
        {
            float one = multiply_add_avx512(rounds);
#    pragma omp critical
            sink = sink + one;
        }
        times[k] = sm_now() - begin;
    }
    return (double)n_threads * (double)rounds * 24 * 32 / median(times, REPEATS) * 1e-9;
}
#else
static double limit_gflops(int n_threads) {
    (void)n_threads;
    return 0;
}
#endif

/* ---- OpenBLAS ---- */

struct product {
    CBLAS_TRANSPOSE a, b;
    blasint m, n, k;
};

/* Seconds of the three products of one dense step for every layer; the first needs no data gradient. */
static double sgemm_seconds(const struct sm_network *net, size_t batch) {
    float *a = sm_aligned_zeros(1 << 22), *b = sm_aligned_zeros(1 << 22), *c = sm_aligned_zeros(1 << 22);
    double times[REPEATS * 5];
    for (size_t r = 0; r < REPEATS * 5; r++) {
        double begin = sm_now();
        for (size_t l = 0; l < net->n_layers; l++) {
            blasint in = (blasint)net->layers[l].n_in, out = (blasint)net->layers[l].n_out, n = (blasint)batch;
            struct product of[] = {{CblasNoTrans, CblasTrans, n, out, in},
                                   {CblasTrans, CblasNoTrans, out, in, n},
                                   {CblasNoTrans, CblasNoTrans, n, in, out}};
            for (int k = 0; k < (l ? 3 : 2); k++)
                cblas_sgemm(CblasRowMajor, of[k].a, of[k].b, of[k].m, of[k].n, of[k].k, 1, a,
                            of[k].a == CblasTrans ? of[k].m : of[k].k, b, of[k].b == CblasTrans ? of[k].k : of[k].n, 0,
                            c, of[k].n);
        }
        times[r] = sm_now() - begin;
    }
    free(a);
    free(b);
    free(c);
    return median(times, REPEATS * 5);
}

/* Multiply-adds of one image in one dense step, times two. */
static double flop_per_image(const struct sm_network *net) {
    double flop = 0;
    for (size_t l = 0; l < net->n_layers; l++) flop += 2.0 * (double)sm_layer_weights(&net->layers[l]) * (l ? 3 : 2);
    return flop;
}

/* ---- our steps ---- */

/* Median over REPEATS stretches of images/s, each a quarter of an epoch. */
static double images_per_second(struct sm_trainer *t) {
    double rates[REPEATS];
    size_t n = t->steps_per_epoch / 4;
    for (int k = 0; k < REPEATS; k++) {
        double begin = sm_now();
        sm_trainer_steps(t, n);
        rates[k] = (double)n * (double)t->recipe->batch / (sm_now() - begin);
    }
    return median(rates, REPEATS);
}

static void print_phase(const char *name, double rate, double remaining, double limit, double sgemm, double batch) {
    printf("%-8s remaining %5.1f %%  %8.0f images/s  %.2f x dense limit  %.2f x OpenBLAS's sgemm alone\n", name,
           100 * remaining, rate, limit > 0 ? rate / limit : NAN, rate / (batch / sgemm));
}

static int bench(const struct sm_recipe *recipe, const struct sm_network *net, const struct sm_dataset *data,
                 struct sm_error *err) {
    int n_threads = (int)recipe->threads;
    double peak = limit_gflops(n_threads), limit = peak * 1e9 / flop_per_image(net);
    openblas_set_num_threads(n_threads);
    double sgemm = sgemm_seconds(net, (size_t)recipe->batch), batch = (double)recipe->batch;
    printf("fcn on %s, batch %.0f, %d threads, kernels %s, OpenBLAS %s\n", data->name, batch, n_threads,
           sm_kernels_name(), sm_blas_core());
    printf("limit    %.0f GFLOP/s fp32: %.0f images/s dense (nan: no AVX-512)\n", peak, limit);
    printf("sgemm    %.0f images/s for the products of a dense step alone\n", batch / sgemm);
    struct sm_trainer t = {0};
    if (sm_trainer_init(&t, recipe, net, data, err)) return -1;
    double early = images_per_second(&t), begin = sm_now(), before = (double)t.step;
    print_phase("early", early, sm_trainer_remaining(&t), limit, sgemm, batch);
    while ((size_t)t.step < LATE_EPOCHS * t.steps_per_epoch) sm_trainer_steps(&t, 64);
    double average = ((double)t.step - before) * batch / (sm_now() - begin);
    double late = images_per_second(&t);
    print_phase("late", late, sm_trainer_remaining(&t), limit, sgemm, batch);
    print_phase("average", average, sm_trainer_remaining(&t), limit, sgemm, batch);
    printf("late / early %.2f\n", late / early);
    sm_trainer_destroy(&t);
    return 0;
}

int main(int argc, char **argv) {
    struct sm_error err = {{0}};
    struct sm_recipe recipe;
    struct sm_network net = {.n_layers = 0};
    struct sm_dataset data = {.n_classes = 0};
    sm_recipe_defaults(&recipe);
    int rc = sm_recipe_read(&recipe, "fcn-mnist", &err);
    recipe.threads = omp_get_max_threads();
    if (!rc) rc = sm_recipe_network(&recipe, &net, &err);
    if (!rc && sm_dataset_load(&data, "mnist", argc > 1 ? argv[1] : NULL, &err)) {
        printf("no MNIST (%s): on digits instead\n", err.text);
        sm_dataset_destroy(&data);
        rc = sm_dataset_load(&data, "digits", NULL, &err);
    }
    if (!rc) rc = bench(&recipe, &net, &data, &err);
    if (rc) fprintf(stderr, "bench_fcn: %s\n", err.text);
    sm_dataset_destroy(&data);
    sm_network_destroy(&net);
    return rc ? 1 : 0;
}
