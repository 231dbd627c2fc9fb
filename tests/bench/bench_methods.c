/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_methods.c - whole training steps of each method, in images per second, and the share of a step in which its
 * masks are drawn (sampled, rescaled, or the largest scores found).
 *
 * usage: bench_methods [--data DIR] [MEASURE...]
 *
 * Prints a tab-separated row "measure batch images/s threads remaining share" for each, with one thread or all,
 * whatever is faster; for compare_methods.py, which runs it beside the rival. Without the data set's files it runs on
 * random bytes, and says so. */
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/clock.h"
#include "tests/bench/random_data.h"
#include "train/trainer.h"

#define REPEATS 7
#define STRETCH 0.1 /* seconds */

struct measure {
    const char *name, *recipe;
    const char *settings[8];
    double held; /* share of the weights that a held mask keeps; 0: as the method starts */
};
static const struct measure measures[] = {
    {"supermask", "fcn-mnist-supermask", {NULL}, 0},
    {"edge-popup", "fcn-mnist-edge-popup", {NULL}, 0},
    {"lottery-ticket", "fcn-mnist-lottery-ticket", {NULL}, 0},
    {"lottery-ticket-late", "fcn-mnist-lottery-ticket", {NULL}, 0.035},
    {"conv2-supermask",
     "conv2-cifar10",
     {"method=supermask", "rescale=dynamic", "optimizer=sgd", "nesterov=false", "activation=relu", "loss=logits"},
     0},
};
enum { N_MEASURES = sizeof measures / sizeof *measures, N_SETTINGS = 8 };

struct bench {
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_dataset data;
    struct sm_trainer trainer;
};

/* ---- a trainer ---- */

static int read_recipe(struct sm_recipe *recipe, const struct measure *m, int n_threads, struct sm_error *err) {
    size_t n = 0;
    while (n < N_SETTINGS && m->settings[n]) n++;
    sm_recipe_defaults(recipe);
    recipe->threads = n_threads;
    return sm_recipe_read(recipe, m->recipe, err) || sm_recipe_set_all(recipe, m->settings, n, err) ? -1 : 0;
}

static int load_data(struct bench *b, const char *directory, struct sm_error *err) {
    if (!sm_dataset_load(&b->data, b->recipe.dataset, directory, err)) return 0;
    fprintf(stderr, "bench_methods: random images instead of %s: %s\n", b->recipe.dataset, err->text);
    sm_dataset_destroy(&b->data);
    b->recipe.validation = 0;
    return random_data(&b->data, b->recipe.dataset, err);
}

/* Random masks of a held share, each layer's alike; at least one weight of each unit, as real ones mostly have. */
static void hold_masks(struct sm_trainer *t, double share) {
    for (size_t l = 0; l < t->net->n_layers; l++) {
        const struct sm_trainer_layer *layer = &t->layers[l];
        const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, (uint32_t)l);
        for (size_t o = 0; o < layer->shape.n_out; o++)
            for (size_t i = 0; i < layer->shape.n_in; i++)
                layer->mask[o * layer->shape.stride + i] =
                    i == o % layer->shape.n_in || sm_rng_uniform(&rng, o * layer->shape.n_in + i) < share;
    }
}

static int open_bench(struct bench *b, const struct measure *m, int n_threads, const char *directory,
                      struct sm_error *err) {
    if (read_recipe(&b->recipe, m, n_threads, err) || sm_recipe_network(&b->recipe, &b->net, err) ||
        load_data(b, directory, err) || sm_trainer_init(&b->trainer, &b->recipe, &b->net, &b->data, err))
        return -1;
    if (m->held > 0) hold_masks(&b->trainer, m->held);
    return 0;
}

static void close_bench(struct bench *b) {
    if (b->trainer.layers) sm_trainer_destroy(&b->trainer);
    sm_dataset_destroy(&b->data);
    sm_network_destroy(&b->net);
}

/* ---- what is measured ---- */

static void steps(struct sm_trainer *t, size_t n) {
    sm_trainer_steps(t, n);
}

static void draws(struct sm_trainer *t, size_t n) {
    for (size_t k = 0; k < n; k++) sm_trainer_draw_masks(t);
}

static double seconds_of(struct sm_trainer *t, void (*what)(struct sm_trainer *, size_t), size_t n) {
    double begin = sm_now();
    what(t, n);
    return (sm_now() - begin) / (double)n;
}

struct result {
    double images_per_second, remaining, draw_share;
    int64_t batch;
    int n_threads;
};

static struct result measure(struct sm_trainer *t) {
    double step[REPEATS], draw[REPEATS];
    size_t n = 1;
    while (seconds_of(t, steps, n) * (double)n < STRETCH) n *= 2;
    for (int k = 0; k < REPEATS; k++) {
        step[k] = seconds_of(t, steps, n);
        draw[k] = seconds_of(t, draws, n);
    }
    double seconds = median(step, REPEATS);
    return (struct result){(double)t->recipe->batch / seconds, sm_trainer_remaining(t),
                           t->method->masks ? median(draw, REPEATS) / seconds : 0, t->recipe->batch, t->n_threads};
}

/* Keeps the better result. */
static int measure_with(const struct measure *m, int n_threads, const char *directory, struct result *best) {
    struct sm_error err = {{0}};
    struct bench b = {0};
    int rc = open_bench(&b, m, n_threads, directory, &err);
    if (rc) {
        fprintf(stderr, "bench_methods: %s: %s\n", m->name, err.text);
    } else {
        struct result one = measure(&b.trainer);
        if (one.images_per_second > best->images_per_second) *best = one;
    }
    close_bench(&b);
    return rc;
}

static int run(const struct measure *m, const char *directory) {
    struct result best = {0};
    int most = omp_get_max_threads(), rc = measure_with(m, 1, directory, &best);
    if (!rc && most > 1) rc = measure_with(m, most, directory, &best);
    if (rc) return rc;
    printf("%s\t%lld\t%.6g\t%d\t%.6g\t%.6g\n", m->name, (long long)best.batch, best.images_per_second, best.n_threads,
           best.remaining, best.draw_share);
    fflush(stdout);
    return 0;
}

static bool is_wanted(const struct measure *m, char *const *words) {
    if (!*words) return true;
    for (; *words; words++)
        if (!strcmp(*words, m->name)) return true;
    return false;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"data", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
    const char *directory = NULL;
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c != 'd') return 2;
        directory = optarg;
    }
    int failed = 0;
    for (size_t k = 0; k < N_MEASURES; k++)
        if (is_wanted(&measures[k], argv + optind)) failed |= run(&measures[k], directory);
    return failed ? 1 : 0;
}
