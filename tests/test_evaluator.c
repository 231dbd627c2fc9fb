/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The evaluator on the built-in digits: networks worked by hand, others against a naive one in double precision, and
 * removal against hiding weights. */
#include "analyze/evaluator.h"

#include <omp.h>

#include "tests/evaluator_fixture.h"
#include "tests/naive.h"

static char recipe_image[] = "batch: 100\n", recipe_unit[] = "batch: 100\nstandardize: unit\nloss: logits\n";

static void set(struct bench *b, size_t l, size_t out, size_t in, int8_t g, float w) {
    size_t k = out * b->run.net.layers[l].n_in + in;
    b->mask[l][k] = g;
    b->weights[l][k] = w;
}

static double share_of_label(const struct bench *b, uint8_t label) {
    size_t n = 0;
    for (size_t i = 0; i < b->data->test.n; i++) n += b->data->test.labels[i] == label;
    return (double)n / (double)b->data->test.n;
}

/* ---- by hand ---- */

/* 784-3-10 on pixels from 0 to 1. Units 0 and 1 add up all pixels, so they are positive; unit 2 reads nothing. Logit 3
 * is unit 0, logit 5 twice unit 1, logit 7 unit 2. All units: class 5 always; without unit 1: class 3; without both:
 * all logits are 0 and the first class is named, at a loss of ln 10. */
static void two_units_by_hand(void **state) {
    struct bench b;
    struct sm_error err = {{0}};
    struct sm_score score;
    bench_init(&b, *state, "784-3-10", recipe_unit);
    for (size_t p = 0; p < PIXELS; p++) {
        set(&b, 0, 0, p, 1, 0.1f);
        set(&b, 0, 1, p, -1, -0.1f);
    }
    set(&b, 1, 3, 0, 1, 1);
    set(&b, 1, 5, 1, -1, -2);
    set(&b, 1, 7, 2, 1, 9);
    struct sm_evaluator *e = evaluator_of(&b);
    assert_int_equal(sm_evaluator_score(e, b.mask, b.weights, &score, &err), 0);
    assert_int_equal(score.n_images, b.data->test.n);
    assert_true(score.accuracy == share_of_label(&b, 5));
    bool removed[PIXELS + 3 + CLASSES] = {false};
    assert_true(accuracy_without(e, removed) == share_of_label(&b, 5));
    removed[PIXELS + 1] = true;
    assert_true(accuracy_without(e, removed) == share_of_label(&b, 3));
    removed[PIXELS] = true;
    assert_int_equal(sm_evaluator_score_without(e, removed, &score, &err), 0);
    assert_true(score.accuracy == share_of_label(&b, 0));
    assert_close(score.loss, log(10), 1e-6);
    memset(removed, false, sizeof removed);
    memset(removed, true, PIXELS);
    assert_true(accuracy_without(e, removed) == share_of_label(&b, 0));
    double accuracy[PIXELS + 3 + CLASSES];
    assert_int_equal(sm_evaluator_each_unit(e, accuracy, &err), 0);
    for (size_t u = 0; u < PIXELS; u++) assert_true(accuracy[u] == share_of_label(&b, 5));
    assert_true(accuracy[PIXELS] == share_of_label(&b, 5));
    assert_true(accuracy[PIXELS + 1] == share_of_label(&b, 3));
    assert_true(accuracy[PIXELS + 2] == share_of_label(&b, 5));
    for (size_t c = 0; c < CLASSES; c++) assert_true(isnan(accuracy[PIXELS + 3 + c]));
    sm_evaluator_close(e);
    bench_destroy(&b);
}

/* 784-110-10, both layers dense products, most weights 0: only unit 5 reads anything, one pixel. The class is that of
 * the largest of its ten outgoing weights where the pixel is above 0; elsewhere, and without the pixel or the unit, all
 * logits are 0, to the last bit, and the first class is named. */
