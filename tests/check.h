/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - what the tests share: comparison of doubles (cmocka 1.1.5 casts its operands to float), random input. */
#ifndef SUPERMASK_TESTS_CHECK_H
#define SUPERMASK_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <supermask/rng.h>

/* Is `got` within `bound` of `want`? NaN equals NaN alone, an infinity itself alone. */
static inline bool check_within(double got, double want, double bound) {
    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
    return got == want || fabs(got - want) <= bound;
}

static inline void check_close(double got, double want, double bound, const char *what, const char *file, int line) {
    if (check_within(got, want, bound)) return;
    print_error("%s is %.17g, expected %.17g (+-%.3g)\n", what, got, want, bound);
    _fail(file, line);
}

/* |got - want| <= relative * |want|; `assert_within` takes an absolute bound. */
#define assert_close(got, want, relative)                                                                              \
    check_close((got), (want), (relative)*fabs((double)(want)), #got, __FILE__, __LINE__)
#define assert_within(got, want, bound) check_close((got), (want), (bound), #got, __FILE__, __LINE__)

/* calloc that does not come back empty. Aligned for the kernels; free() it. */
static inline void *check_alloc(size_t n, size_t size) {
    size_t bytes = (n * size + 64) / 64 * 64;
    void *p = aligned_alloc(64, bytes);
    assert_non_null(p);
    return memset(p, 0, bytes);
}

/* n floats uniform in (low, high), the same for the same seed. */
static inline void check_fill(float *values, size_t n, double low, double high, uint32_t seed) {
    const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 0);
    for (size_t k = 0; k < n; k++) values[k] = (float)(low + (high - low) * sm_rng_uniform(&rng, k));
}

#endif
