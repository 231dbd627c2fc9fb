/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods in rounds: which weights a criterion hides, worked by hand; what a kept and a hidden weight begin the next
 * round with; and a trainer that goes from round to round. */
#include "train/rounds.h"

#include <supermask/init.h>

#include "tests/check.h"
#include "tests/tiny_data.h"
#include "train/criterion.h"
#include "train/mask_actions.h"

/* ---- criteria ---- */

/* Six weights before and after training. */
static const float before[6] = {0.1f, -0.2f, 0.3f, -0.4f, 0.5f, -0.6f};
static const float after[6] = {0.9f, -0.1f, -0.8f, 0.2f, 0.7f, -0.3f};

static struct sm_rng ties(uint64_t seed) {
    return sm_rng_make(seed, SM_RNG_TEST, 0);
}

static void prune(int8_t *mask, enum sm_criterion criterion, size_t n_hide, uint64_t seed) {
    struct sm_error err = {{0}};
    if (sm_criterion_prune(mask, criterion, before, after, 6, n_hide, ties(seed), &err)) fail_msg("%s", err.text);
}

/* The three weights that go first. */
static void criteria_hide_what_they_say(void **state) {
    (void)state;
    static const struct {
        enum sm_criterion criterion;
        int8_t mask[6];
    } cases[] = {
        {SM_LARGE_FINAL, {1, 0, 1, 0, 1, 0}}, /* |wf| .9 .1 .8 .2 .7 .3 */
        {SM_SMALL_FINAL, {0, 1, 0, 1, 0, 1}},
        {SM_LARGE_INIT, {0, 0, 0, 1, 1, 1}}, /* |wi| .1 .2 .3 .4 .5 .6 */
        {SM_SMALL_INIT, {1, 1, 1, 0, 0, 0}},
        {SM_MAGNITUDE_INCREASE, {1, 0, 1, 0, 1, 0}},     /* .8 -.1 .5 -.2 .2 -.3 */
        {SM_MOVEMENT, {1, 0, 1, 1, 0, 0}},               /* .8 .1 1.1 .6 .2 .3 */
        {SM_LARGE_FINAL_SAME_SIGN, {1, 0, 0, 0, 1, 1}},  /* .9 .1 0 0 .7 .3 */
        {SM_LARGE_INIT_LARGE_FINAL, {0, 0, 1, 0, 1, 1}}, /* ranks: init 0..5, final 5 0 4 1 3 2; lower 0 0 2 1 3 2 */
        {SM_SMALL_INIT_SMALL_FINAL, {0, 1, 0, 1, 0, 0}}, /* init 5..0, final 0 5 1 4 2 3; lower 0 4 1 2 1 0 */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int8_t mask[6] = {1, 1, 1, 1, 1, 1};
        size_t n_hide = cases[c].criterion == SM_SMALL_INIT_SMALL_FINAL ? 4 : 3;
        prune(mask, cases[c].criterion, n_hide, 1);
        if (memcmp(mask, cases[c].mask, 6) != 0) fail_msg("criterion %d", (int)cases[c].criterion);
    }
    int8_t mask[6] = {1, 1, 1, 1, 1, 1};
    prune(mask, SM_LARGE_FINAL_DIFF_SIGN, 4, 1); /* 0 0 .8 .2 0 0: the zeros go, whichever the order */
    assert_memory_equal(mask, ((int8_t[]){0, 0, 1, 1, 0, 0}), 6);
}

static void what_is_hidden_stays_hidden(void **state) {
    (void)state;
    int8_t mask[6] = {0, 1, 1, 0, 1, 1};
    prune(mask, SM_LARGE_FINAL, 1, 1); /* the smallest of .1 .8 .7 .3 */
    assert_memory_equal(mask, ((int8_t[]){0, 0, 1, 0, 1, 1}), 6);
    prune(mask, SM_LARGE_FINAL, 0, 1);
    assert_memory_equal(mask, ((int8_t[]){0, 0, 1, 0, 1, 1}), 6);
}

