/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sanity controls: what each keeps, what it changes, and that replicates, layers and seeds differ. */
#include "analyze/controls.h"

#include <supermask/init.h>

#include "analyze/runs.h"
#include "tests/check.h"

enum { LAYERS = 2, N_FIRST = 40 * 25, N_SECOND = 7 * 40, N = N_FIRST + N_SECOND };

struct bench {
    struct sm_network net;
    struct sm_recipe recipe;
    int8_t **mask, before[N];
    float **weights, weights_before[N];
};

static void bench_init(struct bench *b) {
    struct sm_error err = {{0}};
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 50);
    if (sm_network_read(&b->net, "25-40-7", SM_ELU, &err) != 0) fail_msg("%s", err.text);
    sm_recipe_defaults(&b->recipe);
    b->mask = sm_masks_new(&b->net);
    b->weights = sm_weights_new(&b->net);
    assert_true(b->mask && b->weights && sm_network_weights(&b->net) == N);
    for (size_t k = 0; k < N; k++) { /* layers of different densities; more kept than inverted */
        double u = sm_rng_uniform(&rng, k), density = k < N_FIRST ? 0.2 : 0.7;
        b->before[k] = u < 0.6 * density ? 1 : u < density ? -1 : 0;
    }
    for (size_t l = 0; l < LAYERS; l++) sm_init_weights(b->weights[l], &b->recipe, &b->net.layers[l], l);
    memcpy(b->weights_before, b->weights[0], sizeof b->weights_before);
}

static void bench_destroy(struct bench *b) {
    sm_network_destroy(&b->net);
    free(b->mask);
    free(b->weights);
}

static void apply(struct bench *b, const char *name, uint64_t seed, uint32_t replicate) {
    struct sm_error err = {{0}};
    const struct sm_control_work work = {&b->net, &b->recipe, b->mask, b->weights, seed, replicate};
    memcpy(b->mask[0], b->before, N);
    memcpy(b->weights[0], b->weights_before, sizeof b->weights_before);
    for (size_t c = 0; c < sm_n_controls; c++)
        if (strcmp(sm_controls[c].name, name) == 0) {
            assert_int_equal(sm_controls[c].apply(&work, &err), 0);
            return;
        }
    fail_msg("no control %s", name);
}

static size_t count(const int8_t *mask, size_t first, size_t n, int8_t value) {
    size_t found = 0;
    for (size_t k = first; k < first + n; k++) found += mask[k] == value;
    return found;
}

static void assert_same_counts(const struct bench *b, int sign) {
    for (int8_t value = -1; value <= 1; value++) {
        int8_t now = (int8_t)(sign * value);
        assert_int_equal(count(b->mask[0], 0, N_FIRST, now), count(b->before, 0, N_FIRST, value));
        assert_int_equal(count(b->mask[0], N_FIRST, N_SECOND, now), count(b->before, N_FIRST, N_SECOND, value));
    }
}

static size_t n_different(const int8_t *a, const int8_t *b) {
    size_t n = 0;
    for (size_t k = 0; k < N; k++) n += a[k] != b[k];
    return n;
}

static void the_network_itself(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_string_equal(sm_controls[0].name, "as-trained");
    apply(&b, "as-trained", 1, 0);
    assert_memory_equal(b.mask[0], b.before, N);
    assert_memory_equal(b.weights[0], b.weights_before, sizeof b.weights_before);
    bench_destroy(&b);
}

static void shuffling_keeps_each_layers_counts(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    int8_t first[N];
    apply(&b, "shuffle-mask", 1, 0);
    assert_same_counts(&b, 1);
    assert_memory_equal(b.weights[0], b.weights_before, sizeof b.weights_before);
    assert_true(n_different(b.mask[0], b.before) > N / 5);
    memcpy(first, b.mask[0], N);
    apply(&b, "shuffle-mask", 1, 0);
    assert_memory_equal(b.mask[0], first, N);
    apply(&b, "shuffle-mask", 1, 1);
    assert_true(n_different(b.mask[0], first) > N / 5);
    apply(&b, "shuffle-mask", 2, 0);
    assert_true(n_different(b.mask[0], first) > N / 5);
    bench_destroy(&b);
}

