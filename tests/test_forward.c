/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forward pass as the analyzer uses it: weights and masks bound from outside, both forms, any capacity, against a
 * naive network in double precision. */
#include <supermask/forward.h>

#include "tests/check.h"
#include "tests/naive.h"
#include "tests/tiny_data.h"

enum { N_TEST = 53, HEIGHT = 5, WIDTH = 7, CLASSES = 5 };

/* A network with random weights and masks, plain and in the engine's layout, and a data set. */
struct bench {
    struct sm_network net;
    struct sm_dataset data;
    struct sm_samples samples;
    float *weight[NAIVE_LAYERS];
    int8_t *mask[NAIVE_LAYERS];
};

/* Of the weights a share of `hidden` is hidden, a third of the others inverted; +-0.2 where constant. */
static void bench_init(struct bench *b, enum sm_activation activation, double hidden, bool constant) {
    const struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, 20);
    struct sm_error err = {{0}};
    memset(b, 0, sizeof *b);
    if (sm_network_read(&b->net, "35-40-30-5", activation, &err)) fail_msg("%s", err.text);
    b->data = tiny_data(HEIGHT, WIDTH, CLASSES, 1, N_TEST);
    if (sm_samples_init(&b->samples, &b->data, &b->data.test, SM_STANDARDIZE_IMAGE, &err)) fail_msg("%s", err.text);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&b->net.layers[l]);
        b->weight[l] = check_alloc(s.n_rows * s.stride, sizeof(float));
        b->mask[l] = check_alloc(s.n_rows * s.stride, 1);
        for (size_t k = 0; k < s.n_out * s.n_in; k++) {
            size_t at = k / s.n_in * s.stride + k % s.n_in, index = 10000 * l + k;
            double u = sm_rng_uniform(&rng, 3 * index);
            b->weight[l][at] = (float)(0.2 * sm_rng_normal(&rng, 3 * index + 1));
            if (constant) b->weight[l][at] = b->weight[l][at] > 0 ? 0.2f : -0.2f;
            b->mask[l][at] = u < hidden ? 0 : u < hidden + (1 - hidden) / 3 ? -1 : 1;
        }
    }
}

static void bench_destroy(struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        free(b->weight[l]);
        free(b->mask[l]);
    }
    sm_samples_destroy(&b->samples);
    sm_network_destroy(&b->net);
    tiny_destroy(&b->data);
}

static void bind(struct sm_forward *f, const struct bench *b, size_t capacity, int max_threads, bool masked) {
    struct sm_error err = {{0}};
    if (sm_forward_init(f, &b->net, capacity, max_threads, false, &err)) fail_msg("%s", err.text);
    for (size_t l = 0; l < b->net.n_layers; l++)
        if (sm_forward_bind(f, l, b->weight[l], masked ? b->mask[l] : NULL, &err)) fail_msg("%s", err.text);
}

static void pass(struct sm_forward *f, const struct bench *b, size_t first, size_t n) {
    const struct sm_batch batch = sm_samples_batch(&b->samples, first, n);
    sm_forward_pass(f, &batch, 0, 1);
}

static void blacken_split(const struct sm_split *split) {
    for (size_t i = 0; i < split->n; i++)
        for (size_t p = 0; p < HEIGHT * WIDTH; p++)
            if (p % 3 == 0 || (p % 3 == 1 && i % 16 < 14)) split->images[i * HEIGHT * WIDTH + p] = 0;
}

/* Images that are mostly 0, as written digits are: every third pixel is always, another third in all but a few. */
static void blacken(struct bench *b) {
    struct sm_error err = {{0}};
    blacken_split(&b->data.train);
    blacken_split(&b->data.test);
    sm_samples_destroy(&b->samples);
    if (sm_samples_init(&b->samples, &b->data, &b->data.test, SM_STANDARDIZE_UNIT, &err)) fail_msg("%s", err.text);
}

