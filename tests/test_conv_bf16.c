/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weight gradients from bfloat16 operands: the product of pairs against a scalar model of VDPBF16PS, bit for bit, in
 * every instruction set that this CPU runs; gradients against the definition in double precision with the operands
 * rounded; the same bytes in all instruction sets. */
#include <supermask/conv_bf16.h>

#include "lib/kernels_bf16.h"
#include "tests/check.h"

#define UNIT 0x1p-24
#define UNTOUCHED 99.0f

static const char *const sets[] = {"avx512bf16", "avx512", "avx2", "baseline"};
enum { N_SETS = sizeof sets / sizeof *sets };

static int say_what_is_not_tested(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SETS; k++)
        if (!sm_bf16_kernels_find(sets[k])) print_message("%s does not run on this CPU and is not tested\n", sets[k]);
    return 0;
}

/* ---- models ---- */

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The bfloat16 nearest to x, by comparison with its two neighbours; ties to the even one. x finite, result too. */
static uint32_t nearest_bf16(float x) {
    uint32_t down = bits_of(x) >> 16, up = down + 1;
    double below = fabs((double)x - float_of(down << 16)), above = fabs((double)float_of(up << 16) - x);
    if (below != above) return below < above ? down : up;
    return down & 1 ? up : down;
}

/* Subnormal numbers are zeros of their sign. */
static float flushed(float x) {
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

/* sum + a * b to nearest even; 0 where that, rounded as if exponents had no end, is below the smallest normal number.
 */
static float model_multiply_add(float sum, float a, float b) {
    sum = flushed(sum), a = flushed(a), b = flushed(b);
    float result = fmaf(a, b, sum);
    if (fabsf(result) > 0x1p-125f) return result;
    float scaled = (float)(((double)a * b + sum) * 0x1p64);
    return fabsf(scaled) < 0x1p-62f ? copysignf(0, scaled) : result;
}

static float model_dot(float sum, uint32_t a, uint32_t b) {
    sum = model_multiply_add(sum, float_of(a & 0xffff0000u), float_of(b & 0xffff0000u));
    return model_multiply_add(sum, float_of(a << 16), float_of(b << 16));
}

/* ---- the product of pairs ---- */

static void compare_dots(const float *sum, const uint32_t *a, const uint32_t *b) {
    for (size_t s = 0; s < N_SETS; s++) {
        const struct sm_bf16_kernels *kernels = sm_bf16_kernels_find(sets[s]);
        if (!kernels) continue;
        float got[SM_LANES];
        memcpy(got, sum, sizeof got);
        unsigned before = sm_flush_begin();
        kernels->dot(got, a, b);
        sm_flush_end(before);
        for (size_t j = 0; j < SM_LANES; j++) {
            uint32_t want = bits_of(model_dot(sum[j], a[j], b[j]));
            if (bits_of(got[j]) == want) continue;
            fail_msg("%s: %08x + %08x * %08x is %08x, expected %08x", sets[s], bits_of(sum[j]), a[j], b[j],
                     bits_of(got[j]), want);
        }
    }
}

/* bfloat16 with exponents of 2 in [low, high]. */
static uint32_t random_half(struct sm_draws *draws, int low, int high) {
    uint32_t exponent = (uint32_t)(127 + low) + sm_draws_below(draws, (uint32_t)(high - low + 1));
    return sm_draws_below(draws, 2) << 15 | exponent << 7 | sm_draws_below(draws, 128);
}

static uint32_t random_pair(struct sm_draws *draws, int low, int high) {
    uint32_t upper = random_half(draws, low, high);
    return upper << 16 | random_half(draws, low, high);
}

/* Sums near the products, so that every bit counts; then products near and below the smallest normal number. */
static void products_of_pairs_are_the_instruction_s(void **state) {
    (void)state;
    static const struct {
        int low, high, sum_low, sum_high;
    } ranges[] = {{-2, 2, -6, 6}, {0, 0, 0, 1}, {-12, 12, -24, 24}, {-66, -60, -126, -118}, {-127, -1, -127, -100}};
    struct sm_draws draws = sm_draws_make(sm_rng_make(5, SM_RNG_TEST, 0));
    for (size_t k = 0; k < 5 * 2000; k++) {
        float sum[SM_LANES];
        uint32_t a[SM_LANES], b[SM_LANES];
        for (size_t j = 0; j < SM_LANES; j++) {
            size_t r = k % 5;
            a[j] = random_pair(&draws, ranges[r].low, ranges[r].high);
            b[j] = random_pair(&draws, ranges[r].low, r == 4 ? 0 : ranges[r].high);
            uint32_t low_bits = sm_draws_below(&draws, 1 << 16);
            sum[j] = float_of(random_half(&draws, ranges[r].sum_low, ranges[r].sum_high) << 16 | low_bits);
        }
        compare_dots(sum, a, b);
    }
}

static void three_products_by_hand(void **state) {
    (void)state;
    const float sum[SM_LANES] = {0x1p24f, 0x1p24f, 0};
    const uint32_t a[SM_LANES] = {0x3f803f80, 0x3f803f80, 0x007f3f80};
    const uint32_t b[SM_LANES] = {0xcb803f80, 0x3f80cb80, 0x7f003f80};
    /* (2^24 - 2^24) + 1; (2^24 + 1) - 2^24, where the 1 is lost; a subnormal operand is 0, whatever the other. */
    const float want[SM_LANES] = {1, 0, 1};
    compare_dots(sum, a, b);
    for (size_t j = 0; j < 3; j++) assert_true(model_dot(sum[j], a[j], b[j]) == want[j]);
}

static void rounding_is_to_the_nearest_even(void **state) {
    (void)state;
    float low[SM_LANES] = {1, 0x1.01p0f, 0x1.03p0f,      0x1.010002p0f, -0x1.01p0f, 0x1.fffffep0f,
                           0, -0.0f,     0x1.fffffep127f};
    float high[SM_LANES] = {[0] = INFINITY, [1] = -INFINITY, [2] = NAN};
    check_fill(low + 9, 7, -1, 1, 1);
    check_fill(high + 3, 13, -1e-3, 1e-3, 2);
    high[15] = float_of(0x7fffffff); /* a NaN that rounding must not carry over into the sign */
    for (size_t s = 0; s < N_SETS; s++) {
        const struct sm_bf16_kernels *kernels = sm_bf16_kernels_find(sets[s]);
        if (!kernels) continue;
        uint32_t words[SM_LANES], alone[SM_LANES];
        kernels->pack(words, low, high, SM_LANES);
        kernels->pack(alone, low, NULL, SM_LANES);
        for (size_t j = 0; j < SM_LANES; j++) {
            uint32_t want = j == 8 ? 0x7f80 : nearest_bf16(low[j]);
            assert_int_equal(words[j] & 0xffff, want);
            assert_int_equal(alone[j], want);
            if (j >= 3 && j < 15) assert_int_equal(words[j] >> 16, nearest_bf16(high[j]));
        }
        assert_int_equal(words[0] >> 16, 0x7f80);
        assert_int_equal(words[1] >> 16, 0xff80);
        assert_true(isnan(float_of(words[2] & 0xffff0000u)));
        assert_true(isnan(float_of(words[15] & 0xffff0000u)));
    }
}

/* ---- gradients ---- */

struct shape {
    size_t n_in, n_out, height, width, kernel_height, kernel_width, stride, pad, n_images;
};

static const struct shape shapes[] = {
    {3, 8, 6, 32, 3, 3, 1, 1, 32},  {33, 9, 4, 4, 3, 3, 1, 1, 40}, {5, 3, 9, 7, 3, 3, 1, 0, 16},
    {40, 4, 5, 8, 1, 1, 1, 0, 32},  {6, 10, 9, 8, 1, 1, 2, 0, 32}, {4, 9, 8, 9, 3, 3, 2, 1, 33},
    {2, 2, 12, 40, 5, 2, 1, 2, 17}, {1, 1, 3, 3, 3, 3, 1, 1, 1},
};

struct problem {
    struct shape shape;
    struct sm_conv conv;
    size_t weight_stride;
    struct sm_map in, delta;
};

static void fill_map(struct sm_map *map, size_t n_images, uint32_t seed) {
    const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 0);
    uint64_t k = 0;
    for (size_t n = 0; n < n_images; n++)
        for (size_t c = 0; c < map->channels; c++)
            for (ptrdiff_t y = 0; y < (ptrdiff_t)map->height; y++)
                for (ptrdiff_t x = 0; x < (ptrdiff_t)map->width; x++)
                    sm_map_at(map, n / SM_LANES, c, y, x)[n % SM_LANES] = (float)(2 * sm_rng_uniform(&rng, k++) - 1);
}

