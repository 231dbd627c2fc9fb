/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One optimizer step at a time: gradients against central differences of an independent network in double precision,
 * sign included; the straight-through estimator; the same bytes for any number of threads, kernels that round alike,
 * and a run that was put down and taken up again. */
#include "train/trainer.h"

#include <unistd.h>

#include "tests/check.h"
#include "tests/naive.h"
#include "tests/tiny_data.h"
#include "train/checkpoint.h"

/* A trainer on a tiny data set, with everything that it borrows. */
struct bench {
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_dataset data;
    struct sm_trainer trainer;
};

enum { N_TRAIN = 40, N_TEST = 30, BATCH = 16 }; /* batches of 16, 16 and 8 */

/* n settings KEY=VALUE over the defaults; the network is the recipe's `network`. */
static void bench_init(struct bench *b, size_t height, size_t width, size_t n_classes, const char *const *settings,
                       size_t n) {
    struct sm_error err = {{0}};
    memset(b, 0, sizeof *b);
    sm_recipe_defaults(&b->recipe);
    b->recipe.batch = BATCH;
    b->recipe.threads = 2;
    if (sm_recipe_set_all(&b->recipe, settings, n, &err)) fail_msg("%s", err.text);
    if (sm_network_read(&b->net, b->recipe.network, b->recipe.activation, &err)) fail_msg("%s", err.text);
    b->data = tiny_data(height, width, n_classes, N_TRAIN, N_TEST);
    if (sm_trainer_init(&b->trainer, &b->recipe, &b->net, &b->data, &err)) fail_msg("%s", err.text);
}

static void bench_destroy(struct bench *b) {
    sm_trainer_destroy(&b->trainer);
    sm_network_destroy(&b->net);
    tiny_destroy(&b->data);
}

#define BENCH(b, height, width, n_classes, ...)                                                                        \
    bench_init(b, height, width, n_classes, (const char *const[]){__VA_ARGS__},                                        \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* ---- gradients ---- */

/* The network and the batch that the trainer is about to see, in double precision. */
static void naive_of(struct naive *naive, const struct bench *b) {
    const struct sm_trainer *t = &b->trainer;
    size_t n_pixels = sm_network_inputs(&b->net);
    naive_init(naive, &b->net, b->recipe.loss, t->batch->n);
    for (size_t k = 0; k < naive->n; k++) {
        naive_standardize(naive->input + k * n_pixels, t->batch->images[k], n_pixels, b->recipe.standardize);
        naive->labels[k] = t->batch->labels[k];
    }
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &t->layers[l];
        for (size_t o = 0; o < layer->shape.n_out; o++)
            for (size_t i = 0; i < layer->shape.n_in; i++) {
                size_t at = o * layer->shape.stride + i;
                double m = layer->scores ? layer->scores[at] : 1, tau = layer->scores ? layer->threshold : 0;
                naive->v[l][o * layer->shape.n_in + i] =
                    layer->weights[at] * (double)((m > (float)tau) - (m < -(float)tau));
            }
    }
}

static void gradients_new(float *gradient[NAIVE_LAYERS], const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = b->trainer.layers[l].shape;
        gradient[l] = check_alloc(s.n_rows * s.stride, sizeof(float));
    }
}

static void gradients_free(float *gradient[NAIVE_LAYERS], const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) free(gradient[l]);
}

/* Root of the mean square: the scale that float rounding in a sum of many terms is relative to. */
static double size_of(const float *values, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += (double)values[k] * values[k];
    return sqrt(sum / (double)n);
}

/* Up to `most` weights of each layer, evenly spread: float gradient against double difference. A wrong sign is an error
 * of 2 |gradient|; the tolerance is a few 1e-5 of it. Kinks of ReLU, where there is no derivative, are
 * left out: a unit whose few kept inputs are all inactive stands on one. */
static void check_gradient(struct bench *b, size_t most) {
    struct naive naive;
    float *gradient[NAIVE_LAYERS];
    naive_of(&naive, b);
    gradients_new(gradient, b);
    double loss = sm_trainer_gradient(&b->trainer, gradient);
    assert_close(loss, naive_evaluate(&naive).loss, 2e-6);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = b->trainer.layers[l].shape;
        size_t n = s.n_out * s.n_in, step = n > most ? n / most | 1 : 1, n_kinks = 0;
        double size = size_of(gradient[l], s.n_rows * s.stride);
        assert_true(size > 0);
        for (size_t k = 0; k < n; k += step) {
            double want = naive_difference(&naive, l, k), got = gradient[l][k / s.n_in * s.stride + k % s.n_in];
            n_kinks += isnan(want);
            if (!isnan(want)) assert_within(got, want, 2e-5 * fabs(want) + 2e-5 * size);
        }
        assert_true(n_kinks <= (b->recipe.activation == SM_RELU ? n * 3 / 4 : 0));
    }
    gradients_free(gradient, b);
    naive_destroy(&naive);
}

