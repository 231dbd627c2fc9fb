/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Softmax cross-entropy: cases by hand, the bounds of Keras' clipping, gradients by central differences. */
#include <supermask/loss.h>

#include "tests/check.h"

static struct sm_loss_of_image evaluate(enum sm_loss_kind kind, const float *logits, size_t n, size_t label,
                                        float *delta) {
    return sm_loss_evaluate(kind, logits, 1, n, label, 1, delta);
}

/* p = (1, 2, 5) / 8 for logits 0, ln 2, ln 5. */
static void three_classes_by_hand(void **state) {
    (void)state;
    const float logits[] = {0, logf(2), logf(5)};
    for (enum sm_loss_kind kind = SM_LOSS_CLIPPED; kind <= SM_LOSS_LOGITS; kind++) {
        float delta[3];
        struct sm_loss_of_image one = evaluate(kind, logits, 3, 1, delta);
        assert_close(one.loss, log(4), 1e-6);
        assert_false(one.correct);
        assert_within(delta[0], 0.125, 1e-7);
        assert_within(delta[1], 0.25 - 1, 1e-7);
        assert_within(delta[2], 0.625, 1e-7);
        one = evaluate(kind, logits, 3, 2, delta);
        assert_close(one.loss, log(1.6), 1e-6);
        assert_true(one.correct);
        assert_within(delta[2], 0.625 - 1, 1e-7);
    }
}

/* Ten equal logits: loss ln 10; the first of the largest wins. */
static void ties_go_to_the_first(void **state) {
    (void)state;
    const float logits[10] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3};
    for (size_t label = 0; label < 10; label++) {
        struct sm_loss_of_image one = evaluate(SM_LOSS_CLIPPED, logits, 10, label, NULL);
        assert_close(one.loss, 2.302585092994046, 1e-7);
        assert_int_equal(one.correct, label == 0);
    }
}

/* Logits and deltas stand a stride apart; what lies between is not touched; deltas carry the weight. */
static void strides_and_weights(void **state) {
    (void)state;
    float logits[12], delta[12], plain[3];
    for (size_t k = 0; k < 12; k++) logits[k] = delta[k] = 77;
    for (size_t c = 0; c < 3; c++) logits[4 * c] = (float)c;
    sm_loss_evaluate(SM_LOSS_LOGITS, logits, 4, 3, 0, 0.25f, delta);
    evaluate(SM_LOSS_LOGITS, (const float[]){0, 1, 2}, 3, 0, plain);
    for (size_t k = 0; k < 12; k++) assert_true(delta[k] == (k % 4 ? 77 : plain[k / 4] * 0.25f));
}

/* Counting agrees with one image at a time: ties, NaN and infinities too; any number of images. */
static void counting_agrees_with_single_images(void **state) {
    (void)state;
    enum { CLASSES = 4, STRIDE = 48 };
    float logits[CLASSES * STRIDE];
    uint8_t labels[STRIDE];
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 40);
    for (size_t k = 0; k < CLASSES * STRIDE; k++) logits[k] = (float)sm_rng_below(&rng, k, 4); /* many ties */
    for (size_t b = 0; b < STRIDE; b++) labels[b] = (uint8_t)sm_rng_below(&rng, 1000 + b, CLASSES);
    logits[0] = logits[STRIDE + 3] = logits[3 * STRIDE + 20] = NAN;
    logits[5] = logits[STRIDE + 6] = INFINITY;
    logits[7] = logits[2 * STRIDE + 8] = -INFINITY;
    for (size_t n = 0; n <= STRIDE; n++) {
        size_t n_correct = 0;
        for (size_t b = 0; b < n; b++)
            n_correct += sm_loss_evaluate(SM_LOSS_LOGITS, logits + b, STRIDE, CLASSES, labels[b], 0, NULL).correct;
        assert_int_equal(sm_loss_count_correct(logits, STRIDE, CLASSES, labels, n), n_correct);
        assert_true(n < STRIDE || (n_correct > 4 && n_correct < 40));
    }
}

/* Shifting all logits changes nothing; large ones do not overflow. */
static void loss_is_invariant_to_shifts(void **state) {
    (void)state;
    const float near[] = {0, 1, -2, 3}, far[] = {1e4f, 1e4f + 1, 1e4f - 2, 1e4f + 3};
    for (enum sm_loss_kind kind = SM_LOSS_CLIPPED; kind <= SM_LOSS_LOGITS; kind++) {
        float delta[4], other[4];
        double loss = evaluate(kind, near, 4, 2, delta).loss;
        assert_close(evaluate(kind, far, 4, 2, other).loss, loss, 1e-12);
        assert_memory_equal(delta, other, sizeof delta);
    }
}

/* d loss / d logit by central differences of the formula in double precision, sign and all. */
static double formula(const double *z, size_t n, size_t label) {
    double sum = 0;
    for (size_t c = 0; c < n; c++) sum += exp(z[c]);
    return log(sum) - z[label];
}