static void nothing_remains_of_sums_by_hand(void **state) {
    enum { HIDDEN = 110, PIXEL = 14 * 28 + 14, UNIT = 5, BEST = 7 };
    struct bench b;
    struct sm_error err = {{0}};
    double accuracy[PIXELS + HIDDEN + CLASSES], whole = 0;
    bench_init(&b, *state, "784-110-10", recipe_unit);
    const struct sm_rng rng = sm_rng_make(11, SM_RNG_TEST, 32);
    memset(b.mask[0], 1, sm_network_weights(&b.run.net));
    memset(b.weights[0], 0, sm_network_weights(&b.run.net) * sizeof(float));
    set(&b, 0, UNIT, PIXEL, 1, 0.7f);
    for (size_t c = 0; c < CLASSES; c++) set(&b, 1, c, UNIT, 1, (float)(sm_rng_uniform(&rng, c) + (c == BEST)));
    for (size_t i = 0; i < b.data->test.n; i++)
        whole += b.data->test.labels[i] == (b.data->test.images[i * PIXELS + PIXEL] > 0 ? BEST : 0);
    whole /= (double)b.data->test.n;
    assert_true(whole != share_of_label(&b, 0));
    struct sm_evaluator *e = evaluator_of(&b);
    assert_int_equal(sm_evaluator_each_unit(e, accuracy, &err), 0);
    for (size_t u = 0; u < PIXELS + HIDDEN; u++)
        assert_true(accuracy[u] == (u == PIXEL || u == PIXELS + UNIT ? share_of_label(&b, 0) : whole));
    sm_evaluator_close(e);
    bench_destroy(&b);
}

/* One unit reads one pixel with weight 2: mean, deviation and share above 0 of 2 pixel / 255, counted here. */
static void activations_by_hand(void **state) {
    struct bench b;
    struct sm_error err = {{0}};
    size_t pixel = 14 * 28 + 14;
    bench_init(&b, *state, "784-1-10", recipe_unit);
    set(&b, 0, 0, pixel, 1, 2);
    set(&b, 1, 4, 0, -1, 3);
    double mean = 0, squares = 0, active = 0, n = (double)b.data->test.n;
    for (size_t i = 0; i < b.data->test.n; i++) {
        double x = b.data->test.images[i * PIXELS + pixel] / 255.0;
        mean += x / n;
        squares += x * x / n;
        active += (x > 0) / n;
    }
    double sd = sqrt(squares - mean * mean), got[3][PIXELS + 1 + CLASSES];
    assert_true(sd > 0.1 && active > 0.1 && active < 0.9); /* a pixel that says something */
    struct sm_evaluator *e = evaluator_of(&b);
    const struct sm_activations activations = {got[0], got[1], got[2]};
    assert_int_equal(sm_evaluator_activations(e, &activations, &err), 0);
    assert_close(got[0][pixel], mean, 1e-6);
    assert_close(got[1][pixel], sd, 1e-6);
    assert_close(got[2][pixel], active, 1e-12);
    assert_close(got[0][PIXELS], 2 * mean, 1e-6);
    assert_close(got[1][PIXELS], 2 * sd, 1e-6);
    assert_close(got[2][PIXELS], active, 1e-12);
    assert_close(got[0][PIXELS + 1 + 4], -6 * mean, 1e-6); /* a logit has no activation function */
    assert_close(got[1][PIXELS + 1 + 4], 6 * sd, 1e-6);
    assert_true(got[2][PIXELS + 1 + 4] == 0);
    assert_true(got[0][PIXELS + 1] == 0 && got[1][PIXELS + 1] == 0 && got[2][PIXELS + 1] == 0); /* reads nothing */
    sm_evaluator_close(e);
    bench_destroy(&b);
}

/* ---- against the naive network ---- */

static void scores_agree_with_a_naive_network(void **state) {
    for (int k = 0; k < 4; k++) {
        struct bench b;
        struct sm_error err = {{0}};
        struct sm_score score;
        struct naive naive;
        bool unit = k % 2;
        bench_init(&b, *state, "784-30-20-10", unit ? recipe_unit : recipe_image);
        randomize(&b, k < 2 ? 0.1 : 0.8, 40 + (uint32_t)k); /* lists, OpenBLAS */
        naive_init(&naive, &b.run.net, unit ? SM_LOSS_LOGITS : SM_LOSS_CLIPPED, b.data->test.n);
        for (size_t i = 0; i < naive.n; i++)
            naive_standardize(naive.input + i * PIXELS, b.data->test.images + i * PIXELS, PIXELS,
                              unit ? SM_STANDARDIZE_UNIT : SM_STANDARDIZE_IMAGE);
        memcpy(naive.labels, b.data->test.labels, naive.n);
        for (size_t l = 0; l < b.run.net.n_layers; l++)
            for (size_t w = 0; w < sm_layer_weights(&b.run.net.layers[l]); w++)
                naive.v[l][w] = (double)b.weights[l][w] * b.mask[l][w];
        struct naive_result want = naive_evaluate(&naive);
        struct sm_evaluator *e = evaluator_of(&b);
        assert_int_equal(sm_evaluator_score(e, b.mask, b.weights, &score, &err), 0);
        assert_close(score.loss, want.loss, 1e-5);
        assert_within(score.accuracy, want.accuracy, 2.0 / (double)naive.n); /* ties of rounding */
        sm_evaluator_close(e);
        naive_destroy(&naive);
        bench_destroy(&b);
    }
}

