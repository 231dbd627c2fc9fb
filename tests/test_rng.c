/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers: Random123's published answers, a second Philox written from the paper, distributions. */
#include "tests/check.h"

/* ---- Philox4x32-10, from Salmon et al. 2011, section 4.2 ---- */

struct block {
    uint32_t v[4];
};

static struct block philox(struct block c, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++) {
        uint64_t a = UINT64_C(0xD2511F53) * c.v[0], b = UINT64_C(0xCD9E8D57) * c.v[2];
        c = (struct block){
            {(uint32_t)(b >> 32) ^ c.v[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c.v[3] ^ k1, (uint32_t)a}};
        k0 += 0x9E3779B9; /* golden ratio */
        k1 += 0xBB67AE85; /* sqrt(3) - 1 */
    }
    return c;
}

/* Random123's kat_vectors, philox4x32 10. Each is the block of one (seed, stream, index / 4). */
static void published_answers(void **state) {
    (void)state;
    static const struct {
        struct sm_rng rng;
        uint64_t block;
        uint32_t want[4];
    } answers[] = {
        {{0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{UINT64_C(0x299f31d0a4093822), UINT64_C(0x0370734413198a2e)},
         UINT64_C(0x85a308d3243f6a88),
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    const struct block ones = philox((struct block){{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u);
    const uint32_t want_ones[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    assert_memory_equal(ones.v, want_ones, sizeof want_ones); /* its counter is beyond any index: the reference alone */
    for (size_t k = 0; k < 2; k++) {
        const struct sm_rng *rng = &answers[k].rng;
        struct block c = {{(uint32_t)answers[k].block, (uint32_t)(answers[k].block >> 32), (uint32_t)rng->stream,
                           (uint32_t)(rng->stream >> 32)}};
        c = philox(c, (uint32_t)rng->seed, (uint32_t)(rng->seed >> 32));
        assert_memory_equal(c.v, answers[k].want, sizeof c.v);
        for (uint64_t i = 0; i < 4 && k == 0; i++) assert_int_equal(sm_rng_u32(rng, i), answers[k].want[i]);
    }
}

static struct block reference_block(const struct sm_rng *rng, uint64_t block) {
    struct block c = {{(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)}};
    return philox(c, (uint32_t)rng->seed, (uint32_t)(rng->seed >> 32));
}

/* key = seed, counter = (index / 4, stream), stream = purpose << 32 | count. */
static void values_are_philox_of_seed_stream_index(void **state) {
    (void)state;
    static const uint64_t seeds[] = {0, 1, UINT64_C(0x123456789abcdef0), UINT64_MAX};
    static const uint64_t indices[] = {0, 1, 2, 3, 4, 7, 1000003, UINT64_C(1) << 34, UINT64_MAX};
    for (size_t s = 0; s < 4; s++)
        for (uint32_t count = 0; count < 3; count++) {
            const struct sm_rng rng = sm_rng_make(seeds[s], SM_RNG_SCORES, count);
            assert_true(rng.stream == ((uint64_t)SM_RNG_SCORES << 32 | count));
            for (size_t i = 0; i < 9; i++) {
                struct block want = reference_block(&rng, indices[i] / 4);
                assert_int_equal(sm_rng_u32(&rng, indices[i]), want.v[indices[i] % 4]);
                assert_true(sm_rng_uniform(&rng, indices[i]) == (want.v[indices[i] % 4] + 0.5) / 4294967296.0);
            }
        }
}

/* Box-Muller on the two words of a pair; an integer below a bound from the same pair, first word high. */
static void normal_and_below_are_made_of_pairs(void **state) {
    (void)state;
    const struct sm_rng rng = sm_rng_make(42, SM_RNG_TEST, 3);
    for (uint64_t i = 0; i < 1000; i++) {
        struct block block = reference_block(&rng, i / 2);
        uint32_t high = block.v[i % 2 * 2], low = block.v[i % 2 * 2 + 1];
        double u = (high + 0.5) / 4294967296.0, v = (low + 0.5) / 4294967296.0;
        assert_within(sm_rng_normal(&rng, i), sqrt(-2 * log(u)) * cos(2 * M_PI * v), 1e-14);
        /* bound 2^k: the k highest bits */
        assert_int_equal(sm_rng_below(&rng, i, 1), 0);
        assert_int_equal(sm_rng_below(&rng, i, 256), high >> 24);
        assert_true(sm_rng_below(&rng, i, UINT64_C(1) << 40) == ((uint64_t)high << 8 | low >> 24));
    }
}

/* ---- distributions ---- */

enum { N = 1 << 20 };

/* Chi-squared of `n_cells` equal cells; 5 sigma of its n_cells - 1 degrees of freedom. */
static void assert_uniform(const size_t *counts, size_t n_cells, double n) {
    double chi = 0, expected = n / (double)n_cells, freedom = (double)n_cells - 1;
    for (size_t c = 0; c < n_cells; c++) chi += (counts[c] - expected) * (counts[c] - expected) / expected;
    assert_within(chi, freedom, 5 * sqrt(2 * freedom));
}

static void uniform_numbers_are_uniform(void **state) {
    (void)state;
    enum { CELLS = 1024 };
    for (uint64_t seed = 0; seed < 3; seed++) {
        const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 0);
        size_t counts[CELLS] = {0}, pairs[CELLS] = {0};
        double previous = 0.5;
        for (uint64_t i = 0; i < N; i++) {
            double u = sm_rng_uniform(&rng, i);
            assert_true(u > 0 && u < 1);
            counts[(size_t)(u * CELLS)]++;
            if (i % 2) pairs[(size_t)(u * 32) * 32 + (size_t)(previous * 32)]++; /* neighbours */
            previous = u;
        }
        assert_uniform(counts, CELLS, N);
        assert_uniform(pairs, CELLS, N / 2);
    }
}

static void below_is_uniform(void **state) {
    (void)state;
    static const uint64_t bounds[] = {2, 3, 7, 10, 1000};
    const struct sm_rng rng = sm_rng_make(9, SM_RNG_TEST, 1);
    for (size_t b = 0; b < 5; b++) {
        size_t counts[1000] = {0};
        for (uint64_t i = 0; i < N; i++) {
            uint64_t value = sm_rng_below(&rng, i, bounds[b]);
            assert_true(value < bounds[b]);
            counts[value]++;
        }
        assert_uniform(counts, bounds[b], N);
    }
    for (uint64_t i = 0; i < 1000; i++) assert_true(sm_rng_below(&rng, i, UINT64_MAX) < UINT64_MAX);
}

/* Streams of one seed, and seeds of one stream, that are neighbours: different, and without correlation. */
static void streams_are_independent(void **state) {
    (void)state;
    const struct sm_rng rngs[] = {sm_rng_make(1, SM_RNG_WEIGHTS, 0), sm_rng_make(1, SM_RNG_WEIGHTS, 1),
                                  sm_rng_make(1, SM_RNG_SCORES, 0), sm_rng_make(2, SM_RNG_WEIGHTS, 0)};
    for (size_t a = 0; a < 4; a++)
        for (size_t b = 0; b < a; b++) {
            double sum = 0;
            size_t equal = 0;
            for (uint64_t i = 0; i < 100000; i++) {
                sum += (sm_rng_uniform(&rngs[a], i) - 0.5) * (sm_rng_uniform(&rngs[b], i) - 0.5) * 12;
                equal += sm_rng_u32(&rngs[a], i) == sm_rng_u32(&rngs[b], i);
            }
            assert_true(fabs(sum) < 5 * sqrt(100000));
            assert_true(equal <= 2); /* 100,000 / 2^32 are expected */
        }
}

/* ---- permutations ---- */

static void permutations_hold_everything_once(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 100, 60000};
    for (size_t s = 0; s < 6; s++) {
        size_t n = sizes[s];
        uint32_t *order = check_alloc(n + 1, sizeof *order);
        bool *seen = check_alloc(n + 1, sizeof *seen);
        const struct sm_rng rng = sm_rng_make(s, SM_RNG_TEST, 2);
        order[n] = 4711;
        sm_rng_permutation(&rng, order, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(order[i] < n && !seen[order[i]]);
            seen[order[i]] = true;
        }
        assert_int_equal(order[n], 4711);
        free(order);
        free(seen);
    }
}

/* All 24 permutations of 4 come out equally often. */
static void permutations_are_uniform(void **state) {
    (void)state;
    size_t counts[256] = {0}, used[24], n_used = 0;
    for (uint32_t k = 0; k < 48000; k++) {
        uint32_t o[4];
        const struct sm_rng rng = sm_rng_make(5, SM_RNG_TEST, k);
        sm_rng_permutation(&rng, o, 4);
        counts[o[0] * 64 + o[1] * 16 + o[2] * 4 + o[3]]++;
    }
    for (size_t c = 0; c < 256; c++)
        if (counts[c]) {
            assert_true(n_used < 24);
            used[n_used++] = counts[c];
        }
    assert_int_equal(n_used, 24);
    assert_uniform(used, 24, 48000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_answers),
        cmocka_unit_test(values_are_philox_of_seed_stream_index),
        cmocka_unit_test(normal_and_below_are_made_of_pairs),
        cmocka_unit_test(uniform_numbers_are_uniform),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(streams_are_independent),
        cmocka_unit_test(permutations_hold_everything_once),
        cmocka_unit_test(permutations_are_uniform),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
