/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_fixture.h - a run in memory on the built-in digits, and the analysis around it. */
#ifndef SUPERMASK_TESTS_EVALUATOR_FIXTURE_H
#define SUPERMASK_TESTS_EVALUATOR_FIXTURE_H

#include "analyze/evaluator.h"
#include "analyze/runs.h"
#include "analyze/test_data.h"
#include "tests/check.h"

enum { PIXELS = 784, CLASSES = 10 };

/* A run in memory on the digits, and the analysis around it. */
struct bench {
    struct sm_run run;
    struct sm_options options;
    struct sm_notes notes;
    struct sm_analysis analysis;
    const struct sm_dataset *data;
    int8_t **mask;
    float **weights;
};

/* Takes the network over. */
static inline void bench_init_network(struct bench *b, struct sm_test_data *cache, const struct sm_network *net,
                                      char *recipe) {
    static char name[] = "hand", dataset[] = "digits", method[] = "signed-supermask";
    static int64_t step[1];
    static double epoch[1], threshold[4];
    struct sm_error err = {{0}};
    *b = (struct bench){.options = {.at_epoch = NAN}};
    b->data = sm_test_data_set(cache, "digits", &err);
    assert_non_null(b->data);
    b->run = (struct sm_run){.path = name,
                             .name = name,
                             .dataset = dataset,
                             .method = method,
                             .recipe = recipe,
                             .dataset_sha256 = (char *)b->data->sha256,
                             .threshold = threshold,
                             .n_records = 1,
                             .step = step,
                             .epoch = epoch,
                             .net = *net};
    b->analysis = (struct sm_analysis){
        .options = &b->options, .n_runs = 1, .runs = &b->run, .test_data = cache, .notes = &b->notes};
    b->mask = sm_masks_new(&b->run.net);
    b->weights = sm_weights_new(&b->run.net);
    assert_true(b->mask && b->weights);
    memset(b->mask[0], 0, sm_network_weights(&b->run.net));
    for (size_t k = 0; k < sm_network_weights(&b->run.net); k++) b->weights[0][k] = 1;
}

/* A stack of dense layers. */
static inline void bench_init(struct bench *b, struct sm_test_data *cache, const char *widths, char *recipe) {
    struct sm_network net;
    struct sm_error err = {{0}};
    if (sm_network_read(&net, widths, SM_ELU, &err) != 0) fail_msg("%s", err.text);
    bench_init_network(b, cache, &net, recipe);
}

static inline void bench_destroy(struct bench *b) {
    sm_network_destroy(&b->run.net);
    sm_notes_destroy(&b->notes);
    free(b->mask);
    free(b->weights);
}

/* Masks with a share of `density` non-hidden weights, half of them inverted; weights of any size. */
static inline void randomize(struct bench *b, double density, uint32_t seed) {
    const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 30);
    for (size_t k = 0; k < sm_network_weights(&b->run.net); k++) {
        double u = sm_rng_uniform(&rng, 2 * k);
        b->mask[0][k] = u < density / 2 ? 1 : u < density ? -1 : 0;
        b->weights[0][k] = (float)(0.3 * sm_rng_normal(&rng, 2 * k + 1));
    }
}

static inline struct sm_evaluator *evaluator_of(const struct bench *b) {
    struct sm_evaluator *e;
    struct sm_error err = {{0}};
    if (sm_evaluator_open(&e, &b->analysis, &b->run, &err) != 0) fail_msg("%s", err.text);
    if (sm_evaluator_bind(e, b->mask, b->weights, &err) != 0) fail_msg("%s", err.text);
    return e;
}

static inline double accuracy_without(struct sm_evaluator *e, const bool *removed) {
    struct sm_score score;
    struct sm_error err = {{0}};
    assert_int_equal(sm_evaluator_score_without(e, removed, &score, &err), 0);
    assert_true(score.accuracy == (double)score.n_correct / (double)score.n_images);
    return score.accuracy;
}

static inline int make_cache(void **state) {
    *state = sm_test_data_new(NULL);
    return *state ? 0 : -1;
}

static inline int free_cache(void **state) {
    sm_test_data_free(*state);
    return 0;
}

#endif