/* ---- removal ---- */

static void hide_outgoing(const struct bench *b, int8_t *const *mask, const bool *removed) {
    size_t below = 0;
    for (size_t l = 0; l < b->run.net.n_layers; l++) {
        const struct sm_layer *layer = &b->run.net.layers[l];
        for (size_t o = 0; o < layer->n_out; o++)
            for (size_t i = 0; i < layer->n_in; i++)
                if (removed[below + i]) mask[l][o * layer->n_in + i] = 0;
        below += layer->n_in;
    }
}

/* By its definition: the same network with the outgoing weights hidden. */
static double accuracy_hidden(const struct bench *b, const bool *removed) {
    int8_t **mask = sm_masks_new(&b->run.net);
    struct sm_score score;
    struct sm_error err = {{0}};
    assert_non_null(mask);
    memcpy(mask[0], b->mask[0], sm_network_weights(&b->run.net));
    hide_outgoing(b, mask, removed);
    struct sm_evaluator *e = evaluator_of(b);
    assert_int_equal(sm_evaluator_score(e, mask, b->weights, &score, &err), 0);
    sm_evaluator_close(e);
    free(mask);
    return score.accuracy;
}

/* Single units and random sets; lists give the same bytes either way, rounding in a dense product may flip a tie. */
static void removal_is_hiding(void **state) {
    enum { UNITS = PIXELS + 30 + 20 + CLASSES, REMOVABLE = UNITS - CLASSES };
    for (int dense = 0; dense < 2; dense++) {
        struct bench b;
        struct sm_error err = {{0}};
        const struct sm_rng rng = sm_rng_make(5, SM_RNG_TEST, 31);
        double each[UNITS], tolerance = dense ? 1.01 / 2000 : 0;
        bool removed[UNITS] = {false};
        bench_init(&b, *state, "784-30-20-10", recipe_image);
        randomize(&b, dense ? 0.6 : 0.05, 50);
        struct sm_evaluator *e = evaluator_of(&b);
        assert_int_equal(sm_evaluator_each_unit(e, each, &err), 0);
        for (size_t u = 0; u < REMOVABLE; u += u < PIXELS ? 97 : 3) {
            removed[u] = true;
            assert_within(each[u], accuracy_hidden(&b, removed), tolerance);
            assert_within(accuracy_without(e, removed), each[u], tolerance);
            removed[u] = false;
        }
        for (size_t trial = 0; trial < 4; trial++) {
            size_t from = trial == 3 ? 0 : PIXELS; /* hidden units alone, then input units too */
            for (size_t u = from; u < REMOVABLE; u++) removed[u] = sm_rng_uniform(&rng, 1000 * trial + u) < 0.3;
            assert_within(accuracy_without(e, removed), accuracy_hidden(&b, removed), tolerance);
        }
        sm_evaluator_close(e);
        bench_destroy(&b);
    }
}

/* Many sets at once share what they leave as it is, in any order of the layers that they remove from first. */
static void sets_together_are_sets_one_by_one(void **state) {
    enum { UNITS = PIXELS + 30 + 20 + CLASSES, SETS = 8 };
    static const size_t from[SETS] = {PIXELS + 30, PIXELS, PIXELS, UNITS, PIXELS + 30, 0, PIXELS, PIXELS + 30};
    for (int dense = 0; dense < 2; dense++) {
        struct bench b;
        struct sm_error err = {{0}};
        const struct sm_rng rng = sm_rng_make(6, SM_RNG_TEST, 33);
        static bool removed[SETS][UNITS];
        double together[SETS];
        bench_init(&b, *state, "784-30-20-10", recipe_image);
        randomize(&b, dense ? 0.6 : 0.1, 80);
        for (size_t s = 0; s < SETS; s++)
            for (size_t u = 0; u < UNITS; u++)
                removed[s][u] = u >= from[s] && u < UNITS - CLASSES && sm_rng_uniform(&rng, UNITS * s + u) < 0.3;
        struct sm_evaluator *e = evaluator_of(&b);
        assert_int_equal(sm_evaluator_accuracy_without(e, removed[0], SETS, together, &err), 0);
        for (size_t s = 0; s < SETS; s++) assert_true(together[s] == accuracy_without(e, removed[s]));
        assert_true(together[0] != together[3] && together[1] != together[2] && together[5] != together[3]);
        sm_evaluator_close(e);
        bench_destroy(&b);
    }
}

