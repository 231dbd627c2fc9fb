/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole networks of convolutions: loss and every layer's gradient (with batch norm: gamma's and beta's, too) against
 * central differences of a naive network in double precision, sign included, in each form a layer can be computed in;
 * the same bytes for any number of threads and after a resume. */
#include <supermask/loss.h>
#include <unistd.h>

#include "tests/trainer_fixture.h"
#include "train/checkpoint.h"

/* A pool of stride 1 (not at once behind the images: sums of a few whole numbers with signs are often equal, and then
 * the maximum has no derivative), identity and projected shortcuts, strides, a global average. */
static const char residual[] =
    "[{kind: conv2d, filters: 8, kernel: 3},"
    " {kind: residual, repeat: 2, branch: [{kind: conv2d, filters: 8, kernel: 3},"
    "  {kind: conv2d, filters: 8, kernel: 3, activation: linear}]}, {kind: max-pool, size: 3, stride: 1, padding: "
    "same},"
    " {kind: residual, branch: [{kind: conv2d, filters: 12, kernel: 1, stride: 2}, {kind: conv2d, filters: 12, kernel: "
    "3}],"
    "  shortcut: [{kind: conv2d, filters: 12, kernel: 1, stride: 2, activation: linear}]},"
    " {kind: residual, branch: [{kind: conv2d, filters: 12, kernel: 5},"
    "  {kind: conv2d, filters: 12, kernel: 3, activation: linear}]},"
    " {kind: global-average-pool}, {kind: dense, units: 3}]";
/* The same map in both places of a sum, the image itself in a sum, a strided kernel with padding on one side only. */
static const char odd[] = "[{kind: add, name: twice, inputs: [input, input], activation: linear},"
                          " {kind: conv2d, name: a, filters: 3, kernel: 4, stride: 2},"
                          " {kind: conv2d, name: b, filters: 3, kernel: [1, 3], inputs: [a]},"
                          " {kind: add, name: c, inputs: [a, b]}, {kind: add, inputs: [c, c], activation: linear},"
                          " {kind: dense, units: 3}]";

/* Maps of even size and enough channels for transformed tiles, forward, backward and of the weights, with a pool and
 * without. */
static const char even[] = "[{kind: conv2d, filters: 48, kernel: 6, padding: valid}, {kind: conv2d, filters: 49, "
                           "kernel: 3}, {kind: conv2d, filters: 48, kernel: 3}, {kind: max-pool, size: 2}, {kind: "
                           "dense, units: 3}]";

/* gamma and beta of all layers, so that none is 1 or 0. */
static void scatter_norms(const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_batch_norm *norm = b->trainer.layers[l].norm.norm;
        if (!norm) continue;
        check_fill(norm->gamma, norm->channels, 0.5, 1.5, 2 * (uint32_t)l);
        check_fill(norm->beta, norm->channels, -0.5, 0.5, 2 * (uint32_t)l + 1);
    }
}

/* ---- against the naive network ---- */

static void copy_norm(struct naive_norm *to, const struct sm_batch_norm *from) {
    for (size_t c = 0; c < from->channels; c++) {
        to->gamma[c] = (double)from->gamma[c];
        to->beta[c] = (double)from->beta[c];
        to->mean[c] = (double)from->moving_mean[c];
        to->variance[c] = (double)from->moving_variance[c];
    }
}

static void copy_effective(struct naive_graph *g, const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &b->trainer.layers[l];
        if (layer->norm.norm) copy_norm(&g->norm[l], layer->norm.norm);
        for (size_t o = 0; o < layer->shape.n_out; o++)
            for (size_t i = 0; i < layer->shape.n_in; i++) {
                size_t at = o * layer->shape.stride + i;
                g->v[l][o * layer->shape.n_in + i] = (double)layer->weights[at] * (layer->mask ? layer->mask[at] : 1);
            }
    }
}

/* The step is so small because a max pool has a kink where two of its values are equal: with 1e-5 some window of the
 * batch passed one. */
