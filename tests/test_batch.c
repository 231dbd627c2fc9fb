/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preprocessing: an image by hand, images without contrast, random images against the formula in two passes. */
#include <supermask/batch.h>

#include "tests/check.h"
#include "tests/naive.h"
#include "tests/tiny_data.h"

static void init(struct sm_samples *samples, const struct sm_dataset *data, enum sm_standardize_kind kind) {
    struct sm_error err = {{0}};
    if (sm_samples_init(samples, data, &data->train, kind, &err)) fail_msg("%s", err.text);
}

/* Input value p of image i, as the kernels compute it (in double precision). */
static double input(const struct sm_samples *samples, size_t i, size_t p) {
    return (double)samples->split->images[i * samples->n_pixels + p] * (double)samples->scale[i] +
           (double)samples->shift[i];
}

/* 0 0 0 4: mean 1, variance 3. 10 20 30 40: mean 25, variance 125. */
static void two_images_by_hand(void **state) {
    (void)state;
    uint8_t images[] = {0, 0, 0, 4, 10, 20, 30, 40}, labels[] = {0, 1};
    const struct sm_dataset data = {
        .channels = 1, .height = 2, .width = 2, .n_classes = 2, .train = {2, images, labels}};
    const double want[2][4] = {{-1 / sqrt(3), -1 / sqrt(3), -1 / sqrt(3), sqrt(3)},
                               {-15 / sqrt(125), -5 / sqrt(125), 5 / sqrt(125), 15 / sqrt(125)}};
    struct sm_samples samples;
    init(&samples, &data, SM_STANDARDIZE_IMAGE);
    assert_int_equal(samples.n_pixels, 4);
    for (size_t i = 0; i < 2; i++)
        for (size_t p = 0; p < 4; p++) assert_within(input(&samples, i, p), want[i][p], 5e-7);
    sm_samples_destroy(&samples);
    init(&samples, &data, SM_STANDARDIZE_UNIT);
    assert_within(input(&samples, 0, 3), 4 / 255.0, 1e-9);
    assert_within(input(&samples, 1, 1), 20 / 255.0, 1e-8);
    assert_true(samples.shift[0] == 0 && samples.shift[1] == 0);
    sm_samples_destroy(&samples);
}

/* Channel 0 of the training images: 0 0 0 4, mean 1, variance 3. Channel 1: 7 everywhere. The test image is none of
 * them. */
static void channels_by_the_training_images(void **state) {
    (void)state;
    uint8_t images[] = {0, 0, 7, 7, 0, 4, 7, 7}, test[] = {4, 1, 7, 9}, labels[] = {0, 1};
    const struct sm_dataset data = {.channels = 2,
                                    .height = 1,
                                    .width = 2,
                                    .n_classes = 2,
                                    .train = {2, images, labels},
                                    .test = {1, test, labels}};
    struct sm_samples samples;
    struct sm_error err = {""};
    assert_int_equal(sm_samples_init(&samples, &data, &data.test, SM_STANDARDIZE_CHANNEL, &err), 0);
    assert_int_equal(samples.n_scales, 2);
    assert_within(4 * (double)samples.scale[0] + (double)samples.shift[0], sqrt(3), 5e-7);
    assert_within(1 * (double)samples.scale[0] + (double)samples.shift[0], 0, 5e-7);
    assert_true(7 * samples.scale[1] + samples.shift[1] == 0); /* no contrast */
    assert_true(9 * samples.scale[1] + samples.shift[1] == 512);
    sm_samples_destroy(&samples);
}

/* Samples 1 and 2 of three. */
static void a_batch_points_into_the_samples(void **state) {
    (void)state;
    struct sm_dataset data = tiny_data(2, 3, 5, 3, 1);
    data.channels = 3;
    data.height = 1;
    data.width = 2;
    struct sm_samples samples;
    init(&samples, &data, SM_STANDARDIZE_CHANNEL);
    const struct sm_batch batch = sm_samples_batch(&samples, 1, 2);
    assert_int_equal(batch.n, 2);
    assert_int_equal(batch.n_pixels, 6);
    assert_int_equal(batch.n_scales, 3);
    for (size_t k = 0; k < 2; k++) assert_ptr_equal(batch.images[k], data.train.images + (k + 1) * 6);
    assert_ptr_equal(batch.scale, samples.scale + 3);
    assert_ptr_equal(batch.shift, samples.shift + 3);
    assert_ptr_equal(batch.labels, data.train.labels + 1);
    sm_samples_destroy(&samples);
    tiny_destroy(&data);
}

/* Of the training images, block by block of 16: three of four pixels hold something in both blocks, then seven of
 * eight. Of the test split it says the same; black is not 0 where a mean is taken off. */
