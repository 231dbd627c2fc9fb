/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crop and flip: by hand, every choice against a padded copy, and how often each choice is drawn. */
#include <supermask/augment.h>

#include "tests/check.h"

enum { CHANNELS = 2, HEIGHT = 6, WIDTH = 5, PLANE = HEIGHT * WIDTH, N_PIXELS = CHANNELS * PLANE };
enum {
    OFFSETS = 2 * SM_CROP_PAD + 1,
    PADDED_HEIGHT = HEIGHT + 2 * SM_CROP_PAD,
    PADDED_WIDTH = WIDTH + 2 * SM_CROP_PAD
};

/* An image of 2 x 3 pixels. */
static void by_hand(void **state) {
    (void)state;
    static const uint8_t image[] = {1, 2, 3, 4, 5, 6};
    static const struct {
        struct sm_crop_flip choice;
        uint8_t want[6];
    } cases[] = {{{4, 4, false}, {1, 2, 3, 4, 5, 6}}, {{4, 4, true}, {3, 2, 1, 6, 5, 4}},
                 {{5, 4, false}, {4, 5, 6, 0, 0, 0}}, {{3, 3, false}, {0, 0, 0, 0, 1, 2}},
                 {{3, 3, true}, {0, 0, 0, 2, 1, 0}},  {{4, 6, false}, {3, 0, 0, 6, 0, 0}},
                 {{0, 0, false}, {0, 0, 0, 0, 0, 0}}, {{8, 8, true}, {0, 0, 0, 0, 0, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[6];
        sm_crop_flip_apply(out, image, 1, 2, 3, cases[i].choice);
        assert_memory_equal(out, cases[i].want, 6);
    }
}

static void every_choice_against_a_padded_copy(void **state) {
    (void)state;
    uint8_t image[N_PIXELS], out[N_PIXELS];
    static uint8_t padded[CHANNELS][PADDED_HEIGHT][PADDED_WIDTH];
    for (size_t p = 0; p < N_PIXELS; p++) {
        image[p] = (uint8_t)(p + 1); /* 0 is the padding's alone */
        padded[p / PLANE][p % PLANE / WIDTH + SM_CROP_PAD][p % WIDTH + SM_CROP_PAD] = image[p];
    }
    for (size_t choice = 0; choice < OFFSETS * OFFSETS * 2; choice++) {
        const struct sm_crop_flip one = {choice / 2 / OFFSETS, choice / 2 % OFFSETS, choice % 2};
        sm_crop_flip_apply(out, image, CHANNELS, HEIGHT, WIDTH, one);
        for (size_t p = 0; p < N_PIXELS; p++) {
            size_t x = one.mirrored ? WIDTH - 1 - p % WIDTH : p % WIDTH;
            assert_int_equal(out[p], padded[p / PLANE][one.top + p % PLANE / WIDTH][one.left + x]);
        }
    }
}

/* 16,200 draws: an offset is expected 1,800 times (sd 40), mirrored 8,100 (sd 64), a whole choice 100 (sd 10). */
static void choices_are_equally_frequent(void **state) {
    (void)state;
    enum { PASSES = 9, SAMPLES = 1800 };
    size_t top[OFFSETS] = {0}, left[OFFSETS] = {0}, n_mirrored = 0, each[OFFSETS][OFFSETS][2] = {{{0}}};
    for (uint32_t pass = 0; pass < PASSES; pass++)
        for (size_t sample = 0; sample < SAMPLES; sample++) {
            struct sm_crop_flip one = sm_crop_flip_draw(7, pass, sample);
            assert_true(one.top < OFFSETS && one.left < OFFSETS);
            top[one.top]++;
            left[one.left]++;
            n_mirrored += one.mirrored;
            each[one.top][one.left][one.mirrored]++;
        }
    assert_within((double)n_mirrored, 8100, 5 * 64);
    for (size_t k = 0; k < OFFSETS; k++) {
        assert_within((double)top[k], 1800, 5 * 40);
        assert_within((double)left[k], 1800, 5 * 40);
        for (size_t j = 0; j < 2 * OFFSETS; j++) assert_within((double)each[k][j / 2][j % 2], 100, 5 * 10);
    }
}

static bool same(struct sm_crop_flip a, struct sm_crop_flip b) {
    return a.top == b.top && a.left == b.left && a.mirrored == b.mirrored;
}

/* The same again for the same seed, pass and sample; otherwise equal by chance alone, once in 162. */
static void draws_depend_on_seed_pass_and_sample(void **state) {
    (void)state;
    size_t n_same[3] = {0};
    for (size_t sample = 0; sample < 1620; sample++) {
        struct sm_crop_flip one = sm_crop_flip_draw(7, 3, sample);
        assert_true(same(one, sm_crop_flip_draw(7, 3, sample)));
        n_same[0] += same(one, sm_crop_flip_draw(8, 3, sample));
        n_same[1] += same(one, sm_crop_flip_draw(7, 4, sample));
        n_same[2] += same(one, sm_crop_flip_draw(7, 3, sample + 1));
    }
    for (size_t k = 0; k < 3; k++) assert_within((double)n_same[k], 10, 5 * sqrt(10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(every_choice_against_a_padded_copy),
        cmocka_unit_test(choices_are_equally_frequent),
        cmocka_unit_test(draws_depend_on_seed_pass_and_sample),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