static void problem_init(struct problem *p, struct shape s) {
    *p = (struct problem){.shape = s,
                          .conv = {.n_out = s.n_out,
                                   .n_in = s.n_in,
                                   .kernel_height = s.kernel_height,
                                   .kernel_width = s.kernel_width,
                                   .stride = s.stride,
                                   .pad_top = s.pad,
                                   .pad_left = s.pad,
                                   .in_height = s.height,
                                   .in_width = s.width,
                                   .out_height = (s.height + 2 * s.pad - s.kernel_height) / s.stride + 1,
                                   .out_width = (s.width + 2 * s.pad - s.kernel_width) / s.stride + 1}};
    p->weight_stride = sm_padded(sm_conv_fan_in(&p->conv));
    size_t n_blocks = sm_padded(s.n_images) / SM_LANES;
    assert_int_equal(sm_map_init(&p->in, s.n_in, s.height, s.width, s.pad, n_blocks), 0);
    assert_int_equal(sm_map_init(&p->delta, s.n_out, p->conv.out_height, p->conv.out_width, 1, n_blocks), 0);
    fill_map(&p->in, s.n_images, 1);
    fill_map(&p->delta, s.n_images, 2);
}

static void problem_destroy(struct problem *p) {
    sm_map_destroy(&p->in);
    sm_map_destroy(&p->delta);
}