static void signs_move_among_what_is_left(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    apply(&b, "shuffle-signs", 1, 0);
    assert_same_counts(&b, 1);
    assert_memory_equal(b.weights[0], b.weights_before, sizeof b.weights_before);
    for (size_t k = 0; k < N; k++) assert_int_equal(b.mask[0][k] == 0, b.before[k] == 0);
    size_t left = N - count(b.before, 0, N, 0);
    assert_true(n_different(b.mask[0], b.before) > left / 3); /* 2 * .6 * .4 of them are expected to */
    bench_destroy(&b);
}

/* Each place is equally likely to get each entry: over many replicates a place is kept as often as the layer's share
 * says, within five standard errors. */
static void every_place_is_equally_likely(void **state) {
    (void)state;
    enum { REPLICATES = 2000 };
    struct bench b;
    bench_init(&b);
    const size_t places[] = {0, N_FIRST / 2, N_FIRST - 1, N_FIRST, N - 1};
    size_t kept[5] = {0};
    for (uint32_t r = 0; r < REPLICATES; r++) {
        apply(&b, "shuffle-mask", 3, r);
        for (size_t p = 0; p < 5; p++) kept[p] += b.mask[0][places[p]] == 1;
    }
    for (size_t p = 0; p < 5; p++) {
        size_t first = places[p] < N_FIRST ? 0 : N_FIRST, n = first ? N_SECOND : N_FIRST;
        double share = (double)count(b.before, first, n, 1) / (double)n;
        assert_within((double)kept[p] / REPLICATES, share, 5 * sqrt(share * (1 - share) / REPLICATES));
    }
    bench_destroy(&b);
}

static void inverting_changes_every_sign(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    apply(&b, "invert-all", 1, 0);
    assert_same_counts(&b, -1);
    for (size_t k = 0; k < N; k++) assert_int_equal(b.mask[0][k], -b.before[k]);
    bench_destroy(&b);
}

/* Signed constants of the recipe: the same magnitudes, half of the signs others; the mask stays. */
static void weights_are_drawn_as_the_recipe_says(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    float first[N];
    apply(&b, "redraw-weights", 1, 0);
    assert_memory_equal(b.mask[0], b.before, N);
    size_t n_other = 0, n_replicate = 0, n_run = 0;
    for (size_t k = 0; k < N; k++) {
        assert_true(fabsf(b.weights[0][k]) == fabsf(b.weights_before[k]));
        n_other += b.weights[0][k] != b.weights_before[k];
    }
    memcpy(first, b.weights[0], sizeof first);
    apply(&b, "redraw-weights", 1, 1);
    for (size_t k = 0; k < N; k++) n_replicate += b.weights[0][k] != first[k];
    b.recipe.weight_seed++; /* another run */
    apply(&b, "redraw-weights", 1, 0);
    for (size_t k = 0; k < N; k++) n_run += b.weights[0][k] != first[k];
    const size_t different[] = {n_other, n_replicate, n_run};
    for (size_t k = 0; k < 3; k++) assert_within((double)different[k], N / 2.0, 5 * sqrt(N) / 2);
    bench_destroy(&b);
}

/* Nothing to shuffle: all keep stays all keep, all hide all hide. */
static void masks_of_one_state_stay(void **state) {
    (void)state;
    static const char *const names[] = {"shuffle-mask", "shuffle-signs"};
    struct bench b;
    bench_init(&b);
    for (int8_t value = -1; value <= 1; value++)
        for (size_t c = 0; c < 2; c++) {
            memset(b.before, value, N);
            apply(&b, names[c], 1, 0);
            assert_memory_equal(b.mask[0], b.before, N);
        }
    bench_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_itself),
        cmocka_unit_test(shuffling_keeps_each_layers_counts),
        cmocka_unit_test(signs_move_among_what_is_left),
        cmocka_unit_test(every_place_is_equally_likely),
        cmocka_unit_test(inverting_changes_every_sign),
        cmocka_unit_test(weights_are_drawn_as_the_recipe_says),
        cmocka_unit_test(masks_of_one_state_stay),
    };
    return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