/* Equal scores: every weight goes as often as another, and the seed decides. */
static void ties_fall_at_random(void **state) {
    (void)state;
    enum { SEEDS = 3000 };
    int hidden[6] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int8_t mask[6] = {1, 1, 1, 1, 1, 1}, again[6] = {1, 1, 1, 1, 1, 1};
        prune(mask, SM_RANDOM, 2, seed);
        prune(again, SM_RANDOM, 2, seed);
        assert_memory_equal(mask, again, 6);
        for (size_t k = 0; k < 6; k++) hidden[k] += !mask[k];
    }
    for (size_t k = 0; k < 6; k++) assert_within(hidden[k], SEEDS / 3.0, 5 * sqrt(SEEDS * 2.0 / 9));
}

/* ---- actions ---- */

enum { N = 400 };

struct bed {
    struct sm_network net;
    struct sm_recipe recipe;
    float initial[N], trained[N], start[N];
    int8_t mask[N];
    uint32_t places[N];
};

static void bed_init(struct bed *b, enum sm_mask_one one, enum sm_mask_zero zero) {
    struct sm_error err = {{0}};
    sm_recipe_defaults(&b->recipe);
    b->recipe.mask_one = one;
    b->recipe.mask_zero = zero;
    b->recipe.weight_init = SM_WEIGHTS_NORMAL;
    if (sm_network_read(&b->net, "20-20", SM_RELU, &err)) fail_msg("%s", err.text);
    sm_init_weights(b->initial, &b->recipe, &b->net.layers[0], 0);
    for (size_t k = 0; k < N; k++) {
        b->mask[k] = k % 3 != 0;
        b->trained[k] = b->initial[k] * (k % 2 ? 1.5f : 0.5f);
    }
    const struct sm_mask_action action = {.layer = &b->net.layers[0],
                                          .mask = b->mask,
                                          .initial = b->initial,
                                          .trained = b->trained,
                                          .rng = ties(7),
                                          .places = b->places};
    sm_mask_actions(b->start, &b->recipe, &action);
    sm_network_destroy(&b->net);
}

static double deviation(const float *values) {
    double sum = 0, square = 0;
    for (size_t k = 0; k < N; k++) sum += values[k], square += values[k] * (double)values[k];
    return sqrt(square / N - sum / N * (sum / N));
}

static int by_size(const void *a, const void *b) {
    float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return (x > y) - (x < y);
}

static void expect_same_sizes(const struct bed *b) {
    float was[N], is[N];
    size_t n = 0;
    for (size_t k = 0; k < N; k++)
        if (b->mask[k]) was[n] = b->initial[k], is[n++] = b->start[k];
    qsort(was, n, sizeof *was, by_size);
    qsort(is, n, sizeof *is, by_size);
    for (size_t k = 0; k < n; k++) assert_true(fabsf(was[k]) == fabsf(is[k]));
}

static size_t n_moved(const struct bed *b) {
    size_t n = 0;
    for (size_t k = 0; k < N; k++) n += b->mask[k] && b->start[k] != b->initial[k];
    return n;
}

static bool signs_are_kept(const struct bed *b) {
    bool same = true;
    for (size_t k = 0; k < N; k++) same = same && (!b->mask[k] || (b->start[k] > 0) == (b->initial[k] > 0));
    return same;
}

static void kept_weights_begin_as_the_action_says(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b, SM_REWIND, SM_ZERO);
    assert_int_equal(n_moved(&b), 0);
    bed_init(&b, SM_RESHUFFLE, SM_ZERO);
    assert_true(n_moved(&b) > N / 2 && !signs_are_kept(&b));
    expect_same_sizes(&b);
    bed_init(&b, SM_SIGNED_RESHUFFLE, SM_ZERO);
    assert_true(n_moved(&b) > N / 2 && signs_are_kept(&b));
    expect_same_sizes(&b);
    bed_init(&b, SM_REINIT, SM_FREEZE);
    assert_true(n_moved(&b) > N / 2 && !signs_are_kept(&b));
    assert_close(deviation(b.start), deviation(b.initial), 0.15);
    bed_init(&b, SM_SIGNED_REINIT, SM_ZERO);
    assert_true(n_moved(&b) > N / 2 && signs_are_kept(&b));
}

static void constants_are_the_layers_deviation(void **state) {
    (void)state;
    struct bed b;
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        bed_init(&b, is_signed ? SM_SIGNED_CONSTANT : SM_CONSTANT, SM_ZERO);
        for (size_t k = 0; k < N; k++)
            if (b.mask[k]) assert_close(fabsf(b.start[k]), deviation(b.initial), 1e-5);
        assert_int_equal(signs_are_kept(&b), is_signed);
    }
}

