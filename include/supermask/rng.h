/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rng.h - counter-based random numbers: a value depends only on (seed, stream, index), never on the order in which
 * values are asked for or on the number of threads.
 *
 * Generator: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") from
 * Random123; key = seed, counter = (index / 4, stream). */
#ifndef SUPERMASK_RNG_H
#define SUPERMASK_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a number is for. The upper half of a stream says the purpose, the lower half counts (layers, epochs). */
enum sm_rng_purpose {
    SM_RNG_WEIGHTS = 1,    /* initial weights; count = layer index */
    SM_RNG_SCORES = 2,     /* initial scores; count = layer index */
    SM_RNG_ORDER = 3,      /* order of the training samples; count = pass */
    SM_RNG_DIGITS = 4,     /* strokes of the built-in digits; count = sample */
    SM_RNG_NULL = 5,       /* null models of the analyzer; count = replicate */
    SM_RNG_TEST = 6,       /* the tests' own input */
    SM_RNG_ALIGN = 7,      /* starts of an alignment; count = start */
    SM_RNG_CONTROL = 8,    /* sanity controls; count = replicate * layers + layer */
    SM_RNG_REMOVAL = 9,    /* random orders in which units are removed; count = order */
    SM_RNG_AUGMENT = 10,   /* random changes of the training images; count = pass, index = sample */
    SM_RNG_MASK = 11,      /* sampled masks of training; count = layer, index = step * weights (padded) + weight */
    SM_RNG_MASK_TEST = 12, /* of evaluation; likewise, with the number of the mask for the step */
    SM_RNG_ROUNDS = 13,    /* weights that a round begins with; count = round * layers + layer */
    SM_RNG_TIES = 14,      /* which of two equally good weights a round hides; likewise */
    SM_RNG_SAMPLE = 15     /* which weights a figure shows; count = layer */
};

struct sm_rng {
    uint64_t seed;
    uint64_t stream;
};

struct sm_rng sm_rng_make(uint64_t seed, enum sm_rng_purpose purpose, uint32_t count);

uint32_t sm_rng_u32(const struct sm_rng *rng, uint64_t index);   /* uniform over all 2^32 values */
double sm_rng_uniform(const struct sm_rng *rng, uint64_t index); /* in (0, 1), 32 bits, never 0 or 1 */
double sm_rng_normal(const struct sm_rng *rng, uint64_t index);  /* mean 0, sd 1 (Box-Muller on two own values) */
uint64_t sm_rng_below(const struct sm_rng *rng, uint64_t index,
                      uint64_t bound); /* in [0, bound), from 64 own bits; bound >= 1 */

/* The numbers 0, 1, 2 ... of a stream one after the other, four from each evaluation of the generator: for loops that
 * ask for many. */
struct sm_draws {
    struct sm_rng rng;
    uint64_t next; /* index of the next number */
    uint32_t block[4];
};
struct sm_draws sm_draws_make(struct sm_rng rng);
void sm_draws_refill(struct sm_draws *draws); /* for sm_draws_u32 */
static inline uint32_t sm_draws_u32(struct sm_draws *draws) {
    if (draws->next % 4 == 0) sm_draws_refill(draws);
    return draws->block[draws->next++ % 4];
}
/* In [0, bound), bound >= 1, from one number: no value is more frequent than another by more than bound / 2^32. */
static inline uint32_t sm_draws_below(struct sm_draws *draws, uint32_t bound) {
    return (uint32_t)((uint64_t)sm_draws_u32(draws) * bound >> 32);
}

/* Fisher-Yates: order[0..n) becomes a uniform permutation of 0..n-1. n < 2^32. */
void sm_rng_permutation(const struct sm_rng *rng, uint32_t *order, size_t n);

#endif
