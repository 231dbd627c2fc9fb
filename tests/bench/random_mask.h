/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random_mask.h - a random mask of a layer that is like a real one where speed is concerned: as many kept and inverted
 * weights, as many units without any weight, as many input channels that no weight reads. */
#ifndef SUPERMASK_BENCH_RANDOM_MASK_H
#define SUPERMASK_BENCH_RANDOM_MASK_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <supermask/network.h>
#include <supermask/rng.h>

/* Shares: of the weights; of the units, and of the channels that the layer reads, those with a weight that is not
 * hidden. */
struct mask_shares {
    double keep, invert, units, channels;
};

/* Marks a share of n channels as alive. Which ones depends on n alone, a larger share has those of a smaller one: what
 * a layer gives and what the next one reads are mostly the same channels, as in real masks, also behind sums. */
static inline void mark_alive(bool *alive, uint32_t *order, size_t n, double share) {
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, (uint32_t)n);
    sm_rng_permutation(&rng, order, n);
    for (size_t k = 0; k < n; k++) alive[order[k]] = (double)k < share * (double)n - 1e-3;
}

static inline size_t count_alive(const bool *alive, size_t n) {
    size_t count = 0;
    for (size_t k = 0; k < n; k++) count += alive[k];
    return count;
}

/* Weights of one unit that read one channel: taps of a convolution, positions where a dense layer flattens. */
static inline size_t weights_of_channel(const struct sm_network *net, const struct sm_layer *layer) {
    size_t fan_in = sm_layer_fan_in(layer), channels = layer->n_in;
    if (layer->kind == SM_DENSE && layer->inputs[0] != SM_NETWORK_INPUT) channels = net->layers[layer->inputs[0]].n_out;
    return fan_in / channels;
}

/* Exactly so many of the places between what is alive, each choice equally likely (selection sampling: Knuth, The Art
 * of Computer Programming 2, 3.4.2, algorithm S, with three outcomes). Fails where there are fewer places. */
static inline int choose_places(int8_t *mask, size_t n_units, const bool *unit, size_t n_channels, const bool *channel,
                                size_t n_each, size_t n_keep, size_t n_invert) {
    size_t n_left = count_alive(unit, n_units) * count_alive(channel, n_channels) * n_each;
    struct sm_draws draws = sm_draws_make(sm_rng_make(2, SM_RNG_TEST, (uint32_t)n_left));
    if (n_keep + n_invert > n_left) return -1;
    for (size_t k = 0; k < n_units * n_channels * n_each; k++) {
        mask[k] = 0;
        if (!unit[k / (n_channels * n_each)] || !channel[k / n_each % n_channels]) continue;
        size_t drawn = sm_draws_below(&draws, (uint32_t)n_left--);
        mask[k] = (int8_t)(drawn < n_keep ? 1 : drawn < n_keep + n_invert ? -1 : 0);
        n_keep -= mask[k] == 1;
        n_invert -= mask[k] == -1;
    }
    return 0;
}

/* mask [n_out][fan_in]. -1 where so many weights do not fit between so few units and channels, or without memory. */
static inline int random_mask(int8_t *mask, const struct sm_network *net, const struct sm_layer *layer,
                              const struct mask_shares *shares) {
    size_t n_each = weights_of_channel(net, layer), n_channels = sm_layer_fan_in(layer) / n_each;
    size_t most = layer->n_out > n_channels ? layer->n_out : n_channels;
    double n = (double)sm_layer_weights(layer);
    bool *unit = malloc(most), *channel = malloc(most);
    uint32_t *order = malloc(most * sizeof *order);
    int rc = unit && channel && order ? 0 : -1;
    if (!rc) {
        mark_alive(unit, order, layer->n_out, shares->units);
        mark_alive(channel, order, n_channels, shares->channels);
        rc = choose_places(mask, layer->n_out, unit, n_channels, channel, n_each, (size_t)lround(shares->keep * n),
                           (size_t)lround(shares->invert * n));
    }
    free(unit);
    free(channel);
    free(order);
    return rc;
}

#endif