static void hidden_weights_are_what_the_action_says(void **state) {
    (void)state;
    struct bed b;
    for (enum sm_mask_zero zero = SM_ZERO; zero <= SM_ZERO_SHRUNK; zero++) {
        bed_init(&b, SM_REWIND, zero);
        for (size_t k = 0; k < N; k += 3) {
            bool shrunk = k % 2 == 0; /* its trained value is half as large */
            bool is_zero = zero == SM_ZERO || (zero == SM_ZERO_SHRUNK && shrunk);
            assert_true(b.start[k] == (is_zero ? 0 : b.initial[k]));
        }
    }
}

/* ---- a trainer in rounds ---- */

struct bench {
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_dataset data;
    struct sm_trainer trainer;
    struct sm_rounds rounds;
};

static void bench_init(struct bench *b, const char *const *settings, size_t n) {
    struct sm_error err = {{0}};
    memset(b, 0, sizeof *b);
    sm_recipe_defaults(&b->recipe);
    b->recipe.threads = 2;
    static const char *const common[] = {
        "method=lottery-ticket", "network=20-12-4",     "batch=16",   "epochs=2",
        "optimizer=adam",        "learning_rate=0.01",  "rounds=3",   "activation=relu",
        "weight_init=normal",    "weight_scale=xavier", "prune=0.25", "prune_output=0.5"};
    if (sm_recipe_set_all(&b->recipe, common, sizeof common / sizeof *common, &err) ||
        sm_recipe_set_all(&b->recipe, settings, n, &err) ||
        sm_network_read(&b->net, b->recipe.network, b->recipe.activation, &err))
        fail_msg("%s", err.text);
    b->data = tiny_data(4, 5, 4, 40, 30);
    if (sm_trainer_init(&b->trainer, &b->recipe, &b->net, &b->data, &err) ||
        sm_rounds_init(&b->rounds, &b->trainer, &err))
        fail_msg("%s", err.text);
}

static void bench_destroy(struct bench *b) {
    sm_rounds_destroy(&b->rounds);
    sm_trainer_destroy(&b->trainer);
    sm_network_destroy(&b->net);
    tiny_destroy(&b->data);
}

static size_t kept(const struct bench *b, size_t l) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    size_t n = 0;
    for (size_t a = 0; a < layer->shape.n_rows * layer->shape.stride; a++) n += layer->mask[a] != 0;
    return n;
}

static void next(struct bench *b) {
    struct sm_error err = {{0}};
    if (sm_rounds_next(&b->rounds, &err)) fail_msg("%s", err.text);
}

/* Weights of a layer in plain layout. */
static void weights_of(const struct bench *b, size_t l, float *plain) {
    sm_unpad_floats(plain, b->trainer.layers[l].weights, b->trainer.layers[l].shape);
}

static void rounds_prune_and_rewind(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, NULL, 0);
    float first[240], now[240];
    weights_of(&b, 0, first);
    assert_int_equal(kept(&b, 0), 240);
    assert_int_equal(kept(&b, 1), 48);
    static const size_t want[2][2] = {{180, 24}, {135, 12}};
    for (size_t r = 0; r < 2; r++) {
        sm_trainer_steps(&b.trainer, 6);
        next(&b);
        assert_int_equal(kept(&b, 0), want[r][0]);
        assert_int_equal(kept(&b, 1), want[r][1]);
        weights_of(&b, 0, now);
        for (size_t k = 0; k < 240; k++) assert_true(now[k] == (b.rounds.mask[0][k] ? first[k] : 0));
        for (size_t a = 0; a < b.trainer.layers[0].shape.n_rows * b.trainer.layers[0].shape.stride; a++)
            assert_true(b.trainer.layers[0].velocity[a] == 0 && b.trainer.layers[0].second[a] == 0);
        assert_int_equal(b.trainer.first_step, b.trainer.step);
    }
    assert_true(sm_rounds_last(&b.rounds));
    bench_destroy(&b);
}