static double central_difference(struct naive_graph *g, const struct bench *b, double *v) {
    const double h = 1e-7, kept = *v;
    *v = kept + h;
    double above = naive_loss_of(g, b);
    *v = kept - h;
    double below = naive_loss_of(g, b);
    *v = kept;
    return (above - below) / (2 * h);
}

static void check_norm_gradients(struct naive_graph *g, const struct bench *b, size_t l) {
    const struct sm_batch_norm *norm = b->trainer.layers[l].norm.norm;
    for (size_t c = 0; c < norm->channels; c += 7) {
        double by_gamma = central_difference(g, b, &g->norm[l].gamma[c]);
        double by_beta = central_difference(g, b, &g->norm[l].beta[c]);
        assert_within((double)norm->gamma_gradient[c], by_gamma, 2e-5 + 2e-3 * fabs(by_gamma));
        assert_within((double)norm->beta_gradient[c], by_beta, 2e-5 + 2e-3 * fabs(by_beta));
    }
}

/* Moves all weights of layer l along `direction`. */
static void move_layer(struct naive_graph *g, const struct bench *b, size_t l, const double *direction, double by) {
    for (size_t k = 0; k < sm_layer_weights(&b->net.layers[l]); k++) g->v[l][k] += by * direction[k];
}

/* All weights of a layer, hidden ones too, at once: the derivative along a random direction of signs. */
static void check_direction(struct naive_graph *g, const struct bench *b, size_t l, const float *gradient,
                            double bound) {
    const double h = 1e-8;
    const struct sm_rng rng = sm_rng_make(6, SM_RNG_TEST, (uint32_t)l);
    struct sm_padded_shape s = b->trainer.layers[l].shape;
    size_t n = s.n_out * s.n_in;
    double *direction = check_alloc(n, sizeof *direction), got = 0, size = 0;
    for (size_t k = 0; k < n; k++) {
        double term = gradient[k / s.n_in * s.stride + k % s.n_in];
        direction[k] = sm_rng_uniform(&rng, k) < 0.5 ? -1 : 1;
        got += direction[k] * term;
        size += term * term;
    }
    move_layer(g, b, l, direction, h);
    double above = naive_loss_of(g, b);
    move_layer(g, b, l, direction, -2 * h);
    double below = naive_loss_of(g, b);
    move_layer(g, b, l, direction, h);
    assert_within(got, (above - below) / (2 * h), bound / 100 + bound * sqrt(size));
    free(direction);
}

/* One weight of each layer by itself, and all of them together. */
static void check_gradients(struct naive_graph *g, const struct bench *b, float *const *gradient, double bound) {
    const struct sm_rng rng = sm_rng_make(5, SM_RNG_TEST, 3);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = b->trainer.layers[l].shape;
        size_t at = sm_rng_below(&rng, l, s.n_out * s.n_in);
        double want = central_difference(g, b, &g->v[l][at]);
        double got = gradient[l][at / s.n_in * s.stride + at % s.n_in];
        assert_within(got, want, bound / 100 + bound * fabs(want));
        check_direction(g, b, l, gradient[l], bound);
        if (b->trainer.layers[l].norm.norm) check_norm_gradients(g, b, l);
    }
}

/* `bound`: relative, of the gradients. */
static void check_network(const char *layers, double bound, const char *const *settings, size_t n_settings) {
    struct bench b;
    struct naive_graph g;
    bench_init(&b, layers, settings, n_settings, 2);
    scatter_norms(&b);
    naive_graph_init_batch(&g, &b.net, BATCH);
    for (size_t batch = 0; batch < 3; batch++, sm_trainer_steps(&b.trainer, 1)) {
        if (batch == 1) continue; /* the last one is smaller */
        float **gradient = gradients_new(&b);
        copy_effective(&g, &b);
        double want = naive_loss_of(&g, &b);
        assert_close(sm_trainer_gradient(&b.trainer, gradient), want, 1e-4);
        check_gradients(&g, &b, gradient, bound);
        gradients_free(gradient, &b);
    }
    naive_graph_destroy(&g);
    bench_destroy(&b);
}