static void naive_of(struct naive *naive, const struct bench *b, enum sm_loss_kind loss, bool masked) {
    naive_init(naive, &b->net, loss, N_TEST);
    memcpy(naive->labels, b->data.test.labels, N_TEST);
    for (size_t i = 0; i < N_TEST; i++)
        naive_standardize(naive->input + i * HEIGHT * WIDTH, b->data.test.images + i * HEIGHT * WIDTH, HEIGHT * WIDTH,
                          b->samples.standardize);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&b->net.layers[l]);
        for (size_t k = 0; k < s.n_out * s.n_in; k++) {
            size_t at = k / s.n_in * s.stride + k % s.n_in;
            naive->v[l][k] = (double)b->weight[l][at] * (masked ? b->mask[l][at] : 1);
        }
    }
}

/* One, two and four passes with a smaller last one: the same numbers, close to the naive ones. `few`: whether the
 * data set's images are mostly 0. */
static void check_evaluation(const struct bench *b, bool masked, bool sparse, bool few) {
    static const size_t capacities[] = {64, 53, 32, 16, 7};
    for (enum sm_loss_kind loss = SM_LOSS_CLIPPED; loss <= SM_LOSS_LOGITS; loss++) {
        struct naive naive;
        naive_of(&naive, b, loss, masked);
        struct naive_result want = naive_evaluate(&naive);
        for (size_t c = 0; c < 5; c++) {
            struct sm_forward f;
            bind(&f, b, capacities[c], 3, masked);
            struct sm_evaluation one = sm_forward_evaluate(&f, &b->samples, loss, NULL, 1);
            struct sm_evaluation three = sm_forward_evaluate(&f, &b->samples, loss, NULL, 3);
            assert_memory_equal(&one, &three, sizeof one);
            assert_close(one.loss, want.loss, 2e-6);
            assert_close(one.accuracy, want.accuracy, 1e-12);
            assert_int_equal(f.few, few);
            for (size_t l = 0; l < b->net.n_layers; l++)
                if (sm_layer_weights(&b->net.layers[l]) > SM_SMALL_LAYER) /* a small one is always sparse */
                    assert_int_equal(f.layers[l].sparse, sparse);
            sm_forward_destroy(&f);
        }
        naive_destroy(&naive);
    }
}

static void evaluation_against_a_naive_network(void **state) {
    (void)state;
    static const double hidden[] = {0.1, 0.9};
    for (enum sm_activation activation = SM_LINEAR; activation <= SM_RELU; activation++)
        for (int constant = 0; constant < 2; constant++) {
            struct bench b;
            for (int sparse = 0; sparse < 2; sparse++) {
                bench_init(&b, activation, hidden[sparse], constant);
                check_evaluation(&b, true, sparse, false);
                check_evaluation(&b, false, false, false);
                blacken(&b);
                check_evaluation(&b, true, sparse, true);
                check_evaluation(&b, false, false, true);
                bench_destroy(&b);
            }
        }
}