static double rounded_at(const struct sm_map *map, size_t n, size_t c, ptrdiff_t y, ptrdiff_t x) {
    if (y < 0 || x < 0 || y >= (ptrdiff_t)map->height || x >= (ptrdiff_t)map->width) return 0;
    return float_of(nearest_bf16(sm_map_at(map, n / SM_LANES, c, y, x)[n % SM_LANES]) << 16);
}

/* Gradient of weight (o, i, r, s) and the sum of its terms' magnitudes. */
static double exact(const struct problem *p, size_t o, size_t i, size_t r, size_t s, double *size) {
    double sum = *size = 0;
    for (size_t n = 0; n < p->shape.n_images; n++)
        for (size_t y = 0; y < p->conv.out_height; y++)
            for (size_t x = 0; x < p->conv.out_width; x++) {
                ptrdiff_t in_y = (ptrdiff_t)(y * p->shape.stride + r) - (ptrdiff_t)p->shape.pad;
                ptrdiff_t in_x = (ptrdiff_t)(x * p->shape.stride + s) - (ptrdiff_t)p->shape.pad;
                double term =
                    rounded_at(&p->in, n, i, in_y, in_x) * rounded_at(&p->delta, n, o, (ptrdiff_t)y, (ptrdiff_t)x);
                sum += term;
                *size += fabs(term);
            }
    return sum;
}