/* Which form the last pass took, of every layer. */
static void assert_form(const struct bench *b, bool sparse) {
    for (size_t l = 0; l < b->net.n_layers; l++)
        if (sm_layer_weights(&b->net.layers[l]) > SM_SMALL_LAYER) /* a small one is always sparse */
            assert_int_equal(b->trainer.forward.layers[l].sparse, sparse);
}

/* Before the first step, in the middle, and on the epoch's last batch of 8. */
static void check_gradient_along(struct bench *b, size_t most, bool sparse) {
    for (size_t k = 0; k < 3; k++) {
        check_gradient(b, most);
        assert_form(b, sparse);
        sm_trainer_steps(&b->trainer, 1);
    }
}

static void gradient_of_every_combination(void **state) {
    (void)state;
    static const char *const networks[] = {"network=35-5", "network=35-17-5", "network=35-40-30-5"};
    static const char *const activations[] = {"activation=elu", "activation=relu"};
    static const char *const losses[] = {"loss=clipped", "loss=logits"};
    static const char *const weights[] = {"weight_init=signed-constant", "weight_init=normal", "weight_init=uniform"};
    static const char *const thresholds[] = {"threshold=0.1", "threshold=0.85"};
    for (size_t k = 0; k < 3 * 2 * 2 * 3 * 2; k++) {
        struct bench b;
        /* In the files' order no ReLU sum lies so near 0 that float and double see different signs. */
        BENCH(&b, 5, 7, 5, networks[k % 3], activations[k / 3 % 2], losses[k / 6 % 2], weights[k / 12 % 3],
              "threshold_kind=relative", thresholds[k / 36], "weight_gain=2", "learning_rate=0.001", "order=file");
        check_gradient_along(&b, 60, k / 36);
        bench_destroy(&b);
    }
}

static void gradient_of_a_dense_network(void **state) {
    (void)state;
    static const char *const activations[] = {"activation=elu", "activation=relu"};
    for (size_t k = 0; k < 2; k++) {
        struct bench b;
        BENCH(&b, 5, 7, 5, "network=35-18-11-5", "method=dense", "weight_init=uniform", "weight_scale=elu",
              activations[k], "order=shuffled");
        check_gradient_along(&b, 200, false);
        bench_destroy(&b);
    }
}

static void gradient_at_the_size_of_mnist(void **state) {
    (void)state;
    static const char *const thresholds[] = {"threshold=0.05", "threshold=0.9"};
    for (size_t k = 0; k < 2; k++) {
        struct bench b;
        BENCH(&b, 28, 28, 10, "network=784-20-10", "threshold_kind=relative", thresholds[k]);
        check_gradient(&b, 60);
        assert_form(&b, k);
        bench_destroy(&b);
    }
}

/* Weights so large that some samples saturate: their true class is all but certain or all but impossible, and the
 * clipped loss gives them no gradient, the other one does. */
static void gradient_where_the_loss_is_clipped(void **state) {
    (void)state;
    static const char *const losses[] = {"loss=clipped", "loss=logits"};
    for (size_t k = 0; k < 2; k++) {
        struct bench b;
        BENCH(&b, 5, 7, 5, "network=35-12-5", losses[k], "weight_gain=40", "threshold_kind=relative", "threshold=0.1");
        struct naive naive;
        naive_of(&naive, &b);
        size_t n_clipped = 0;
        for (size_t i = 0; i < naive.n; i++) {
            bool correct;
            naive.loss = SM_LOSS_LOGITS;
            double p = exp(-naive_image(&naive, i, &correct));
            n_clipped += p < 1e-7 || p > 1 - 1e-7;
        }
        assert_in_range(n_clipped, 3, naive.n);
        naive_destroy(&naive);
        check_gradient(&b, 1000);
        bench_destroy(&b);
    }
}

/* ---- the step ---- */