/* All logits are 0: the loss is ln 5 and everybody is told to be class 0. */
static void all_hidden(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward f;
    bench_init(&b, SM_ELU, 1, true);
    bind(&f, &b, 16, 1, true);
    struct sm_evaluation e = sm_forward_evaluate(&f, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    double n_zero = 0;
    for (size_t i = 0; i < N_TEST; i++) n_zero += b.data.test.labels[i] == 0;
    assert_close(e.loss, log(5), 1e-6);
    assert_close(e.accuracy, n_zero / N_TEST, 1e-12);
    for (size_t l = 0; l < b.net.n_layers; l++) assert_int_equal(f.layers[l].n_kept, 0);
    sm_forward_destroy(&f);
    bench_destroy(&b);
}

/* All keep is the network without a mask, byte for byte; all invert three times over changes every sign of the output
 * of a linear network. */
static void all_keep_and_all_invert(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward kept, plain;
    bench_init(&b, SM_LINEAR, 0, false);
    for (size_t l = 0; l < b.net.n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&b.net.layers[l]);
        for (size_t a = 0; a < s.n_rows * s.stride; a++) b.mask[l][a] = b.mask[l][a] != 0;
    }
    bind(&kept, &b, 64, 1, true);
    bind(&plain, &b, 64, 1, false);
    pass(&kept, &b, 0, N_TEST);
    pass(&plain, &b, 0, N_TEST);
    size_t n = CLASSES * kept.image_stride;
    float first[CLASSES * 64];
    assert_true(n <= sizeof first / sizeof *first);
    memcpy(first, sm_forward_logits(&kept), n * sizeof(float));
    for (size_t k = 0; k < n; k++) assert_within(first[k], sm_forward_logits(&plain)[k], 1e-5); /* lists or OpenBLAS */
    for (size_t l = 0; l < b.net.n_layers; l++) { /* masks are looked at anew in every pass */
        struct sm_padded_shape s = sm_padded_shape_of(&b.net.layers[l]);
        for (size_t a = 0; a < s.n_rows * s.stride; a++) b.mask[l][a] = (int8_t)-b.mask[l][a];
    }
    pass(&kept, &b, 0, N_TEST);
    for (size_t k = 0; k < n; k++) assert_true(sm_forward_logits(&kept)[k] == -first[k]);
    sm_forward_destroy(&kept);
    sm_forward_destroy(&plain);
    bench_destroy(&b);
}

/* Images in any order; the same logits as each has in the order of the data set. */
static void a_batch_of_images_in_any_order(void **state) {
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct bench b;
        struct sm_forward all, some;
        uint32_t order[N_TEST];
        bench_init(&b, SM_ELU, sparse ? 0.9 : 0.1, true);
        bind(&all, &b, N_TEST, 1, true);
        bind(&some, &b, 20, 1, true);
        const struct sm_rng rng = sm_rng_make(4, SM_RNG_TEST, 21);
        sm_rng_permutation(&rng, order, N_TEST);
        pass(&all, &b, 0, N_TEST);
        const uint8_t *images[19];
        float scale[19], shift[19];
        for (size_t k = 0; k < 19; k++) {
            images[k] = b.samples.images[order[30 + k]];
            scale[k] = b.samples.scale[order[30 + k]];
            shift[k] = b.samples.shift[order[30 + k]];
        }
        const struct sm_batch batch = {
            .n = 19, .n_pixels = b.samples.n_pixels, .n_scales = 1, .images = images, .scale = scale, .shift = shift};
        sm_forward_pass(&some, &batch, 0, 1);
        assert_int_equal(some.n_images, 19);
        for (size_t k = 0; k < 19; k++)
            for (size_t c = 0; c < CLASSES; c++)
                assert_within(sm_forward_logits(&some)[c * some.image_stride + k],
                              sm_forward_logits(&all)[c * all.image_stride + order[30 + k]], sparse ? 0 : 1e-5);
        sm_forward_destroy(&all);
        sm_forward_destroy(&some);
        bench_destroy(&b);
    }
}

/* Layer by layer, the whole network is that of a pass; and where zeros are left out, an image has the same logits in
 * every batch. */
static void images_that_are_mostly_black(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward pass_of, steps, some;
    bench_init(&b, SM_RELU, 0.1, false);
    blacken(&b);
    bind(&pass_of, &b, 64, 1, true);
    bind(&steps, &b, 64, 1, true);
    bind(&some, &b, 16, 1, true);
    pass(&pass_of, &b, 0, N_TEST);
    pass(&some, &b, 16, 16);
    assert_true(pass_of.few && some.few);
    const struct sm_batch batch = sm_samples_batch(&b.samples, 0, N_TEST);
    sm_forward_freeze(&steps);
    sm_forward_load(&steps, &batch);
    for (size_t l = 0; l < b.net.n_layers; l++)
        sm_forward_compute(&steps, l, (struct sm_part){0, steps.layers[l].shape.n_out, 0, sm_padded(N_TEST)});
    for (size_t l = 0; l < b.net.n_layers; l++)
        assert_memory_equal(steps.layers[l].activations, pass_of.layers[l].activations,
                            steps.layers[l].shape.n_rows * steps.image_stride * sizeof(float));
    for (size_t o = 0; o < some.layers[0].shape.n_out; o++)
        assert_memory_equal(some.layers[0].activations + o * some.image_stride,
                            pass_of.layers[0].activations + o * pass_of.image_stride + 16, 16 * sizeof(float));
    sm_forward_destroy(&pass_of);
    sm_forward_destroy(&steps);
    sm_forward_destroy(&some);
    bench_destroy(&b);
}