static void gradient_by_differences(void **state) {
    (void)state;
    enum { CLASSES = 10 };
    float logits[CLASSES], delta[CLASSES];
    for (uint32_t seed = 0; seed < 20; seed++) {
        double z[CLASSES];
        size_t label = seed % CLASSES;
        check_fill(logits, CLASSES, -3, 3, seed);
        for (size_t c = 0; c < CLASSES; c++) z[c] = logits[c];
        for (enum sm_loss_kind kind = SM_LOSS_CLIPPED; kind <= SM_LOSS_LOGITS; kind++) {
            assert_close(evaluate(kind, logits, CLASSES, label, delta).loss, formula(z, CLASSES, label), 1e-6);
            for (size_t c = 0; c < CLASSES; c++) {
                const double h = 1e-5;
                z[c] = logits[c] + h;
                double up = formula(z, CLASSES, label);
                z[c] = logits[c] - h;
                double down = formula(z, CLASSES, label);
                z[c] = logits[c];
                assert_within(delta[c], (up - down) / (2 * h), 3e-7);
            }
        }
    }
}

/* Keras clips floats to [1e-7f, 1 - 1e-7f], and 1 - 1e-7 is 1 - 2^-23 as a float. Two classes: p = 1 / (1 + e^-d). */
static void clipping_bounds_are_those_of_keras(void **state) {
    (void)state;
    const double lowest = (double)1e-7f, highest = 1 - 0x1p-23;
    float delta[2];
    struct sm_loss_of_image one = evaluate(SM_LOSS_CLIPPED, (const float[]){0, 50}, 2, 1, delta); /* p = 1 */
    assert_close(one.loss, -log(highest), 1e-12);
    assert_true(one.correct && delta[0] == 0 && delta[1] == 0);
    one = evaluate(SM_LOSS_CLIPPED, (const float[]){0, 50}, 2, 0, delta); /* p = e^-50 */
    assert_close(one.loss, -log(lowest), 1e-12);
    assert_true(!one.correct && delta[0] == 0 && delta[1] == 0);
    one = evaluate(SM_LOSS_LOGITS, (const float[]){0, 50}, 2, 0, delta);
    assert_close(one.loss, 50, 1e-7);
    assert_true(delta[0] == -1 && delta[1] == 1);
}

/* Walks along the logits, float by float, past both bounds: the gradient is 0 where the float p is outside, and there
 * alone. */
static void gradient_stops_exactly_at_the_bounds(void **state) {
    (void)state;
    size_t n_inside = 0, n_outside = 0;
    for (int side = 0; side < 2; side++) {
        float d = side ? 15.5f : -16.5f; /* ln 1e-7 = -16.118; ln 2^-23 = -15.942 */
        for (size_t k = 0; k < 20000; k++, d += 5e-5f) {
            float delta[2], largest = fmaxf(d, 0), a = expf(0 - largest), b = expf(d - largest), p = b / (a + b);
            struct sm_loss_of_image one = evaluate(SM_LOSS_CLIPPED, (const float[]){0, d}, 2, 1, delta);
            bool inside = p >= 1e-7f && p <= 1.0f - 1e-7f;
            if (inside != (delta[1] != 0))
                fail_msg("at %.9g: p is %.9g, delta %g", (double)d, (double)p, (double)delta[1]);
            assert_close(one.loss, -log(fmin(fmax(p, (double)1e-7f), (double)(1 - 1e-7f))), 1e-12);
            n_inside += inside;
            n_outside += !inside;
        }
    }
    assert_true(n_inside > 5000 && n_outside > 5000);
}

/* What is not a number is neither right nor a loss of 0. */
static void nan_is_told(void **state) {
    (void)state;
    static const float cases[][3] = {
        {NAN, 0, 1}, {0, 1, NAN}, {INFINITY, 0, 1}, {INFINITY, INFINITY, 1}, {-INFINITY, -INFINITY, -INFINITY}};
    for (size_t k = 0; k < 5; k++)
        for (enum sm_loss_kind kind = SM_LOSS_CLIPPED; kind <= SM_LOSS_LOGITS; kind++)
            for (size_t label = 0; label < 3; label++) {
                float delta[3];
                struct sm_loss_of_image one = evaluate(kind, cases[k], 3, label, delta);
                assert_true(!isfinite(one.loss));
                assert_false(one.correct);
            }
}

/* A class that is impossible: probability 0, loss of the bound or infinite. */
static void minus_infinity_is_probability_zero(void **state) {
    (void)state;
    float delta[3];
    const float logits[] = {-INFINITY, 0, 0};
    struct sm_loss_of_image one = evaluate(SM_LOSS_CLIPPED, logits, 3, 1, delta);
    assert_close(one.loss, log(2), 1e-7);
    assert_true(one.correct && delta[0] == 0 && delta[1] == -0.5f && delta[2] == 0.5f);
    assert_close(evaluate(SM_LOSS_CLIPPED, logits, 3, 0, delta).loss, -log((double)1e-7f), 1e-12);
    assert_true(isinf(evaluate(SM_LOSS_LOGITS, logits, 3, 0, delta).loss));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_classes_by_hand),
        cmocka_unit_test(ties_go_to_the_first),
        cmocka_unit_test(strides_and_weights),
        cmocka_unit_test(counting_agrees_with_single_images),
        cmocka_unit_test(loss_is_invariant_to_shifts),
        cmocka_unit_test(gradient_by_differences),
        cmocka_unit_test(clipping_bounds_are_those_of_keras),
        cmocka_unit_test(gradient_stops_exactly_at_the_bounds),
        cmocka_unit_test(nan_is_told),
        cmocka_unit_test(minus_infinity_is_probability_zero),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