/* One step with momentum and decay 0 moves every score by -lr (dL/dv) w, the hidden ones too. */
static void straight_through(const char *threshold, const char *weights) {
    struct bench b;
    float *gradient[NAIVE_LAYERS];
    BENCH(&b, 5, 7, 5, "network=35-18-5", "threshold_kind=relative", threshold, weights, "momentum=0", "weight_decay=0",
          "learning_rate=0.5", "schedule=constant");
    gradients_new(gradient, &b);
    sm_trainer_gradient(&b.trainer, gradient);
    size_t n_hidden = 0;
    for (size_t l = 0; l < 2; l++) {
        struct sm_trainer_layer *layer = &b.trainer.layers[l];
        size_t n = layer->shape.n_rows * layer->shape.stride;
        float *before = check_alloc(n, sizeof *before);
        memcpy(before, layer->scores, n * sizeof *before);
        for (size_t a = 0; a < n; a++)
            n_hidden += layer->mask[a] == 0 && fabsf(gradient[l][a] * layer->weights[a]) > 1e-3f;
        for (size_t a = 0; a < n; a++) gradient[l][a] = (float)(before[a] - 0.5 * gradient[l][a] * layer->weights[a]);
        free(before);
    }
    assert_true(n_hidden > 50); /* of hidden weights whose score moves by a lot more than rounding */
    sm_trainer_steps(&b.trainer, 1);
    for (size_t l = 0; l < 2; l++) {
        const struct sm_trainer_layer *layer = &b.trainer.layers[l];
        for (size_t a = 0; a < layer->shape.n_rows * layer->shape.stride; a++) {
            assert_within(layer->scores[a], gradient[l][a], 2e-7);
            int g = (layer->scores[a] > (float)layer->threshold) - (layer->scores[a] < -(float)layer->threshold);
            assert_int_equal(layer->mask[a], g);
        }
    }
    gradients_free(gradient, &b);
    bench_destroy(&b);
}

static void scores_move_straight_through(void **state) {
    (void)state;
    straight_through("threshold=0.3", "weight_init=signed-constant");
    straight_through("threshold=0.3", "weight_init=normal");
    straight_through("threshold=0.9", "weight_init=signed-constant");
    straight_through("threshold=0.9", "weight_init=normal");
}

/* Three steps of SPEC 1.1, from the trainer's own gradients (checked above): decay, then velocity, then scores. */
static void steps_follow_the_rule(const char *nesterov, const char *method) {
    struct bench b;
    float *gradient[NAIVE_LAYERS];
    BENCH(&b, 5, 7, 5, "network=35-18-5", nesterov, method, "threshold_kind=relative", "threshold=0.2",
          "learning_rate=0.1", "weight_decay=0.05", "momentum=0.8", "schedule=exponential", "schedule_rate=0.5",
          "decay_epochs=1");
    gradients_new(gradient, &b);
    bool scores = b.trainer.layers[0].scores, look_ahead = b.recipe.nesterov;
    size_t stride = b.trainer.layers[0].shape.stride, n = 18 * stride;
    double *m = check_alloc(n, sizeof *m), *v = check_alloc(n, sizeof *v);
    for (size_t a = 0; a < n; a++) m[a] = sm_trainer_values(&b.trainer, 0)[a];
    for (size_t step = 0; step < 3; step++) {
        double fall = pow(0.5, (double)step / 3), rate = 0.1 * fall, decay = 0.05 * fall;
        assert_close(sm_trainer_learning_rate(&b.trainer), rate, 1e-12);
        assert_close(sm_trainer_weight_decay(&b.trainer), decay, 1e-12);
        sm_trainer_gradient(&b.trainer, gradient);
        for (size_t a = 0; a < n; a++) {
            double move = rate * gradient[0][a] * (scores ? (double)b.trainer.layers[0].weights[a] : 1);
            m[a] -= decay * m[a];
            v[a] = 0.8 * v[a] - move;
            m[a] += look_ahead ? 0.8 * v[a] - move : v[a];
        }
        sm_trainer_steps(&b.trainer, 1);
        for (size_t a = 0; a < n; a++) {
            assert_within(sm_trainer_values(&b.trainer, 0)[a], m[a], 1e-6);
            assert_within(b.trainer.layers[0].velocity[a], v[a], 1e-6);
        }
    }
    free(m);
    free(v);
    gradients_free(gradient, &b);
    bench_destroy(&b);
}

