/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dense products without a unit: its part taken off the sums, against all sums added up again with the unit silenced.
 * The two round differently and nothing else. */
#include "analyze/evaluator_stages.h"

#include <supermask/loss.h>

#include "analyze/evaluator_inside.h"
#include "tests/evaluator_fixture.h"

static char recipe[] = "batch: 100\nloss: logits\n";

/* The second product reads a stack, the first the images or flattened channels. */
static const char stack[] = "[{kind: dense, units: 60}, {kind: dense, units: 40}, {kind: dense, units: 10}]";
static const char flattened[] =
    "[{kind: conv2d, filters: 12, kernel: 5, stride: 3}, {kind: max-pool, size: 2}, {kind: dense, units: 60},"
    " {kind: dense, units: 40}, {kind: dense, units: 10}]";
static const char averaged[] =
    "[{kind: conv2d, filters: 40, kernel: 5, stride: 3}, {kind: global-average-pool}, {kind: dense, units: 60},"
    " {kind: dense, units: 10}]";

static void bench_of(struct bench *b, struct sm_test_data *cache, const char *layers) {
    const struct sm_network_options options = {.activation = SM_ELU, .width = 1};
    struct sm_network net;
    struct sm_error err = {{0}};
    char text[1024];
    snprintf(text, sizeof text, "name: test\ninput: [1, 28, 28]\nlayers: %s\n", layers);
    if (sm_network_parse(&net, text, "text", &options, &err)) fail_msg("%s", err.text);
    bench_init_network(b, cache, &net, recipe);
    randomize(b, 0.6, 90);
}

static double loss_of(const struct sm_evaluator_part *part, struct sm_span span) {
    size_t last = span.last < part->n ? span.last : part->n;
    double loss = 0;
    for (size_t b = span.first; b < last; b++)
        loss += sm_loss_evaluate(SM_LOSS_LOGITS, sm_forward_logits(part->forward) + b, part->forward->image_stride,
                                 CLASSES, part->labels[b], 0, NULL)
                    .loss;
    return loss;
}

static void compute_from(const struct sm_evaluator_part *part, size_t s, struct sm_span span) {
    const struct sm_stages *stages = &part->evaluator->stages;
    for (; s < stages->n; s++)
        sm_stage_compute(stages, part->forward, s, (struct sm_units_of_stage){0, stages->stage[s].n_units}, span);
}

static void restore_from(const struct sm_evaluator_part *part, size_t s, struct sm_span span, const float *copy) {
    const struct sm_stages *stages = &part->evaluator->stages;
    for (; s < stages->n; s++)
        sm_stage_restore(stages, part->forward, s, (struct sm_units_of_stage){0, stages->stage[s].n_units}, span, copy);
}

struct comparison {
    size_t n_units, n_different; /* compared; of them, that make a difference */
};

/* One unit of the stage below product s, either way. */
static void compare_unit(const struct sm_evaluator_part *part, size_t s, size_t unit, struct sm_span span,
                         const float *sums, const float *copy, struct comparison *comparison) {
    const struct sm_stages *stages = &part->evaluator->stages;
    size_t below = stages->stage[s].inputs[0];
    double whole = loss_of(part, span);
    sm_stage_compute_without(stages, part->forward, s, (struct sm_units_of_stage){unit, unit + 1}, span, sums);
    compute_from(part, s + 1, span);
    double taken_off = loss_of(part, span);
    restore_from(part, s, span, copy);
    assert_true(loss_of(part, span) == whole);
    sm_stage_silence(stages, part->forward, below, unit, span);
    compute_from(part, s, span);
    assert_close(taken_off, loss_of(part, span), 1e-6);
    restore_from(part, below, span, copy);
    comparison->n_units++;
    comparison->n_different += fabs(taken_off - whole) > 1e-4 * whole;
}

static void compare_product(const struct sm_evaluator_part *part, size_t s, struct comparison *comparison) {
    const struct sm_stages *stages = &part->evaluator->stages;
    const struct sm_stage *below = &stages->stage[stages->stage[s].inputs[0]];
    const struct sm_span all = sm_evaluator_whole(part), block = {SM_LANES, 2 * SM_LANES};
    struct sm_span span = stages->n_mapped ? block : all;
    float *sums = check_alloc(stages->stage[s].n_units * part->forward->image_stride, sizeof *sums);
    float *copy = check_alloc(stages->n_values * (span.last - span.first), sizeof *copy);
    sm_stage_sums(stages, part->forward, s, (struct sm_units_of_stage){0, below->n_units}, all, sums);
    for (size_t k = 0; k < stages->n; k++) sm_stage_keep(stages, part->forward, k, span, copy);
    for (size_t u = 0; u < below->n_units; u += 5) compare_unit(part, s, u, span, sums, copy, comparison);
    free(sums);
    free(copy);
}

static void compare(const struct sm_evaluator_part *part, void *context) {
    const struct sm_stages *stages = &part->evaluator->stages;
    if (part->index > 0) return;
    sm_evaluator_pass(part);
    for (size_t s = 0; s < stages->n; s++)
        if (sm_stage_is_product(stages, part->forward, s)) compare_product(part, s, context);
}

static void check(struct sm_test_data *cache, const char *layers, size_t n_units) {
    struct bench b;
    struct comparison comparison = {0};
    bench_of(&b, cache, layers);
    struct sm_evaluator *e = evaluator_of(&b);
    sm_evaluator_each_batch(e, compare, &comparison);
    assert_int_equal(comparison.n_units, n_units);
    assert_true(2 * comparison.n_different > n_units);
    sm_evaluator_close(e);
    bench_destroy(&b);
}

/* The last layer of 400 weights is small and computed from lists. */
static void units_of_a_stack(void **state) {
    check(*state, stack, 784 / 5 + 1 + 60 / 5);
}

static void channels_that_are_flattened(void **state) {
    check(*state, flattened, 12 / 5 + 1 + 60 / 5);
}

static void channels_that_are_averaged(void **state) {
    check(*state, averaged, 40 / 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_of_a_stack),
        cmocka_unit_test(channels_that_are_flattened),
        cmocka_unit_test(channels_that_are_averaged),
    };
    return cmocka_run_group_tests_name("stages of the evaluator", tests, make_cache, free_cache);
}
