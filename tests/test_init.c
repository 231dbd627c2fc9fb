/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Initial weights and scores: deviations by hand for the first layer of the FCN (784 -> 300), distributions, seeds. */
#include <supermask/init.h>

#include <omp.h>

#include "tests/check.h"
#include "train/method.h"

enum { N_IN = 784, N_OUT = 300, N = N_IN * N_OUT };

static struct sm_layer layer(void) {
    return (struct sm_layer){.name = "dense1",
                             .kind = SM_DENSE,
                             .n_out = N_OUT,
                             .n_in = N_IN,
                             .kernel_height = 1,
                             .kernel_width = 1,
                             .stride = 1};
}

/* sqrt(2/784) = 1/sqrt(392), sqrt(2/1084) = 1/sqrt(542), sqrt(3/784), sqrt(1.5/784); with f = 3 ELUS is sqrt(6/784). */
static void deviations_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *weights, *scores, *gain, *score_gain;
        double own, with_gain; /* with_gain: f = 3 */
    } cases[] = {
        {"weight_scale=he", "score_scale=he", "weight_gain=3", "score_gain=3", 0.050507627227610534,
         0.08748177652797065},
        {"weight_scale=xavier", "score_scale=xavier", "weight_gain=3", "score_gain=3", 0.04295367795875578,
         0.07439795259651642},
        {"weight_scale=elus", "score_scale=elus", "weight_gain=3", "score_gain=3", 0.06185895741317419,
         0.08748177652797065},
        {"weight_scale=elu", "score_scale=elu", "weight_gain=3", "score_gain=3", 0.04374088826398532,
         0.08748177652797065},
    };
    const struct sm_layer dense = layer();
    for (size_t k = 0; k < 4; k++) {
        struct sm_recipe recipe;
        struct sm_error err = {{0}};
        sm_recipe_defaults(&recipe);
        assert_int_equal(sm_recipe_set(&recipe, cases[k].weights, &err) | sm_recipe_set(&recipe, cases[k].scores, &err),
                         0);
        assert_close(sm_init_weight_deviation(&recipe, &dense), cases[k].own, 1e-14);
        assert_close(sm_init_score_deviation(&recipe, &dense), cases[k].own, 1e-14);
        assert_int_equal(sm_recipe_set(&recipe, cases[k].gain, &err), 0);
        assert_close(sm_init_weight_deviation(&recipe, &dense), cases[k].with_gain, 1e-14);
        assert_close(sm_init_score_deviation(&recipe, &dense), cases[k].own, 1e-14);
        assert_int_equal(sm_recipe_set(&recipe, cases[k].score_gain, &err), 0);
        assert_close(sm_init_score_deviation(&recipe, &dense), cases[k].with_gain, 1e-14);
    }
}

/* fan_in = 64*3*3 = 576, fan_out = 128*3*3 = 1152: sqrt(2/1728), sqrt(2/576). */
static void deviation_of_a_convolution(void **state) {
    (void)state;
    const struct sm_layer conv = {
        .kind = SM_CONV2D, .n_out = 128, .n_in = 64, .kernel_height = 3, .kernel_width = 3, .stride = 1};
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe); /* ELUS weights, Xavier scores */
    assert_close(sm_init_weight_deviation(&recipe, &conv), sqrt(3.0 / 576), 1e-14);
    assert_close(sm_init_score_deviation(&recipe, &conv), sqrt(2.0 / 1728), 1e-14);
}

static float *values_of(enum sm_weight_init kind, double deviation, uint64_t seed) {
    const struct sm_layer dense = layer();
    float *values = check_alloc(N, sizeof *values);
    sm_init_values(values, kind, deviation, &dense, sm_rng_make(seed, SM_RNG_WEIGHTS, 0));
    return values;
}

/* Mean of x^power. */
static double moment(const float *values, int power) {
    double sum = 0;
    for (size_t k = 0; k < N; k++) sum += pow((double)values[k], power);
    return sum / N;
}

