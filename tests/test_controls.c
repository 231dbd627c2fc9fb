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
    bool weights_of_mask;
};

static void bench_init(struct bench *b) {
    struct sm_error err = {{0}};
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 50);
    b->weights_of_mask = false;
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
    const struct sm_control_work work = {&b->net, &b->recipe, b->mask, b->weights, b->weights_of_mask, seed, replicate};
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

/* ---- weights that stand only where the mask keeps them ---- */

/* Keeps some, inverts none; kept weights are 1, 2, 3, ..., the others 0. */
static void bench_of_trained(struct bench *b) {
    bench_init(b);
    b->weights_of_mask = true;
    for (size_t k = 0; k < N; k++) {
        b->before[k] = b->before[k] != 0;
        b->weights_before[k] = b->before[k] ? (float)(k + 1) : 0;
    }
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Layer by layer the same weights act, no others and no fewer; those whose place stays kept do not move. */
static void kept_weights_go_with_a_shuffled_mask(void **state) {
    (void)state;
    struct bench b;
    float now[N], old[N];
    bench_of_trained(&b);
    apply(&b, "shuffle-mask", 1, 0);
    assert_same_counts(&b, 1);
    assert_true(n_different(b.mask[0], b.before) > N / 5);
    for (size_t k = 0; k < N; k++) {
        assert_true((b.weights[0][k] != 0) == (b.mask[0][k] != 0));
        if (b.before[k] && b.mask[0][k]) assert_true(b.weights[0][k] == b.weights_before[k]);
    }
    memcpy(now, b.weights[0], sizeof now);
    memcpy(old, b.weights_before, sizeof old);
    qsort(now, N_FIRST, sizeof *now, by_value);
    qsort(old, N_FIRST, sizeof *old, by_value);
    qsort(now + N_FIRST, N_SECOND, sizeof *now, by_value);
    qsort(old + N_FIRST, N_SECOND, sizeof *old, by_value);
    assert_memory_equal(now, old, sizeof now);
    bench_destroy(&b);
}

/* Which of the weights that lose their place a place gets is a matter of chance: of the second layer's first hidden
 * place, when it is kept anew, each kept weight is as likely as another, so that their mean is that of all kept ones
 * within five standard errors. */
static void a_place_gets_any_of_the_weights(void **state) {
    (void)state;
    enum { REPLICATES = 4000 };
    struct bench b;
    double mean = 0, squares = 0, sum = 0;
    size_t n_kept = 0, n = 0, place = N_FIRST;
    bench_of_trained(&b);
    while (b.before[place]) place++;
    for (size_t k = N_FIRST; k < N; k++) {
        double weight = (double)b.weights_before[k];
        n_kept += weight != 0, mean += weight, squares += weight * weight;
    }
    mean /= (double)n_kept;
    for (uint32_t r = 0; r < REPLICATES; r++) {
        apply(&b, "shuffle-mask", 5, r);
        if (b.weights[0][place] != 0) n++, sum += (double)b.weights[0][place];
    }
    assert_within((double)n / REPLICATES, (double)n_kept / N_SECOND, 0.05);
    assert_within(sum / (double)n, mean, 5 * sqrt((squares / (double)n_kept - mean * mean) / (double)n));
    bench_destroy(&b);
}

static bool applies(const struct bench *b, const char *name) {
    memcpy(b->mask[0], b->before, N);
    for (size_t c = 0; c < sm_n_controls; c++)
        if (strcmp(sm_controls[c].name, name) == 0) return sm_controls[c].applies(&b->net, b->mask);
    fail_msg("no control %s", name);
    return false;
}

/* Of a mask without -1 there are no signs to shuffle, of one of a single state in each layer no places. */
static void controls_that_can_change_nothing(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    for (size_t c = 0; c < sm_n_controls; c++) assert_true(applies(&b, sm_controls[c].name));
    for (size_t k = 0; k < N; k++) b.before[k] = b.before[k] != 0;
    assert_true(applies(&b, "shuffle-mask"));
    assert_false(applies(&b, "shuffle-signs"));
    memset(b.before, 1, N_FIRST);
    memset(b.before + N_FIRST, -1, N_SECOND);
    assert_false(applies(&b, "shuffle-mask"));
    assert_false(applies(&b, "shuffle-signs"));
    assert_true(applies(&b, "as-trained") && applies(&b, "invert-all") && applies(&b, "redraw-weights"));
    b.before[N - 1] = 1;
    assert_true(applies(&b, "shuffle-mask"));
    assert_true(applies(&b, "shuffle-signs"));
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

/* Dynamic weight rescaling: weights of the layer / kept ones. */
static void drawn_weights_are_rescaled_by_the_mask(void **state) {
    (void)state;
    struct bench b;
    float plain[N];
    bench_init(&b);
    apply(&b, "redraw-weights", 1, 0);
    memcpy(plain, b.weights[0], sizeof plain);
    b.recipe.rescale = SM_RESCALE_DYNAMIC;
    apply(&b, "redraw-weights", 1, 0);
    for (size_t k = 0; k < N; k++) {
        size_t first = k < N_FIRST ? 0 : N_FIRST, n = first ? N_SECOND : N_FIRST;
        double factor = (double)n / (double)(n - count(b.before, first, n, 0));
        assert_within((double)b.weights[0][k], factor * (double)plain[k], 1e-6 * factor);
    }
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
        cmocka_unit_test(kept_weights_go_with_a_shuffled_mask),
        cmocka_unit_test(a_place_gets_any_of_the_weights),
        cmocka_unit_test(controls_that_can_change_nothing),
        cmocka_unit_test(every_place_is_equally_likely),
        cmocka_unit_test(inverting_changes_every_sign),
        cmocka_unit_test(weights_are_drawn_as_the_recipe_says),
        cmocka_unit_test(drawn_weights_are_rescaled_by_the_mask),
        cmocka_unit_test(masks_of_one_state_stay),
    };
    return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