/* The first step of Adam moves every weight that has a gradient by the learning rate, in every round. */
static void adam_begins_anew_and_hidden_weights_stay(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, NULL, 0);
    float before_step[240], now[240];
    for (size_t r = 0; r < 2; r++) {
        sm_trainer_steps(&b.trainer, 6);
        next(&b);
        weights_of(&b, 0, before_step);
        sm_trainer_steps(&b.trainer, 1);
        weights_of(&b, 0, now);
        size_t moved = 0;
        for (size_t k = 0; k < 240; k++) {
            double by = fabs((double)now[k] - before_step[k]);
            if (!b.rounds.mask[0][k]) assert_true(now[k] == 0);
            if (by > 0) assert_within(by, 0.01, 2e-4);
            moved += by > 0;
        }
        assert_true(moved > 60);
    }
    bench_destroy(&b);
}

/* Frozen weights take part in the pass and do not move. */
static void frozen_weights_act(void **state) {
    (void)state;
    struct bench zero, frozen;
    bench_init(&zero, NULL, 0);
    bench_init(&frozen, (const char *const[]){"mask_zero=freeze"}, 1);
    float before_step[240], now[240];
    sm_trainer_steps(&zero.trainer, 6);
    sm_trainer_steps(&frozen.trainer, 6);
    next(&zero);
    next(&frozen);
    assert_memory_equal(zero.rounds.mask[0], frozen.rounds.mask[0], 240);
    sm_rounds_begin(&zero.rounds);
    sm_rounds_begin(&frozen.rounds);
    assert_true(zero.rounds.row.untrained_loss != frozen.rounds.row.untrained_loss);
    weights_of(&frozen, 0, before_step);
    sm_trainer_steps(&frozen.trainer, 3);
    weights_of(&frozen, 0, now);
    for (size_t k = 0; k < 240; k++)
        if (!frozen.rounds.mask[0][k]) assert_true(now[k] == before_step[k] && now[k] != 0);
    bench_destroy(&zero);
    bench_destroy(&frozen);
}

/* The least validation loss of a round, and where it was. */
static void early_stop_is_the_least_validation_loss(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, (const char *const[]){"validation=8", "validate_every=1"}, 2);
    assert_int_equal(b.trainer.train.split->n, 32);
    assert_int_equal(b.trainer.validation.split->n, 8);
    assert_ptr_equal(b.trainer.validation.images[0], b.data.train.images + 32 * 20);
    sm_rounds_begin(&b.rounds);
    double least = INFINITY, at = 0;
    for (int k = 0; k < 12; k++) {
        sm_trainer_steps(&b.trainer, 1);
        double loss = sm_trainer_evaluate(&b.trainer, &b.trainer.validation, NULL).loss;
        if (loss < least) least = loss, at = k + 1;
        sm_rounds_validate(&b.rounds);
    }
    assert_true(b.rounds.row.validation_loss == least && b.rounds.row.early_stop_step == at);
    bench_destroy(&b);
}

/* One training, and masks of less and less from it. */
static void without_retraining_masks_are_nested(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, (const char *const[]){"method=supermask-heuristic", "retrain=false"}, 2);
    int8_t before_mask[240];
    float trained[240];
    sm_trainer_steps(&b.trainer, 6);
    weights_of(&b, 0, trained);
    for (int r = 0; r < 3; r++) {
        memcpy(before_mask, b.rounds.mask[0], sizeof before_mask);
        next(&b);
        double kept_least = INFINITY, hidden_most = 0;
        for (size_t k = 0; k < 240; k++) {
            assert_true(before_mask[k] >= b.rounds.mask[0][k]);
            if (b.rounds.mask[0][k])
                kept_least = fmin(kept_least, fabs(trained[k]));
            else
                hidden_most = fmax(hidden_most, fabs(trained[k]));
        }
        assert_true(kept_least >= hidden_most);
        assert_memory_equal(b.rounds.trained[0], trained, sizeof trained);
    }
    assert_true(sm_rounds_last(&b.rounds) && sm_rounds_untrained(&b.rounds));
    bench_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(criteria_hide_what_they_say),
        cmocka_unit_test(what_is_hidden_stays_hidden),
        cmocka_unit_test(ties_fall_at_random),
        cmocka_unit_test(kept_weights_begin_as_the_action_says),
        cmocka_unit_test(constants_are_the_layers_deviation),
        cmocka_unit_test(hidden_weights_are_what_the_action_says),
        cmocka_unit_test(rounds_prune_and_rewind),
        cmocka_unit_test(adam_begins_anew_and_hidden_weights_stay),
        cmocka_unit_test(frozen_weights_act),
        cmocka_unit_test(early_stop_is_the_least_validation_loss),
        cmocka_unit_test(without_retraining_masks_are_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