static void threads_change_nothing(void **state) {
    enum { UNITS = PIXELS + 30 + 20 + CLASSES };
    double each[3][UNITS], mean[3][UNITS], sd[3][UNITS], active[3][UNITS];
    struct sm_score score[3];
    struct bench b;
    struct sm_error err = {{0}};
    int before = omp_get_max_threads();
    bench_init(&b, *state, "784-30-20-10", recipe_image);
    randomize(&b, 0.1, 60);
    for (int k = 0; k < 3; k++) {
        const struct sm_activations activations = {mean[k], sd[k], active[k]};
        omp_set_num_threads(1 + 2 * k);
        struct sm_evaluator *e = evaluator_of(&b);
        assert_int_equal(sm_evaluator_each_unit(e, each[k], &err), 0);
        assert_int_equal(sm_evaluator_activations(e, &activations, &err), 0);
        assert_int_equal(sm_evaluator_score(e, b.mask, b.weights, &score[k], &err), 0);
        sm_evaluator_close(e);
    }
    omp_set_num_threads(before);
    for (int k = 1; k < 3; k++) {
        assert_memory_equal(each[0], each[k], (UNITS - CLASSES) * sizeof(double));
        assert_memory_equal(mean[0], mean[k], sizeof mean[0]);
        assert_memory_equal(sd[0], sd[k], sizeof sd[0]);
        assert_memory_equal(active[0], active[k], sizeof active[0]);
        assert_true(score[0].loss == score[k].loss && score[0].n_correct == score[k].n_correct);
    }
    bench_destroy(&b);
}

/* What is kept for other tables is the moment's, whatever else was bound in between. */
static void results_of_a_moment_are_kept(void **state) {
    enum { UNITS = PIXELS + 6 + CLASSES, REMOVABLE = UNITS - CLASSES };
    double first[UNITS], other[UNITS], again[UNITS];
    struct bench b;
    struct sm_error err = {{0}};
    struct sm_evaluator *e;
    bench_init(&b, *state, "784-6-10", recipe_image);
    randomize(&b, 0.2, 70);
    const struct sm_moment moment = {.run = &b.run, .run_index = 3, .mask = b.mask, .weights = b.weights};
    int8_t **hidden = sm_masks_new(&b.run.net);
    assert_non_null(hidden);
    memset(hidden[0], 0, sm_network_weights(&b.run.net));
    for (int table = 0; table < 2; table++) {
        assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), 0);
        assert_int_equal(sm_evaluator_each_unit(e, table ? again : first, &err), 0);
        assert_int_equal(sm_evaluator_bind(e, hidden, b.weights, &err), 0);
        assert_int_equal(sm_evaluator_each_unit(e, other, &err), 0);
        sm_evaluator_close(e);
        for (size_t u = 0; u < REMOVABLE; u++) assert_true(other[u] == share_of_label(&b, 0));
    }
    assert_memory_equal(first, again, REMOVABLE * sizeof *first);
    assert_true(memcmp(first, other, REMOVABLE * sizeof *first) != 0);
    free(hidden);
    bench_destroy(&b);
}

/* Half kept: products, but the last layer, which is small. Little kept: lists. Multiply-adds counted by hand. */
static void costs_by_hand(void **state) {
    enum { IN = PIXELS, A = 100, B = 90, KEPT = 7 };
    double accuracy[IN + A + B + CLASSES];
    struct bench b;
    struct sm_error err = {{0}};
    bench_init(&b, *state, "784-100-90-10", recipe_image);
    double images = (double)b.data->test.n;
    randomize(&b, 0.5, 61);
    memset(b.mask[2], 0, B * CLASSES);
    memset(b.mask[2], 1, KEPT);
    struct sm_evaluator *e = evaluator_of(&b);
    double columns =
        IN * A + A * B; /* of each unit its weights in the product that reads it, then all that is behind */
    assert_true(sm_evaluator_cost_of_each_unit(e) == (columns + IN * (A * B + KEPT) + A * KEPT + B * KEPT) * images);
    assert_true(sm_evaluator_cost_of_set(e, 1) == (A * B + KEPT) * images);
    assert_true(sm_evaluator_cost_of_set(e, 2) == KEPT * images);
    sm_evaluator_close(e);
    memset(b.mask[0], 0, sm_network_weights(&b.run.net));
    for (size_t l = 0; l < 3; l++) memset(b.mask[l], l ? 1 : -1, KEPT);
    const struct sm_moment moment = {.run = &b.run, .run_index = 5, .mask = b.mask, .weights = b.weights};
    assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), 0);
    assert_true(sm_evaluator_cost_of_each_unit(e) == (IN * 3 + A * 2 + B) * KEPT * images);
    assert_true(sm_evaluator_cost_of_set(e, 1) == 2 * KEPT * images);
    assert_int_equal(sm_evaluator_each_unit(e, accuracy, &err), 0);
    assert_true(sm_evaluator_cost_of_each_unit(e) == 0);
    sm_evaluator_close(e);
    bench_destroy(&b);
}