/* Whether zeros are left out is a question of the data set: the first layer of a pass of bright images alone is
 * rounded as that of a pass of all. */
static void the_form_does_not_depend_on_the_batch(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward all, bright;
    bench_init(&b, SM_RELU, 0.1, false);
    blacken(&b);
    memset(b.data.test.images, 200, 16 * HEIGHT * WIDTH);
    bind(&all, &b, 64, 1, true);
    bind(&bright, &b, 16, 1, true);
    pass(&all, &b, 0, N_TEST);
    pass(&bright, &b, 0, 16);
    assert_true(all.few && bright.few);
    for (size_t o = 0; o < all.layers[0].shape.n_out; o++)
        assert_memory_equal(bright.layers[0].activations + o * bright.image_stride,
                            all.layers[0].activations + o * all.image_stride, 16 * sizeof(float));
    sm_forward_destroy(&all);
    sm_forward_destroy(&bright);
    bench_destroy(&b);
}

/* A mask that is said to invert nothing is not applied where it keeps all, and is as soon as it hides one weight. */
static void masks_that_hold_weights(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward held, plain;
    struct sm_error err = {{0}};
    bench_init(&b, SM_RELU, 0, false);
    for (size_t l = 0; l < b.net.n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&b.net.layers[l]);
        for (size_t a = 0; a < s.n_rows * s.stride; a++) b.mask[l][a] = b.mask[l][a] != 0;
    }
    bind(&held, &b, 64, 1, true);
    bind(&plain, &b, 64, 1, false);
    const struct sm_binding binding = {.weight = b.weight[0], .mask = b.mask[0], .holds = true};
    assert_int_equal(sm_forward_bind_as(&held, 0, &binding, &err), 0);
    for (int hides = 0; hides < 2; hides++) {
        size_t n = held.layers[0].shape.n_rows * held.image_stride * sizeof(float);
        pass(&held, &b, 0, N_TEST);
        pass(&plain, &b, 0, N_TEST);
        assert_int_equal(sm_forward_keeps_all(&held, 0), !hides);
        assert_false(sm_forward_keeps_all(&plain, 0));
        assert_int_equal(memcmp(held.layers[0].activations, plain.layers[0].activations, n) == 0, !hides);
        b.mask[0][3] = 0;
    }
    b.weight[0][3] = 0; /* what a weight does that is hidden */
    pass(&plain, &b, 0, N_TEST);
    assert_memory_equal(held.layers[0].activations, plain.layers[0].activations,
                        held.layers[0].shape.n_rows * held.image_stride * sizeof(float));
    sm_forward_destroy(&held);
    sm_forward_destroy(&plain);
    bench_destroy(&b);
}

/* A full pass, then a small one: nothing of the first is left in the second. */
static void passes_leave_nothing_behind(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward used, fresh;
    bench_init(&b, SM_ELU, 0.9, false);
    bind(&used, &b, 48, 1, true);
    bind(&fresh, &b, 48, 1, true);
    pass(&used, &b, 0, 48);
    pass(&used, &b, 48, 5);
    pass(&fresh, &b, 48, 5);
    for (size_t c = 0; c < CLASSES; c++)
        assert_memory_equal(sm_forward_logits(&used) + c * used.image_stride,
                            sm_forward_logits(&fresh) + c * fresh.image_stride, SM_LANES * sizeof(float));
    sm_forward_destroy(&used);
    sm_forward_destroy(&fresh);
    bench_destroy(&b);
}