static void steps_are_sgdw(void **state) {
    (void)state;
    steps_follow_the_rule("nesterov=true", "method=signed-supermask");
    steps_follow_the_rule("nesterov=false", "method=signed-supermask");
    steps_follow_the_rule("nesterov=true", "method=dense");
    steps_follow_the_rule("nesterov=false", "method=dense");
}

/* ---- the same bytes ---- */

/* What can differ after some steps: scores, velocities and the counters. */
static void assert_same_state(const struct bench *a, const struct bench *b) {
    const struct sm_trainer *s = &a->trainer, *t = &b->trainer;
    for (size_t l = 0; l < a->net.n_layers; l++) {
        struct sm_padded_shape shape = s->layers[l].shape;
        size_t n = shape.n_rows * shape.stride;
        assert_memory_equal(sm_trainer_values(s, l), sm_trainer_values(t, l), n * sizeof(float));
        assert_memory_equal(s->layers[l].velocity, t->layers[l].velocity, n * sizeof(float));
        if (s->layers[l].mask) assert_memory_equal(s->layers[l].mask, t->layers[l].mask, n);
    }
    assert_int_equal(s->batch->n, t->batch->n);
    assert_memory_equal(s->batch->labels, t->batch->labels, s->batch->n);
    for (size_t k = 0; k < s->batch->n; k++)
        assert_memory_equal(s->batch->images[k], t->batch->images[k], s->batch->n_pixels);
    assert_memory_equal(&s->loss_sum, &t->loss_sum, sizeof s->loss_sum);
    assert_int_equal(s->step, t->step);
    assert_int_equal(s->n_correct, t->n_correct);
    assert_int_equal(s->n_seen, t->n_seen);
    assert_memory_equal(&s->schedule, &t->schedule, sizeof s->schedule);
}

static void bench_of(struct bench *b, const char *method, const char *threshold, const char *weights,
                     const char *threads) {
    BENCH(b, 28, 28, 10, "network=784-90-20-10", method, "threshold_kind=relative", threshold, weights, threads,
          "order=shuffled", "augment=crop-flip", "schedule=exponential", "data_seed=5");
}

/* Two epochs and a bit: partial batches, a new order. */
static void threads_change_nothing(const char *method, const char *threshold, const char *weights, bool sparse) {
    static const char *const threads[] = {"threads=2", "threads=3", "threads=7"};
    struct bench one, many;
    bench_of(&one, method, threshold, weights, "threads=1");
    sm_trainer_steps(&one.trainer, 7);
    assert_form(&one, sparse);
    for (size_t k = 0; k < 3; k++) {
        bench_of(&many, method, threshold, weights, threads[k]);
        sm_trainer_steps(&many.trainer, 2);
        sm_trainer_steps(&many.trainer, 5);
        assert_same_state(&one, &many);
        assert_true(sm_trainer_remaining(&one.trainer) == sm_trainer_remaining(&many.trainer));
        struct sm_evaluation e = sm_forward_evaluate(&one.trainer.forward, &one.trainer.test, one.recipe.loss, NULL, 1);
        struct sm_evaluation f = sm_forward_evaluate(&many.trainer.forward, &many.trainer.test, many.recipe.loss, NULL,
                                                     many.trainer.n_threads);
        assert_memory_equal(&e, &f, sizeof e);
        bench_destroy(&many);
    }
    bench_destroy(&one);
}

static void same_bytes_for_any_number_of_threads(void **state) {
    (void)state;
    threads_change_nothing("method=signed-supermask", "threshold=0.9", "weight_init=signed-constant", true);
    threads_change_nothing("method=signed-supermask", "threshold=0.9", "weight_init=normal", true);
    threads_change_nothing("method=signed-supermask", "threshold=0.1", "weight_init=signed-constant", false);
    threads_change_nothing("method=dense", "threshold=0.1", "weight_init=normal", false);
}