static void data_sets_that_are_mostly_black(void **state) {
    (void)state;
    enum { IMAGES = 18, PIXELS = 4 };
    static uint8_t images[IMAGES * PIXELS], bright[PIXELS] = {9, 9, 9, 9}, labels[IMAGES];
    struct sm_dataset data = {.channels = 1,
                              .height = 2,
                              .width = 2,
                              .n_classes = 10,
                              .train = {IMAGES, images, labels},
                              .test = {1, bright, labels}};
    struct sm_error err = {{0}};
    struct sm_samples samples;
    images[3 * PIXELS] = images[4 * PIXELS + 1] = images[15 * PIXELS + 2] = images[9 * PIXELS + 2] = 1;
    memset(images + 17 * PIXELS, 255, 3);
    for (enum sm_standardize_kind kind = SM_STANDARDIZE_IMAGE; kind <= SM_STANDARDIZE_CHANNEL; kind++) {
        init(&samples, &data, kind);
        assert_int_equal(samples.mostly_zero, kind == SM_STANDARDIZE_UNIT);
        assert_int_equal(sm_samples_batch(&samples, 17, 1).mostly_zero, samples.mostly_zero);
        sm_samples_destroy(&samples);
    }
    assert_int_equal(sm_samples_init(&samples, &data, &data.test, SM_STANDARDIZE_UNIT, &err), 0);
    assert_true(samples.mostly_zero);
    sm_samples_destroy(&samples);
    images[16 * PIXELS + 3] = 1;
    init(&samples, &data, SM_STANDARDIZE_UNIT);
    assert_false(samples.mostly_zero);
    sm_samples_destroy(&samples);
}

/* No contrast: (x - mean) * sqrt(pixels) = 0, not 0/0. One pixel of 1 among 784: sd = .0357 = 1/sqrt(784) to within
 * its 6th digit, on the small side, so that the floor decides. */
static void images_without_contrast(void **state) {
    (void)state;
    enum { PIXELS = 784 };
    static uint8_t images[4 * PIXELS], labels[4];
    memset(images + PIXELS, 255, PIXELS);
    memset(images + 2 * PIXELS, 100, PIXELS);
    images[3 * PIXELS + 5] = 1;
    const struct sm_dataset data = {
        .channels = 1, .height = 28, .width = 28, .n_classes = 10, .train = {4, images, labels}};
    struct sm_samples samples;
    init(&samples, &data, SM_STANDARDIZE_IMAGE);
    for (size_t i = 0; i < 3; i++) {
        assert_true(samples.scale[i] == 28);
        for (size_t p = 0; p < PIXELS; p++) assert_true(input(&samples, i, p) == 0);
    }
    assert_true(samples.scale[3] == 28);
    assert_within(input(&samples, 3, 5), 28 * (1 - 1.0 / PIXELS), 2e-6);
    assert_within(input(&samples, 3, 6), -28.0 / PIXELS, 2e-8);
    sm_samples_destroy(&samples);
}

/* Every image of a random set; all channels together. */
static void random_images_against_the_formula(void **state) {
    (void)state;
    struct sm_dataset data = tiny_data(28, 28, 10, 50, 1);
    data.height = 14;
    data.channels = 2; /* the same bytes as two channels of 14 x 28 */
    double *want = check_alloc(784, sizeof *want);
    for (enum sm_standardize_kind kind = SM_STANDARDIZE_IMAGE; kind <= SM_STANDARDIZE_UNIT; kind++) {
        struct sm_samples samples;
        init(&samples, &data, kind);
        assert_int_equal(samples.n_pixels, 784);
        assert_ptr_equal(samples.split, &data.train);
        for (size_t i = 0; i < data.train.n; i++) {
            naive_standardize(want, data.train.images + i * 784, 784, kind);
            for (size_t p = 0; p < 784; p++) assert_within(input(&samples, i, p), want[p], 5e-7);
        }
        sm_samples_destroy(&samples);
    }
    free(want);
    tiny_destroy(&data);
}

/* Mean 0 and deviation 1 whatever the image's contrast. */
static void standardized_images_have_unit_variance(void **state) {
    (void)state;
    struct sm_dataset data = tiny_data(28, 28, 10, 50, 1);
    for (size_t a = 0; a < 784; a++) data.train.images[a] = data.train.images[a] < 128; /* faint */
    struct sm_samples samples;
    init(&samples, &data, SM_STANDARDIZE_IMAGE);
    for (size_t i = 0; i < data.train.n; i++) {
        double sum = 0, squares = 0;
        for (size_t p = 0; p < 784; p++) {
            sum += input(&samples, i, p);
            squares += input(&samples, i, p) * input(&samples, i, p);
        }
        assert_within(sum / 784, 0, 1e-6);
        assert_within(squares / 784, 1, 1e-6);
    }
    sm_samples_destroy(&samples);
    tiny_destroy(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_images_by_hand),
        cmocka_unit_test(images_without_contrast),
        cmocka_unit_test(data_sets_that_are_mostly_black),
        cmocka_unit_test(channels_by_the_training_images),
        cmocka_unit_test(a_batch_points_into_the_samples),
        cmocka_unit_test(random_images_against_the_formula),
        cmocka_unit_test(standardized_images_have_unit_variance),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