/* out[i][b] = sum_o v[o][i] delta[o][b], from both forms. */
static void gradient_with_respect_to_the_input(void **state) {
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct bench b;
        struct sm_forward f;
        bench_init(&b, SM_ELU, sparse ? 0.9 : 0.1, false);
        bind(&f, &b, 33, 1, true);
        pass(&f, &b, 0, 33);
        for (size_t l = 0; l < b.net.n_layers; l++) {
            struct sm_padded_shape s = f.layers[l].shape;
            float *delta = check_alloc(s.n_rows * f.image_stride, sizeof *delta);
            float *out = check_alloc(s.stride * f.image_stride, sizeof *out);
            check_fill(delta, s.n_out * f.image_stride, -1, 1, 22);
            check_fill(out, s.stride * f.image_stride, 5, 6, 23); /* what was there does not count */
            sm_forward_transposed(&f, l, out, delta, 0, 1);
            for (size_t i = 0; i < s.n_in; i++)
                for (size_t k = 0; k < 33; k++) {
                    double want = 0;
                    for (size_t o = 0; o < s.n_out; o++)
                        want += (double)b.weight[l][o * s.stride + i] * b.mask[l][o * s.stride + i] *
                                delta[o * f.image_stride + k];
                    assert_within(out[i * f.image_stride + k], want, 2e-6);
                }
            free(delta);
            free(out);
        }
        sm_forward_destroy(&f);
        bench_destroy(&b);
    }
}