/* Where no product runs through OpenBLAS. */
static void same_bytes_for_avx2_and_avx512(void **state) {
    (void)state;
    if (!sm_kernels_find("avx512") || !sm_kernels_find("avx2")) {
        print_message("this CPU has no AVX-512: not tested\n");
        skip();
    }
    static const char *const weights[] = {"weight_init=signed-constant", "weight_init=normal"};
    for (size_t k = 0; k < 2; k++) {
        struct bench wide, narrow;
        setenv("SUPERMASK_KERNELS", "avx512", 1);
        bench_of(&wide, "method=signed-supermask", "threshold=0.9", weights[k], "threads=2");
        setenv("SUPERMASK_KERNELS", "avx2", 1);
        bench_of(&narrow, "method=signed-supermask", "threshold=0.9", weights[k], "threads=2");
        unsetenv("SUPERMASK_KERNELS");
        assert_string_equal(wide.trainer.forward.kernels->name, "avx512");
        assert_string_equal(narrow.trainer.forward.kernels->name, "avx2");
        for (size_t step = 0; step < 10; step++) {
            sm_trainer_steps(&wide.trainer, 1);
            sm_trainer_steps(&narrow.trainer, 1);
            assert_form(&wide, true);
            assert_same_state(&wide, &narrow);
        }
        bench_destroy(&wide);
        bench_destroy(&narrow);
    }
}

/* ---- put down and taken up ---- */

static void bench_to_resume(struct bench *b, const char *method, const char *order, const char *augment) {
    BENCH(b, 5, 7, 5, "network=35-18-5", method, order, augment, "schedule=plateau", "plateau_patience=2",
          "plateau_start=0", "plateau_cooldown=0", "plateau_reductions=9", "threshold_kind=relative", "threshold=0.5");
}

/* An epoch's end as the training loop does it. */
static void end_epoch(struct sm_trainer *t, int64_t epoch, double loss) {
    assert_true(sm_schedule_epoch(t->recipe, &t->schedule, epoch, loss));
    t->loss_sum = 0;
    t->n_correct = t->n_seen = 0;
}

static void resumes_in_the_middle_of_an_epoch(const char *path, const char *method, const char *order,
                                              const char *augment) {
    struct bench through, stopped, resumed;
    struct sm_error err = {{0}};
    double seconds = 12.25, seconds_back = 0;
    struct bench *both[] = {&through, &stopped};
    for (size_t k = 0; k < 2; k++) {
        bench_to_resume(both[k], method, order, augment);
        for (int64_t epoch = 1; epoch <= 5; epoch++) {
            sm_trainer_steps(&both[k]->trainer, 3);
            end_epoch(&both[k]->trainer, epoch, 1);
        }
        sm_trainer_steps(&both[k]->trainer, 2);
    }
    assert_true(stopped.trainer.schedule.factor < 1); /* the plateau has something to remember */
    assert_true(stopped.trainer.loss_sum > 0);
    if (sm_checkpoint_save(path, &stopped.trainer, NULL, &seconds, &err)) fail_msg("%s", err.text);
    bench_destroy(&stopped);
    bench_to_resume(&resumed, method, order, augment);
    if (sm_checkpoint_load(path, &resumed.trainer, NULL, &seconds_back, &err)) fail_msg("%s", err.text);
    assert_true(seconds_back == 12.25);
    assert_same_state(&through, &resumed);
    sm_trainer_steps(&through.trainer, 4);
    sm_trainer_steps(&resumed.trainer, 4);
    assert_same_state(&through, &resumed);
    assert_int_equal(unlink(path), 0);
    bench_destroy(&through);
    bench_destroy(&resumed);
}

static void resumed_runs_go_on_alike(void **state) {
    (void)state;
    char directory[] = "/tmp/supermask-trainer-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/checkpoint", directory);
    resumes_in_the_middle_of_an_epoch(path, "method=signed-supermask", "order=fixed", "augment=none");
    resumes_in_the_middle_of_an_epoch(path, "method=signed-supermask", "order=shuffled", "augment=none");
    resumes_in_the_middle_of_an_epoch(path, "method=signed-supermask", "order=shuffled", "augment=crop-flip");
    resumes_in_the_middle_of_an_epoch(path, "method=dense", "order=shuffled", "augment=none");
    struct bench b;
    struct sm_error err = {{0}};
    double seconds = 3;
    bench_to_resume(&b, "method=dense", "order=fixed", "augment=none");
    assert_int_equal(sm_checkpoint_load(path, &b.trainer, NULL, &seconds, &err), 0); /* no file: from the start */
    assert_int_equal(b.trainer.step, 0);
    bench_destroy(&b);
    assert_int_equal(rmdir(directory), 0);
}

/* ---- sums ---- */