/* +-c, as many of each sign as coin tosses give: within 5 sigma of N/2, over all and in each row. */
static void signed_constants_are_coin_tosses(void **state) {
    (void)state;
    float *values = values_of(SM_WEIGHTS_SIGNED_CONSTANT, 0.0625, 1);
    double excess = 0, runs = 0;
    for (size_t o = 0; o < N_OUT; o++) {
        double row = 0;
        for (size_t i = 0; i < N_IN; i++) {
            float w = values[o * N_IN + i];
            assert_true(w == 0.0625f || w == -0.0625f);
            row += w > 0 ? 1 : -1;
            runs += i && (w > 0) != (values[o * N_IN + i - 1] > 0);
        }
        assert_true(fabs(row) < 5 * sqrt(N_IN));
        excess += row;
    }
    assert_true(fabs(excess) < 5 * sqrt(N));
    assert_true(fabs(runs - N_OUT * (N_IN - 1) / 2.0) < 5 * sqrt(N) / 2); /* neighbours are independent */
    free(values);
}

/* +-sqrt(3) s: bounds reached but not passed, moments of the uniform distribution s^2 and 9/5 s^4. */
static void uniform_values_fill_their_interval(void **state) {
    (void)state;
    const double s = 0.25, bound = sqrt(3) * s;
    float *values = values_of(SM_WEIGHTS_UNIFORM, s, 2), least = 1, most = -1;
    for (size_t k = 0; k < N; k++) {
        least = fminf(least, values[k]);
        most = fmaxf(most, values[k]);
    }
    assert_true(least >= -(float)bound && least < -0.999 * bound);
    assert_true(most <= (float)bound && most > 0.999 * bound);
    assert_within(moment(values, 1), 0, 5 * s / sqrt(N));
    assert_within(moment(values, 2), s * s, 5 * sqrt(0.8) * s * s / sqrt(N)); /* var x^2 = (9/5 - 1) s^4 */
    assert_within(moment(values, 4), 1.8 * pow(s, 4), 5 * sqrt(9 - 3.24) * pow(s, 4) / sqrt(N));
    free(values);
}

/* Moments 0, s^2, 0, 3 s^4, each within 5 sigma. */
static void normal_values_have_normal_moments(void **state) {
    (void)state;
    const double s = 0.25;
    float *values = values_of(SM_WEIGHTS_NORMAL, s, 3);
    assert_within(moment(values, 1), 0, 5 * s / sqrt(N));
    assert_within(moment(values, 2), s * s, 5 * sqrt(2) * s * s / sqrt(N));
    assert_within(moment(values, 3), 0, 5 * sqrt(15) * pow(s, 3) / sqrt(N));
    assert_within(moment(values, 4), 3 * pow(s, 4), 5 * sqrt(96) * pow(s, 4) / sqrt(N));
    free(values);
}

static double correlation(const float *a, const float *b) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t k = 0; k < N; k++) {
        ab += (double)a[k] * b[k];
        aa += (double)a[k] * a[k];
        bb += (double)b[k] * b[k];
    }
    return ab / sqrt(aa * bb);
}

static void seeds_and_threads(void **state) {
    (void)state;
    static const enum sm_weight_init kinds[] = {SM_WEIGHTS_SIGNED_CONSTANT, SM_WEIGHTS_UNIFORM, SM_WEIGHTS_NORMAL};
    for (size_t k = 0; k < 3; k++) {
        omp_set_num_threads(1);
        float *one = values_of(kinds[k], 1, 1);
        omp_set_num_threads(5);
        float *same = values_of(kinds[k], 1, 1), *other = values_of(kinds[k], 1, 2);
        assert_memory_equal(one, same, N * sizeof *one);
        assert_true(fabs(correlation(one, other)) < 5 / sqrt(N));
        free(one);
        free(same);
        free(other);
    }
}

/* ---- what a method makes of the three seeds ---- */

struct initial {
    float *weights, *scores;
    double threshold;
};

static struct initial initial_of(uint64_t weight_seed, uint64_t score_seed, uint64_t data_seed, size_t index,
                                 enum sm_threshold_kind kind) {
    const struct sm_layer dense = layer();
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe);
    recipe.weight_seed = weight_seed;
    recipe.score_seed = score_seed;
    recipe.data_seed = data_seed;
    recipe.threshold_kind = kind;
    recipe.threshold = 0.25;
    struct sm_method_layer l = {&dense, index, check_alloc(N, 4), check_alloc(N, 4), NULL, NAN};
    sm_method_find("signed-supermask")->init(&l, &recipe);
    return (struct initial){l.weights, l.scores, l.threshold};
}

