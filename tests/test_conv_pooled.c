/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weight gradient behind max-pooling, of every instruction set that this CPU runs, against the definition in double
 * precision: the gradient of the pooled pixel goes to its winner, and every weight sums over all output pixels. A sum
 * of n floats is off by at most about n units of 2^-24 of the sum of its terms' magnitudes (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 3.1). */
#include <supermask/conv_pooled.h>

#include "tests/check.h"

#define UNIT 0x1p-24
#define UNTOUCHED 99.0f

struct shape {
    size_t n_in, n_out, height, width, pad, n_images; /* height and width of the convolution's output */
};

static const struct shape shapes[] = {
    {64, 8, 4, 4, 1, 32},   /* sixteen images to a chunk */
    {17, 5, 8, 8, 1, 16},   /* four images to a chunk; channels one more than vectors hold */
    {3, 4, 16, 16, 1, 21},  /* an image to a chunk; a block that the batch does not fill */
    {8, 3, 32, 32, 1, 16},  /* four bands */
    {9, 2, 7, 11, 1, 17},   /* pooling drops the last row and column */
    {16, 2, 26, 14, 0, 16}, /* a valid convolution; the second band has fewer rows */
    {2, 1, 2, 2, 1, 1},     /* one pooled pixel */
    {5, 3, 3, 140, 1, 16},  /* a row longer than a chunk */
    {4, 2, 140, 3, 0, 3},
};

struct problem {
    struct shape shape;
    struct sm_conv conv;
    size_t n_blocks, weight_stride, height, width;
    struct sm_map in, delta;
    uint8_t *winner;
};

static void fill_image(struct sm_map *map, size_t image, uint32_t seed) {
    float *values = check_alloc(map->channels * map->height * map->width, sizeof *values), *value = values;
    check_fill(values, map->channels * map->height * map->width, -1, 1, seed + (uint32_t)image);
    for (size_t c = 0; c < map->channels; c++)
        for (ptrdiff_t y = 0; y < (ptrdiff_t)map->height; y++)
            for (ptrdiff_t x = 0; x < (ptrdiff_t)map->width; x++)
                sm_map_at(map, image / SM_LANES, c, y, x)[image % SM_LANES] = *value++;
    free(values);
}

static void problem_init(struct problem *p, struct shape s) {
    *p = (struct problem){.shape = s, .height = s.height / 2, .width = s.width / 2};
    p->n_blocks = sm_padded(s.n_images) / SM_LANES;
    p->conv = (struct sm_conv){.n_out = s.n_out,
                               .n_in = s.n_in,
                               .kernel_height = 3,
                               .kernel_width = 3,
                               .stride = 1,
                               .pad_top = s.pad,
                               .pad_left = s.pad,
                               .in_height = s.height + 2 - 2 * s.pad,
                               .in_width = s.width + 2 - 2 * s.pad,
                               .out_height = s.height,
                               .out_width = s.width};
    p->weight_stride = sm_padded(sm_conv_fan_in(&p->conv));
    assert_int_equal(sm_map_init(&p->in, s.n_in, p->conv.in_height, p->conv.in_width, s.pad, p->n_blocks), 0);
    assert_int_equal(sm_map_init(&p->delta, s.n_out, p->height, p->width, s.n_in % 2, p->n_blocks), 0);
    for (size_t n = 0; n < s.n_images; n++) fill_image(&p->in, n, 1000);
    for (size_t n = 0; n < s.n_images; n++) fill_image(&p->delta, n, 2000);
    size_t n_winners = p->n_blocks * p->height * s.n_out * p->width * SM_LANES;
    p->winner = check_alloc(n_winners, 1);
    const struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, 0);
    for (size_t k = 0; k < n_winners; k++) p->winner[k] = sm_rng_u32(&rng, k) % 4;
}

static void problem_destroy(struct problem *p) {
    sm_map_destroy(&p->in);
    sm_map_destroy(&p->delta);
    free(p->winner);
}

static unsigned winner_at(const struct problem *p, size_t n, size_t o, size_t y, size_t x) {
    size_t row = n / SM_LANES * p->height + y;
    return p->winner[((row * p->shape.n_out + o) * p->width + x) * SM_LANES + n % SM_LANES];
}