/* Another mask, then none, on the same forward. */
static void layers_can_be_bound_again(void **state) {
    (void)state;
    struct bench b;
    struct sm_forward f, fresh;
    struct sm_error err = {{0}};
    bench_init(&b, SM_RELU, 0.9, true);
    bind(&f, &b, 64, 1, true);
    sm_forward_evaluate(&f, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    for (size_t l = 0; l < b.net.n_layers; l++) assert_int_equal(sm_forward_bind(&f, l, b.weight[l], NULL, &err), 0);
    bind(&fresh, &b, 64, 1, false);
    struct sm_evaluation again = sm_forward_evaluate(&f, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    struct sm_evaluation plain = sm_forward_evaluate(&fresh, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    assert_memory_equal(&again, &plain, sizeof again);
    for (size_t l = 0; l < b.net.n_layers; l++)
        assert_int_equal(sm_forward_bind(&f, l, b.weight[l], b.mask[l], &err), 0);
    sm_forward_destroy(&fresh);
    bind(&fresh, &b, 64, 1, true);
    again = sm_forward_evaluate(&f, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    plain = sm_forward_evaluate(&fresh, &b.samples, SM_LOSS_CLIPPED, NULL, 1);
    assert_memory_equal(&again, &plain, sizeof again);
    sm_forward_destroy(&f);
    sm_forward_destroy(&fresh);
    bench_destroy(&b);
}

/* ---- layout and shares ---- */

static void padding_round_trip(void **state) {
    (void)state;
    const struct sm_layer layer = {.kind = SM_CONV2D, .n_out = 5, .n_in = 3, .kernel_height = 3, .kernel_width = 2};
    struct sm_padded_shape s = sm_padded_shape_of(&layer);
    assert_true(s.n_out == 5 && s.n_in == 18 && s.n_rows == 16 && s.stride == 32);
    float plain[90], back[90] = {0}, *padded = check_alloc(s.n_rows * s.stride, sizeof *padded);
    int8_t mask[90], mask_back[90] = {0}, *padded_mask = check_alloc(s.n_rows * s.stride, 1);
    check_fill(plain, 90, 1, 2, 24);
    for (size_t k = 0; k < 90; k++) mask[k] = (int8_t)(k % 3) - 1;
    sm_pad_floats(padded, plain, s);
    sm_pad_mask(padded_mask, mask, s);
    for (size_t o = 0; o < s.n_rows; o++)
        for (size_t i = 0; i < s.stride; i++) {
            bool there = o < 5 && i < 18;
            assert_true(padded[o * s.stride + i] == (there ? plain[o * 18 + i] : 0));
            assert_int_equal(padded_mask[o * s.stride + i], there ? mask[o * 18 + i] : 0);
        }
    sm_unpad_floats(back, padded, s);
    sm_unpad_mask(mask_back, padded_mask, s);
    assert_memory_equal(back, plain, sizeof plain);
    assert_memory_equal(mask_back, mask, sizeof mask);
    free(padded);
    free(padded_mask);
}

/* Shares follow each other without a gap, begin at multiples of the step, and differ by one step at most. */
static void shares_cover_everything_once(void **state) {
    (void)state;
    for (size_t n = 0; n < 100; n += n < 20 ? 1 : 13)
        for (size_t step = 1; step <= 64; step *= 4)
            for (int n_threads = 1; n_threads <= 9; n_threads++) {
                size_t end = 0, most = 0, least = SIZE_MAX;
                for (int t = 0; t < n_threads; t++) {
                    size_t first, last, blocks;
                    sm_share_of(n, step, t, n_threads, &first, &last);
                    assert_true(first == end && last >= first && last <= n);
                    assert_true(first % step == 0 || first == n);
                    end = last;
                    blocks = (last - first + step - 1) / step;
                    if (blocks > most) most = blocks;
                    if (blocks < least) least = blocks;
                }
                assert_int_equal(end, n);
                assert_true(most - least <= 1);
            }
}

/* Descriptions that are right in themselves, but no trunk and stack of dense layers. */
static void what_no_pass_computes_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *layers, *sentence;
    } cases[] = {
        {"[{kind: dense, name: a, units: 6}, {kind: dense, name: b, units: 6, inputs: [input]}, "
         "{kind: dense, name: c, units: 2, inputs: [a, b]}]",
         "layer b"},
        {"[{kind: conv2d, filters: 2, kernel: 3}, {kind: global-average-pool}]", "the last layer is not dense"},
        {"[{kind: max-pool, size: 17, stride: 1, padding: same}, {kind: dense, units: 2}]", "layer pool1"},
        {"[{kind: global-average-pool, name: g}, {kind: conv2d, filters: 2, kernel: 1}, {kind: dense, units: 2}]",
         "layer g"},
    };
    const struct sm_network_options options = {.activation = SM_ELU, .width = 1};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct sm_network net;
        struct sm_forward f;
        struct sm_error err = {{0}};
        char text[512];
        snprintf(text, sizeof text, "name: odd\ninput: [1, 20, 20]\nlayers: %s\n", cases[k].layers);
        if (sm_network_parse(&net, text, "text", &options, &err)) fail_msg("%s", err.text);
        assert_int_equal(sm_forward_init(&f, &net, 16, 1, false, &err), -1);
        if (!strstr(err.text, cases[k].sentence)) fail_msg("%s", err.text);
        sm_forward_destroy(&f);
        sm_network_destroy(&net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_against_a_naive_network),
        cmocka_unit_test(all_hidden),
        cmocka_unit_test(all_keep_and_all_invert),
        cmocka_unit_test(a_batch_of_images_in_any_order),
        cmocka_unit_test(images_that_are_mostly_black),
        cmocka_unit_test(the_form_does_not_depend_on_the_batch),
        cmocka_unit_test(masks_that_hold_weights),
        cmocka_unit_test(passes_leave_nothing_behind),
        cmocka_unit_test(gradient_with_respect_to_the_input),
        cmocka_unit_test(layers_can_be_bound_again),
        cmocka_unit_test(padding_round_trip),
        cmocka_unit_test(shares_cover_everything_once),
        cmocka_unit_test(what_no_pass_computes_is_refused),
    };
    return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