static void initial_free(struct initial *initial) {
    free(initial->weights);
    free(initial->scores);
}

static void three_seeds_are_independent(void **state) {
    (void)state;
    struct initial first = initial_of(1, 1, 1, 0, SM_THRESHOLD_ABSOLUTE);
    struct initial other[] = {
        initial_of(1, 1, 2, 0, SM_THRESHOLD_ABSOLUTE), /* data_seed: nothing */
        initial_of(2, 1, 1, 0, SM_THRESHOLD_ABSOLUTE), /* weight_seed: the weights */
        initial_of(1, 2, 1, 0, SM_THRESHOLD_ABSOLUTE), /* score_seed: the scores */
        initial_of(1, 1, 1, 1, SM_THRESHOLD_ABSOLUTE), /* another layer: both */
    };
    static const bool same_weights[] = {true, false, true, false}, same_scores[] = {true, true, false, false};
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(!memcmp(first.weights, other[k].weights, N * sizeof(float)), same_weights[k]);
        assert_int_equal(!memcmp(first.scores, other[k].scores, N * sizeof(float)), same_scores[k]);
        if (!same_weights[k]) assert_true(fabs(correlation(first.weights, other[k].weights)) < 5 / sqrt(N));
        if (!same_scores[k]) assert_true(fabs(correlation(first.scores, other[k].scores)) < 5 / sqrt(N));
        initial_free(&other[k]);
    }
    /* Weights and scores of one seed have nothing to do with each other. */
    assert_true(fabs(correlation(first.weights, first.scores)) < 5 / sqrt(N));
    initial_free(&first);
}

/* The published FCN: weights +-sqrt(3/784) with f = 1.5, scores within sqrt(6/1084), thresholds .25 or .25 max|m|. */
static void signed_supermask_starts_as_published(void **state) {
    (void)state;
    struct initial absolute = initial_of(1, 1, 1, 0, SM_THRESHOLD_ABSOLUTE);
    struct initial relative = initial_of(1, 1, 1, 0, SM_THRESHOLD_RELATIVE);
    double largest = 0;
    for (size_t k = 0; k < N; k++) {
        assert_true(fabsf(absolute.weights[k]) == (float)sqrt(3.0 / 784));
        largest = fmax(largest, fabs((double)absolute.scores[k]));
    }
    assert_true(largest <= (double)(float)sqrt(6.0 / 1084) && largest > 0.9999 * sqrt(6.0 / 1084));
    assert_memory_equal(absolute.scores, relative.scores, N * sizeof(float));
    assert_true(absolute.threshold == 0.25);
    assert_close(relative.threshold, 0.25 * largest, 1e-15);
    initial_free(&absolute);
    initial_free(&relative);
}

static void dense_has_no_mask(void **state) {
    (void)state;
    const struct sm_layer dense = layer();
    const struct sm_method *method = sm_method_find("dense");
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe);
    struct sm_method_layer l = {&dense, 0, check_alloc(N, 4), NULL, NULL, 0};
    method->init(&l, &recipe);
    assert_true(method->trains_weights && isnan(l.threshold));
    struct initial masked = initial_of(1, 1, 1, 0, SM_THRESHOLD_ABSOLUTE);
    assert_memory_equal(l.weights, masked.weights, N * sizeof(float)); /* the same seed, the same initial weights */
    free(l.weights);
    initial_free(&masked);
    assert_null(sm_method_find("no-such-method"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deviations_by_hand),
        cmocka_unit_test(deviation_of_a_convolution),
        cmocka_unit_test(signed_constants_are_coin_tosses),
        cmocka_unit_test(uniform_values_fill_their_interval),
        cmocka_unit_test(normal_values_have_normal_moments),
        cmocka_unit_test(seeds_and_threads),
        cmocka_unit_test(three_seeds_are_independent),
        cmocka_unit_test(signed_supermask_starts_as_published),
        cmocka_unit_test(dense_has_no_mask),
    };
    return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