/* Gradient of weight (o, i, r, s) and the sum of its terms' magnitudes. */
static double exact(const struct problem *p, size_t o, size_t i, size_t r, size_t s, double *size) {
    double sum = *size = 0;
    for (size_t n = 0; n < p->shape.n_images; n++)
        for (size_t y = 0; y < p->height; y++)
            for (size_t x = 0; x < p->width; x++) {
                unsigned winner = winner_at(p, n, o, y, x);
                ptrdiff_t in_y = (ptrdiff_t)(2 * y + winner / 2 + r) - (ptrdiff_t)p->shape.pad;
                ptrdiff_t in_x = (ptrdiff_t)(2 * x + winner % 2 + s) - (ptrdiff_t)p->shape.pad;
                if (in_y < 0 || in_x < 0 || in_y >= (ptrdiff_t)p->in.height || in_x >= (ptrdiff_t)p->in.width) continue;
                float d = sm_map_at(&p->delta, n / SM_LANES, o, (ptrdiff_t)y, (ptrdiff_t)x)[n % SM_LANES];
                double term = (double)d * sm_map_at(&p->in, n / SM_LANES, i, in_y, in_x)[n % SM_LANES];
                sum += term;
                *size += fabs(term);
            }
    return sum;
}

/* Both passes, blocks and units from the last to the first where `backwards`; run twice, as two steps are. */
static float *computed_in(const struct problem *p, const struct sm_kernels *kernels, bool backwards, bool bf16) {
    struct sm_pooled pooled;
    struct sm_channels in, out;
    assert_int_equal(sm_channels_init(&in, p->conv.n_in), 0);
    assert_int_equal(sm_channels_init(&out, p->conv.n_out), 0);
    assert_int_equal(sm_pooled_init(&pooled, &p->conv, p->n_blocks, kernels), 0);
    pooled.bf16 = bf16;
    size_t n = p->shape.n_out * p->weight_stride, n_units = sm_pooled_units(&pooled);
    float *gradient = check_alloc(n, sizeof *gradient);
    float *scratch = check_alloc(sm_pooled_scratch(&pooled), sizeof *scratch);
    for (size_t k = 0; k < n; k++) gradient[k] = UNTOUCHED;
    for (int step = 0; step < 2; step++) {
        for (size_t b = 0; b < p->n_blocks; b++)
            sm_pooled_collect(&pooled, backwards ? p->n_blocks - 1 - b : b, &p->delta, p->winner, &out);
        for (size_t u = 0; u < n_units; u++)
            sm_pooled_gradient(&pooled, backwards ? n_units - 1 - u : u, p->n_blocks, &p->in, &in, &out, gradient,
                               p->weight_stride, scratch);
    }
    free(scratch);
    sm_pooled_destroy(&pooled);
    sm_channels_destroy(&in);
    sm_channels_destroy(&out);
    return gradient;
}

static float *computed(const struct problem *p, const struct sm_kernels *kernels, bool backwards) {
    return computed_in(p, kernels, backwards, false);
}

static const char *const sets[] = {"avx512", "avx2", "baseline"};
enum { N_SETS = sizeof sets / sizeof *sets };

static void compare_row(const struct problem *p, const float *row, size_t o) {
    size_t n_terms = p->shape.n_images * p->height * p->width, fan_in = sm_conv_fan_in(&p->conv);
    for (size_t k = 0; k < fan_in; k++) {
        double size, want = exact(p, o, k / 9, k % 9 / 3, k % 3, &size);
        assert_within(row[k], want, (double)(n_terms + 2) * UNIT * size);
    }
    for (size_t k = fan_in; k < p->weight_stride; k++) assert_true(row[k] == UNTOUCHED);
}

static void gradients_against_the_definition(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p;
        problem_init(&p, shapes[k]);
        for (size_t s = 0; s < N_SETS; s++) {
            const struct sm_kernels *kernels = sm_kernels_find(sets[s]);
            if (!kernels) continue;
            float *gradient = computed(&p, kernels, false);
            for (size_t o = 0; o < p.shape.n_out; o++) compare_row(&p, gradient + o * p.weight_stride, o);
            free(gradient);
        }
        problem_destroy(&p);
    }
}

static bool same_bytes(const struct problem *p, float *a, float *b) {
    bool same = !memcmp(a, b, p->shape.n_out * p->weight_stride * sizeof *a);
    free(a);
    free(b);
    return same;
}