/* The epoch's sums are those of the naive network on each batch before its step: every image once. */
static void sums_of_an_epoch(void **state) {
    (void)state;
    static const char *const orders[] = {"order=fixed", "order=shuffled", "order=file"};
    for (size_t k = 0; k < 3; k++) {
        struct bench b;
        BENCH(&b, 5, 7, 5, "network=35-18-5", orders[k]);
        double loss = 0, correct = 0;
        for (size_t step = 0; step < 3; step++) {
            struct naive naive;
            naive_of(&naive, &b);
            struct naive_result mean = naive_evaluate(&naive);
            loss += mean.loss * (double)naive.n;
            correct += mean.accuracy * (double)naive.n;
            naive_destroy(&naive);
            sm_trainer_steps(&b.trainer, 1);
        }
        assert_close(b.trainer.loss_sum, loss, 2e-6);
        assert_close(b.trainer.n_correct, correct, 1e-12);
        assert_int_equal(b.trainer.n_seen, N_TRAIN);
        bench_destroy(&b);
    }
}

/* Two passes make an epoch: every image twice, and the schedule counts them as one epoch. */
static void an_epoch_of_two_passes(void **state) {
    (void)state;
    struct bench b;
    BENCH(&b, 5, 7, 5, "network=35-5", "passes=2", "order=shuffled", "schedule=exponential", "schedule_rate=0.5",
          "decay_epochs=1", "learning_rate=0.25");
    assert_int_equal(b.trainer.steps_per_epoch, 6);
    sm_trainer_steps(&b.trainer, 6);
    assert_int_equal(b.trainer.n_seen, 2 * N_TRAIN);
    assert_close(sm_trainer_learning_rate(&b.trainer), 0.125, 1e-12);
    bench_destroy(&b);
}

static void remaining_counts_the_masks(void **state) {
    (void)state;
    struct bench b;
    BENCH(&b, 5, 7, 5, "network=35-18-5", "threshold_kind=relative", "threshold=0.6");
    double n_kept = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t o = 0; o < b.trainer.layers[l].shape.n_out; o++)
            for (size_t i = 0; i < b.trainer.layers[l].shape.n_in; i++)
                n_kept += b.trainer.layers[l].mask[o * b.trainer.layers[l].shape.stride + i] != 0;
    assert_close(sm_trainer_remaining(&b.trainer), n_kept / (35 * 18 + 18 * 5), 1e-15);
    assert_true(n_kept > 0.3 * 720 && n_kept < 0.5 * 720); /* uniform scores: 40 % lie beyond 0.6 of the largest */
    bench_destroy(&b);
    BENCH(&b, 5, 7, 5, "network=35-18-5", "method=dense");
    assert_true(sm_trainer_remaining(&b.trainer) == 1);
    bench_destroy(&b);
}

/* ---- what does not fit ---- */

static void assert_refused(const char *network, int64_t batch, const char *sentence) {
    struct bench b = {0};
    struct sm_error err = {{0}};
    sm_recipe_defaults(&b.recipe);
    b.recipe.batch = batch;
    b.recipe.threads = 1;
    b.data = tiny_data(5, 7, 5, N_TRAIN, N_TEST);
    assert_int_equal(sm_network_read(&b.net, network, SM_ELU, &err), 0);
    assert_int_equal(sm_trainer_init(&b.trainer, &b.recipe, &b.net, &b.data, &err), -1);
    if (!strstr(err.text, sentence)) fail_msg("'%s' does not say '%s'", err.text, sentence);
    bench_destroy(&b);
}

static void wrong_shapes_are_refused(void **state) {
    (void)state;
    assert_refused("36-18-5", BATCH, "36 inputs");
    assert_refused("35-18-6", BATCH, "6 units");
    assert_refused("35-18-5", N_TRAIN + 1, "batch of 41");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_every_combination),
        cmocka_unit_test(gradient_of_a_dense_network),
        cmocka_unit_test(gradient_at_the_size_of_mnist),
        cmocka_unit_test(gradient_where_the_loss_is_clipped),
        cmocka_unit_test(scores_move_straight_through),
        cmocka_unit_test(steps_are_sgdw),
        cmocka_unit_test(same_bytes_for_any_number_of_threads),
        cmocka_unit_test(same_bytes_for_avx2_and_avx512),
        cmocka_unit_test(resumed_runs_go_on_alike),
        cmocka_unit_test(sums_of_an_epoch),
        cmocka_unit_test(an_epoch_of_two_passes),
        cmocka_unit_test(remaining_counts_the_masks),
        cmocka_unit_test(wrong_shapes_are_refused),
    };
    return cmocka_run_group_tests_name("trainer", tests, NULL, NULL);
}
