/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_conv.c - whole training steps of a shipped recipe, in images per second:
 *
 *   early     the initial mask
 *   late      the masks of the last recorded moment of a real run, layer by layer
 *   average   over such a run: the time of a step at each recorded moment, integrated over the epochs by the
 *             trapezoidal rule
 *   dense     the recipe's dense baseline, RECIPE-dense
 *
 * The signed steps are whole ones, but with learning rate and weight decay 0, so that the masks stay as they are.
 *
 * usage: bench_conv [--precision fp32|bf16] [--steps N] [--run FILE | --trajectory FILE] [--data DIR] RECIPE
 * [MEASURE...]
 *
 * Prints a tab-separated row "recipe precision measure value remaining" for each, and one for the peak of the process's
 * memory in MiB; for compare_conv.py, which runs it beside the rival. Without the data set's files it runs on random
 * bytes, and says so. */
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <supermask/dataset.h>
#include <sys/resource.h>

#include "tests/bench/clock.h"
#include "tests/bench/mask_source.h"
#include "tests/bench/random_data.h"

enum { MOST_STEPS = 1000 };

struct options {
    const char *recipe, *precision, *run, *trajectory, *data;
    char *const *measures; /* NULL-terminated; none: all */
    size_t n_steps;
};

struct bench {
    const struct options *options;
    struct mask_source masks;
    struct sm_dataset data;
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_trainer trainer;
};

/* ---- what is measured ---- */

/* Median of n steps, after one that is not counted. */
static double seconds_per_image(struct bench *b, size_t n) {
    double seconds[MOST_STEPS];
    sm_trainer_steps(&b->trainer, 1);
    for (size_t k = 0; k < n; k++) {
        double begin = sm_now();
        sm_trainer_steps(&b->trainer, 1);
        seconds[k] = sm_now() - begin;
    }
    return median(seconds, n) / (double)b->recipe.batch;
}

struct result {
    double images_per_second, remaining; /* remaining: of the average, its mean over the run */
};

static int as_it_starts(struct bench *b, struct result *result, struct sm_error *err) {
    (void)err;
    *result = (struct result){1 / seconds_per_image(b, b->options->n_steps), sm_trainer_remaining(&b->trainer)};
    return 0;
}

static int at_moment(struct bench *b, size_t moment, size_t n_steps, struct result *result, struct sm_error *err) {
    if (mask_source_apply(&b->masks, moment, &b->trainer, err)) return -1;
    *result = (struct result){1 / seconds_per_image(b, n_steps), sm_trainer_remaining(&b->trainer)};
    return 0;
}

static int late(struct bench *b, struct result *result, struct sm_error *err) {
    if (!b->masks.n_moments) return sm_fail(err, "late masks need --run or --trajectory");
    return at_moment(b, b->masks.n_moments - 1, b->options->n_steps, result, err);
}

static int average(struct bench *b, struct result *result, struct sm_error *err) {
    const struct mask_source *masks = &b->masks;
    if (masks->n_moments < 2) return sm_fail(err, "the average needs a run or trajectory of more than one epoch");
    double seconds = 0, remaining = 0, epochs = masks->epoch[masks->n_moments - 1] - masks->epoch[0];
    struct result before = {0}; /* half the steps at each moment: there are many */
    for (size_t k = 0; k < masks->n_moments; k++) {
        struct result here;
        if (at_moment(b, k, (b->options->n_steps + 1) / 2, &here, err)) return -1;
        double half = k ? (masks->epoch[k] - masks->epoch[k - 1]) / 2 : 0;
        if (k) seconds += half * (1 / before.images_per_second + 1 / here.images_per_second);
        remaining += half * (before.remaining + here.remaining);
        before = here;
    }
    *result = (struct result){epochs / seconds, remaining / epochs};
    return 0;
}

static const struct measure {
    const char *name;
    bool dense; /* of the dense baseline */
    int (*run)(struct bench *b, struct result *result, struct sm_error *err);
} measures[] = {
    {"early", false, as_it_starts}, {"late", false, late}, {"average", false, average}, {"dense", true, as_it_starts}};

enum { N_MEASURES = sizeof measures / sizeof *measures };

static bool is_wanted(const struct options *options, const struct measure *measure) {
    if (!*options->measures) return true;
    for (char *const *word = options->measures; *word; word++)
        if (strcmp(*word, measure->name) == 0) return true;
    return false;
}

/* ---- a trainer ---- */

static int read_recipe(struct bench *b, bool dense, struct sm_error *err) {
    char name[2 * SM_NAME_SIZE], precision[32];
    snprintf(name, sizeof name, "%s%s", b->options->recipe, dense ? "-dense" : "");
    snprintf(precision, sizeof precision, "precision=%s", b->options->precision);
    sm_recipe_defaults(&b->recipe);
    if (sm_recipe_read(&b->recipe, name, err) || sm_recipe_set(&b->recipe, precision, err)) return -1;
    b->recipe.threads = omp_get_max_threads();
    if (!dense) b->recipe.learning_rate = b->recipe.weight_decay = 0;
    return 0;
}