static float *computed(const struct problem *p, const struct sm_bf16_kernels *kernels, bool backwards) {
    struct sm_bf16_map in, delta;
    assert_int_equal(sm_bf16_map_init(&in, &p->in), 0);
    assert_int_equal(sm_bf16_map_init(&delta, &p->delta), 0);
    for (size_t k = 0; k < in.n_pairs; k++) sm_bf16_map_round(&in, &p->in, k, kernels);
    for (size_t k = 0; k < in.n_pairs; k++) sm_bf16_map_round(&delta, &p->delta, k, kernels);
    size_t n = p->shape.n_out * p->weight_stride, n_units = sm_conv_bf16_units(&p->conv);
    float *gradient = check_alloc(n, sizeof *gradient);
    float *scratch = check_alloc(sm_conv_bf16_scratch(&p->conv), sizeof *scratch);
    for (size_t k = 0; k < n; k++) gradient[k] = UNTOUCHED;
    for (size_t u = 0; u < n_units; u++)
        sm_conv_bf16_gradient(kernels, &p->conv, backwards ? n_units - 1 - u : u, &in, &delta, gradient,
                              p->weight_stride, scratch);
    free(scratch);
    sm_bf16_map_destroy(&in);
    sm_bf16_map_destroy(&delta);
    return gradient;
}

static void compare_row(const struct problem *p, const float *row, size_t o) {
    size_t n_taps = sm_conv_taps(&p->conv), fan_in = sm_conv_fan_in(&p->conv);
    size_t n_terms = p->shape.n_images * p->conv.out_height * p->conv.out_width;
    for (size_t k = 0; k < fan_in; k++) {
        size_t r = k % n_taps / p->shape.kernel_width, s = k % p->shape.kernel_width;
        double size, want = exact(p, o, k / n_taps, r, s, &size);
        assert_within(row[k], want, (double)(n_terms + 5) * UNIT * size);
    }
    for (size_t k = fan_in; k < p->weight_stride; k++) assert_true(row[k] == UNTOUCHED);
}

static void gradients_against_the_definition(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p;
        problem_init(&p, shapes[k]);
        float *gradient = computed(&p, sm_bf16_kernels_get(), false);
        for (size_t o = 0; o < p.shape.n_out; o++) compare_row(&p, gradient + o * p.weight_stride, o);
        free(gradient);
        problem_destroy(&p);
    }
}

static void all_instruction_sets_and_orders_give_the_same_bytes(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct problem p;
        problem_init(&p, shapes[k]);
        float *want = computed(&p, sm_bf16_kernels_find("baseline"), false);
        for (size_t s = 0; s < N_SETS; s++) {
            const struct sm_bf16_kernels *kernels = sm_bf16_kernels_find(sets[s]);
            if (!kernels) continue;
            float *got = computed(&p, kernels, true);
            assert_memory_equal(got, want, p.shape.n_out * p.weight_stride * sizeof *got);
            free(got);
        }
        free(want);
        problem_destroy(&p);
    }
}

static void the_choice_follows_that_of_the_other_kernels(void **state) {
    (void)state;
    for (size_t s = 1; s < N_SETS; s++) {
        if (!sm_kernels_find(sets[s])) continue;
        setenv("SUPERMASK_KERNELS", sets[s], 1);
        const char *name = sm_bf16_kernels_name(sm_bf16_kernels_get());
        if (s == 1 && sm_bf16_kernels_find("avx512bf16"))
            assert_string_equal(name, "avx512bf16");
        else
            assert_string_equal(name, sets[s]);
    }
    unsetenv("SUPERMASK_KERNELS");
    assert_null(sm_bf16_kernels_find("abacus"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_pairs_are_the_instruction_s),
        cmocka_unit_test(three_products_by_hand),
        cmocka_unit_test(rounding_is_to_the_nearest_even),
        cmocka_unit_test(gradients_against_the_definition),
        cmocka_unit_test(all_instruction_sets_and_orders_give_the_same_bytes),
        cmocka_unit_test(the_choice_follows_that_of_the_other_kernels),
    };
    return cmocka_run_group_tests_name("conv_bf16", tests, say_what_is_not_tested, NULL);
}