static void a_report_does_without_what_takes_long(void **state) {
    const double seconds = 2.5e10, minutes = 60 * seconds; /* of one core */
    const struct {
        bool report, ablation, is_left_out;
        double cost;
    } cases[] = {{true, false, false, 15 * seconds},
                 {true, false, true, 10 * minutes},
                 {true, true, false, 10 * minutes},
                 {false, false, false, 10 * minutes}};
    struct bench b;
    bench_init(&b, *state, "784-10", recipe_image);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.options.report = cases[i].report;
        b.options.ablation = cases[i].ablation;
        assert_int_equal(sm_evaluator_takes_long(&b.analysis, cases[i].cost), cases[i].is_left_out);
    }
    bench_destroy(&b);
}

/* ---- what cannot be evaluated ---- */

static void refused(const struct bench *b, const char *word) {
    struct sm_evaluator *e;
    struct sm_error err = {{0}};
    assert_int_equal(sm_evaluator_open(&e, &b->analysis, &b->run, &err), -1);
    assert_null(e);
    if (!strstr(err.text, word)) fail_msg("no '%s' in: %s", word, err.text);
}

static void what_does_not_fit_is_refused(void **state) {
    static char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000", other[] = "dogits";
    struct bench b;
    bench_init(&b, *state, "784-3-10", recipe_image);
    b.run.dataset_sha256 = zeros;
    refused(&b, "another one than the run was trained on");
    b.run.dataset_sha256 = (char *)b.data->sha256;
    b.run.dataset = other;
    refused(&b, "digits");
    bench_destroy(&b);
    bench_init(&b, *state, "783-3-10", recipe_image);
    refused(&b, "783 inputs");
    bench_destroy(&b);
    bench_init(&b, *state, "784-3-9", recipe_image);
    refused(&b, "9 classes");
    bench_destroy(&b);
    bench_init(&b, *state, "784-3-10", recipe_image);
    b.run.net.nodes[1].inputs[0] = SM_NETWORK_INPUT;
    refused(&b, "a stack of dense layers");
    b.run.net.nodes[1].inputs[0] = 0;
    b.analysis.test_data = NULL;
    refused(&b, "test images");
    bench_destroy(&b);
}

/* A table gets a note, or a failure where the user asked for data. */
static void moments_that_cannot_be_evaluated_are_noted(void **state) {
    static char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000", here[] = ".";
    struct bench b;
    struct sm_error err = {{0}};
    struct sm_evaluator *e;
    bench_init(&b, *state, "784-3-10", recipe_image);
    struct sm_moment moment = {.run = &b.run, .mask = b.mask, .weights = b.weights};
    assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), 0);
    assert_non_null(e);
    sm_evaluator_close(e);
    b.run.dataset_sha256 = zeros;
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), 0);
        assert_null(e);
        assert_int_equal(b.notes.n, 1);
    }
    b.options.data = here;
    assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), -1);
    assert_non_null(strstr(err.text, "hand: the data set digits"));
    b.run.dataset_sha256 = (char *)b.data->sha256;
    b.run.trains_weights = true; /* no final weights are there; no data would help */
    assert_int_equal(sm_evaluator_open_moment(&e, &b.analysis, &moment, &err), 0);
    assert_null(e);
    assert_int_equal(b.notes.n, 2);
    assert_non_null(strstr(b.notes.text[1], "trained"));
    bench_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_units_by_hand),
        cmocka_unit_test(nothing_remains_of_sums_by_hand),
        cmocka_unit_test(activations_by_hand),
        cmocka_unit_test(scores_agree_with_a_naive_network),
        cmocka_unit_test(removal_is_hiding),
        cmocka_unit_test(sets_together_are_sets_one_by_one),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(results_of_a_moment_are_kept),
        cmocka_unit_test(costs_by_hand),
        cmocka_unit_test(a_report_does_without_what_takes_long),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(moments_that_cannot_be_evaluated_are_noted),
    };
    return cmocka_run_group_tests_name("evaluator", tests, make_cache, free_cache);
}