#define CHECK_NETWORK(layers, ...)                                                                                     \
    check_network(layers, 2e-3, (const char *const[]){__VA_ARGS__},                                                    \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define SIGNED "method=signed-supermask", "loss=logits", "threshold_kind=relative", "learning_rate=0.01"

static void gradients_of_dense_forms(void **state) { /* nothing is hidden */
    (void)state;
    CHECK_NETWORK(plain_layers, SIGNED, "threshold=0");
    CHECK_NETWORK(residual, SIGNED, "threshold=0");
    CHECK_NETWORK(odd, SIGNED, "threshold=0");
    CHECK_NETWORK(even, SIGNED, "threshold=0");
}

static void gradients_of_lists(void **state) {
    (void)state;
    CHECK_NETWORK(plain_layers, SIGNED, "threshold=0.8");
    CHECK_NETWORK(residual, SIGNED, "threshold=0.75");
    CHECK_NETWORK(odd, SIGNED, "threshold=0.3");
    CHECK_NETWORK(even, SIGNED, "threshold=0.8");
}

static void gradients_of_lists_with_values(void **state) { /* |w| differs */
    (void)state;
    CHECK_NETWORK(plain_layers, SIGNED, "threshold=0.8", "weight_init=uniform");
    CHECK_NETWORK(residual, SIGNED, "threshold=0.75", "weight_init=normal");
}

static void gradients_of_trained_weights(void **state) {
    (void)state;
    CHECK_NETWORK(plain_layers, "method=dense", "loss=logits", "weight_init=uniform", "learning_rate=0.01");
    CHECK_NETWORK(residual, "method=dense", "loss=logits", "weight_init=uniform", "learning_rate=0.01");
}

static void gradients_from_rounded_operands(void **state) { /* bfloat16 has 8 bits, and errors of many terms cancel */
    (void)state;
    static const char *const settings[] = {SIGNED, "threshold=0.5", "precision=bf16"};
    check_network(plain_layers, 4e-2, settings, sizeof settings / sizeof *settings);
    check_network(residual, 4e-2, settings, sizeof settings / sizeof *settings);
}

/* ---- batch norm ---- */

#define NORMED "method=dense", "batch_norm=true", "loss=logits", "weight_init=uniform", "learning_rate=0.1"

static void gradients_with_batch_norm(void **state) {
    (void)state;
    CHECK_NETWORK(plain_layers, NORMED);
    CHECK_NETWORK(residual, NORMED);
    CHECK_NETWORK(odd, NORMED);
}

static void assert_moved(const float *moved, const double *batch, double start, size_t n) {
    for (size_t c = 0; c < n; c++) assert_within(moved[c], 0.99 * start + 0.01 * batch[c], 1e-5);
}

/* The moving statistics start at 0 and 1; a step moves them by a hundredth of the way, an evaluation does not. */
static void a_step_moves_the_statistics(void **state) {
    (void)state;
    struct bench b;
    struct naive_graph g;
    const char *const settings[] = {NORMED};
    bench_init(&b, residual, settings, sizeof settings / sizeof *settings, 2);
    naive_graph_init_batch(&g, &b.net, BATCH);
    copy_effective(&g, &b);
    naive_loss_of(&g, &b);
    sm_forward_evaluate(&b.trainer.forward, &b.trainer.test, SM_LOSS_LOGITS, NULL, 2);
    sm_trainer_steps(&b.trainer, 1);
    sm_forward_evaluate(&b.trainer.forward, &b.trainer.test, SM_LOSS_LOGITS, NULL, 2);
    for (size_t l = 0; l + 1 < b.net.n_layers; l++) {
        const struct sm_batch_norm *norm = sm_forward_batch_norm(&b.trainer.forward, l);
        assert_non_null(norm);
        assert_moved(norm->moving_mean, g.norm[l].mean, 0, norm->channels);
        assert_moved(norm->moving_variance, g.norm[l].variance, 1, norm->channels);
    }
    assert_null(sm_forward_batch_norm(&b.trainer.forward, b.net.n_layers - 1)); /* dense */
    naive_graph_destroy(&g);
    bench_destroy(&b);
}

/* Two steps of Nesterov's momentum from the gradients of gamma, worked from the formula; no weight decay. */
static void gamma_and_beta_follow_the_rule(void **state) {
    (void)state;
    struct bench b;
    const char *const settings[] = {NORMED, "momentum=0.9", "nesterov=true", "weight_decay=0.01"};
    bench_init(&b, plain_layers, settings, sizeof settings / sizeof *settings, 2);
    const struct sm_batch_norm *norm = sm_forward_batch_norm(&b.trainer.forward, 1);
    double v_gamma = 0, v_beta = 0, gamma = 1, beta = 0;
    for (size_t step = 0; step < 2; step++) {
        sm_trainer_steps(&b.trainer, 1);
        double by_gamma = 0.1 * (double)norm->gamma_gradient[2], by_beta = 0.1 * (double)norm->beta_gradient[2];
        v_gamma = 0.9 * v_gamma - by_gamma;
        v_beta = 0.9 * v_beta - by_beta;
        gamma += 0.9 * v_gamma - by_gamma;
        beta += 0.9 * v_beta - by_beta;
        assert_true(by_gamma != 0 && by_beta != 0);
        assert_within(norm->gamma[2], gamma, 1e-6);
        assert_within(norm->beta[2], beta, 1e-6);
    }
    bench_destroy(&b);
}

/* ---- threads and kernels ---- */

/* Scores, or weights, of all layers after two epochs. */
static void train(struct bench *b, const char *layers, const char *setting, int n_threads) {
    const char *const settings[] = {SIGNED, "threshold=0.6", setting};
    bench_init(b, layers, settings, sizeof settings / sizeof *settings, n_threads);
    for (size_t epoch = 0; epoch < 2; epoch++) sm_trainer_steps(&b->trainer, b->trainer.steps_per_epoch);
}

static void train_normed(struct bench *b, const char *layers, int n_threads) {
    const char *const settings[] = {NORMED};
    bench_init(b, layers, settings, sizeof settings / sizeof *settings, n_threads);
    for (size_t epoch = 0; epoch < 2; epoch++) sm_trainer_steps(&b->trainer, b->trainer.steps_per_epoch);
}

static void assert_same_norm(const struct sm_trainer_norm *a, const struct sm_trainer_norm *b) {
    const float *const parts[][2] = {{a->norm->gamma, b->norm->gamma},
                                     {a->norm->beta, b->norm->beta},
                                     {a->norm->moving_mean, b->norm->moving_mean},
                                     {a->norm->moving_variance, b->norm->moving_variance},
                                     {a->gamma_velocity, b->gamma_velocity},
                                     {a->beta_velocity, b->beta_velocity}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_memory_equal(parts[i][0], parts[i][1], a->norm->channels * sizeof(float));
}

static void assert_same(const struct bench *a, const struct bench *b) {
    for (size_t l = 0; l < a->net.n_layers; l++) {
        struct sm_padded_shape s = a->trainer.layers[l].shape;
        assert_memory_equal(sm_trainer_values(&a->trainer, l), sm_trainer_values(&b->trainer, l),
                            s.n_rows * s.stride * sizeof(float));
        if (a->trainer.layers[l].mask)
            assert_memory_equal(a->trainer.layers[l].mask, b->trainer.layers[l].mask, s.n_rows * s.stride);
        if (a->trainer.layers[l].norm.norm) assert_same_norm(&a->trainer.layers[l].norm, &b->trainer.layers[l].norm);
    }
    assert_true(a->trainer.loss_sum == b->trainer.loss_sum);
}

static void any_number_of_threads(void **state) {
    (void)state;
    static const char *const networks[] = {plain_layers, residual, even}, *const cases[] = {"threshold=0",
                                                                                            "threshold=0.6",
                                                                                            "precision=bf16"};
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            struct bench one, other;
            train(&one, networks[n], cases[k], 1);
            for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
                train(&other, networks[n], cases[k], n_threads);
                assert_same(&one, &other);
                bench_destroy(&other);
            }
            bench_destroy(&one);
        }
}