/* Once for all trainers. */
static int load_data(struct bench *b, struct sm_error *err) {
    if (b->data.train.n || !sm_dataset_load(&b->data, b->recipe.dataset, b->options->data, err)) return 0;
    fprintf(stderr, "bench_conv: random images instead of %s: %s\n", b->recipe.dataset, err->text);
    sm_dataset_destroy(&b->data);
    return random_data(&b->data, b->recipe.dataset, err);
}

static int open_trainer(struct bench *b, bool dense, struct sm_error *err) {
    if (read_recipe(b, dense, err) || sm_recipe_network(&b->recipe, &b->net, err) || load_data(b, err) ||
        sm_forward_check(&b->net, err))
        return -1;
    return sm_trainer_init(&b->trainer, &b->recipe, &b->net, &b->data, err);
}

static void close_trainer(struct bench *b) {
    if (b->trainer.layers) sm_trainer_destroy(&b->trainer);
    sm_network_destroy(&b->net);
}

/* ---- rows ---- */

static void print_row(const struct options *options, const char *measure, double value, double remaining) {
    printf("%s\t%s\t%s\t%.6g\t%.6g\n", options->recipe, options->precision, measure, value, remaining);
    fflush(stdout);
}

static void print_memory(const struct options *options) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print_row(options, "memory", (double)usage.ru_maxrss / 1024, NAN);
}

/* The wanted measures of one trainer; a failure is said, and the next measure tried. Gives how many failed. */
static int run_measures(struct bench *b, bool dense) {
    int n_failed = 0, rc = 1; /* rc: of the trainer, which is opened at the first wanted measure */
    for (size_t k = 0; k < N_MEASURES; k++) {
        struct sm_error err = {{0}};
        struct result result;
        if (measures[k].dense != dense || !is_wanted(b->options, &measures[k])) continue;
        if (rc == 1) rc = open_trainer(b, dense, &err);
        if (rc || measures[k].run(b, &result, &err)) {
            if (*err.text) fprintf(stderr, "bench_conv: %s: %s\n", measures[k].name, err.text);
            n_failed++;
        } else
            print_row(b->options, measures[k].name, result.images_per_second, result.remaining);
    }
    if (rc != 1) close_trainer(b);
    return n_failed;
}

static int open_masks(struct bench *b, struct sm_error *err) {
    if (b->options->run) return mask_source_open_run(&b->masks, b->options->run, err);
    if (b->options->trajectory) return mask_source_open_trajectory(&b->masks, b->options->trajectory, err);
    return 0;
}

/* ---- the command line ---- */

static int is_measure(const char *word) {
    for (size_t k = 0; k < N_MEASURES; k++)
        if (strcmp(word, measures[k].name) == 0) return 1;
    return 0;
}

static int parse(struct options *options, int argc, char **argv) {
    enum { PRECISION, STEPS, RUN, TRAJECTORY, DATA };
    static const struct option known[] = {{"precision", required_argument, NULL, PRECISION},
                                          {"steps", required_argument, NULL, STEPS},
                                          {"run", required_argument, NULL, RUN},
                                          {"data", required_argument, NULL, DATA},
                                          {"trajectory", required_argument, NULL, TRAJECTORY},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){.precision = "fp32", .n_steps = 5};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (c) {
        case PRECISION:
            options->precision = optarg;
            break;
        case STEPS:
            options->n_steps = (size_t)strtoul(optarg, NULL, 10);
            break;
        case RUN:
            options->run = optarg;
            break;
        case TRAJECTORY:
            options->trajectory = optarg;
            break;
        case DATA:
            options->data = optarg;
            break;
        default:
            return -1;
        }
    if (optind == argc || options->n_steps < 1 || options->n_steps > MOST_STEPS) return -1;
    if (options->run && options->trajectory) return -1;
    options->recipe = argv[optind];
    options->measures = argv + optind + 1;
    for (char *const *word = options->measures; *word; word++)
        if (!is_measure(*word)) return -1;
    return 0;
}

int main(int argc, char **argv) {
    struct options options;
    struct sm_error err = {{0}};
    if (parse(&options, argc, argv)) {
        fputs("usage: bench_conv [--precision fp32|bf16] [--steps N] [--run FILE | --trajectory FILE] [--data DIR] "
              "RECIPE [early|late|average|dense]...\n",
              stderr);
        return 2;
    }
    struct bench b = {.options = &options};
    int failed = open_masks(&b, &err);
    if (failed) fprintf(stderr, "bench_conv: %s\n", err.text);
    if (!failed) failed = run_measures(&b, false) + run_measures(&b, true);
    if (!failed) print_memory(&options);
    mask_source_close(&b.masks);
    sm_dataset_destroy(&b.data);
    return failed ? 1 : 0;
}
