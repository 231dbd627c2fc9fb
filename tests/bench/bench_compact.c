/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_compact.c - images/s of inference, batch 128, all threads, in turn in one run:
 *
 *   dense     the whole network, no layer from lists (strided convolutions aside, which have no other form)
 *   lists     the whole network, each layer in the form that its mask asks for
 *   compact   the smaller network of a compact file: the same forms, without dead units and without what they read
 *
 * usage: bench_compact [RUN.h5 ...]: networks of these runs at their last records. Without runs: random masks with the
 * shares that remain late in training, layer by layer (SPEC 1.8); random masks leave hardly a unit dead. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/rng.h>

#include "lib/model.h"
#include "tests/bench/clock.h"

enum { REPEATS = 9, IMAGES = 128, N_KINDS = 3, MOST_LAYERS = 24 };

/* ---- models ---- */

struct case_of_masks {
    const char *network;
    double
        percent[MOST_LAYERS]; /* of the weights of each layer that remain; the last number holds for those behind it */
};

static const struct case_of_masks cases[] = {
    {"fcn", {2.7, 9.5, 75}},
    {"conv2", {54, 6.7, .72, 1.8, 18}},
    {"conv8", {59, 8.7, 4.9, 3.0, 2.0, 1.1, .65, .36, .74, 3.4, 42}},
    {"resnet20", {60, 25, 20}},
};

static double share(const struct case_of_masks *c, size_t l) {
    while (l && !(c->percent[l] > 0)) l--;
    return c->percent[l] / 100;
}

static void fill_layer(struct sm_model_layer *layer, double density, uint32_t stream) {
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, stream);
    for (size_t o = 0; o < layer->shape.n_out; o++)
        for (size_t i = 0; i < layer->shape.n_in; i++) {
            size_t at = o * layer->shape.stride + i;
            double u = sm_rng_uniform(&rng, o * layer->shape.n_in + i);
            layer->weight[at] = 0.1f;
            layer->mask[at] = (int8_t)(u < density / 2 ? -1 : u < density);
        }
}

static int make_model(struct sm_model *model, const struct case_of_masks *c, struct sm_error *err) {
    *model = (struct sm_model){0};
    sm_recipe_defaults(&model->source.recipe);
    model->source.run = strdup(c->network);
    model->source.dataset_sha256 = strdup("");
    if (sm_network_read(&model->net, c->network, SM_ELU, err) || sm_model_allocate(model, err)) return -1;
    for (size_t l = 0; l < model->net.n_layers; l++) {
        if (sm_model_allocate_layer(model, l, true, err)) return -1;
        fill_layer(&model->layers[l], share(c, l), (uint32_t)l);
    }
    return 0;
}

static int read_model(struct sm_model *model, const char *path, struct sm_error *err) {
    struct sm_run run;
    *model = (struct sm_model){0};
    if (sm_run_open(&run, path, err)) return -1;
    int status = sm_model_read_run(model, &run, run.n_records - 1, err);
    sm_run_destroy(&run);
    return status;
}

/* ---- passes ---- */

struct images {
    uint8_t *bytes;
    const uint8_t *image[IMAGES];
    float scale[IMAGES], shift[IMAGES];
    uint8_t labels[IMAGES];
    struct sm_batch batch;
};

static int images_init(struct images *images, size_t n_pixels) {
    const struct sm_rng rng = sm_rng_make(2, SM_RNG_TEST, 0);
    *images = (struct images){.bytes = malloc(IMAGES * n_pixels)};
    if (!images->bytes) return -1;
    for (size_t k = 0; k < IMAGES * n_pixels; k++) images->bytes[k] = (uint8_t)sm_rng_below(&rng, k, 256);
    for (size_t i = 0; i < IMAGES; i++) {
        images->image[i] = images->bytes + i * n_pixels;
        sm_standardize_image(&images->scale[i], &images->shift[i], images->image[i], n_pixels);
    }
    images->batch = (struct sm_batch){.n = IMAGES,
                                      .n_pixels = n_pixels,
                                      .n_scales = 1,
                                      .images = images->image,
                                      .scale = images->scale,
                                      .shift = images->shift,
                                      .labels = images->labels};
    return 0;
}

static void passes(struct sm_forward *forward, const struct sm_batch *batch, size_t n) {
#pragma omp parallel num_threads(forward->max_threads)
    {
        unsigned before = sm_flush_begin();
        for (size_t k = 0; k < n; k++) {
            sm_forward_pass(forward, batch, omp_get_thread_num(), omp_get_num_threads());
            sm_forward_wait(forward, omp_get_num_threads());
        }
        sm_flush_end(before);
    }
}