static void any_number_of_threads_with_batch_norm(void **state) {
    (void)state;
    struct bench one, other;
    train_normed(&one, residual, 1);
    for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
        train_normed(&other, residual, n_threads);
        assert_same(&one, &other);
        bench_destroy(&other);
    }
    bench_destroy(&one);
}

/* Put down after four of six steps. */
static void a_resume_with_batch_norm_is_exact(void **state) {
    (void)state;
    struct sm_error err = {{0}};
    struct bench whole, stopped, resumed;
    const char *const settings[] = {NORMED};
    double seconds = 1, seconds_back = 0;
    char path[] = "/tmp/trunk-checkpoint-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    train_normed(&whole, residual, 2);
    bench_init(&stopped, residual, settings, sizeof settings / sizeof *settings, 2);
    bench_init(&resumed, residual, settings, sizeof settings / sizeof *settings, 2);
    sm_trainer_steps(&stopped.trainer, 3);
    sm_trainer_steps(&stopped.trainer, 1);
    if (sm_checkpoint_save(path, &stopped.trainer, NULL, &seconds, &err)) fail_msg("%s", err.text);
    if (sm_checkpoint_load(path, &resumed.trainer, NULL, &seconds_back, &err)) fail_msg("%s", err.text);
    sm_trainer_steps(&resumed.trainer, 2);
    assert_same(&whole, &resumed);
    unlink(path);
    bench_destroy(&whole);
    bench_destroy(&stopped);
    bench_destroy(&resumed);
}

