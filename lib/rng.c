/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/rng.h>

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

struct sm_rng sm_rng_make(uint64_t seed, enum sm_rng_purpose purpose, uint32_t count) {
    return (struct sm_rng){.seed = seed, .stream = (uint64_t)purpose << 32 | count};
}

static philox4x32_ctr_t block_at(const struct sm_rng *rng, uint64_t block) {
    philox4x32_ctr_t counter = {
        {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)}};
    philox4x32_key_t key = {{(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}};
    return philox4x32(counter, key);
}

uint32_t sm_rng_u32(const struct sm_rng *rng, uint64_t index) {
    return block_at(rng, index / 4).v[index % 4];
}

/* The middle of one of 2^32 equal cells: neither 0 nor 1 can come out, and the mean is exactly 1/2. */
static double unit_interval(uint32_t bits) {
    return ((double)bits + 0.5) * 0x1p-32;
}

double sm_rng_uniform(const struct sm_rng *rng, uint64_t index) {
    return unit_interval(sm_rng_u32(rng, index));
}

double sm_rng_normal(const struct sm_rng *rng, uint64_t index) {
    philox4x32_ctr_t block = block_at(rng, index / 2);
    const uint32_t *pair = &block.v[2 * (index % 2)];
    return sqrt(-2.0 * log(unit_interval(pair[0]))) * cos(2.0 * 3.14159265358979323846 * unit_interval(pair[1]));
}

__extension__ typedef unsigned __int128 wide;

uint64_t sm_rng_below(const struct sm_rng *rng, uint64_t index, uint64_t bound) {
    philox4x32_ctr_t block = block_at(rng, index / 2);
    const uint32_t *pair = &block.v[2 * (index % 2)];
    wide product = (wide)((uint64_t)pair[0] << 32 | pair[1]) * bound;
    return (uint64_t)(product >> 64);
}

void sm_rng_permutation(const struct sm_rng *rng, uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)sm_rng_below(rng, i, i);
        uint32_t held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
}

struct sm_draws sm_draws_make(struct sm_rng rng) {
    return (struct sm_draws){.rng = rng};
}

void sm_draws_refill(struct sm_draws *draws) {
    philox4x32_ctr_t block = block_at(&draws->rng, draws->next / 4);
    memcpy(draws->block, block.v, sizeof draws->block);
}