/* Passes that take a tenth of a second. */
static size_t passes_of(struct sm_forward *forward, const struct sm_batch *batch) {
    size_t n = 1;
    for (double seconds = 0; seconds < 0.1; n *= 2) {
        double begin = sm_now();
        passes(forward, batch, n);
        seconds = sm_now() - begin;
    }
    return n / 2;
}

static void measure(struct sm_forward forward[N_KINDS], const struct sm_batch *batch, double rate[N_KINDS]) {
    double rates[N_KINDS][REPEATS];
    size_t n[N_KINDS];
    for (int kind = 0; kind < N_KINDS; kind++) n[kind] = passes_of(&forward[kind], batch);
    for (int r = 0; r < REPEATS; r++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            double begin = sm_now();
            passes(&forward[kind], batch, n[kind]);
            rates[kind][r] = (double)(n[kind] * IMAGES) / (sm_now() - begin);
        }
    for (int kind = 0; kind < N_KINDS; kind++) rate[kind] = median(rates[kind], REPEATS);
}

/* ---- one network ---- */

static int all_products(struct sm_forward *forward, struct sm_model *model, struct sm_error *err) {
    enum sm_form *forms = malloc(model->net.n_layers * sizeof *forms);
    if (!forms) return sm_fail(err, "out of memory");
    for (size_t l = 0; l < model->net.n_layers; l++) {
        forms[l] = model->layers[l].form;
        model->layers[l].form = SM_FORM_PRODUCT;
    }
    int status = sm_model_forward(forward, model, IMAGES, omp_get_max_threads(), err);
    for (size_t l = 0; l < model->net.n_layers; l++) model->layers[l].form = forms[l];
    free(forms);
    return status;
}

static size_t count_units(const struct sm_network *net) {
    size_t n = 0;
    for (size_t l = 0; l < net->n_layers; l++) n += net->layers[l].n_out;
    return n;
}

static int bench(struct sm_model *model, struct sm_error *err) {
    struct sm_model small = {0};
    struct sm_forward forward[N_KINDS] = {{0}};
    struct images images = {0};
    double rate[N_KINDS];
    size_t remaining = 0;
    int status = -1, n_threads = omp_get_max_threads();
    if (sm_model_fix_forms(model, err) || sm_model_shrink(&small, model, err) ||
        all_products(&forward[0], model, err) || sm_model_forward(&forward[1], model, IMAGES, n_threads, err) ||
        sm_model_forward(&forward[2], &small, IMAGES, n_threads, err))
        goto done;
    if (images_init(&images, sm_network_inputs(&model->net))) {
        sm_fail(err, "out of memory");
        goto done;
    }
    for (size_t l = 0; l < model->net.n_layers; l++) remaining += sm_model_remaining(model, l);
    measure(forward, &images.batch, rate);
    printf(
        "%-24s remaining %5.2f %%, units %zu of %zu: dense %.0f, lists %.0f (%.1f x), compact %.0f images/s (%.1f x)\n",
        model->source.run, 100 * (double)remaining / (double)sm_network_weights(&model->net), count_units(&small.net),
        count_units(&model->net), rate[0], rate[1], rate[1] / rate[0], rate[2], rate[2] / rate[0]);
    status = 0;
done:
    for (int kind = 0; kind < N_KINDS; kind++)
        if (forward[kind].net) sm_forward_destroy(&forward[kind]);
    free(images.bytes);
    sm_model_destroy(&small);
    return status;
}

int main(int argc, char **argv) {
    struct sm_error err = {{0}};
    size_t n = argc > 1 ? (size_t)argc - 1 : sizeof cases / sizeof *cases;
    int status = 0;
    printf("inference, batch %d, %d threads, kernels %s, OpenBLAS %s\n", IMAGES, omp_get_max_threads(),
           sm_kernels_name(), sm_blas_core());
    for (size_t k = 0; k < n && status == 0; k++) {
        struct sm_model model;
        status = argc > 1 ? read_model(&model, argv[k + 1], &err) : make_model(&model, &cases[k], &err);
        if (status == 0) status = bench(&model, &err);
        sm_model_destroy(&model);
    }
    if (status) fprintf(stderr, "bench_compact: %s\n", err.text);
    return status ? 1 : 0;
}
