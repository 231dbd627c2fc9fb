/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks as bits: cases worked by hand, and random masks of every length around a word against plain loops. */
#include "tests/check.h"

#include "analyze/bits.h"

static void packed_by_hand(void **state) {
    (void)state;
    const int8_t mask[] = {1, 0, -1, -1, 0, 0, 0, 0, 0, 1};
    struct sm_bits bits;
    assert_int_equal(sm_bits_size(10), 1);
    sm_bits_pack(&bits, mask, 10);
    assert_int_equal(__builtin_popcountll(bits.remaining), 4);
    assert_int_equal(__builtin_popcountll(bits.inverted), 2);
    assert_int_equal(bits.inverted & ~bits.remaining, 0);
}

/* + 0 - - 0    0 0 - + +: two agree; - - are not hidden in both, + - - + + in one. */
static void compared_by_hand(void **state) {
    (void)state;
    const int8_t a[] = {1, 0, -1, -1, 0}, b[] = {0, 0, -1, 1, 1};
    const struct sm_likeness likeness = sm_masks_compare(a, b, 5);
    assert_int_equal(likeness.n, 5);
    assert_int_equal(likeness.both, 2);
    assert_int_equal(likeness.either, 4);
    assert_int_equal(likeness.differ, 3);
    assert_close(sm_likeness_jaccard(&likeness), 0.5, 0);
    assert_close(sm_likeness_hamming(&likeness), 0.6, 1e-15);
}

static void nothing_is_undefined(void **state) {
    (void)state;
    const int8_t hidden[3] = {0};
    const struct sm_likeness none = sm_masks_compare(hidden, hidden, 0), empty = sm_masks_compare(hidden, hidden, 3);
    assert_true(isnan(sm_likeness_jaccard(&none)) && isnan(sm_likeness_hamming(&none)));
    assert_true(isnan(sm_likeness_jaccard(&empty)));
    assert_close(sm_likeness_hamming(&empty), 0, 0);
    assert_int_equal(sm_bits_size(0), 0);
}

static void fill(int8_t *mask, size_t n, uint32_t index) {
    const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, index);
    for (size_t i = 0; i < n; i++) mask[i] = (int8_t)((int)sm_rng_below(&rng, i, 3) - 1);
}

static void transitions_of(size_t count[3][3], const int8_t *from, const int8_t *to, size_t n) {
    struct sm_bits a[200], b[200];
    assert_true(sm_bits_size(n) <= 200);
    sm_bits_pack(a, from, n);
    sm_bits_pack(b, to, n);
    sm_bits_transitions(count, a, b, n);
}

static void every_length(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097, 9000};
    int8_t a[9000], b[9000];
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        size_t n = lengths[k], want[3][3] = {{0}}, got[3][3] = {{0}};
        fill(a, n, (uint32_t)(2 * k));
        fill(b, n, (uint32_t)(2 * k + 1));
        for (size_t i = 0; i < n; i++) want[1 - a[i]][1 - b[i]]++;
        transitions_of(got, a, b, n);
        assert_memory_equal(got, want, sizeof want);
        const struct sm_likeness likeness = sm_masks_compare(a, b, n);
        assert_int_equal(likeness.n, n);
        assert_int_equal(likeness.both, want[0][0] + want[0][2] + want[2][0] + want[2][2]);
        assert_int_equal(likeness.either, n - want[1][1]);
        assert_int_equal(likeness.differ, n - want[0][0] - want[1][1] - want[2][2]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_by_hand),
        cmocka_unit_test(compared_by_hand),
        cmocka_unit_test(nothing_is_undefined),
        cmocka_unit_test(every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