/* OpenBLAS chooses its own kernels, so only where nothing is a dense product. */
static void fused_kernels_give_the_same_bytes(void **state) {
    (void)state;
    struct bench a, b;
    if (!sm_kernels_find("avx512")) skip();
    setenv("SUPERMASK_KERNELS", "avx2", 1);
    train(&a, plain_layers, "threshold=0.8", 2);
    unsetenv("SUPERMASK_KERNELS");
    train(&b, plain_layers, "threshold=0.8", 2);
    assert_same(&a, &b);
    bench_destroy(&a);
    bench_destroy(&b);
}

/* After `n_steps` of training. */
static void check_evaluation(const char *layers, const char *const *settings, size_t n_settings, size_t n_steps) {
    struct bench b;
    struct naive_graph g;
    bench_init(&b, layers, settings, n_settings, 2);
    sm_trainer_steps(&b.trainer, n_steps);
    naive_graph_init_batch(&g, &b.net, BATCH);
    g.moving = true;
    copy_effective(&g, &b);
    struct sm_evaluation got = sm_forward_evaluate(&b.trainer.forward, &b.trainer.train, SM_LOSS_LOGITS, NULL, 2);
    double sum = 0;
    size_t n = 0, steps = b.trainer.steps_per_epoch;
    for (size_t step = 0; step < steps; step++) {
        b.trainer.batch = sm_loader_batch(&b.trainer.loader, (int64_t)step);
        sum += naive_loss_of(&g, &b) * (double)b.trainer.batch->n;
        n += b.trainer.batch->n;
    }
    assert_int_equal(n, N_TRAIN);
    assert_close(got.loss, sum / N_TRAIN, 1e-5);
    naive_graph_destroy(&g);
    bench_destroy(&b);
}

static void evaluation_equals_the_naive_network(void **state) {
    (void)state;
    const char *const masked[] = {SIGNED, "threshold=0.5", "loss=logits"}, *const normed[] = {NORMED};
    check_evaluation(residual, masked, sizeof masked / sizeof *masked, 0);
    check_evaluation(residual, normed, sizeof normed / sizeof *normed, 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_dense_forms),
        cmocka_unit_test(gradients_of_lists),
        cmocka_unit_test(gradients_of_lists_with_values),
        cmocka_unit_test(gradients_of_trained_weights),
        cmocka_unit_test(gradients_from_rounded_operands),
        cmocka_unit_test(gradients_with_batch_norm),
        cmocka_unit_test(a_step_moves_the_statistics),
        cmocka_unit_test(gamma_and_beta_follow_the_rule),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(any_number_of_threads_with_batch_norm),
        cmocka_unit_test(a_resume_with_batch_norm_is_exact),
        cmocka_unit_test(fused_kernels_give_the_same_bytes),
        cmocka_unit_test(evaluation_equals_the_naive_network),
    };
    return cmocka_run_group_tests_name("trunk", tests, NULL, NULL);
}