static void any_order_gives_the_same_bytes(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p;
        problem_init(&p, shapes[k]);
        for (size_t s = 0; s < N_SETS; s++) {
            const struct sm_kernels *kernels = sm_kernels_find(sets[s]);
            if (kernels) assert_true(same_bytes(&p, computed(&p, kernels, false), computed(&p, kernels, true)));
        }
        problem_destroy(&p);
    }
}

static void avx512_and_avx2_give_the_same_bytes(void **state) {
    (void)state;
    const struct sm_kernels *avx512 = sm_kernels_find("avx512"), *avx2 = sm_kernels_find("avx2");
    if (!avx512 || !avx2) {
        print_message("this CPU does not run both avx512 and avx2\n");
        skip();
    }
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p;
        problem_init(&p, shapes[k]);
        assert_true(same_bytes(&p, computed(&p, avx512, false), computed(&p, avx2, false)));
        problem_destroy(&p);
    }
}

/* To the upper half of a float, ties to even; finite and positive or negative. */
static void round_map(struct sm_map *map) {
    for (size_t k = 0; k < map->n_blocks * map->block_stride; k++) {
        uint32_t bits, rest;
        memcpy(&bits, map->data + k, sizeof bits);
        rest = bits & 0xffff;
        bits -= rest;
        if (rest > 0x8000 || (rest == 0x8000 && (bits & 0x10000))) bits += 0x10000;
        memcpy(map->data + k, &bits, sizeof bits);
    }
}

/* A gradient from operands that are rounded on the way is that of rounded operands, and the same in all sets: products
 * of two bfloat16 are exact in float. */
static void bf16_is_the_gradient_of_rounded_operands(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p, rounded;
        problem_init(&p, shapes[k]);
        problem_init(&rounded, shapes[k]);
        round_map(&rounded.in);
        round_map(&rounded.delta);
        for (size_t s = 0; s < N_SETS; s++) {
            const struct sm_kernels *kernels = sm_kernels_find(sets[s]);
            if (!kernels) continue;
            assert_true(same_bytes(&p, computed_in(&p, kernels, false, true),
                                   computed(&rounded, sm_kernels_find("baseline"), false)));
        }
        problem_destroy(&p);
        problem_destroy(&rounded);
    }
}

/* One image, one channel, gradient 2 at the winner (1, 0) of a 2x2 output: dW[r][s] = 2 * in[1 + r - 1][0 + s - 1]. */
static void one_pixel_by_hand(void **state) {
    (void)state;
    struct problem p;
    problem_init(&p, (struct shape){1, 1, 2, 2, 1, 1});
    *sm_map_at(&p.delta, 0, 0, 0, 0) = 2;
    p.winner[0] = 2;
    for (ptrdiff_t y = 0; y < 2; y++)
        for (ptrdiff_t x = 0; x < 2; x++) *sm_map_at(&p.in, 0, 0, y, x) = (float)(10 * y + x + 1);
    float *gradient = computed(&p, sm_kernels_get(), false);
    const float want[9] = {0, 2, 4, 0, 22, 24, 0, 0, 0};
    assert_memory_equal(gradient, want, sizeof want);
    free(gradient);
    problem_destroy(&p);
}

static void other_convolutions_are_refused(void **state) {
    (void)state;
    struct problem p;
    problem_init(&p, shapes[0]);
    assert_true(sm_pooled_possible(&p.conv));
    struct sm_conv strided = p.conv, pointwise = p.conv, flat = p.conv, wide = p.conv;
    strided.stride = 2;
    pointwise.kernel_height = pointwise.kernel_width = 1;
    flat.out_height = 1;
    wide.out_width = 20000;
    assert_false(sm_pooled_possible(&strided));
    assert_false(sm_pooled_possible(&pointwise));
    assert_false(sm_pooled_possible(&flat));
    assert_false(sm_pooled_possible(&wide));
    problem_destroy(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_against_the_definition),
        cmocka_unit_test(any_order_gives_the_same_bytes),
        cmocka_unit_test(avx512_and_avx2_give_the_same_bytes),
        cmocka_unit_test(bf16_is_the_gradient_of_rounded_operands),
        cmocka_unit_test(one_pixel_by_hand),
        cmocka_unit_test(other_convolutions_are_refused),
    };
    return cmocka_run_group_tests_name("conv_pooled", tests, NULL, NULL);
}
